//! The steps around an answer, over the raw octets: a signed query is verified before it is answered, and the answer is
//! signed behind it.
//!
//! The answer leaves room for the signature, so that signing never makes a message longer than its limit.

use std::fmt;

use crate::base::clock::UnixTime;
use crate::transfer::KeyRing;
use crate::transfer::tsig::{self, Refusal, Signer};

use super::query::{QueryView, Signed};
use super::rcode::Rcode;

/// The messages of one answer behind the first one.
#[derive(Debug)]
pub struct Rest {
    messages: Box<dyn Messages>,
    signer: Option<Signer>,
}

/// Makes the messages of a long answer, one at a time, so that no more of it is held than a client takes.
pub trait Messages: fmt::Debug + Send {
    /// Writes the next message within `limit` octets; returns false if there is none.
    fn next(&mut self, limit: usize, message: &mut Vec<u8>) -> bool;

    /// Returns whether all of them have been written: else the answer is cut.
    fn is_done(&self) -> bool;
}

impl Rest {
    /// Goes on with these messages, signed by what signed the first one.
    pub fn new(messages: Box<dyn Messages>, signer: Option<Signer>) -> Self {
        Self { messages, signer }
    }

    /// Writes the next message into `message`, whatever was in it; returns false if there is none.
    pub fn next(&mut self, now: UnixTime, message: &mut Vec<u8>) -> bool {
        message.clear();
        let room = self.signer.as_ref().map_or(0, Signer::room);
        let more = self.messages.next(usize::from(u16::MAX).saturating_sub(room), message);
        if let Some(signer) = self.signer.as_mut().filter(|_| more) {
            signer.sign(now, message);
        }
        more
    }

    /// Returns whether the answer has come to its end, rather than to a record that no message has room for.
    pub fn is_whole(&self) -> bool {
        self.messages.is_done()
    }
}

/// Verifies a query; returns what signs its answer.
pub(super) fn before(keys: &KeyRing, query: &mut QueryView<'_>, now: UnixTime) -> Option<Signer> {
    let Signed::By(tsig) = query.signed else { return None };
    let (signer, refusal) = tsig::verify(keys, &tsig, now);
    query.signed = refusal.map_or(Signed::Verified(tsig), |refusal| Signed::Refused(tsig, refusal));
    signer
}

/// Signs an answer, or tells why a signature is refused, if that leaves the message within `limit` octets.
pub(super) fn after(
    signer: Option<&mut Signer>,
    query: &QueryView<'_>,
    now: UnixTime,
    limit: usize,
    message: &mut Vec<u8>,
) {
    match (signer, query.signed) {
        (Some(signer), _) => signer.sign(now, message),
        // RFC 8945 §5.1: the last record.
        (None, Signed::Refused(tsig, refusal)) => _ = refusal.write(&tsig, message, limit),
        (None, _) => {}
    }
}

/// Returns the response code for a query whose signature does not hold (RFC 8945 §5.2).
pub(super) const fn rcode(signed: Signed<'_>) -> Option<Rcode> {
    match signed {
        // Who cannot be understood.
        Signed::Unreadably | Signed::Refused(_, Refusal::Malformed) => Some(Rcode::FORMERR),
        // Nothing has vouched for the signature.
        Signed::By(_) | Signed::Refused(..) => Some(Rcode::NOTAUTH),
        Signed::No | Signed::Verified(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::base::clock::{Clock, UnixTime};
    use crate::base::table::Table;
    use crate::serve::{Client, Settings, Transport};
    use crate::snapshot::{Image, Publisher, Snapshot};
    use crate::transfer::tsig::Signer;
    use crate::transfer::{Algorithm, Key, KeyRing};

    /// `id.server. CH TXT`.
    const QUERY: &[u8] = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x02id\x06server\0\0\x10\0\x03";

    fn key(secret: u8) -> Key {
        Key::new(&"key.".parse().unwrap(), Algorithm::HmacSha512, &[secret; 32])
    }

    /// Asks over UDP without EDNS, so within 512 octets, signed at a time; the answer holds a text of so many octets.
    fn ask(text: usize, known: Option<Key>, at: Option<UnixTime>) -> (Vec<u8>, bool) {
        let first = Snapshot::first(Arc::new(Image::build(&Table::new(), &Table::new())), Vec::new(), 1);
        let responder = crate::serve::testing::responder(Publisher::new(first).reader());
        let keys: KeyRing = known.into_iter().collect();
        responder.settings().set(Settings { nsid: Some(vec![b'x'; text]), keys, ..Settings::default() });
        let client = Client::new(([127, 0, 0, 1], 9).into(), Transport::Udp, responder.clock().now());
        let (mut query, mut message) = (QUERY.to_vec(), Vec::new());
        Signer::of(Arc::new(key(7))).sign(at.unwrap_or_else(|| Clock::start().now().wall), &mut query);
        let sent = responder.respond(&query, client, &mut message).unwrap();
        (message, sent.truncated)
    }

    /// Returns the error of a TSIG record without other data at the end of a message.
    fn error(message: &[u8]) -> Option<&u8> {
        message.get(message.len() - 3)
    }

    #[test]
    fn an_answer_to_a_verified_query_is_signed_and_leaves_room_for_it() {
        let (message, truncated) = ask(250, Some(key(7)), None);
        assert!(!truncated && message.len() <= 512);
        assert_eq!((message.get(3).map(|octet| octet & 15), error(&message)), (Some(0), Some(&0)));
        assert_eq!(message.get(6..12), Some([0, 1, 0, 0, 0, 1].as_slice()), "one answer and the signature");
        let room = message.len() - QUERY.len() - 251;
        let (message, truncated) = ask(255, Some(key(7)), None);
        assert_eq!((message.len() <= 512, truncated), (true, QUERY.len() + room + 256 > 512));
    }

    #[test]
    fn a_query_whose_signature_does_not_hold_is_told_why() {
        let late = UnixTime::from_secs(1_000_000);
        for (known, at, error, other) in [
            (None, None, 17, 0),
            (Some(key(8)), None, 16, 0),
            (Some(Key::new(key(7).name(), Algorithm::HmacSha256, &[7; 32])), None, 17, 0),
            (Some(key(7)), Some(late), 18, 6),
        ] {
            let (message, truncated) = ask(100, known, at);
            assert!(!truncated);
            assert_eq!(message.get(3).map(|octet| octet & 15), Some(9), "NOTAUTH");
            assert_eq!(message.get(6..12), Some([0, 0, 0, 0, 0, 1].as_slice()));
            assert_eq!(
                message.get(message.len() - 4 - other..message.len() - other),
                Some([0, error, 0, u8::try_from(other).unwrap()].as_slice())
            );
        }
    }
}
