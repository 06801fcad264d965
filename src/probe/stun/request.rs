//! Writes STUN requests.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::attribute;
use super::checksum::crc32;
use super::integrity::Key;
use super::message::{COOKIE, FINGERPRINT_MASK, HEADER, Transaction};

/// A request that grows attribute by attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    octets: Vec<u8>,
    method: Method,
    transaction: Transaction,
}

/// What is asked for (RFC 8489 §18.2, RFC 8656 §17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// "What address do you see me as?"
    Binding,
    /// "Give me an address of yours."
    Allocate,
    /// "I keep it for so long"; 0 lets it go.
    Refresh,
}

impl Method {
    /// Returns its number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Binding => 0x001,
            Self::Allocate => 0x003,
            Self::Refresh => 0x004,
        }
    }
}

impl Request {
    /// Begins a request without attributes. The methods' numbers are so low that they are the type as it stands.
    pub fn new(method: Method, transaction: Transaction) -> Self {
        let mut octets = Vec::with_capacity(HEADER);
        octets.extend(method.number().to_be_bytes());
        octets.extend([0, 0]);
        octets.extend(COOKIE);
        octets.extend(transaction);
        Self { octets, method, transaction }
    }

    /// Adds an attribute, padded with zeros. Of a value only the first [`VALUE_MOST`] octets are taken.
    #[must_use]
    pub fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let value = value.get(..VALUE_MOST).unwrap_or(value);
        self.octets.extend(kind.to_be_bytes());
        self.octets.extend(u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
        self.octets.extend(value);
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
        self.write_length();
        self
    }

    /// Seals what stands there so far (RFC 8489 §14.5, §14.6).
    #[must_use]
    pub fn sealed(self, key: &Key) -> Self {
        let seal = key.seal(&self.octets);
        self.with(key.integrity().attribute(), seal.as_ref())
    }

    /// Adds the checksum of what stands there so far; nothing may follow (RFC 8489 §14.7).
    #[must_use]
    pub fn fingerprinted(self) -> Self {
        let mut whole = self.with(attribute::FINGERPRINT, &[0; 4]);
        let before = whole.octets.len().saturating_sub(8);
        let checksum = crc32(whole.octets.get(..before).unwrap_or_default()) ^ FINGERPRINT_MASK;
        whole.octets.truncate(before);
        whole.with(attribute::FINGERPRINT, &checksum.to_be_bytes())
    }

    /// Returns the octets to send.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Returns what is asked for.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Returns the transaction.
    pub const fn transaction(&self) -> Transaction {
        self.transaction
    }

    fn write_length(&mut self) {
        let length = u16::try_from(self.octets.len().saturating_sub(HEADER)).unwrap_or(u16::MAX);
        if let Some(place) = self.octets.get_mut(2..4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The most octets of a value: no attribute of RFC 8489 may be longer than 763.
const VALUE_MOST: usize = 768;
