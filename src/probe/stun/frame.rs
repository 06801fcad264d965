//! Finds where messages end in a stream (RFC 8489 §6.2.2): by their own length.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use thiserror::Error;

use super::message::{HEADER, Header, MalformedStun};

/// Returns the length of the first message in `octets`, as soon as its header is there.
///
/// What cannot become a message is an error at its first wrong octet.
pub fn length(octets: &[u8]) -> Result<Option<usize>, Unframed> {
    match Header::parse(octets.get(..HEADER).unwrap_or(octets)) {
        Ok(header) => {
            let length = header.length.saturating_add(HEADER);
            if length > MESSAGE_MOST { Err(Unframed::Long(length)) } else { Ok(Some(length)) }
        }
        Err(MalformedStun::Short(_)) => Ok(None),
        Err(malformed) => Err(Unframed::MalformedStun(malformed)),
    }
}

/// Why a stream holds no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unframed {
    /// Its first octets are none.
    #[error("{0}")]
    MalformedStun(MalformedStun),
    /// It would be longer than any answer is.
    #[error("a STUN message of {0} octets, more than {MESSAGE_MOST}")]
    Long(usize),
}

/// The longest answer that is read, in octets: the longest REALM, NONCE, SOFTWARE and reason that RFC 8489 allows are
/// 763 each.
pub(super) const MESSAGE_MOST: usize = 4096;
