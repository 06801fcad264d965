//! The check `dns`: one query to a name server, over UDP (again over TCP if the response is truncated) or TCP.

mod judge;
mod keys;

use std::fmt;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::RecordType;

use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::connect::close;
use super::datagram::Datagram;
use super::stream::Stream;
use super::watch::HoldSpec;
use crate::health::Outcome;
use crate::zone::{Name, Rtype};
pub use keys::DnsKeys;

use judge::{DnsReply, judge, read};

/// Parameters of [`Check::Dns`](super::Check::Dns).
#[derive(Clone, Debug, PartialEq)]
pub struct Dns {
    /// Whether it is asked over TCP alone.
    pub tcp: bool,
    /// The name that is asked for: the service's domain.
    pub name: Name,
    /// The type that is asked for; `SOA` of a zone is the least that its server must know.
    pub rtype: Rtype,
    /// The rcode that passes; nothing: NOERROR, with a record of the type.
    pub rcode: Option<Rcode>,
    /// The data that one of the records must have, as text.
    pub answer: Option<String>,
}

/// A response code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rcode(u16);

impl Dns {
    /// Makes a check that asks for the SOA of a zone.
    pub const fn of_zone(name: Name, tcp: bool) -> Self {
        Self { tcp, name, rtype: Rtype::SOA, rcode: None, answer: None }
    }

    /// Makes the question; recursion is not desired, since the target must know by itself.
    fn question(&self, edns: bool) -> Result<Message, Outcome> {
        let name = hickory_proto::rr::Name::from_labels(self.name.labels());
        let mut name = name.map_err(|error| unknown(format!("{} cannot be asked for: {error}", self.name)))?;
        name.set_fqdn(true);
        let mut message = Message::query();
        message.metadata.recursion_desired = false;
        message.add_query(Query::query(name, RecordType::from(self.rtype.0)));
        if edns {
            let mut options = Edns::new();
            options.set_max_payload(PAYLOAD);
            message.set_edns(options);
        }
        Ok(message)
    }

    /// Asks over one transport and returns what matches the question.
    async fn ask(&self, tcp: bool, edns: bool, attempt: &mut Attempt<'_>) -> Result<Message, Outcome> {
        let question = self.question(edns).map_err(|outcome| attempt.fails(outcome))?;
        let octets = question.to_vec();
        let octets = octets.map_err(|error| attempt.fails(unknown(format!("no question can be made: {error}"))))?;
        let answer = if tcp {
            over_tcp(&question, &octets, attempt).await?
        } else {
            attempt.begin("ask");
            let socket = Datagram::open(attempt).await?;
            let accept = |octets: &[u8]| match read(octets, &question) {
                DnsReply::Stranger => None,
                DnsReply::Broken(outcome) => Some(Err(outcome)),
                DnsReply::Answer(answer) => Some(Ok(*answer)),
            };
            let answer = socket.ask(&octets, AGAIN, accept, attempt).await?;
            answer.map_err(|outcome| attempt.fails(outcome))?
        };
        let (rcode, records) = (Rcode::of(&answer), answer.answers.len());
        let cut = if answer.metadata.truncation { ", cut off" } else { "" };
        let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
        attempt.saw(format!("{rcode}, {records}{cut}"));
        Ok(answer)
    }
}

/// Asks over a TCP connection of its own (RFC 7766).
async fn over_tcp(question: &Message, octets: &[u8], attempt: &mut Attempt<'_>) -> Result<Message, Outcome> {
    let mut stream = Stream::open(None, attempt).await?;
    attempt.begin("ask");
    let length = u16::try_from(octets.len()).map_err(|_| attempt.fails(unknown("the question is too long")))?;
    stream.send(&[&length.to_be_bytes()[..], octets].concat(), attempt).await?;
    let mut buffer = Vec::new();
    let answer = loop {
        let whole = buffer.split_first_chunk::<2>().and_then(|(length, rest)| {
            let length = usize::from(u16::from_be_bytes(*length));
            rest.get(..length)
        });
        if let Some(octets) = whole {
            break match read(octets, question) {
                DnsReply::Answer(answer) => *answer,
                DnsReply::Broken(outcome) => return Err(attempt.fails(outcome)),
                DnsReply::Stranger => return Err(attempt.fails(conclusive("not an answer to the question"))),
            };
        }
        let room = MESSAGE_MAX.saturating_sub(buffer.len());
        if stream.receive(&mut buffer, room, attempt).await? == 0 {
            return Err(attempt.fails(conclusive("closed before the answer was whole")));
        }
    };
    close(stream).await;
    Ok(answer)
}

impl Probe for Dns {
    const KIND: &'static str = "dns";

    fn transport(&self) -> &'static str {
        if self.tcp { "tcp" } else { "udp" }
    }

    fn parameters(&self) -> String {
        let mut text = format!("name={} type={}", self.name.to_lower(), self.rtype);
        if let Some(rcode) = self.rcode {
            text.push_str(&format!(" rcode={rcode}"));
        }
        if let Some(answer) = &self.answer {
            text.push_str(&format!(" answer=\"{}\"", answer.escape_default()));
        }
        text
    }

    /// Returns nothing: name servers close what is idle after seconds (RFC 7766 §6.2.3).
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut answer = self.ask(self.tcp, true, attempt).await?;
        // RFC 6891 §7: an old server does not know EDNS.
        if answer.metadata.response_code == ResponseCode::FormErr && answer.edns.is_none() {
            attempt.warnings.push("the server does not understand EDNS (FORMERR)".to_owned());
            answer = self.ask(self.tcp, false, attempt).await?;
        }
        if answer.metadata.truncation && !self.tcp {
            answer = self.ask(true, true, attempt).await?;
        }
        judge(self, &answer).map_err(|outcome| attempt.fails(outcome))
    }
}

impl Rcode {
    /// Reads a name such as `NOERROR` (RFC 1035 §4.1.1 and the IANA registry), in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let found = RCODES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        found.map(|(number, _)| Self(*number))
    }

    /// Returns the rcode of a message, with the upper bits of EDNS.
    fn of(message: &Message) -> Self {
        Self(message.metadata.response_code.into())
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RCODES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "rcode {}", self.0),
        }
    }
}

const RCODES: [(u16, &str); 12] = [
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (16, "BADVERS"),
];
/// When the question is sent again over UDP.
const AGAIN: &[Duration] = &[Duration::from_millis(500), Duration::from_millis(1250)];
/// The largest answer that we take over UDP, in octets: it fits through most networks whole.
const PAYLOAD: u16 = 1232;
/// A length of two octets, and the longest message.
const MESSAGE_MAX: usize = 2 + 65_535;
