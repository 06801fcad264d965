//! The check `tcp`: connects; may send bytes and expect others.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use toml::de::DeValue;

use super::attempt::{Attempt, Ending, Probe, conclusive};
use super::bounded::BoundedStream;
use super::connect::{close, connect};
use super::errors::{self, ErrorOrigin};
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::url::{Url, UrlCheck, UrlError};
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "tcp", … }` may say.
    pub struct TcpKeys of a check {
        /// Sent after the connection stands.
        send: Vec<u8> = octets;
        /// Must be found in the first 4 KiB of the answer.
        expect: Vec<u8> = octets;
    }
}

impl KindKeys for TcpKeys {
    type Check = Tcp;

    const FORMS: &'static [Listed] = &[(Tcp::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "{ kind = \"tcp\" } connects; it may say send = \"…\" and expect = \"…\".";
    const SCHEMES: &'static [&'static str] = &[Tcp::KIND];

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.transport(Tcp::KIND, &[Transport::Tcp], "; for a TLS handshake write tls://")?;
        Ok(UrlCheck::new(Self::default(), url.domain(), None))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let is_other = service.application == Application::Other && service.protocol == "_tcp";
        (is_other && !service.is_tls).then(Self::default)
    }

    fn lower(&self, _context: &CheckContext<'_>) -> Option<Tcp> {
        Some(Tcp { send: self.send.clone(), expect: self.expect.clone() })
    }

    fn is_bare_connect(&self) -> bool {
        self.expect.is_none()
    }
}

fn octets(value: &DeValue<'_>) -> Read<Vec<u8>> {
    values::short_text(value, TEXT_MAX).map(String::into_bytes)
}

/// Parameters of [`Check::Tcp`](super::Check::Tcp).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    /// Sent after the connection stands.
    pub send: Option<Vec<u8>>,
    /// Must be found in the first 4 KiB of the answer.
    pub expect: Option<Vec<u8>>,
}

impl Probe for Tcp {
    const KIND: &'static str = "tcp";

    fn transport(&self) -> &'static str {
        "tcp"
    }

    fn parameters(&self) -> String {
        let parts = [("send", &self.send), ("expect", &self.expect)];
        let texts = parts.iter().filter_map(|(key, bytes)| {
            bytes
                .as_deref()
                .filter(|bytes| !bytes.is_empty())
                .map(|bytes| format!("{key}=\"{}\"", bytes.escape_ascii()))
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = connect(attempt).await?;
        if let Some(bytes) = self.send.as_deref().filter(|bytes| !bytes.is_empty()) {
            attempt.begin("send");
            stream
                .write_all(bytes)
                .await
                .map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Remote)))?;
            attempt.saw(format!("sent {} octets", bytes.len()));
        }
        if let Some(wanted) = self.expect.as_deref().filter(|wanted| !wanted.is_empty()) {
            expect(wanted, &mut stream, attempt).await?;
        }
        attempt.passes();
        close(stream).await;
        Ok(())
    }
}

/// Reads until the wanted bytes are found, at most [`ANSWER_MAX`].
async fn expect(wanted: &[u8], stream: &mut BoundedStream, attempt: &mut Attempt<'_>) -> Ending {
    attempt.begin("expect");
    let mut answer = Vec::with_capacity(ANSWER_MAX);
    loop {
        // What was searched before cannot match, but for a begin at its very end.
        let searched = answer.len().saturating_sub(wanted.len().saturating_sub(1));
        let room = ANSWER_MAX.saturating_sub(answer.len());
        if room == 0 {
            return Err(attempt.fails(conclusive("the answer's first 4 KiB do not hold what is expected")));
        }
        let mut rest = (&mut *stream).take(u64::try_from(room).unwrap_or(0));
        let read = rest.read_buf(&mut answer).await;
        match read.map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Remote)))? {
            0 if answer.is_empty() => return Err(attempt.fails(conclusive("closed without an answer"))),
            0 => return Err(attempt.fails(conclusive(format!("closed after {}, not as expected", quote(&answer))))),
            _ => {}
        }
        if answer.get(searched..).unwrap_or_default().windows(wanted.len()).any(|window| window == wanted) {
            attempt.saw(format!("answered {}", quote(&answer)));
            return Ok(());
        }
    }
}

/// Quotes the begin of an answer for people.
pub(super) fn quote(bytes: &[u8]) -> String {
    let begin = bytes.get(..QUOTE_MAX).unwrap_or(bytes);
    let dots = if begin.len() < bytes.len() { "…" } else { "" };
    format!("\"{}\"{dots}", begin.escape_ascii().to_string().replace("\\'", "'"))
}

/// The most octets that are sent or searched.
const TEXT_MAX: usize = 4096;
/// The longest answer that is read, in octets.
const ANSWER_MAX: usize = 4096;
/// The longest begin of an answer that is shown, in octets.
const QUOTE_MAX: usize = 64;
