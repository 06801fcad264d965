//! The check `ldap`: asks for the root DSE, which every server shows to everybody, and unbinds.

pub mod codec;

use codec::{LdapMessage, LdapResult};

use super::attempt::{Attempt, Ending, Probe, conclusive};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::stream::Stream;
use super::tls::Tls;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::health::Outcome;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::keys::{Listed, statement};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "ldap", … }` may say.
    pub struct LdapKeys of a check {
        /// SNI and the certificate's name; nothing: what clients of the service ask for.
        name: String = values::host;
        /// TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::choice(&[("tcp", Transport::Tcp), ("tls", Transport::Tls)]);
    }
}

impl KindKeys for LdapKeys {
    type Check = Ldap;

    const FORMS: &'static [Listed] = &[(Ldap::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"ldap\" } asks for the root DSE; it may say transport = \"tls\", name = \"…\" (the certificate's).";
    const SCHEMES: &'static [&'static str] = &["ldap", "ldaps"];
    const PROTOCOL: Option<&'static str> = Some("LDAP");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let help = "; it has tcp and tls";
        let transport = match url.scheme {
            "ldaps" => url.secure(Ldap::KIND, help)?,
            _ => url.transport(Ldap::KIND, &[Transport::Tcp, Transport::Tls], help)?,
        };
        let port = if transport == Transport::Tls { 636 } else { 389 };
        Ok(UrlCheck::new(Self { transport: Some(transport), ..Self::default() }, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Ldap).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Ldap> {
        let is_tls = self.transport.unwrap_or(context.transport) == Transport::Tls;
        Some(Ldap { tls: is_tls.then(|| context.tls(self.name.as_ref(), Vec::new())) })
    }
}

/// Parameters of [`Check::Ldap`](super::Check::Ldap).
#[derive(Clone, Debug, PartialEq)]
pub struct Ldap {
    /// TLS from the begin; nothing: plain.
    pub tls: Option<Tls>,
}

impl Probe for Ldap {
    const KIND: &'static str = "ldap";

    fn transport(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        self.tls.as_ref().map(Tls::parameters).unwrap_or_default()
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        Some(HoldSpec { tls: self.tls.clone(), ..HoldSpec::default() })
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = Stream::open(self.tls.as_ref(), attempt).await?;
        attempt.begin("search");
        stream.send(&codec::search(), attempt).await?;
        let message = stream.answer(ANSWER_MAX, ending, attempt).await?;
        match judge(message) {
            Ok((saw, warning)) => {
                attempt.saw(saw);
                attempt.warnings.extend(warning);
                attempt.passes();
                if stream.send(codec::UNBIND, attempt).await.is_ok() {
                    close(stream).await;
                }
                Ok(())
            }
            Err(outcome) => Err(attempt.fails(outcome)),
        }
    }
}

/// Finds the message that ends the answer.
fn ending(octets: &[u8]) -> Result<Option<LdapMessage>, String> {
    let mut rest = octets;
    while let Some((message, length)) = codec::read(rest)? {
        match message {
            LdapMessage::Done(_) | LdapMessage::Notice(_) => return Ok(Some(message)),
            LdapMessage::Other => rest = rest.get(length..).unwrap_or_default(),
        }
    }
    Ok(None)
}

/// Judges how the answer ended: a server that refuses the search is alive, one that says that it is not available is not
/// (RFC 4511 appendix A.1).
fn judge(message: LdapMessage) -> Result<(String, Option<String>), Outcome> {
    let words = |result: &LdapResult| match result.text.as_str() {
        "" => format!("result {}", result.code),
        text => format!("result {} ({text})", result.code),
    };
    match message {
        LdapMessage::Done(result) => match result.code {
            0 => Ok(("root DSE".to_owned(), None)),
            51 => Err(Outcome::Degraded(format!("busy: {}", words(&result)).into())),
            52 => Err(conclusive(format!("not available: {}", words(&result)))),
            _ => Ok((words(&result), Some(format!("does not show its root DSE: {}", words(&result))))),
        },
        LdapMessage::Notice(result) => Err(conclusive(format!("ends the connection: {}", words(&result)))),
        LdapMessage::Other => Err(conclusive("no answer to the search")),
    }
}

/// The longest answer that is read, in octets.
const ANSWER_MAX: usize = 65_536;
