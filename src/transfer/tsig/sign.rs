//! Signs the messages of a query or of an answer, in their order (RFC 8945 §4.3, §5.3).

use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::base::clock::UnixTime;
use crate::transfer::Key;

use super::FUDGE;
use super::record::{self, Fields};

/// Signs one message after the other.
#[derive(Clone, Debug)]
pub struct Signer {
    key: Arc<Key>,
    /// The MAC of the message before: the query's, before the first message of its answer.
    prior: Vec<u8>,
    /// Whether a message has been signed.
    begun: bool,
    error: Option<SignedError>,
}

/// An error that is told in an answer that is signed (RFC 8945 §5.3.2).
#[derive(Clone, Copy, Debug)]
pub(in crate::transfer) enum SignedError {
    /// The query was signed at another time; the answer repeats it, and tells the server's time (RFC 8945 §5.2.3).
    Time {
        /// The time of the query's signature and its fudge.
        times: [u8; 8],
    },
    /// The MAC is right as far as it goes, which is not far enough (RFC 8945 §5.2.4).
    Truncated,
}

impl Signer {
    /// Signs queries with a key.
    pub const fn of(key: Arc<Key>) -> Self {
        Self { key, prior: Vec::new(), begun: false, error: None }
    }

    /// Signs the answer to a query with this MAC.
    pub fn answer(key: Arc<Key>, mac: &[u8]) -> Self {
        Self { key, prior: mac.to_vec(), begun: false, error: None }
    }

    /// Tells what was wrong with the query's signature too.
    pub(super) fn with_error(self, error: Option<SignedError>) -> Self {
        Self { error, ..self }
    }

    /// Returns the key.
    pub const fn key(&self) -> &Arc<Key> {
        &self.key
    }

    /// Returns how many octets each message leaves free for the signature.
    pub fn room(&self) -> usize {
        let algorithm = self.key.algorithm();
        let other = if matches!(self.error, Some(SignedError::Time { .. })) { TIME } else { 0 };
        record::length(self.key.name().wire(), algorithm.wire(), algorithm.mac_length(), other)
    }

    /// Appends the signature to a whole message, and counts it there.
    pub fn sign(&mut self, now: UnixTime, message: &mut Vec<u8>) {
        let Some(&[i0, i1, ..]) = message.first_chunk::<12>() else { return };
        let (name, algorithm) = (self.key.name().clone(), self.key.algorithm());
        let own = times(now);
        let server_time = own.first_chunk::<TIME>().copied().unwrap_or_default();
        let (times, error, other) = match self.error {
            None => (own, 0, &[][..]),
            Some(SignedError::Time { times }) => (times, BADTIME, &server_time[..]),
            Some(SignedError::Truncated) => (own, BADTRUNC, &[][..]),
        };
        let mut context = begin(&self.key, &self.prior);
        context.update(message);
        if self.begun {
            // RFC 8945 §5.3.1: behind the first message only the timers.
            context.update(&times);
        } else {
            add_variables(&mut context, &self.key, times, error, other);
        }
        let mac = context.sign();
        self.begun = true;
        self.prior = mac.as_ref().to_vec();
        let fields = Fields { times, mac: mac.as_ref(), id: [i0, i1], error, other };
        record::write(message, name.wire(), algorithm.wire(), fields);
        count_record(message);
    }

    /// Returns the key, and the MAC of the message that was signed last.
    pub(super) fn into_parts(self) -> (Arc<Key>, Vec<u8>) {
        (self.key, self.prior)
    }
}

/// Begins a MAC with the one before it (RFC 8945 §4.3.1).
pub(super) fn begin(key: &Key, prior: &[u8]) -> hmac::Context {
    let mut context = key.begin();
    if !prior.is_empty() {
        context.update(&u16::try_from(prior.len()).unwrap_or(u16::MAX).to_be_bytes());
        context.update(prior);
    }
    context
}

/// Adds the TSIG variables (RFC 8945 §4.3.3).
pub(super) fn add_variables(context: &mut hmac::Context, key: &Key, times: [u8; 8], error: u16, other: &[u8]) {
    context.update(key.name().wire());
    // Class ANY and a TTL of 0.
    context.update(&[0, 255, 0, 0, 0, 0]);
    context.update(key.algorithm().wire());
    context.update(&times);
    context.update(&error.to_be_bytes());
    context.update(&u16::try_from(other.len()).unwrap_or(u16::MAX).to_be_bytes());
    context.update(other);
}

/// Counts one more record in the additional section of a message.
pub(in crate::transfer) fn count_record(message: &mut [u8]) {
    if let Some(place) = message.get_mut(10..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *place = u16::from_be_bytes(*place).saturating_add(1).to_be_bytes();
    }
}

/// Writes a time in 48 bits and the fudge.
fn times(now: UnixTime) -> [u8; 8] {
    ((now.as_secs() << 16) | u64::from(FUDGE)).to_be_bytes()
}

/// The octets of a time.
const TIME: usize = 6;
/// RFC 8945 §3.
pub(super) const BADTIME: u16 = 18;
/// RFC 8945 §3.
pub(super) const BADTRUNC: u16 = 22;
