//! RRsets in wire form.

use std::fmt;

use super::Rtype;

/// The records of one owner name and type; class IN.
///
/// All have one TTL (RFC 2181 §5.2), RRSIGs excepted; no two are equal (RFC 2181 §5). Names within RDATA are uncompressed.
#[derive(Clone, PartialEq, Eq)]
pub struct Rrset {
    rtype: Rtype,
    ttl: u32,
    count: u16,
    /// Each record as a length of two octets and its RDATA, in the order of the file.
    packed: Box<[u8]>,
}

/// One SRV record's data (RFC 2782), borrowed from its RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Srv<'a> {
    /// The tier: the lowest is tried first.
    pub priority: u16,
    /// The share within the tier.
    pub weight: u16,
    /// The port of the service on the host.
    pub port: u16,
    /// The host's uncompressed wire name.
    pub host: &'a [u8],
}

impl Rrset {
    /// Packs RDATA of one type; the caller has removed equal ones.
    ///
    /// # Panics
    /// If there are more than 65,535 records or RDATA is longer than 65,535 octets: no message could carry them.
    pub fn new<R: AsRef<[u8]>>(rtype: Rtype, ttl: u32, rdatas: impl IntoIterator<Item = R>) -> Self {
        let rdatas = rdatas.into_iter();
        let at_least = rdatas.size_hint().0.max(1);
        let mut packed = Vec::new();
        let mut count = 0u16;
        for rdata in rdatas {
            let rdata = rdata.as_ref();
            if count == 0 {
                // Most sets have records of one length.
                packed.reserve_exact(at_least * (2 + rdata.len()));
            }
            let length = u16::try_from(rdata.len()).expect("RDATA has a 16-bit length");
            packed.extend_from_slice(&length.to_be_bytes());
            packed.extend_from_slice(rdata);
            count = count.checked_add(1).expect("a section counts records in 16 bits");
        }
        Self { rtype, ttl, count, packed: packed.into() }
    }

    /// Returns the type.
    pub const fn rtype(&self) -> Rtype {
        self.rtype
    }

    /// Returns the TTL in seconds.
    pub const fn ttl(&self) -> u32 {
        self.ttl
    }

    /// Returns the TTL of one record of this set, in seconds: the set's, but that RRSIGs have each their own (RFC 4034
    /// §3).
    pub fn ttl_of(&self, rdata: &[u8]) -> u32 {
        let own = (self.rtype == Rtype::RRSIG).then(|| super::signed::original_ttl(rdata)).flatten();
        own.unwrap_or(self.ttl)
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Returns whether there are no records.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns how many octets the RDATA of all records have, uncompressed.
    pub fn rdata_octets(&self) -> usize {
        self.packed.len().saturating_sub(2 * self.len())
    }

    /// Walks over the RDATA of each record.
    pub fn rdatas(&self) -> Rdatas<'_> {
        Rdatas(&self.packed)
    }

    /// Walks over the SRV data of each record; ends early where RDATA is no SRV.
    pub fn srvs(&self) -> impl Iterator<Item = Srv<'_>> {
        self.rdatas().map_while(Srv::read)
    }

    /// Returns the same records with another TTL.
    #[must_use]
    pub fn with_ttl(&self, ttl: u32) -> Self {
        Self { ttl, ..self.clone() }
    }
}

/// Walks over the RDATA of an [`Rrset`].
#[derive(Clone, Debug)]
pub struct Rdatas<'a>(&'a [u8]);

impl<'a> Iterator for Rdatas<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(rdata)
    }
}

impl<'a> Srv<'a> {
    /// Reads SRV RDATA; nothing if it is too short or its host is no name.
    pub fn read(rdata: &'a [u8]) -> Option<Self> {
        let (&[p0, p1, w0, w1, o0, o1], host) = rdata.split_first_chunk::<6>()?;
        let (host, rest) = super::name::split_wire(host)?;
        rest.is_empty().then_some(Self {
            priority: u16::from_be_bytes([p0, p1]),
            weight: u16::from_be_bytes([w0, w1]),
            port: u16::from_be_bytes([o0, o1]),
            host,
        })
    }

    /// Writes SRV RDATA.
    pub fn write(&self) -> Vec<u8> {
        let mut rdata = Vec::with_capacity(6 + self.host.len());
        for number in [self.priority, self.weight, self.port] {
            rdata.extend_from_slice(&number.to_be_bytes());
        }
        rdata.extend_from_slice(self.host);
        rdata
    }
}

impl fmt::Debug for Rrset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:02x?}", self.ttl, self.rtype, self.rdatas().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_walks() {
        let set = Rrset::new(Rtype::A, 30, [[192, 0, 2, 1], [192, 0, 2, 2]]);
        assert_eq!(set.len(), 2);
        assert_eq!(set.rdatas().collect::<Vec<_>>(), [[192, 0, 2, 1], [192, 0, 2, 2]]);
        assert_eq!(set.with_ttl(5).ttl(), 5);
    }

    #[test]
    fn srv_reads_what_it_writes() {
        let srv = Srv { priority: 10, weight: 70, port: 5060, host: b"\x03sip\x07example\x00" };
        assert_eq!(Srv::read(&srv.write()), Some(srv));
        assert_eq!(Srv::read(b"\0\0\0\0\0\0"), None);
        assert_eq!(Srv::read(b"\0\0\0\0\0\0\0\0"), None);
    }
}
