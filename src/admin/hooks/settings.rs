//! What a hook is: its events, and who is told of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};

use super::Template;

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name in logs and metrics.
    pub name: String,
    /// The kinds of events that it is told of.
    pub events: Vec<&'static str>,
    /// Who is told.
    pub action: Action,
    /// What is done while nobody takes it.
    pub patience: Patience,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A web server, by POST.
    Web(Box<Webhook>),
    /// A program.
    Run(Program),
}

/// A web server that is told by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// What the body says; nothing: the event as JSON.
    pub body: Option<Template>,
    /// The type of the body.
    pub content_type: String,
    /// The key that signs.
    pub secret: Option<Secret>,
    /// What `authorization: Bearer` says.
    pub token: Option<Secret>,
    /// What verifies the server, where it is asked over TLS.
    pub trust: Option<Trust>,
}

/// A program that is run, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Where a web server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether it is asked over TLS.
    pub is_encrypted: bool,
    /// The host, without the brackets of an IPv6 address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Host and port as they are written.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

/// What is done while nobody takes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often it is tried.
    pub attempts: u32,
    /// How long it is waited before the second attempt; twice as long before each further one.
    pub pause: Duration,
}

/// Octets that no text shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Certificate authorities, and the TLS of those who trust them.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    client: Arc<ClientConfig>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), attempts: 6, pause: Duration::from_secs(1) }
    }
}

impl Url {
    /// Reads `http://` or `https://` with a host.
    ///
    /// # Errors
    /// What would be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "a URL with http or https and a host, such as https://ntfy.example.net/understudy".to_owned();
        let uri: hyper::Uri = text.parse().map_err(|_| wanted())?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wanted()),
        };
        let authority = uri.authority().ok_or_else(wanted)?;
        if authority.as_str().contains('@') {
            return Err(
                "a URL without a name and a password: they would be told in the clear; use token-file".to_owned()
            );
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wanted());
        }
        let port = authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { is_encrypted, host, port, authority: authority.to_string(), path })
    }
}

impl Secret {
    /// Keeps octets.
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Trust {
    /// Trusts these authorities.
    ///
    /// # Errors
    /// If there is no TLS to speak.
    pub fn new(roots: Arc<RootCertStore>) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let client = client.with_root_certificates(Arc::clone(&roots)).with_no_client_auth();
        Ok(Self { roots, client: Arc::new(client) })
    }

    pub(super) const fn client(&self) -> &Arc<ClientConfig> {
        &self.client
    }
}

impl PartialEq for Trust {
    /// The same authorities, though they were read twice.
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots
    }
}

impl Eq for Trust {}
