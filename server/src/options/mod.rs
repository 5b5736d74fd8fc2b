//! The command line: memcached's options by memcached's names. What makes no sense here is accepted, and said so
//! under `-v`; a wrong value, or an option that would promise a protection this server does not have, ends the
//! program with a sentence.

mod extended;
mod getopt;
mod knobs;
mod protocol;
mod roles;
mod table;
mod tls;
mod users;
mod value;

use getopt::Given;
use nearcache::Home;
use std::fmt;
use std::path::PathBuf;
use value::{bytes, number};

pub use getopt::Known;
pub use knobs::{Flash, Knobs};
pub use protocol::Protocol;
pub use roles::RoleOptions;
pub use table::{OPTIONS, help};
pub use tls::{KeyFormat, Security, TlsOptions, Verify};

/// memcached's version, for which this server stands in.
pub const MEMCACHED_VERSION: &str = "1.6.45";

/// The exit status of a wrong command line (`EX_USAGE`).
pub const EX_USAGE: i32 = 64;

/// How the server is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `-p`: the TCP port; 0 is off, -1 any free one.
    pub port: i32,
    /// `-U`: the UDP port; 0 is off, -1 any free one.
    pub udp_port: i32,
    /// `-s`: the unix socket; TCP is then off.
    pub unix_socket: Option<PathBuf>,
    /// `-a`: the socket's permissions.
    pub unix_mask: u32,
    /// `-l`: where to listen; empty is everywhere.
    pub listen: Vec<String>,
    /// `-m`: the memory limit in bytes; that of the region, once it is attached.
    pub memory: u64,
    /// `-M` turns it off: evict when memory is full.
    pub evict: bool,
    /// `-c`: the most connections.
    pub connections: usize,
    /// `-t`: worker threads.
    pub threads: usize,
    /// `-I`: the largest item in bytes.
    pub item_size_max: usize,
    /// `-v`: how much is said on standard error.
    pub verbosity: u8,
    /// `-d`.
    pub daemon: bool,
    /// `-P`.
    pub pid_file: Option<PathBuf>,
    /// `-u`.
    pub user: Option<String>,
    /// `-b`: the listen queue.
    pub backlog: i32,
    /// `-R`: requests a connection may have executed before others have their turn.
    pub requests_per_turn: u32,
    /// `-F` turns it off: obey `flush_all`.
    pub flush: bool,
    /// `-A`: obey `shutdown`.
    pub shutdown_command: bool,
    /// `-X` turns it off: show keys (`stats cachedump` and `detail`, `lru_crawler metadump` and `mgdump`, `--http`).
    pub dump: bool,
    /// `-W` turns it off: obey `watch`.
    pub watch: bool,
    /// `-B`: what is spoken where `-l` does not say it.
    pub protocol: Protocol,
    /// `-S`: SASL, on the binary protocol alone.
    pub sasl: bool,
    /// `-Y`: the file of users and passwords.
    pub auth_file: Option<PathBuf>,
    /// `-Z`: TLS.
    pub tls: bool,
    /// `-o ssl_*`.
    pub tls_options: TlsOptions,
    /// `-e`: the file that keeps the cache over a restart.
    pub memory_file: Option<PathBuf>,
    /// `-D`: what ends a key's prefix in `stats detail`.
    pub prefix_delimiter: u8,
    /// Are prefixes counted from the start (`-D` was given)?
    pub count_prefixes: bool,
    /// `--http`: where metrics and the live page are served.
    pub http: Option<String>,
    /// `-C` turns it off: uniques.
    pub cas: bool,
    /// `-k`: keep all memory resident.
    pub lock_memory: bool,
    /// `-r`: allow core files of any size.
    pub core_files: bool,
    /// `-o idle_timeout`: seconds after which a silent connection is closed; 0 is never.
    pub idle_timeout: u32,
    /// `-o read_buf_mem_limit`: the most bytes that connections may hold of what they sent; 0 is no limit.
    pub read_memory: u64,
    /// `-o resp_obj_mem_limit`: the most bytes of replies that wait for clients to read them; 0 is no limit.
    pub reply_memory: u64,
    /// `-o no_maxconns_fast` turns it off: refuse connections over the limit instead of letting them wait.
    pub refuse_over_limit: bool,
    /// `--region`: the shared cache to serve; a private one without it.
    pub region: Option<Home>,
    /// `--store` and what belongs to it.
    pub store: RoleOptions,
    /// `--queue` and what belongs to it.
    pub queue: RoleOptions,
    /// `--debug-clock`: a clock that `debugtime` moves.
    pub debug_clock: bool,
    /// memcached's knobs, most of which turn nothing here.
    pub knobs: Knobs,
    /// What was given and has no effect here, one sentence each.
    pub without_effect: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 11211,
            udp_port: 0,
            unix_socket: None,
            unix_mask: 0o700,
            listen: Vec::new(),
            memory: 64 << 20,
            evict: true,
            connections: 1024,
            threads: 4,
            item_size_max: 1 << 20,
            verbosity: 0,
            daemon: false,
            pid_file: None,
            user: None,
            backlog: 1024,
            requests_per_turn: 20,
            flush: true,
            shutdown_command: false,
            dump: true,
            watch: true,
            protocol: Protocol::Negotiated,
            sasl: false,
            auth_file: None,
            tls: false,
            tls_options: TlsOptions::default(),
            memory_file: None,
            prefix_delimiter: b':',
            count_prefixes: false,
            http: None,
            cas: true,
            lock_memory: false,
            core_files: false,
            idle_timeout: 0,
            read_memory: 0,
            reply_memory: 0,
            refuse_over_limit: true,
            region: None,
            store: RoleOptions::default(),
            queue: RoleOptions::default(),
            debug_clock: false,
            knobs: Knobs::default(),
            without_effect: Vec::new(),
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Serve.
    Serve(Box<Options>),
    /// `-h`.
    Help,
    /// `-V`.
    Version,
    /// `-i`.
    License,
}

