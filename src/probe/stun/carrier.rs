//! Sends requests to a server and receives the answers, over datagrams or a stream.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::Duration;

use super::frame;
use super::message::{Class, Header, Message};
use super::request::Request;
use crate::health::Outcome;
use crate::probe::Over;
use crate::probe::attempt::{Attempt, conclusive};
use crate::probe::connect::close;
use crate::probe::datagram::Datagram;
use crate::probe::stream::Stream;

/// A way to the server.
#[derive(Debug)]
pub(super) enum Carrier {
    /// A socket of its own, so a source port of its own.
    Datagram(Datagram),
    /// A connection, with what came behind the last answer.
    Stream(Stream, Vec<u8>),
}

/// An answer to a question of ours, well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StunReply(Vec<u8>);

/// What octets are to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// Its answer.
    Answer(StunReply),
    /// Somebody else's: another transaction, or no STUN at all.
    Foreign,
    /// It bears the question's transaction, so it comes from who read it, but no client can use it.
    Broken(String),
}

impl Carrier {
    /// Opens a way to the address of the probe.
    pub(super) async fn open(over: &Over, attempt: &mut Attempt<'_>) -> Result<Self, Outcome> {
        let tls = match over {
            Over::Udp => return Ok(Self::Datagram(Datagram::open(attempt).await?)),
            Over::Tcp => None,
            Over::Tls(tls) => Some(tls),
        };
        Ok(Self::Stream(Stream::open(tls, attempt).await?, Vec::new()))
    }

    /// Asks, and waits for the answer; the caller bounds the time.
    pub(super) async fn ask(&mut self, request: &Request, attempt: &mut Attempt<'_>) -> Result<StunReply, Outcome> {
        let recognised = match self {
            Self::Datagram(datagram) => {
                let accept = |octets: &[u8]| match recognise(octets, request) {
                    Recognised::Foreign => None,
                    known @ (Recognised::Answer(_) | Recognised::Broken(_)) => Some(known),
                };
                datagram.ask(request.octets(), &AGAIN, accept, attempt).await?
            }
            Self::Stream(stream, buffer) => {
                stream.send(request.octets(), attempt).await?;
                receive(request, stream, buffer, attempt).await?
            }
        };
        match recognised {
            Recognised::Answer(answer) => Ok(answer),
            Recognised::Broken(cause) => Err(attempt.fails(conclusive(cause))),
            Recognised::Foreign => Err(attempt.fails(conclusive("only answers that are not ours"))),
        }
    }

    /// Takes leave.
    pub(super) async fn close(self) {
        match self {
            Self::Datagram(datagram) => drop(datagram),
            Self::Stream(stream, _) => close(stream).await,
        }
    }
}

impl StunReply {
    /// Looks at it.
    pub(super) fn message(&self) -> Option<Message<'_>> {
        Message::parse(&self.0).ok()
    }
}

/// Reads messages of a stream until one is the answer; of foreign ones [`FOREIGN_MOST`] at most.
async fn receive(
    request: &Request,
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    attempt: &mut Attempt<'_>,
) -> Result<Recognised, Outcome> {
    let mut foreign = 0_u32;
    loop {
        let length = frame::length(buffer);
        let length = length.map_err(|error| attempt.fails(conclusive(error.to_string())))?;
        if let Some(message) = length.and_then(|length| buffer.get(..length)) {
            let recognised = recognise(message, request);
            let length = message.len();
            buffer.drain(..length);
            foreign = foreign.saturating_add(1);
            match recognised {
                Recognised::Foreign if foreign < FOREIGN_MOST => continue,
                Recognised::Foreign | Recognised::Answer(_) | Recognised::Broken(_) => return Ok(recognised),
            }
        }
        let room = length.unwrap_or(frame::MESSAGE_MOST).saturating_sub(buffer.len()).max(1);
        if stream.receive(buffer, room, attempt).await? == 0 {
            let cause = if buffer.is_empty() { "closed without an answer" } else { "closed within its answer" };
            return Err(attempt.fails(conclusive(cause)));
        }
    }
}

/// Tells whether octets answer a question.
pub(super) fn recognise(octets: &[u8], request: &Request) -> Recognised {
    let Ok(header) = Header::parse(octets) else { return Recognised::Foreign };
    if header.transaction != request.transaction() {
        return Recognised::Foreign;
    }
    if !matches!(header.class, Class::Success | Class::Error) {
        return Recognised::Broken("sends the question back in place of an answer".to_owned());
    }
    if header.method != request.method().number() {
        return Recognised::Broken("answers another method than was asked for".to_owned());
    }
    match Message::parse(octets) {
        Ok(message) => Recognised::Answer(StunReply(message.octets().to_vec())),
        Err(malformed) => Recognised::Broken(malformed.to_string()),
    }
}

/// When a datagram is sent again, counted from the first time (RFC 8489 §6.2.1: 500 ms, as much as a probe has time
/// for).
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];
/// So many messages that are not ours, a stream may hold before the answer.
const FOREIGN_MOST: u32 = 16;
