//! The attributes of a STUN message, and their numbers (RFC 8489 §18.3, RFC 8656 §18).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its number.
    pub kind: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
    /// How many octets of attributes stand before it.
    pub at: usize,
}

/// Goes over the attributes of a message, and ends early where one does not fit.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    /// Begins at the first octet behind the header.
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, at: 0 }
    }

    /// Returns whether no octet is left.
    pub(super) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (&[first, second, high, low], rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, _) = rest.split_at_checked(length)?;
        // RFC 8489 §14: values are padded to a multiple of four octets.
        let (padded, rest) = rest.split_at_checked(length.next_multiple_of(4))?;
        let attribute = Attribute { kind: u16::from_be_bytes([first, second]), value, at: self.at };
        self.at = self.at.saturating_add(padded.len()).saturating_add(4);
        self.rest = rest;
        Some(attribute)
    }
}

/// MAPPED-ADDRESS
pub const MAPPED_ADDRESS: u16 = 0x0001;
/// USERNAME
pub const USERNAME: u16 = 0x0006;
/// MESSAGE-INTEGRITY
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
/// ERROR-CODE
pub const ERROR_CODE: u16 = 0x0009;
/// LIFETIME
pub const LIFETIME: u16 = 0x000d;
/// REALM
pub const REALM: u16 = 0x0014;
/// NONCE
pub const NONCE: u16 = 0x0015;
/// XOR-RELAYED-ADDRESS
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
/// REQUESTED-TRANSPORT
pub const REQUESTED_TRANSPORT: u16 = 0x0019;
/// MESSAGE-INTEGRITY-SHA256
pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
/// PASSWORD-ALGORITHM
pub const PASSWORD_ALGORITHM: u16 = 0x001d;
/// XOR-MAPPED-ADDRESS
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// PASSWORD-ALGORITHMS
pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
/// SOFTWARE
pub const SOFTWARE: u16 = 0x8022;
/// ALTERNATE-SERVER
pub const ALTERNATE_SERVER: u16 = 0x8023;
/// FINGERPRINT
pub const FINGERPRINT: u16 = 0x8028;
