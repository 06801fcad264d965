//! The keys that sign messages (RFC 8945 §6).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::zone::Name;

/// How a key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    #[default]
    HmacSha256,
    /// HMAC with SHA-384.
    HmacSha384,
    /// HMAC with SHA-512.
    HmacSha512,
}

/// A secret that is shared with other servers, under a name that both know.
#[derive(Clone)]
pub struct Key {
    name: Name,
    algorithm: Algorithm,
    octets: Arc<[u8]>,
    secret: hmac::Key,
}

/// All keys, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing(HashMap<Name, Arc<Key>>);

impl Algorithm {
    /// All of them, each with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("hmac-sha256", Self::HmacSha256), ("hmac-sha384", Self::HmacSha384), ("hmac-sha512", Self::HmacSha512)];

    /// Returns its name as it stands in a TSIG record (RFC 8945 §6), in wire form.
    pub const fn wire(self) -> &'static [u8] {
        match self {
            Self::HmacSha256 => b"\x0bhmac-sha256\0",
            Self::HmacSha384 => b"\x0bhmac-sha384\0",
            Self::HmacSha512 => b"\x0bhmac-sha512\0",
        }
    }

    /// Returns how long its MAC is, in octets.
    pub const fn mac_length(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }

    const fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::HmacSha256 => hmac::HMAC_SHA256,
            Self::HmacSha384 => hmac::HMAC_SHA384,
            Self::HmacSha512 => hmac::HMAC_SHA512,
        }
    }
}

impl Key {
    /// Makes a key.
    pub fn new(name: &Name, algorithm: Algorithm, secret: &[u8]) -> Self {
        // RFC 8945 §4.3.3: names are digested in lower case.
        Self {
            name: name.to_lower(),
            algorithm,
            octets: secret.into(),
            secret: hmac::Key::new(algorithm.hmac(), secret),
        }
    }

    /// Returns its name, in lower case.
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Returns how it signs.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Begins to sign.
    pub(super) fn begin(&self) -> hmac::Context {
        hmac::Context::with_key(&self.secret)
    }
}

impl KeyRing {
    /// Returns a key by its name.
    pub fn get(&self, name: &Name) -> Option<&Arc<Key>> {
        self.0.get(name)
    }

    /// Returns whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Key> for KeyRing {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.name.clone(), Arc::new(key))).collect())
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.algorithm, &self.octets) == (&other.name, other.algorithm, &other.octets)
    }
}

impl Eq for Key {}

/// The secret is never shown.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.name)
    }
}
