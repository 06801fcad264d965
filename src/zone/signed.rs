//! The content of DNSSEC records: signatures (RFC 4034 §3) and hashed denial (RFC 5155).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::Rtype;
use super::name::{self, MAX_NAME};

/// Octets of an NSEC3 hash: SHA-1 is the only algorithm (RFC 5155 §11).
pub const NSEC3_HASH: usize = 20;

/// How the names of a chain of NSEC3 records are hashed (RFC 5155 §3.1, §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3Param<'a> {
    /// How often the hash is hashed again.
    pub iterations: u16,
    /// What is appended before each hashing.
    pub salt: &'a [u8],
}

impl<'a> Nsec3Param<'a> {
    /// Reads the RDATA of NSEC3PARAM; nothing if its algorithm or a flag is unknown: such a chain is not to be used
    /// (RFC 5155 §4.1.2).
    pub fn read(rdata: &'a [u8]) -> Option<Self> {
        let (param, flags) = Self::split(rdata)?;
        (flags == 0).then_some(param)
    }

    /// Reads the parameters of NSEC3 RDATA; nothing if its algorithm is unknown.
    pub fn of_record(rdata: &'a [u8]) -> Option<Self> {
        Self::split(rdata).map(|(param, _)| param)
    }

    fn split(rdata: &'a [u8]) -> Option<(Self, u8)> {
        let (&[algorithm, flags, i0, i1, salt_length], rest) = rdata.split_first_chunk::<5>()?;
        let salt = rest.get(..usize::from(salt_length))?;
        (algorithm == SHA_1).then_some((Self { iterations: u16::from_be_bytes([i0, i1]), salt }, flags))
    }

    /// Hashes a valid uncompressed name in lower case (RFC 5155 §5).
    pub fn hash(&self, wire: &[u8]) -> [u8; NSEC3_HASH] {
        let mut lower = [0u8; MAX_NAME];
        let lower = &mut lower[..wire.len().min(MAX_NAME)];
        lower.copy_from_slice(&wire[..lower.len()]);
        lower.make_ascii_lowercase();
        let mut hash = self.hash_once(lower);
        for _ in 0..self.iterations {
            hash = self.hash_once(&hash);
        }
        hash
    }

    fn hash_once(&self, octets: &[u8]) -> [u8; NSEC3_HASH] {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(octets);
        context.update(self.salt);
        let mut hash = [0; NSEC3_HASH];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// Returns the type whose set the RDATA of an RRSIG signs (RFC 4034 §3.1.1).
pub fn covered_type(rdata: &[u8]) -> Option<Rtype> {
    rdata.first_chunk::<2>().map(|octets| Rtype(u16::from_be_bytes(*octets)))
}

/// Returns the TTL of the set that the RDATA of an RRSIG signs; it is the RRSIG's own too, so that those of one name
/// differ (RFC 4034 §3, §3.1.4). Nothing if it is no TTL (RFC 2181 §8).
pub fn original_ttl(rdata: &[u8]) -> Option<u32> {
    let ttl = u32::from_be_bytes(*rdata.get(4..)?.first_chunk::<4>()?);
    i32::try_from(ttl).is_ok().then_some(ttl)
}

/// Reads the hash out of the owner of an NSEC3 record: base32 with the extended hex alphabet (RFC 5155 §3.3).
pub fn hash_of_owner(owner: &[u8]) -> Option<[u8; NSEC3_HASH]> {
    let label = name::labels(owner).next().filter(|label| label.len() == NSEC3_LABEL)?;
    let mut upper = [0; NSEC3_LABEL];
    upper.copy_from_slice(label);
    upper.make_ascii_uppercase();
    let mut hash = [0; NSEC3_HASH];
    data_encoding::BASE32HEX_NOPAD.decode_mut(&upper, &mut hash).ok()?;
    Some(hash)
}

/// Writes a hash as the first label of an NSEC3 record's owner has it, in lower case.
pub fn label_of_hash(hash: &[u8; NSEC3_HASH]) -> String {
    data_encoding::BASE32HEX_NOPAD.encode(hash).to_ascii_lowercase()
}

/// RFC 5155 §11.
const SHA_1: u8 = 1;
/// Characters of a hash in base 32.
const NSEC3_LABEL: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Name;

    /// The hashes of RFC 5155 appendix A.
    #[test]
    fn hashes_names_as_rfc_5155_appendix_a() {
        let param = Nsec3Param { iterations: 12, salt: &[0xaa, 0xbb, 0xcc, 0xdd] };
        for (name, hash) in [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("ai.example", "gjeqe526plbf1g8mklp59enfd789njgi"),
            ("NS1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
            ("w.example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"),
            ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
            ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
            ("xx.example", "t644ebqk9bibcna874givr6joj62mlhv"),
        ] {
            let owner: Name = format!("{hash}.example").parse().unwrap();
            let name: Name = name.parse().unwrap();
            assert_eq!(Some(param.hash(name.wire())), hash_of_owner(owner.wire()), "{name}");
            assert_eq!(label_of_hash(&param.hash(name.wire())), hash);
        }
    }

    #[test]
    fn reads_parameters_and_refuses_what_it_does_not_know() {
        let salted = Nsec3Param { iterations: 10, salt: &[0xaa] };
        assert_eq!(Nsec3Param::read(&[1, 0, 0, 10, 1, 0xaa]), Some(salted));
        assert_eq!(Nsec3Param::read(&[1, 1, 0, 10, 1, 0xaa]), None, "a flag");
        assert_eq!(Nsec3Param::of_record(&[1, 1, 0, 10, 1, 0xaa, 20]), Some(salted), "opt-out");
        assert_eq!(Nsec3Param::read(&[2, 0, 0, 10, 0]), None, "another algorithm");
        assert_eq!(Nsec3Param::read(&[1, 0, 0, 10, 2, 0xaa]), None, "salt cut short");
        assert_eq!(hash_of_owner(b"\x03abc\x00"), None);
        assert_eq!(hash_of_owner(&[&[32], [b'z'; 32].as_slice(), &[0]].concat()), None);
    }
}
