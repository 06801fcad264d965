//! `{ kind = "imap" }`, `{ kind = "smtp" }` and the other text protocols, and their URLs.

use std::time::Duration;

use super::protocol::{ALL, row};
use super::{Greeting, TextProtocol};
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::keys::{Listed, statement};
use crate::probe::kind::{CheckContext, KindKeys, OwnerLabels};
use crate::probe::over::Transport;
use crate::probe::settings::TargetSettings;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::services::Application;

statement! {
    /// What a check of a text protocol may say.
    pub struct GreetingKeys of a check {
        /// SNI and the certificate's name; nothing: what clients of the service ask for.
        name: String = values::host;
        /// TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::choice(&[("tcp", Transport::Tcp), ("tls", Transport::Tls)]);
    }
    also {
        /// What is spoken.
        protocol: Option<TextProtocol>
    }
}

impl KindKeys for GreetingKeys {
    type Check = Greeting;

    const FORMS: &'static [Listed] = &[
        ("imap", &[Self::KEYS]),
        ("pop3", &[Self::KEYS]),
        ("sieve", &[Self::KEYS]),
        ("smtp", &[Self::KEYS]),
        ("nntp", &[Self::KEYS]),
        ("ftp", &[Self::KEYS]),
        ("ssh", &[Self::KEYS]),
        ("irc", &[Self::KEYS]),
    ];
    const EXAMPLE: &'static str = "\
{ kind = \"imap\" }, { kind = \"pop3\" }, { kind = \"sieve\" }, { kind = \"smtp\" }, { kind = \"nntp\" }, { kind = \"ftp\" },
{ kind = \"ssh\" } and { kind = \"irc\" } read the greeting and take leave; they may say transport = \"tls\", name = \"…\".";
    const SCHEMES: &'static [&'static str] = &[
        "imap", "imaps", "pop3", "pop3s", "sieve", "sieves", "smtp", "smtps", "nntp", "nntps", "ftp", "ftps", "ssh",
        "irc", "ircs",
    ];
    const PROTOCOL: Option<&'static str> = Some("its protocol");

    fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self { protocol: spoken(form).map(|(protocol, _)| protocol), ..Self::read_keys(reader, table) }
    }

    /// Reads `imap://ADDRESS[:PORT][/DOMAIN]` and its like.
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let Some((protocol, secure)) = spoken(url.scheme) else { return Err(UrlError::kind(url.scheme)) };
        let (row, help) = (row(protocol), "; it has tcp and tls");
        let transport = match secure {
            true => url.secure(row.word, help)?,
            false => url.transport(row.word, &[Transport::Tcp, Transport::Tls], help)?,
        };
        let [plain, tls] = row.ports;
        let port = if transport == Transport::Tls { tls } else { plain };
        let keys = Self { protocol: Some(protocol), transport: Some(transport), ..Self::default() };
        Ok(UrlCheck::new(keys, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let Application::Text(protocol) = service.application else { return None };
        Some(Self { protocol: Some(protocol), ..Self::default() })
    }

    /// Servers that ask for our name before they greet take long where that does not resolve; dovecot and OpenSSH start a
    /// process for each connection, which takes its time on a machine at work.
    fn defaults(&self, mut base: TargetSettings) -> TargetSettings {
        if let Some(protocol) = self.protocol {
            base.health.timeout = if row(protocol).resolves { RESOLVING } else { FORKING };
        }
        base
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Greeting> {
        let protocol = self.protocol?;
        let is_tls = self.transport.unwrap_or(context.transport) == Transport::Tls;
        let tls = is_tls.then(|| context.tls(self.name.as_ref(), Vec::new()));
        Some(Greeting { protocol, tls })
    }
}

/// Returns the protocol of a name, and whether it is that in TLS.
fn spoken(word: &str) -> Option<(TextProtocol, bool)> {
    let named = |protocol: TextProtocol| {
        let row = row(protocol);
        [(row.word, false), (row.secure, true)]
            .into_iter()
            .find(|(name, _)| *name == word)
            .map(|(_, tls)| (protocol, tls))
    };
    ALL.into_iter().find_map(named)
}

/// How long a server may take that resolves our address first: resolvers give up a name server after 5 s.
const RESOLVING: Duration = Duration::from_secs(10);
/// How long a server may take that starts a process first. Measured: dovecot on a machine with 14 processes in the queue of
/// two CPUs took more than 2 s three times in a row.
const FORKING: Duration = Duration::from_secs(5);
