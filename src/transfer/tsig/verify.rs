//! Verifies queries, and the messages of an answer (RFC 8945 §5.2, §5.3.1, §5.4).

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use crate::base::clock::UnixTime;
use crate::transfer::{Key, KeyRing};
use crate::zone::Name;

use super::record::{Fields, Tsig};
use super::sign::{SignedError, Signer, add_variables, begin};

/// Why a signed query is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its MAC has a length that no algorithm has: FORMERR (RFC 8945 §5.2.2.1).
    Malformed,
    /// The key is not known under this name with this algorithm: BADKEY.
    UnknownKey,
    /// The MAC is wrong: BADSIG.
    WrongMac,
    /// It was signed too long ago, or is yet to be signed: BADTIME.
    WrongTime,
    /// The MAC is cut short: BADTRUNC.
    Truncated,
}

/// Why a message of an answer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It should be signed and is not.
    #[error("a message is not signed")]
    Unsigned,
    /// Too many messages in a row are not signed.
    #[error("more than {UNSIGNED_MOST} messages in a row are not signed")]
    TooFewSigned,
    /// It is signed with another key.
    #[error("a message is signed with another key")]
    OtherKey,
    /// The MAC is wrong.
    #[error("a signature is wrong")]
    WrongMac,
    /// The clocks are too far apart.
    #[error("a message was signed at another time: the clocks are too far apart")]
    WrongTime,
    /// The other server says so.
    #[error("the other server refuses the signature: {}", name_of(*.0))]
    Refused(u16),
}

/// Verifies a query; returns what signs the answer, if it is signed, and why the query is refused, if so it is.
pub fn verify(keys: &KeyRing, tsig: &Tsig<'_>, now: UnixTime) -> (Option<Signer>, Option<Refusal>) {
    let Some(fields) = tsig.fields() else { return (None, Some(Refusal::Malformed)) };
    let key = Name::from_wire(&tsig.key()).ok().and_then(|name| keys.get(&name));
    let Some(key) = key.filter(|key| tsig.algorithm().eq_ignore_ascii_case(key.algorithm().wire())) else {
        return (None, Some(Refusal::UnknownKey));
    };
    let length = key.algorithm().mac_length();
    // RFC 8945 §5.2.2.1: at least ten octets, and half of them.
    if fields.mac.len() > length || fields.mac.len() < (length / 2).max(10) {
        return (None, Some(Refusal::Malformed));
    }
    let mut context = begin(key, &[]);
    add_message(&mut context, tsig, &fields);
    add_variables(&mut context, key, fields.times, fields.error, fields.other);
    if !is_prefix(&context.sign(), fields.mac) {
        return (None, Some(Refusal::WrongMac));
    }
    let signer = |error| Some(Signer::answer(Arc::clone(key), fields.mac).with_error(error));
    if !is_near(fields.times, now) {
        return (signer(Some(SignedError::Time { times: fields.times })), Some(Refusal::WrongTime));
    }
    if fields.mac.len() < length {
        return (signer(Some(SignedError::Truncated)), Some(Refusal::Truncated));
    }
    (signer(None), None)
}

impl Refusal {
    /// Appends the record that tells it to an answer that is not signed, if that leaves the message within `limit` octets;
    /// returns whether it did.
    pub fn write(self, tsig: &Tsig<'_>, message: &mut Vec<u8>, limit: usize) -> bool {
        let error = match self {
            // Those that are signed say it themselves.
            Self::Malformed | Self::WrongTime | Self::Truncated => return false,
            Self::UnknownKey => BADKEY,
            Self::WrongMac => BADSIG,
        };
        let written = tsig.write_unsigned(error, message, limit);
        if written {
            super::sign::count_record(message);
        }
        written
    }
}

/// Verifies the messages of an answer, one after the other.
#[derive(Debug)]
pub struct Verifier {
    key: Arc<Key>,
    /// All since the last signed message.
    context: hmac::Context,
    begun: bool,
    unsigned: u32,
}

