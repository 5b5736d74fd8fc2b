//! TLS: the server's certificates, which are read when it starts and again when it is told to, and the streams that
//! show them.
//!
//! The cryptography is ring's: it wants nothing but a C compiler to build, where rustls's default, aws-lc-rs, wants
//! cmake on some machines and takes minutes.

mod ciphers;
mod stream;

use crate::options::{KeyFormat, TlsOptions, Verify};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, Ticketer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub use stream::{News, Stream};

/// How long a client may take for its handshake, in seconds, and be silent in it.
pub const HANDSHAKE_SECONDS: i64 = 30;

/// An alert (`internal_error`) for a client that cannot be served, before any handshake.
pub const ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// How many sessions are remembered for resumption.
const SESSIONS: usize = 4096;

/// The server's side of TLS.
#[derive(Debug)]
pub struct Tls {
    options: TlsOptions,
    current: RwLock<Loaded>,
    /// When the certificates were read last, by the cache's clock.
    refreshed: AtomicI64,
}

/// What was made of the files: one configuration for each [`Verify`].
#[derive(Debug)]
struct Loaded([Option<Arc<ServerConfig>>; 3]);

impl Tls {
    /// Reads the files that the options name.
    pub fn load(options: &TlsOptions) -> Result<Tls, String> {
        let current = RwLock::new(Loaded::read(options)?);
        Ok(Tls { options: options.clone(), current, refreshed: AtomicI64::new(0) })
    }

    /// Notes when the present certificates were read.
    pub fn set_refreshed(&self, now: i64) {
        // Relaxed: a statistic.
        self.refreshed.store(now, Ordering::Relaxed);
    }

    /// Reads the files again, for connections to come. If one is not good, all stays as it was.
    pub fn refresh(&self, now: i64) -> Result<(), String> {
        let new = Loaded::read(&self.options)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.set_refreshed(now);
        Ok(())
    }

    /// Can the files be read by the user that the server has become?
    pub fn can_refresh(&self) -> Result<(), String> {
        Loaded::read(&self.options).map(|_| ())
    }

    /// What a connection is to be served by.
    pub fn config(&self, verify: Verify) -> Option<Arc<ServerConfig>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).0[verify as usize].clone()
    }

    /// `ssl_wbuf_size`.
    pub fn buffer(&self) -> usize {
        self.options.buffer
    }

    /// Is `ssl_new_sessions` of interest?
    pub fn resumes(&self) -> bool {
        self.options.session_cache
    }

    /// Seconds since the certificates were read.
    pub fn age(&self, now: i64) -> i64 {
        // Relaxed: a statistic.
        now - self.refreshed.load(Ordering::Relaxed)
    }

    /// The lines of `stats settings`.
    pub fn settings(&self) -> [(&'static str, String); 10] {
        let options = &self.options;
        let path = |path: Option<&Path>| {
            path.map_or_else(|| "NULL".to_string(), |path| path.display().to_string())
        };
        let yes_no = |yes| String::from(if yes { "yes" } else { "no" });
        [
            ("ssl_chain_cert", path(options.chain.as_deref())),
            ("ssl_key", path(options.key.as_deref())),
            ("ssl_verify_mode", options.verify_mode.to_string()),
            ("ssl_keyformat", (options.key_format as u8).to_string()),
            ("ssl_ciphers", options.ciphers.clone().unwrap_or_else(|| "NULL".into())),
            ("ssl_ca_cert", path(options.ca.as_deref())),
            ("ssl_wbuf_size", options.buffer.to_string()),
            ("ssl_session_cache", yes_no(options.session_cache)),
            ("ssl_kernel_tls", yes_no(false)),
            ("ssl_min_version", format!("tlsv1.{}", options.min_version.max(2))),
        ]
    }
}

impl Loaded {
    fn read(options: &TlsOptions) -> Result<Loaded, String> {
        let mut provider = ring::default_provider();
        provider.cipher_suites = ciphers::choose(options.ciphers.as_deref())?;
        let provider = Arc::new(provider);
        let key = Arc::new(certified_key(options, &provider)?);
        let authorities = options.ca.as_deref().map(authorities).transpose()?.map(Arc::new);
        let mut loaded = Loaded([None, None, None]);
        for verify in [Verify::No, Verify::IfShown, Verify::Demanded] {
            if verify == Verify::No || authorities.is_some() {
                let config = config(options, verify, &key, authorities.clone(), &provider)?;
                loaded.0[verify as usize] = Some(Arc::new(config));
            }
        }
        Ok(loaded)
    }
}

fn config(
    options: &TlsOptions,
    verify: Verify,
    key: &Arc<CertifiedKey>,
    authorities: Option<Arc<RootCertStore>>,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig, String> {
    let versions: &[&SupportedProtocolVersion] = match options.min_version {
        3 => &[&TLS13],
        _ => &[&TLS13, &TLS12],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(|error| format!("TLS cannot be served: {error}"))?;
    let builder = match authorities.filter(|_| verify != Verify::No) {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(provider));
            let verifier = match verify {
                Verify::Demanded => verifier,
                _ => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(
                verifier
                    .build()
                    .map_err(|error| format!("Error loading the CA certificate: {error}"))?,
            )
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(key))));
    if options.session_cache {
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        config.ticketer =
            Ticketer::new().map_err(|error| format!("TLS has no session tickets: {error}"))?;
    } else {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

/// The certificates of a PEM file; `what` begins the error, as memcached words it.
fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{what}: {} : {why}", path.display());
    let text = fs::read(path).map_err(|error| failed(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| failed(&error))?;
    match found.is_empty() {
        true => Err(failed(&"it holds no certificate in PEM")),
        false => Ok(found),
    }
}

fn authorities(path: &Path) -> Result<RootCertStore, String> {
    let what = "Error loading the CA certificate";
    let mut store = RootCertStore::empty();
    for certificate in certificates(path, what)? {
        store.add(certificate).map_err(|error| format!("{what}: {} : {error}", path.display()))?;
    }
    Ok(store)
}

fn certified_key(options: &TlsOptions, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let (Some(chain), Some(path)) = (&options.chain, options.key_path()) else {
        return Err("-Z: wants -o ssl_chain_cert=<file>".into());
    };
    let chain = certificates(chain, "Error loading the certificate chain")?;
    let failed =
        |why: &dyn std::fmt::Display| format!("Error loading the key: {} : {why}", path.display());
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    let key = match options.key_format {
        KeyFormat::Pem => PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                failed(&"it holds no private key in PEM that is not encrypted")
            }
            error => failed(&error),
        })?,
        KeyFormat::Der => PrivateKeyDer::try_from(bytes).map_err(|error| failed(&error))?,
    };
    let key = provider.key_provider.load_private_key(key).map_err(|error| failed(&error))?;
    // A certificate holds its public key as it is written here. rustls would compare them, too, but refuses to look
    // into certificates of the first version, which openssl makes when not asked for more.
    let matches =
        key.public_key().is_none_or(|public| memchr::memmem::find(&chain[0], &public).is_some());
    match matches {
        true => Ok(CertifiedKey::new(chain, key)),
        false => Err(format!(
            "Error validating the certificate: the key in {} is not that of the first certificate",
            path.display()
        )),
    }
}
