//! Certificates made for a test, files of them, and clients that speak TLS.
#![allow(dead_code)] // Each test binary uses its part.

use super::common::{Client, Daemon, PATIENCE, Place, Stream};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Both versions that are served.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// Somebody who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, both in PEM.
#[derive(Clone)]
pub struct Identity {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new([]).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("signed"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(["127.0.0.1".to_string()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signed");
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// A certificate for 127.0.0.1, as server or client.
    pub fn identity(&self) -> Identity {
        self.sign(|_| {})
    }

    /// One that is over.
    pub fn expired(&self) -> Identity {
        self.sign(|params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        })
    }

    /// A client's configuration that trusts this authority and shows `identity`.
    pub fn client(
        &self,
        identity: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { chain, key }) => {
                let chain: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(chain.expect("PEM"), key).expect("an identity")
            }
        })
    }
}

/// An authority, the files of a server signed by it, and the place where they are.
pub struct Files {
    pub authority: Authority,
    place: Place,
}

impl Files {
    pub fn new() -> Files {
        let files = Files { authority: Authority::new("authority"), place: Place::new() };
        files.write("ca.pem", &files.authority.pem());
        files.put(&files.authority.identity());
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    /// Puts this identity where the server looks for its own.
    pub fn put(&self, identity: &Identity) {
        self.write("chain.pem", &identity.chain);
        self.write("key.pem", &identity.key);
    }

    /// The `-o` that names them, and more.
    pub fn options(&self, more: &str) -> String {
        let place = self.place.0.display();
        let comma = if more.is_empty() { "" } else { "," };
        format!("ssl_chain_cert={place}/chain.pem,ssl_key={place}/key.pem{comma}{more}")
    }

    /// A server with these files.
    pub fn daemon(&self, more: &str, arguments: &[&str]) -> Daemon {
        let options = self.options(more);
        Daemon::start(&[&["-Z", "-o", &options], arguments].concat())
    }

    /// A client with no certificate, by either version.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.authority.client(None, &VERSIONS)
    }
}

/// Where in its port file the daemon names its ports.
pub fn ports(daemon: &Daemon) -> Vec<u16> {
    let text = fs::read_to_string(daemon.place.0.join("ports")).expect("ports");
    text.lines()
        .map(|line| line.rsplit(' ').next().expect("a port").parse().expect("a port"))
        .collect()
}

pub fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    stream.set_nodelay(true).expect("no delay");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

pub fn session(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    ClientConnection::new(Arc::clone(config), name).expect("a session")
}

/// A client over TLS.
pub fn connect(daemon: &Daemon, config: &Arc<ClientConfig>) -> Client {
    connect_to(daemon.port, config)
}

pub fn connect_to(port: u16, config: &Arc<ClientConfig>) -> Client {
    Client::new(Box::new(StreamOwned::new(session(config), tcp(port))))
}

/// What comes of a client with this configuration: the answer to `mn`, or why there is none.
pub fn attempt(port: u16, config: &Arc<ClientConfig>) -> Result<String, String> {
    let mut stream = StreamOwned::new(session(config), tcp(port));
    let mut said = [0; 4];
    stream.write_all(b"mn\r\n").map_err(|error| error.to_string())?;
    stream.read_exact(&mut said).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

impl<S: Read + Write + Send + Socket> Stream for StreamOwned<ClientConnection, S> {
    fn patience(&self, time: Duration) {
        self.sock.tcp().patience(time);
    }
    fn end_writing(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

/// What stands between TLS and the wire.
pub trait Socket {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// A wire that takes one byte at a time.
pub struct Drip(pub TcpStream);

impl Socket for Drip {
    fn tcp(&self) -> &TcpStream {
        &self.0
    }
}

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Drip {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(1)])
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