impl Verifier {
    /// Verifies the answer to the query that was signed last.
    pub fn of(signer: Signer) -> Self {
        let (key, mac) = signer.into_parts();
        let context = begin(&key, &mac);
        Self { key, context, begun: false, unsigned: 0 }
    }

    /// Verifies the next message; `tsig` is its last record, if that is one. Only the messages between the first and the
    /// last one may be unsigned, and those count once a later one is verified ([`is_whole`](Self::is_whole)).
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn next(&mut self, message: &[u8], tsig: Option<&Tsig<'_>>, now: UnixTime) -> Result<(), Unverified> {
        let Some((tsig, fields)) = tsig.and_then(|tsig| Some((tsig, tsig.fields()?))) else {
            if !self.begun {
                return Err(Unverified::Unsigned);
            }
            self.unsigned += 1;
            self.context.update(message);
            // RFC 8945 §5.3.1: at least each hundredth message is signed.
            return if self.unsigned > UNSIGNED_MOST { Err(Unverified::TooFewSigned) } else { Ok(()) };
        };
        if fields.error != 0 && fields.mac.is_empty() {
            return Err(Unverified::Refused(fields.error));
        }
        if !tsig.is_by(self.key.name().wire()) || !tsig.algorithm().eq_ignore_ascii_case(self.key.algorithm().wire()) {
            return Err(Unverified::OtherKey);
        }
        add_message(&mut self.context, tsig, &fields);
        if self.begun {
            self.context.update(&fields.times);
        } else {
            add_variables(&mut self.context, &self.key, fields.times, fields.error, fields.other);
        }
        let next = begin(&self.key, fields.mac);
        let mac = std::mem::replace(&mut self.context, next).sign();
        if verify_slices_are_equal(mac.as_ref(), fields.mac).is_err() {
            return Err(Unverified::WrongMac);
        }
        if fields.error != 0 {
            return Err(Unverified::Refused(fields.error));
        }
        if !is_near(fields.times, now) {
            return Err(Unverified::WrongTime);
        }
        (self.begun, self.unsigned) = (true, 0);
        Ok(())
    }

    /// Returns whether all messages so far are vouched for: the last one was signed.
    pub const fn is_whole(&self) -> bool {
        self.begun && self.unsigned == 0
    }
}

/// Adds a message as it was before it was signed (RFC 8945 §4.3.2).
fn add_message(context: &mut hmac::Context, tsig: &Tsig<'_>, fields: &Fields<'_>) {
    let Some((&[_, _, a, b, c, d, e, f, g, h, r0, r1], body)) = tsig.message().split_first_chunk::<12>() else {
        return;
    };
    let [i0, i1] = fields.id;
    let [r0, r1] = u16::from_be_bytes([r0, r1]).saturating_sub(1).to_be_bytes();
    context.update(&[i0, i1, a, b, c, d, e, f, g, h, r0, r1]);
    context.update(body);
}

fn is_prefix(whole: &hmac::Tag, mac: &[u8]) -> bool {
    let start = whole.as_ref().get(..mac.len());
    start.is_some_and(|start| verify_slices_are_equal(start, mac).is_ok())
}

/// Returns whether a time lies within its fudge of now.
fn is_near(times: [u8; 8], now: UnixTime) -> bool {
    let both = u64::from_be_bytes(times);
    (both >> 16).abs_diff(now.as_secs()) <= both & u64::from(u16::MAX)
}

fn name_of(error: u16) -> String {
    match error {
        BADSIG => "BADSIG".to_owned(),
        BADKEY => "BADKEY".to_owned(),
        super::sign::BADTIME => "BADTIME".to_owned(),
        super::sign::BADTRUNC => "BADTRUNC".to_owned(),
        other => format!("error {other}"),
    }
}

/// RFC 8945 §5.3.1: so many messages in a row may be unsigned.
const UNSIGNED_MOST: u32 = 99;
/// RFC 8945 §3.
const BADSIG: u16 = 16;
/// RFC 8945 §3.
const BADKEY: u16 = 17;
