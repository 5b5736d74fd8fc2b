//! A server under load: started on a core of its own, filled, and asked by way of /proc what it has used.

use crate::Outcome;
use crate::work::{Content, Store, Transport};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// How long a server may take to start, and to answer when it is filled.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server.
pub struct Peer {
    child: Child,
    /// Its unix socket, or the file that names its port.
    place: PathBuf,
    /// Its port, if it has one.
    port: Option<u16>,
}

impl Peer {
    /// Starts `program` with one thread on this core, and so many MiB.
    pub fn start(program: &str, core: &str, over: Transport, memory: u64) -> Outcome<Peer> {
        let name = PathBuf::from(program).file_name().unwrap_or_default().to_os_string();
        let place =
            env::temp_dir().join(format!("loadgen-{}", std::process::id())).with_extension(name);
        let _ = fs::remove_file(&place);
        let mut command = Command::new("taskset");
        command.args(["-c", core, program, "-u", "root", "-t", "1"]);
        command.args(["-m", &memory.to_string()]);
        match over {
            Transport::Tcp => {
                command.args(["-l", "127.0.0.1", "-p", "-1"]).env("MEMCACHED_PORT_FILENAME", &place)
            }
            Transport::Unix => command.arg("-s").arg(&place),
        };
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut peer = Peer { child, place, port: None };
        let deadline = Instant::now() + PATIENCE;
        while !peer.is_up(over) {
            if let Some(status) = peer.child.try_wait()? {
                return Err(format!("{program} did not start: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(format!("{program} did not start in {PATIENCE:?}").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(peer)
    }

    fn is_up(&mut self, over: Transport) -> bool {
        if over == Transport::Tcp {
            let text = fs::read_to_string(&self.place).unwrap_or_default();
            let port = text.lines().find_map(|line| line.strip_prefix("TCP INET: "));
            self.port = port.and_then(|port| port.trim().parse().ok());
            return self.port.is_some();
        }
        UnixStream::connect(&self.place).is_ok()
    }

    /// A new connection.
    pub fn connect(&self) -> Outcome<OwnedFd> {
        let Some(port) = self.port else {
            return Ok(UnixStream::connect(&self.place)?.into());
        };
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(stream.into())
    }

    /// Stores every key.
    pub fn fill(&self, store: Store, content: &Content) -> Outcome<()> {
        let mut stream = fs::File::from(self.connect()?);
        let mut batch = Vec::new();
        for number in 0..store.keys {
            content.set(store, number, b" noreply", &mut batch);
            if batch.len() > 1 << 20 {
                stream.write_all(&batch)?;
                batch.clear();
            }
        }
        batch.extend(b"mn\r\n");
        stream.write_all(&batch)?;
        let mut reply = [0; 4];
        stream.read_exact(&mut reply)?;
        match &reply {
            b"MN\r\n" => Ok(()),
            other => Err(format!("filling: {}", other.escape_ascii()).into()),
        }
    }

    /// How many items it has, by its own account.
    pub fn items(&self) -> Outcome<u64> {
        let mut stream = fs::File::from(self.connect()?);
        stream.write_all(b"stats\r\n")?;
        let mut text = String::new();
        let mut piece = [0; 4096];
        while !text.ends_with("END\r\n") {
            let count = stream.read(&mut piece)?;
            if count == 0 {
                return Err("the statistics end too early".into());
            }
            text.push_str(std::str::from_utf8(&piece[..count])?);
        }
        let items = text.lines().find_map(|line| line.strip_prefix("STAT curr_items "));
        Ok(items.ok_or("there is no curr_items in the statistics")?.trim().parse()?)
    }

    /// Resident memory, in bytes.
    pub fn resident(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? * 1024.0)
    }

    /// Processor time used so far by all its threads, in seconds, by the clock that counts nanoseconds.
    pub fn processor(&self) -> Outcome<f64> {
        let mut nanos = 0u64;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or("0").parse::<u64>()?;
        }
        Ok(nanos as f64 / 1e9)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.place);
    }
}