/// A command line that cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Why, and what to do.
    pub sentence: String,
    /// The exit status.
    pub status: i32,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

fn wrong<T>(sentence: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { sentence: sentence.into(), status: EX_USAGE })
}

/// Reads the arguments (without the program's name).
pub fn parse(arguments: &[String]) -> Result<Asked, Wrong> {
    let mut options = Options::default();
    let (mut size_given, mut port_given) = (false, false);
    for Given { option, value } in getopt::read(table::OPTIONS, arguments)? {
        match option {
            'h' => return Ok(Asked::Help),
            'V' => return Ok(Asked::Version),
            'i' => return Ok(Asked::License),
            'I' => {
                size_given = true;
                options.item_size_max = item_size(&value)?;
            }
            'o' => extended::apply(&value, &mut options)?,
            _ => {
                port_given |= option == 'p';
                apply(option, value, &mut options)?;
            }
        }
    }
    // As memcached has it: -U alone names both.
    if options.udp_port != 0 && !port_given {
        options.port = options.udp_port;
    }
    if options.udp_port != 0 && options.unix_socket.is_some() {
        options
            .without_effect
            .push("-U has no effect: there is no UDP beside a unix socket".into());
    }
    if let Some(file) = &options.memory_file {
        if options.region.is_some() {
            return wrong("-e and --region: both name the cache; give one of them");
        }
        options.region = Some(Home::At(file.clone()));
    }
    tls::check(&mut options)?;
    users::check(&mut options)?;
    roles::check(&mut options)?;
    check(&options, size_given)?;
    Ok(Asked::Serve(Box::new(options)))
}

