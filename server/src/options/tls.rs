//! `-Z` and `-o ssl_*`: what memcached lets an operator say about TLS. What rustls cannot do is refused where doing
//! without would protect less, and else named as without effect.

use super::{Options, Wrong, number, wrong};
use std::path::{Path, PathBuf};

/// The TLS settings.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsOptions {
    /// `ssl_chain_cert`: the certificate and those above it, in PEM.
    pub chain: Option<PathBuf>,
    /// `ssl_key`: the private key; it may also stand in the chain's file.
    pub key: Option<PathBuf>,
    /// `ssl_keyformat`.
    pub key_format: KeyFormat,
    /// `ssl_verify_mode` as given, 0 to 3.
    pub verify_mode: u8,
    /// `ssl_ca_cert`: who may sign the certificates of clients, in PEM.
    pub ca: Option<PathBuf>,
    /// `ssl_ciphers`: OpenSSL's list of ciphers, for TLS 1.2.
    pub ciphers: Option<String>,
    /// `ssl_wbuf_size`, in bytes: how much that is encrypted may wait for a client to read it.
    pub buffer: usize,
    /// `ssl_session_cache`: may clients resume sessions?
    pub session_cache: bool,
    /// `ssl_kernel_tls`; without effect.
    pub kernel: bool,
    /// `ssl_min_version`: 0 to 3 for TLS 1.0 to 1.3.
    pub min_version: u8,
}

impl Default for TlsOptions {
    fn default() -> TlsOptions {
        TlsOptions {
            chain: None,
            key: None,
            key_format: KeyFormat::Pem,
            verify_mode: 0,
            ca: None,
            ciphers: None,
            buffer: 64 << 10,
            session_cache: false,
            kernel: false,
            min_version: 2,
        }
    }
}

/// How the private key is written, under OpenSSL's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// Base64 between lines.
    Pem = 1,
    /// The bare bytes.
    Der = 2,
}

/// What is asked of a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Nothing.
    No,
    /// If it shows one, it must be good.
    IfShown,
    /// It must show a good one.
    Demanded,
}

/// What protects the connections of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing: the bare socket.
    Plain,
    /// TLS.
    Tls(Verify),
}

impl TlsOptions {
    /// What is asked of clients where `-l` does not say it.
    pub fn verify(&self) -> Verify {
        match self.verify_mode {
            0 => Verify::No,
            1 => Verify::IfShown,
            // 3 differs from 2 in renegotiations, of which there are none.
            _ => Verify::Demanded,
        }
    }

    /// Every path that was given.
    pub fn paths(&mut self) -> [&mut Option<PathBuf>; 3] {
        [&mut self.chain, &mut self.key, &mut self.ca]
    }

    /// The file that the key is in.
    pub fn key_path(&self) -> Option<&Path> {
        self.key.as_deref().or(self.chain.as_deref())
    }
}

/// Applies one of `-o`'s parts whose name begins with `ssl_`.
pub(super) fn apply(name: &str, value: Option<&str>, options: &mut Options) -> Result<(), Wrong> {
    let tls = &mut options.tls_options;
    let given = format!("-o {name}");
    match (name, value) {
        ("ssl_session_cache", None) => tls.session_cache = true,
        ("ssl_kernel_tls", None) => tls.kernel = true,
        ("ssl_session_cache" | "ssl_kernel_tls", Some(_)) => {
            return wrong(format!("{given}: takes no value"));
        }
        ("ssl_chain_cert", Some(path)) => tls.chain = Some(path.into()),
        ("ssl_key", Some(path)) => tls.key = Some(path.into()),
        ("ssl_ca_cert", Some(path)) => tls.ca = Some(path.into()),
        ("ssl_ciphers", Some(list)) => tls.ciphers = Some(list.into()),
        ("ssl_verify_mode", Some(value)) => {
            tls.verify_mode = number(value, 0, 3, &given, "none, request, require or once")?;
        }
        ("ssl_min_version", Some(value)) => {
            tls.min_version = number(value, 0, 3, &given, "TLS 1.0, 1.1, 1.2 or 1.3")?;
        }
        ("ssl_wbuf_size", Some(value)) => {
            let kilobytes: usize = number(value, 1, 1 << 20, &given, "a size in kilobytes")?;
            tls.buffer = kilobytes << 10;
        }
        ("ssl_keyformat", Some("1" | "PEM" | "pem")) => tls.key_format = KeyFormat::Pem,
        ("ssl_keyformat", Some("2" | "DER" | "der")) => tls.key_format = KeyFormat::Der,
        ("ssl_keyformat", Some(other)) => {
            return wrong(format!("{given}={other}: wants 1 (PEM) or 2 (DER)"));
        }
        (
            "ssl_chain_cert" | "ssl_key" | "ssl_ca_cert" | "ssl_ciphers" | "ssl_verify_mode"
            | "ssl_min_version" | "ssl_wbuf_size" | "ssl_keyformat",
            None,
        ) => return wrong(format!("{given}: wants a value")),
        _ => return Err(Wrong { sentence: format!("Illegal suboption \"{name}\""), status: 1 }),
    }
    Ok(())
}

/// Do they make sense together?
pub(super) fn check(options: &mut Options) -> Result<(), Wrong> {
    let has_roles_on_tcp = options.roles().any(|(_, asked)| asked.port() != 0);
    let (tls, without_effect) = (&options.tls_options, &mut options.without_effect);
    if !options.tls {
        if *tls != TlsOptions::default() {
            without_effect.push("-o ssl_... has no effect without -Z".into());
        }
        return Ok(());
    }
    if tls.chain.is_none() {
        return wrong("-Z: wants -o ssl_chain_cert=<file>, the server's certificate in PEM");
    }
    if tls.verify_mode > 0 && tls.ca.is_none() {
        let mode = tls.verify_mode;
        return wrong(format!(
            "-o ssl_verify_mode={mode}: wants -o ssl_ca_cert=<file>, who signs the certificates of clients"
        ));
    }
    if tls.min_version < 2 {
        let mode = tls.min_version;
        without_effect.push(format!(
            "-o ssl_min_version={mode} has no effect: TLS 1.2 is the oldest that is served"
        ));
    }
    if options.unix_socket.is_some() && !has_roles_on_tcp {
        without_effect.push("-Z has no effect: a unix socket is served as it is".into());
    } else if options.port == 0 && !has_roles_on_tcp {
        return wrong(
            "-Z: wants a TCP port: datagrams are sent as they are; leave -p 0 out, or -Z",
        );
    } else if options.udp_port != 0 {
        without_effect.push("-Z has no effect on UDP: datagrams are sent as they are".into());
    }
    if tls.kernel {
        without_effect.push("-o ssl_kernel_tls has no effect: the server encrypts itself".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, parse};

    /// What was said to have no effect, or was wrong.
    fn said(line: &str) -> Vec<String> {
        let line = format!("-Z -o ssl_chain_cert=c {line}");
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        match parse(&words) {
            Ok(Asked::Serve(options)) => options.without_effect,
            Ok(other) => panic!("{line}: {other:?}"),
            Err(wrong) => vec![wrong.sentence],
        }
    }

    #[test]
    fn what_is_not_under_tls_is_said() {
        assert_eq!(said(""), Vec::<String>::new());
        for (line, part) in [
            ("-s socket", "-Z has no effect: a unix socket"),
            ("-U 7", "-Z has no effect on UDP"),
            ("-p 0 -U 7", "-Z: wants a TCP port"),
        ] {
            let said = said(line);
            assert!(said.len() == 1 && said[0].contains(part), "{line}: {said:?}");
        }
    }
}
