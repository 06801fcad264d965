//! What a kind of check is: its form in a config, a URL or an owner name, and how each is lowered to a check.
//!
//! ```text
//!   check = { kind = "…", … } ──▶ read ─────┐
//!   probe KIND://ADDRESS ──▶ from_url ──────┼──▶ KindKeys ── lower, in a CheckContext ──▶ the check, a Probe
//!   owner name of a service ──▶ inferred ───┘
//! ```
//!
//! A kind implements [`KindKeys`] and `Probe` in one file or folder, and is one line in [`super::check`].

use std::fmt::Debug;
use std::path::PathBuf;

use super::CheckKind;
use super::over::{Over, Transport};
use super::settings::TargetSettings;
use super::tls::Tls;
use super::url::{Url, UrlCheck, UrlError};
use crate::base::finding::Place;
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::zone::services::Application;

/// The keys of a kind: what is said of a check, before it is known for which service.
pub trait KindKeys: Clone + Debug + PartialEq + Sized {
    /// What becomes of them.
    type Check;

    /// The names under which `kind` asks for it, each with its keys.
    const FORMS: &'static [Listed];

    /// What `config/example.toml` says of it, line by line.
    const EXAMPLE: &'static str;

    /// The schemes of URLs that ask for it.
    const SCHEMES: &'static [&'static str] = &[];

    /// Its protocol, of which a bare TCP connect would tell less.
    const PROTOCOL: Option<&'static str> = None;

    /// Whether it can log in.
    const LOGS_IN: bool = false;

    /// Reads the keys from a table that asks for it under the name `form`; what is wrong becomes findings.
    fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self;

    /// Reads a URL of one of the schemes.
    ///
    /// # Errors
    /// What the URL should say instead.
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        Err(UrlError::kind(url.scheme))
    }

    /// Returns what is tested of a service of which only the owner name is known; nothing if this is not its kind.
    fn inferred(_service: &OwnerLabels<'_>) -> Option<Self> {
        None
    }

    /// Makes the check; nothing beside a finding.
    fn lower(&self, context: &CheckContext<'_>) -> Option<Self::Check>;

    /// Returns what the clients of such a service offer by ALPN.
    fn alpn(&self, _transport: Transport) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Returns whether something must say a port.
    fn needs_port(&self) -> bool {
        true
    }

    /// Returns whether it only connects.
    fn is_bare_connect(&self) -> bool {
        false
    }

    /// Returns where the programs stand that it runs.
    fn programs(&self) -> Vec<&Place> {
        Vec::new()
    }

    /// Has the files read that hold its secrets.
    fn read_secrets(&mut self, _read: &mut dyn FnMut(&Placed<PathBuf>) -> Option<String>) {}

    /// Returns how deep checks stand within it.
    fn depth(&self) -> usize {
        0
    }
}

/// What the owner name of a service tells of its check.
#[derive(Clone, Copy, Debug)]
pub struct OwnerLabels<'n> {
    /// What is spoken.
    pub application: Application,
    /// The second label in lower case: `_tcp`.
    pub protocol: &'n str,
    /// Whether connections begin with a TLS handshake.
    pub is_tls: bool,
}

/// What a check is for: what it takes from the owner name and from `[health]` when nothing else is said.
#[derive(Clone, Debug)]
pub struct CheckContext<'a> {
    /// The domain that clients ask for: the certificate's name, unless the check names another.
    pub domain: String,
    /// The host of the target, where clients look for it in the certificate.
    pub host: Option<String>,
    /// What the owner name tells.
    pub inferred: Option<CheckKind>,
    /// What clients go over, unless the check says otherwise.
    pub transport: Transport,
    /// How its targets are tested.
    pub settings: &'a TargetSettings,
}

impl CheckContext<'_> {
    /// Returns the name that a check gives, else the domain.
    pub(super) fn named(&self, name: Option<&String>) -> String {
        name.unwrap_or(&self.domain).clone()
    }

    /// Makes the TLS part of a check, with the name that the check gives to the certificate, if it does.
    pub(super) fn tls(&self, name: Option<&String>, alpn: Vec<Vec<u8>>) -> Tls {
        match (name, &self.host) {
            (None, Some(host)) => {
                let differs = !host.eq_ignore_ascii_case(&self.domain);
                let other_name = Some(self.domain.clone()).filter(|domain| differs && !domain.is_empty());
                Tls { other_name, ..self.settings.tls(host.clone(), alpn) }
            }
            (Some(_), _) | (None, None) => self.settings.tls(self.named(name), alpn),
        }
    }

    /// Makes what a protocol without ALPN goes over, with the name that the check gives to the certificate, if it does.
    pub(super) fn over(&self, transport: Option<Transport>, name: Option<&String>) -> Over {
        match transport.unwrap_or(self.transport) {
            Transport::Udp => Over::Udp,
            Transport::Tcp => Over::Tcp,
            Transport::Tls => Over::Tls(self.tls(name, Vec::new())),
        }
    }
}
