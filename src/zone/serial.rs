//! Serial numbers (RFC 1982) and the SOA's fields.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Add;

use super::{Rrset, Rtype, name};

/// A zone's serial number, a point on a circle of 2³² numbers (RFC 1982).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Serial(pub u32);

impl Serial {
    /// Compares on the circle; nothing for two that stand opposite each other (RFC 1982 §3.2).
    pub const fn compare(self, other: Self) -> Option<Ordering> {
        match self.0.wrapping_sub(other.0) {
            0 => Some(Ordering::Equal),
            1..HALF => Some(Ordering::Greater),
            HALF => None,
            _ => Some(Ordering::Less),
        }
    }

    /// Returns whether this one is ahead of `other`.
    pub fn is_after(self, other: Self) -> bool {
        self.compare(other) == Some(Ordering::Greater)
    }
}

impl Add<u32> for Serial {
    type Output = Self;
    /// Goes `by` steps ahead (RFC 1982 §3.1); more than 2³¹ − 1 are taken as that many.
    fn add(self, by: u32) -> Self {
        Self(self.0.wrapping_add(by.min(MAX_STEP)))
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One SOA's data (RFC 1035 §3.3.13), borrowed from its RDATA; times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa<'a> {
    /// The primary server's uncompressed wire name.
    pub primary: &'a [u8],
    /// The mailbox's uncompressed wire name.
    pub mailbox: &'a [u8],
    /// The version of the zone.
    pub serial: Serial,
    /// How often a secondary asks.
    pub refresh: u32,
    /// How soon it asks again after a failure.
    pub retry: u32,
    /// How long it serves without an answer.
    pub expire: u32,
    /// The TTL of negative answers (RFC 2308 §4).
    pub minimum: u32,
}

impl<'a> Soa<'a> {
    /// Reads SOA RDATA; nothing if it is malformed.
    pub fn read(rdata: &'a [u8]) -> Option<Self> {
        let (primary, rest) = name::split_wire(rdata)?;
        let (mailbox, rest) = name::split_wire(rest)?;
        let numbers: &[u8; 20] = rest.try_into().ok()?;
        let mut words = numbers.chunks_exact(4).map(|w| w.iter().fold(0u32, |sum, &octet| sum << 8 | u32::from(octet)));
        Some(Self {
            primary,
            mailbox,
            serial: Serial(words.next()?),
            refresh: words.next()?,
            retry: words.next()?,
            expire: words.next()?,
            minimum: words.next()?,
        })
    }
}

/// Returns an SOA set with another serial; other sets, and malformed ones, come back as they are.
#[must_use]
pub fn with_serial(soa: &Rrset, serial: Serial) -> Rrset {
    let rewritten = soa.rdatas().map(|rdata| {
        let mut rdata = rdata.to_vec();
        if soa.rtype() == Rtype::SOA && Soa::read(&rdata).is_some() {
            // The last five numbers of four octets each; the serial is the first of them.
            let at = rdata.len() - 20;
            rdata[at..at + 4].copy_from_slice(&serial.0.to_be_bytes());
        }
        rdata
    });
    Rrset::new(soa.rtype(), soa.ttl(), rewritten)
}

/// Half of the circle.
const HALF: u32 = 1 << 31;
/// The farthest that one can go and be ahead.
const MAX_STEP: u32 = HALF - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_rfc_1982_section_3_2() {
        let cases = [(1, 0), (44, 0), (100, 44), (0, 200 << 24), (44, 200 << 24), (0x7fff_ffff, 0), (0, u32::MAX)];
        for (ahead, behind) in cases {
            assert_eq!(Serial(ahead).compare(Serial(behind)), Some(Ordering::Greater), "{ahead} {behind}");
            assert_eq!(Serial(behind).compare(Serial(ahead)), Some(Ordering::Less), "{ahead} {behind}");
        }
        assert_eq!(Serial(7).compare(Serial(7)), Some(Ordering::Equal));
        assert_eq!(Serial(0).compare(Serial(HALF)), None);
        assert_eq!(Serial(HALF).compare(Serial(0)), None);
        assert!(!Serial(HALF).is_after(Serial(0)));
    }

    #[test]
    fn adds_round_the_circle() {
        assert_eq!(Serial(u32::MAX) + 1, Serial(0));
        assert!((Serial(5) + u32::MAX).is_after(Serial(5)));
    }

    #[test]
    fn rewrites_the_serial_alone() {
        let rdata = b"\x01n\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";
        let set = with_serial(&Rrset::new(Rtype::SOA, 60, [rdata]), Serial(0x0102_0304));
        let soa = Soa::read(set.rdatas().next().unwrap()).unwrap();
        assert_eq!((soa.serial, soa.refresh, soa.minimum), (Serial(0x0102_0304), 2, 5));
        assert_eq!((soa.primary, soa.mailbox), (b"\x01n\x00".as_slice(), b"\x01h\x00".as_slice()));
    }
}
