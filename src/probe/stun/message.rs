//! Reads STUN messages (RFC 8489 §5), and validates everything in them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

use super::attribute::{self, Attribute, Attributes};
use super::checksum::crc32;

/// The transaction id by which an answer is known (RFC 8489 §5).
pub type Transaction = [u8; 12];

/// A message of which header, attributes and fingerprint hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    octets: &'a [u8],
    header: Header,
}

/// The first 20 octets of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What kind of message it is.
    pub class: Class,
    /// What is asked or answered.
    pub method: u16,
    /// The octets of all attributes.
    pub length: usize,
    /// The transaction.
    pub transaction: Transaction,
}

/// The class of a message (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request with what it asked for.
    Success,
    /// Answers a request with an error.
    Error,
}

/// What an error answer says (RFC 8489 §14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// In words, for people; not always UTF-8.
    pub reason: &'a [u8],
}

/// Why octets are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MalformedStun {
    /// The first two bits or the magic cookie are not STUN's.
    #[error("not STUN")]
    Foreign,
    /// The header is cut off.
    #[error("a STUN header of {0} octets in place of 20")]
    Short(usize),
    /// The length is no multiple of four (RFC 8489 §5).
    #[error("a STUN message whose length of {0} octets is no multiple of 4")]
    Odd(usize),
    /// The header lies about the length.
    #[error("a STUN message that claims {claimed} octets of attributes and has {there}")]
    Length {
        /// What the header says.
        claimed: usize,
        /// What there is.
        there: usize,
    },
    /// An attribute is longer than what is left.
    #[error("a STUN message with an attribute that ends behind its end")]
    Attribute,
    /// The fingerprint is not that of the message (RFC 8489 §14.7).
    #[error("a STUN message with a wrong FINGERPRINT")]
    Fingerprint,
}

impl Header {
    /// Reads the header at the begin of `octets`.
    pub fn parse(octets: &[u8]) -> Result<Self, MalformedStun> {
        if octets.first().is_some_and(|first| first & 0xc0 != 0) {
            return Err(MalformedStun::Foreign);
        }
        let cookie = octets.get(4..).unwrap_or_default();
        if cookie.iter().zip(&COOKIE).any(|(there, wanted)| there != wanted) {
            return Err(MalformedStun::Foreign);
        }
        let short = MalformedStun::Short(octets.len());
        let (&[first, second, high, low], rest) = octets.split_first_chunk::<4>().ok_or(short)?;
        let (_, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
        let (transaction, _) = rest.split_first_chunk::<12>().ok_or(short)?;
        let kind = u16::from_be_bytes([first, second]);
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length & 3 != 0 {
            return Err(MalformedStun::Odd(length));
        }
        // RFC 8489 §5, figure 3: the two bits of the class stand among those of the method.
        let class = match (kind & 0x0100 != 0, kind & 0x0010 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        };
        let method = (kind & 0x000f) | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2;
        Ok(Self { class, method, length, transaction: *transaction })
    }
}

impl<'a> Message<'a> {
    /// Reads a whole message: no octet may be missing or left over.
    pub fn parse(octets: &'a [u8]) -> Result<Self, MalformedStun> {
        let header = Header::parse(octets)?;
        let there = octets.len().saturating_sub(HEADER);
        if there != header.length {
            return Err(MalformedStun::Length { claimed: header.length, there });
        }
        let message = Self { octets, header };
        let mut all = message.all();
        all.by_ref().for_each(drop);
        if !all.is_done() {
            return Err(MalformedStun::Attribute);
        }
        message.check_fingerprint()?;
        Ok(message)
    }

    /// Returns the header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// Returns all octets.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Returns the attributes that count: behind MESSAGE-INTEGRITY only the other seals do (RFC 8489 §14.5, §14.6).
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut sealed = false;
        self.all().filter(move |attribute| {
            let seal = matches!(
                attribute.kind,
                attribute::MESSAGE_INTEGRITY | attribute::MESSAGE_INTEGRITY_SHA256 | attribute::FINGERPRINT
            );
            let counts = seal || !sealed;
            sealed |= seal;
            counts
        })
    }

    /// Returns an attribute; the first one counts (RFC 8489 §14).
    pub fn attribute(&self, kind: u16) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.kind == kind)
    }

    /// Returns the value of an attribute.
    pub fn value(&self, kind: u16) -> Option<&'a [u8]> {
        self.attribute(kind).map(|attribute| attribute.value)
    }

    /// Returns what an error answer says; nothing if it says none that can be.
    pub fn error(&self) -> Option<ErrorCode<'a>> {
        let (&[_, _, hundreds, number], reason) = self.value(attribute::ERROR_CODE)?.split_first_chunk::<4>()?;
        let hundreds = u16::from(hundreds & 7);
        // RFC 8489 §14.8: the class is 3 to 6, the number 0 to 99.
        if !(3..=6).contains(&hundreds) || number > 99 {
            return None;
        }
        let code = hundreds.saturating_mul(100).saturating_add(u16::from(number));
        Some(ErrorCode { code, reason })
    }

    /// Returns an address that an attribute bears in plain, as MAPPED-ADDRESS does (RFC 8489 §14.1).
    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        let (&[_, family, high, low], octets) = self.value(kind)?.split_first_chunk::<4>()?;
        let address: IpAddr = match family {
            1 => Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into(),
            2 => Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into(),
            _ => return None,
        };
        Some(SocketAddr::new(address, u16::from_be_bytes([high, low])))
    }

    /// Returns an address that an attribute bears in disguise, as XOR-MAPPED-ADDRESS does (RFC 8489 §14.2).
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        let masked = self.address(kind)?;
        let [first, second, ..] = COOKIE;
        let port = masked.port() ^ u16::from_be_bytes([first, second]);
        let address = match masked.ip() {
            IpAddr::V4(address) => Ipv4Addr::from(address.to_bits() ^ u32::from_be_bytes(COOKIE)).into(),
            IpAddr::V6(address) => {
                let mut mask = [0; 16];
                let keys = COOKIE.iter().chain(&self.header.transaction);
                mask.iter_mut().zip(keys).for_each(|(octet, key)| *octet = *key);
                IpAddr::from(Ipv6Addr::from(address.to_bits() ^ u128::from_be_bytes(mask)))
            }
        };
        Some(SocketAddr::new(address, port))
    }

    /// Returns all attributes, also those that do not count.
    fn all(&self) -> Attributes<'a> {
        Attributes::new(self.octets.get(HEADER..).unwrap_or_default())
    }

    /// Checks the fingerprint if there is one: the last attribute (RFC 8489 §14.7).
    fn check_fingerprint(&self) -> Result<(), MalformedStun> {
        let Some(found) = self.all().find(|attribute| attribute.kind == attribute::FINGERPRINT) else { return Ok(()) };
        let before = self.octets.get(..HEADER.saturating_add(found.at)).unwrap_or_default();
        let last = before.len().saturating_add(FINGERPRINT_WHOLE) == self.octets.len();
        let wanted = (crc32(before) ^ FINGERPRINT_MASK).to_be_bytes();
        if last && found.value == wanted { Ok(()) } else { Err(MalformedStun::Fingerprint) }
    }
}

/// The octets of a header.
pub(super) const HEADER: usize = 20;
/// The magic cookie (RFC 8489 §5).
pub(super) const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// What the checksum of a fingerprint is masked with: "STUN" (RFC 8489 §14.7).
pub(super) const FINGERPRINT_MASK: u32 = 0x5354_554e;
/// The octets of a fingerprint with its head.
const FINGERPRINT_WHOLE: usize = 8;