fn apply(option: char, value: String, options: &mut Options) -> Result<(), Wrong> {
    match option {
        'p' => {
            options.port = number(&value, -1, 65535, "-p", "a TCP port, 0 for none, -1 for any")?
        }
        's' => options.unix_socket = Some(PathBuf::from(value)),
        'a' => match u32::from_str_radix(&value, 8) {
            Ok(mask) if mask <= 0o777 => options.unix_mask = mask,
            _ => return wrong(format!("-a {value}: wants a mask of 0 to 777 in octal")),
        },
        'l' => options
            .listen
            .extend(value.split(',').filter(|part| !part.is_empty()).map(String::from)),
        'm' => {
            let megabytes: u64 = number(&value, 1, 1 << 40, "-m", "a limit in megabytes")?;
            options.memory = megabytes << 20;
        }
        'M' => options.evict = false,
        'c' => {
            let most = 1 << 24;
            options.connections = number(&value, 1, most, "-c", "a number of connections")?;
        }
        't' => options.threads = number(&value, 1, 1024, "-t", "a number of threads")?,
        'v' => options.verbosity = options.verbosity.saturating_add(1),
        'd' => options.daemon = true,
        'P' => options.pid_file = Some(PathBuf::from(value)),
        'u' => options.user = Some(value),
        'b' => options.backlog = number(&value, 1, 1 << 20, "-b", "a queue length")?,
        'R' => {
            let most = 1 << 30;
            options.requests_per_turn = number(&value, 1, most, "-R", "a number of requests")?;
        }
        'F' => options.flush = false,
        'A' => options.shutdown_command = true,
        'C' => options.cas = false,
        'k' => options.lock_memory = true,
        'r' => options.core_files = true,
        'B' => protocol(&value, options)?,
        'U' => {
            options.udp_port =
                number(&value, -1, 65535, "-U", "a UDP port, 0 for none, -1 for any")?
        }
        'S' => options.sasl = true,
        'Y' => options.auth_file = Some(PathBuf::from(value)),
        'Z' => options.tls = true,
        'e' => options.memory_file = Some(PathBuf::from(value)),
        'X' => options.dump = false,
        'W' => options.watch = false,
        'D' => match value.as_bytes() {
            [delimiter] => {
                options.prefix_delimiter = *delimiter;
                options.count_prefixes = true;
            }
            _ => return wrong(format!("-D {value}: wants one character")),
        },
        table::HTTP => {
            crate::http::check(&value).or_else(wrong)?;
            options.http = Some(value);
        }
        table::REGION => options.region = Some(region(&value)?),
        table::DEBUG_CLOCK => options.debug_clock = true,
        _ if roles::apply(option, &value, options)? => {}
        _ => other(option, &value, options)?,
    }
    Ok(())
}

/// A name, or a path if there is a '/' in it.
fn region(place: &str) -> Result<Home, Wrong> {
    Home::of(place).or_else(|error| wrong(format!("--region {place}: {error}")))
}

fn protocol(name: &str, options: &mut Options) -> Result<(), Wrong> {
    options.protocol = match name {
        "auto" => Protocol::Negotiated,
        "ascii" => Protocol::Ascii,
        "binary" => Protocol::Binary,
        _ => return wrong(format!("-B {name}: wants auto, ascii or binary")),
    };
    Ok(())
}

/// Options without effect.
fn other(option: char, value: &str, options: &mut Options) -> Result<(), Wrong> {
    let why = match option {
        'f' => {
            match value.parse::<f64>() {
                Ok(factor) if factor > 1.0 => options.knobs.classes.factor = factor,
                _ => return wrong(format!("-f {value}: wants a factor greater than 1")),
            }
            "there are no slab classes to grow (but statistics by class follow it)"
        }
        'n' => {
            options.knobs.classes.least = number(value, 1, 1 << 30, "-n", "a number of bytes")?;
            "there are no slab classes (but statistics by class follow it)"
        }
        'N' => {
            let most = i64::from(i32::MAX);
            options.knobs.napi_ids = number(value, 0, most, "-N", "a number of NAPI ids")?;
            "connections are dealt out in turn"
        }
        'L' => "memory is mapped by the cache core as it sees fit",
        _ => "it is not used",
    };
    options.without_effect.push(format!("-{option} has no effect: {why}"));
    Ok(())
}

fn item_size(value: &str) -> Result<usize, Wrong> {
    match bytes(value) {
        Some(bytes) if (1 << 10..=1 << 30).contains(&bytes) => Ok(bytes as usize),
        _ => wrong(format!("-I {value}: wants 1k to 1024m (a number of bytes, or with k or m)")),
    }
}

