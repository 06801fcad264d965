//! Integrity of STUN messages: long-term keys, MESSAGE-INTEGRITY, and the checksum of FINGERPRINT (RFC 8489 §9.2, §14.5
//! to §14.7).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};

use super::attribute;
use super::message::{HEADER, Message};

/// A key, with the seal that goes with it.
#[derive(Clone)]
pub struct Key {
    integrity: Integrity,
    hmac: hmac::Key,
}

/// How a long-term key is made of a password (RFC 8489 §9.2.2, §18.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// What every server knows.
    Md5,
    /// Where the server offers it.
    Sha256,
}

/// How messages are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY (RFC 8489 §14.5).
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6), not cut short.
    Sha256,
}

/// What became of a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It fits.
    Good,
    /// It is of another key, or of another message.
    Wrong,
    /// There is none.
    Missing,
}

impl Hash {
    /// Returns its number in PASSWORD-ALGORITHMS (RFC 8489 §18.5).
    pub const fn number(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
        }
    }
}

impl Integrity {
    /// Returns the attribute that bears the seal.
    pub const fn attribute(self) -> u16 {
        match self {
            Self::Sha1 => attribute::MESSAGE_INTEGRITY,
            Self::Sha256 => attribute::MESSAGE_INTEGRITY_SHA256,
        }
    }

    fn key(self, octets: &[u8]) -> hmac::Key {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::Key::new(algorithm, octets)
    }
}

impl Key {
    /// Makes the key of a user (RFC 8489 §9.2.2). Names and passwords beyond ASCII are taken as they are written.
    pub fn long_term(hash: Hash, user: &[u8], realm: &[u8], password: &[u8], integrity: Integrity) -> Self {
        let text = [user, realm, password].join(b":".as_slice());
        let hmac = match hash {
            Hash::Md5 => integrity.key(&*md5::compute(&text)),
            Hash::Sha256 => integrity.key(digest::digest(&digest::SHA256, &text).as_ref()),
        };
        Self { integrity, hmac }
    }

    /// Makes a short-term key (RFC 8489 §9.1.1).
    pub fn short_term(password: &[u8], integrity: Integrity) -> Self {
        Self { integrity, hmac: integrity.key(password) }
    }

    /// Returns how it seals.
    pub const fn integrity(&self) -> Integrity {
        self.integrity
    }

    /// Looks at the seal of a message.
    pub fn judge(&self, message: &Message<'_>) -> Seal {
        let Some(found) = message.attribute(self.integrity.attribute()) else { return Seal::Missing };
        let before = message.octets().get(..HEADER.saturating_add(found.at)).unwrap_or_default();
        match constant_time::verify_slices_are_equal(self.seal(before).as_ref(), found.value) {
            Ok(()) => Seal::Good,
            Err(_) => Seal::Wrong,
        }
    }

    /// Makes the seal of what stands before it. The length that the header bears there counts to the seal's end.
    pub(super) fn seal(&self, before: &[u8]) -> hmac::Tag {
        let seal = self.hmac.algorithm().tag_len().saturating_add(4);
        let length = before.len().saturating_sub(HEADER).saturating_add(seal);
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        let mut hmac = hmac::Context::with_key(&self.hmac);
        hmac.update(before.get(..2).unwrap_or_default());
        hmac.update(&length.to_be_bytes());
        hmac.update(before.get(4..).unwrap_or_default());
        hmac.sign()
    }
}

/// A key is secret: only its kind is shown.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("integrity", &self.integrity).finish_non_exhaustive()
    }
}
