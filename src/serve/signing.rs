//! The hooks around an answer, over the raw octets: one verifies a signed query before it is answered, one signs the
//! answer.
//!
//! The answer leaves room for the signature, so that signing never makes a message longer than its limit. No keys are
//! configured yet: a server without [`Keys`] answers BADKEY (RFC 8945 §5.2.1).

use std::fmt;

use crate::base::clock::UnixTime;

use super::query::{QueryView, Signed};
use super::rcode::Rcode;
use super::tsig::Tsig;

/// The hook before an answer.
pub trait Keys: fmt::Debug + Send + Sync {
    /// Verifies a signed query; returns what signs its answer, or nothing if the signature does not hold.
    fn verify(&self, packet: &[u8], tsig: &Tsig<'_>, now: UnixTime) -> Option<Box<dyn Signer>>;
}

/// The hook after an answer: it signs each message of one answer, in their order.
pub trait Signer: fmt::Debug + Send {
    /// Returns how many octets each message leaves free for the signature.
    fn room(&self) -> usize;

    /// Appends the record to a whole message; [`count_record`] counts it.
    fn sign(&mut self, message: &mut Vec<u8>);
}

/// The messages of one answer behind the first one.
#[derive(Debug)]
pub struct Rest {
    messages: Box<dyn Messages>,
    signer: Option<Box<dyn Signer>>,
}

/// Makes the messages of a long answer, one at a time, so that no more of it is held than a client takes.
pub trait Messages: fmt::Debug + Send {
    /// Writes the next message, leaving `room` octets free; returns false if there is none.
    fn next(&mut self, room: usize, message: &mut Vec<u8>) -> bool;
}

impl Rest {
    /// Goes on with these messages, signed by who signed the first one.
    pub fn new(messages: Box<dyn Messages>, signer: Option<Box<dyn Signer>>) -> Self {
        Self { messages, signer }
    }

    /// Writes the next message into `message`, whatever was in it; returns false if there is none.
    pub fn next(&mut self, message: &mut Vec<u8>) -> bool {
        message.clear();
        let more = self.messages.next(self.signer.as_ref().map_or(0, |signer| signer.room()), message);
        if let Some(signer) = self.signer.as_mut().filter(|_| more) {
            signer.sign(message);
        }
        more
    }
}

/// Verifies a query; one whose signature holds is [`Signed::Verified`] from then on.
pub(super) fn before<'p>(
    keys: Option<&dyn Keys>,
    packet: &[u8],
    query: &mut QueryView<'p>,
    now: UnixTime,
) -> Option<Box<dyn Signer>> {
    let Signed::By(tsig) = &query.signed else { return None };
    let signer = keys?.verify(packet, tsig, now)?;
    query.signed = Signed::Verified;
    Some(signer)
}

/// Signs an answer, or says of one that is not signed that the key is unknown, if that leaves the message within `limit`
/// octets.
pub(super) fn after(
    signer: Option<&mut Box<dyn Signer>>,
    query: &QueryView<'_>,
    rcode: Rcode,
    limit: usize,
    message: &mut Vec<u8>,
) {
    match (signer, query.signed) {
        (Some(signer), _) => signer.sign(message),
        // RFC 8945 §5.1: the last record.
        (None, Signed::By(tsig)) if rcode == Rcode::NOTAUTH && tsig.write_unknown_key(message, limit) => {
            count_record(message);
        }
        (None, _) => {}
    }
}

/// Counts one more record in the additional section of a message.
pub fn count_record(message: &mut [u8]) {
    if let Some(place) = message.get_mut(10..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *place = u16::from_be_bytes(*place).saturating_add(1).to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::table::Table;
    use crate::serve::{Client, Responder, Settings, Transport};
    use crate::snapshot::{Image, Publisher, Snapshot};

    /// Vouches for every query that ends with the octets of [`QUERY`].
    #[derive(Debug)]
    struct Everybody;

    #[derive(Debug)]
    struct Mark;

    impl Keys for Everybody {
        fn verify(&self, packet: &[u8], _: &Tsig<'_>, _: UnixTime) -> Option<Box<dyn Signer>> {
            packet.ends_with(b"\0\x07\0\0\0\0").then(|| Box::new(Mark) as Box<dyn Signer>)
        }
    }

    impl Signer for Mark {
        fn room(&self) -> usize {
            MARK.len()
        }

        fn sign(&mut self, message: &mut Vec<u8>) {
            message.extend_from_slice(MARK);
            count_record(message);
        }
    }

    /// A record of 300 octets that stands for a signature.
    const MARK: &[u8] = &[9; 300];

    /// `id.server. CH TXT` with a TSIG record.
    const QUERY: &[u8] = b"\0\x07\0\0\0\x01\0\0\0\0\0\x01\x02id\x06server\0\0\x10\0\x03\
        \x01k\0\0\xfa\0\xff\0\0\0\0\0\x13\x01a\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0";

    /// Asks over UDP without EDNS, so within 512 octets; the answer holds a text of so many octets.
    fn ask(text: usize, keys: Option<Arc<dyn Keys>>) -> (Vec<u8>, bool) {
        let first = Snapshot::first(Arc::new(Image::build(&Table::new(), &Table::new())), Vec::new(), 1);
        let responder = crate::serve::testing::responder(Publisher::new(first).reader());
        responder.settings().set(Settings { nsid: Some(vec![b'x'; text]), ..Settings::default() });
        let responder = keys.into_iter().fold(responder, Responder::with_keys);
        let client = Client::new(([127, 0, 0, 1], 9).into(), Transport::Udp, responder.clock().now());
        let mut message = Vec::new();
        let sent = responder.respond(QUERY, client, &mut message).unwrap();
        (message, sent.truncated)
    }

    #[test]
    fn an_answer_to_a_verified_query_is_signed_and_leaves_room_for_it() {
        let (message, truncated) = ask(100, Some(Arc::new(Everybody)));
        assert!(!truncated && message.ends_with(MARK) && message.len() <= 512);
        assert_eq!(message.get(3).map(|octet| octet & 15), Some(0));
        assert_eq!(message.get(6..12), Some([0, 1, 0, 0, 0, 1].as_slice()), "one answer and the signature");
        let (message, truncated) = ask(200, Some(Arc::new(Everybody)));
        assert!(truncated && message.ends_with(MARK) && message.len() <= 512, "the text has to give way");
        assert_eq!(message.get(6..12), Some([0, 0, 0, 0, 0, 1].as_slice()));
    }

    #[test]
    fn without_keys_a_signed_query_is_answered_notauth() {
        let (message, truncated) = ask(100, None);
        assert!(!truncated);
        assert_eq!(message.get(3).map(|octet| octet & 15), Some(9));
        assert_eq!(message.get(6..12), Some([0, 0, 0, 0, 0, 1].as_slice()), "BADKEY");
    }
}