fn check(options: &Options, size_given: bool) -> Result<(), Wrong> {
    options.knobs.check(options.item_size_max)?;
    let half = options.memory / 2;
    if options.item_size_max as u64 > half {
        return wrong(format!(
            "{} {}: an item may take half of the memory limit at most, {half} bytes; raise -m or lower -I",
            if size_given { "-I" } else { "-m makes the default item limit too large:" },
            options.item_size_max,
        ));
    }
    let inet = options.port != 0 || options.udp_port != 0;
    if options.unix_socket.is_none() && !inet && options.roles().next().is_none() {
        return wrong("-p 0: there is nothing to listen on; give a port, -U or -s");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, Wrong> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(&words)
    }

    fn served(line: &str) -> Options {
        match asked(line) {
            Ok(Asked::Serve(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn short_long_joined_and_apart() {
        let expected = served("-p 1234 -m 128 -t 2 -vv");
        for line in [
            "-p1234 -m128 -t2 -v -v",
            "--port=1234 --memory-limit 128 --threads=2 --verbose -v",
            "--por 1234 --memory-l=128 -vt2 -v",
        ] {
            assert_eq!(served(line), expected, "{line}");
        }
        assert_eq!(expected.verbosity, 2);
        assert_eq!(served("-l 127.0.0.1,::1 -l host:99").listen.len(), 3);
        assert_eq!(served("-I 512k").item_size_max, 512 << 10);
        assert_eq!(served("-o idle_timeout=5,no_maxconns_fast").idle_timeout, 5);
        assert_eq!(served("-o read_buf_mem_limit=2").read_memory, 2 << 20);
        assert_eq!((served("-U 7").port, served("-U 7 -p 0").port), (7, 0));
    }

    #[test]
    fn a_region_is_a_name_or_a_path() {
        let home = |line| served(line).region;
        assert_eq!(home("-v"), None);
        for line in ["--region app", "--reg=app", "-o region=app", "-o modern,region=app"] {
            assert_eq!(home(line), Some(Home::Named("app".into())), "{line}");
        }
        assert_eq!(home("--region ./app"), Some(Home::At("./app".into())));
    }

    #[test]
    fn what_has_no_effect_is_said() {
        let line = "-f 1.5 -n 64 -L -N 2 -o hashpower=20,modern,slab_reassign,track_sizes";
        assert_eq!(served(line).without_effect.len(), 7);
        for (line, part) in [
            ("-o ssl_key=k", "without -Z"),
            ("-Z -o ssl_chain_cert=c,ssl_min_version=0", "TLS 1.2 is the oldest"),
            ("-Z -o ssl_chain_cert=c,ssl_kernel_tls", "ssl_kernel_tls has no effect"),
        ] {
            assert!(served(line).without_effect[0].contains(part), "{line}");
        }
    }

    #[test]
    fn wrong_values_are_refused_with_a_sentence() {
        for (line, part) in [
            ("-p x", "-p x"),
            ("-p 65536", "-1 to 65535"),
            ("-c 0", "-c 0"),
            ("-t 0", "-t 0"),
            ("-m 0", "-m 0"),
            ("-m 1", "half of the memory limit"),
            ("-I 2g", "1k to 1024m"),
            ("-I 40m", "half of the memory limit"),
            ("-f 1", "greater than 1"),
            ("-U x", "-U x"),
            ("-U 7 -S", "ask for it"),
            ("-p 0 -U 0", "nothing to listen on"),
            ("-D ab", "one character"),
            ("-B x", "auto, ascii or binary"),
            ("-S", "MEMCACHED_SASL_PWDB"),
            ("-S -Y users -B ascii", "binary protocol only"),
            ("-a 999", "octal"),
            ("-o nonsense", "nonsense"),
            ("-o idle_timeout=x", "idle_timeout"),
            ("-o read_buf_mem_limit", "a number of megabytes"),
            ("-o resp_obj_mem_limit=x", "-o resp_obj_mem_limit=x"),
            ("-o region", "-o region"),
            ("--region=", "cannot name a cache"),
            ("--region .hidden", "--region .hidden"),
            ("-o region=a:b", "\"a:b\" cannot name a cache"),
            ("-y", "-y"),
            ("--nonsense", "--nonsense"),
            ("--memory", "--memory"),
            ("-p", "-p"),
            ("-p 0", "nothing to listen on"),
            ("-Z", "ssl_chain_cert"),
            ("-Z -o ssl_chain_cert=c,ssl_verify_mode=2", "ssl_ca_cert"),
            ("-o ssl_verify_mode=4", "0 to 3"),
            ("-o ssl_verify_mode", "wants a value"),
            ("-o ssl_min_version=x", "0 to 3"),
            ("-o ssl_keyformat=3", "PEM"),
            ("-o ssl_wbuf_size=0", "kilobytes"),
            ("-o ssl_kernel_tls=1", "takes no value"),
            ("-o ssl_nonsense", "ssl_nonsense"),
            ("-Y users -B binary", "-Y"),
            ("-Y users -U 1", "-Y"),
            ("--http host", "host:port"),
            ("--http ::1", "brackets"),
            ("-o worker_logbuf_size=x", "worker_logbuf_size"),
            ("word", "word"),
        ] {
            let wrong = asked(line).expect_err(line);
            assert!(wrong.sentence.contains(part), "{line}: {wrong}");
        }
    }
}
