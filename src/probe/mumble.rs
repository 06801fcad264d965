//! The check `mumble`: the ping over UDP that the list of servers in the client sends.
//!
//! The server listens on one port over TCP and UDP. Over TCP it bans who connects 10 times in 2 minutes (`autobanAttempts`);
//! the ping is not counted, and not logged.

use std::time::Duration;

use super::attempt::{Attempt, Ending, Probe, unknown};
use super::datagram::Datagram;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::url::{Url, UrlCheck, UrlError};
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};
use crate::zone::services::Application;

/// `{ kind = "mumble" }` has no keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MumbleKeys;

impl KindKeys for MumbleKeys {
    type Check = Mumble;

    const FORMS: &'static [Listed] = &[(Mumble::KIND, &[])];
    const EXAMPLE: &'static str =
        "{ kind = \"mumble\" } pings over UDP; the server needs allowping, which is its default.";
    const SCHEMES: &'static [&'static str] = &[Mumble::KIND];
    const PROTOCOL: Option<&'static str> = Some("Mumble's ping");

    fn read(_form: &str, _reader: &mut Reader<'_>, _table: &Section<'_>) -> Self {
        Self
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.transport(Mumble::KIND, &[Transport::Udp], "; it has udp")?;
        Ok(UrlCheck::new(Self, url.domain(), 64_738))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Mumble).then_some(Self)
    }

    fn lower(&self, _context: &CheckContext<'_>) -> Option<Mumble> {
        Some(Mumble)
    }
}

/// Parameters of [`Check::Mumble`](super::Check::Mumble): it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mumble;

impl Probe for Mumble {
    const KIND: &'static str = "mumble";

    fn transport(&self) -> &'static str {
        "udp"
    }

    fn parameters(&self) -> String {
        String::new()
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut ident = [0; 8];
        if attempt.context.provider().secure_random.fill(&mut ident).is_err() {
            return Err(attempt.fails(unknown("the system gives no random numbers")));
        }
        let datagram = Datagram::open(attempt).await?;
        attempt.begin("ping");
        let question = [&[0; 4][..], &ident].concat();
        let [users, most] = datagram.ask(&question, &AGAIN, |octets| read(octets, ident), attempt).await?;
        attempt.saw(format!("{users} of {most} users"));
        attempt.passes();
        Ok(())
    }
}

/// Reads the answer to a ping of ours: how many users there are, and may be; nothing: it is none.
fn read(octets: &[u8], ident: [u8; 8]) -> Option<[u32; 2]> {
    let (_version, rest) = octets.split_first_chunk::<4>()?;
    let (returned, rest) = rest.split_first_chunk::<8>()?;
    let (users, rest) = rest.split_first_chunk::<4>()?;
    let (most, rest) = rest.split_first_chunk::<4>()?;
    (*returned == ident && rest.len() == 4).then(|| [u32::from_be_bytes(*users), u32::from_be_bytes(*most)])
}

/// When a ping is sent again, counted from the first time.
const AGAIN: [Duration; 1] = [Duration::from_millis(1_000)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_our_own_ping_counts() {
        let answer = |ident: &[u8]| [&[0, 1, 5, 0][..], ident, &[0, 0, 0, 3, 0, 0, 0, 100, 0, 1, 0x19, 0x40]].concat();
        assert_eq!(read(&answer(b"12345678"), *b"12345678"), Some([3, 100]));
        assert_eq!(read(&answer(b"12345679"), *b"12345678"), None);
        assert_eq!(read(&answer(b"12345678")[..23], *b"12345678"), None);
        assert_eq!(read(b"", *b"12345678"), None);
    }
}
