//! The check `postgresql`: asks for TLS, which every server answers with one octet before any login, and ends well.

use super::attempt::{Attempt, Ending, Probe, conclusive};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::stream::Stream;
use super::tls::{Tls, Verify};
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};
use crate::zone::services::Application;

/// `{ kind = "postgresql" }` has no keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresqlKeys;

impl KindKeys for PostgresqlKeys {
    type Check = Postgresql;

    const FORMS: &'static [Listed] = &[(Postgresql::KIND, &[])];
    const EXAMPLE: &'static str = "{ kind = \"postgresql\" } asks for TLS, and shakes hands where the server has it.";
    const SCHEMES: &'static [&'static str] = &[Postgresql::KIND];
    const PROTOCOL: Option<&'static str> = Some("PostgreSQL's SSLRequest");

    fn read(_form: &str, _reader: &mut Reader<'_>, _table: &Section<'_>) -> Self {
        Self
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.transport(Postgresql::KIND, &[Transport::Tcp], "; it has tcp")?;
        Ok(UrlCheck::new(Self, url.domain(), 5432))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Postgresql).then_some(Self)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Postgresql> {
        // Clients look at the certificate only if they are told to (`sslmode`).
        let tls = Tls { verify: Verify::Off, ..context.tls(None, Vec::new()) };
        Some(Postgresql { tls })
    }
}

/// Parameters of [`Check::Postgresql`](super::Check::Postgresql).
#[derive(Clone, Debug, PartialEq)]
pub struct Postgresql {
    /// TLS, if the server has it.
    pub tls: Tls,
}

impl Probe for Postgresql {
    const KIND: &'static str = "postgresql";

    fn transport(&self) -> &'static str {
        "tcp"
    }

    fn parameters(&self) -> String {
        format!("name={}", self.tls.name.to_ascii_lowercase())
    }

    /// None is held: each takes a process of the server, which gives up after a minute.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = Stream::open(None, attempt).await?;
        attempt.begin("request");
        stream.send(SSL_REQUEST, attempt).await?;
        // One octet alone: what is behind it belongs to TLS.
        match stream.answer(1, |octets| Ok(octets.first().copied()), attempt).await? {
            b'N' => attempt.saw("no TLS here"),
            b'S' => {
                attempt.saw("TLS");
                // Without a handshake the server would log an error.
                stream = stream.secure(&self.tls, attempt).await?;
            }
            b'E' => return Err(attempt.fails(conclusive("answers with an error: it takes no more connections"))),
            _ => return Err(attempt.fails(conclusive("no PostgreSQL: not the answer to its SSLRequest"))),
        }
        attempt.passes();
        close(stream).await;
        Ok(())
    }
}

/// SSLRequest: its length and its code.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
