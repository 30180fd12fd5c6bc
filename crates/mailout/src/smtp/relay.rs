//! Which server takes our mail, and how its connection is protected.
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::oauth::TokenSource;

/// How the connection to a relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// STARTTLS, required; a relay on this machine may do without.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// None: chosen by whoever runs the program.
    None,
}

/// A relay and how it is used. No `Debug`: it holds a password.
#[derive(Clone)]
pub struct Relay {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub tls: Tls,
    /// File of further certificate authorities (PEM), for a relay with a certificate of its own house.
    pub authorities: Option<PathBuf>,
    /// Who we are there; none: no login.
    pub login: Option<Login>,
    /// What we call ourselves in EHLO; none: the address of the connection.
    pub hello: Option<String>,
    /// Connections at the same time.
    pub workers: usize,
    /// Most messages a minute over all connections; none: as fast as the relay takes them.
    pub per_minute: Option<u32>,
    /// Messages after which a connection is made anew.
    pub recycle_after: u32,
    /// How long we wait, command by command.
    pub timeouts: Timeouts,
}

/// Who we are to a relay. No `Debug`.
#[derive(Clone)]
pub enum Login {
    /// User and password (PLAIN or LOGIN).
    Password {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// User and access token (XOAUTH2).
    Token {
        /// The user: the address of the mailbox.
        username: String,
        /// Where its tokens come from.
        source: Arc<TokenSource>,
    },
}

impl Login {
    /// User and password.
    #[must_use]
    pub fn password(username: &str, password: &str) -> Self {
        Self::Password { username: username.to_owned(), password: password.to_owned() }
    }
}

/// How long each step may take before the connection is given up (RFC 5321 § 4.5.3.2, shorter where waiting helps nobody).
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Name look-up and TCP.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// EHLO, STARTTLS, handshake, AUTH, RSET, each.
    pub command: Duration,
    /// MAIL, RCPT and DATA, each.
    pub envelope: Duration,
    /// Writing the body.
    pub body: Duration,
    /// The answer to the final dot: long, since giving up here leaves a message in doubt.
    pub dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(300),
            command: Duration::from_secs(60),
            envelope: Duration::from_secs(300),
            body: Duration::from_secs(180),
            dot: Duration::from_secs(600),
        }
    }
}

impl Relay {
    /// A relay with the usual settings.
    #[must_use]
    pub fn new(host: &str, port: u16, tls: Tls) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls,
            authorities: None,
            login: None,
            hello: None,
            workers: 4,
            per_minute: None,
            recycle_after: 200,
            timeouts: Timeouts::default(),
        }
    }

    /// Is the relay on this machine?
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// What a person calls it: `host:port`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The TLS client for this relay: the machine's authorities and the relay's own.
    pub(super) fn connector(&self) -> Result<(TlsConnector, ServerName<'static>), String> {
        tls_client(self.host.trim_start_matches('[').trim_end_matches(']'), self.authorities.as_deref())
    }
}

/// A TLS client that trusts the machine's authorities and those in the file `authorities`, and the name it expects of `host`.
///
/// # Errors
/// One sentence: no authorities, an unreadable file, no host name.
pub fn tls_client(host: &str, authorities: Option<&Path>) -> Result<(TlsConnector, ServerName<'static>), String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = authorities {
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| format!("{}: {e}", path.display()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|e| format!("{}: {e}", path.display()))?;
            roots.add(certificate).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    if roots.is_empty() {
        return Err("this machine has no certificate authorities".into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]", "127.8.8.8"] {
            assert!(Relay::new(host, 25, Tls::None).is_loopback(), "{host}");
        }
        for host in ["mail.example.dk", "10.0.0.1", "localhost.example.dk", "127.0.0.1.example.dk"] {
            assert!(!Relay::new(host, 25, Tls::None).is_loopback(), "{host}");
        }
    }
}
