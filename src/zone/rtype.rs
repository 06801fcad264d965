//! Record types: their numbers and mnemonics.

use std::fmt;

/// A record type's number (RFC 1035 §3.2.2), printed by its mnemonic or as `TYPEnnn` (RFC 3597 §5).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rtype(pub u16);

macro_rules! rtypes {
    ($($name:ident $text:literal $number:literal),* $(,)?) => {
        impl Rtype {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($number);)*

            /// Returns the type's mnemonic, if it has one.
            pub const fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }

            /// Reads a mnemonic or `TYPEnnn`, in any case.
            pub fn parse(text: &str) -> Option<Self> {
                $(if text.eq_ignore_ascii_case($text) { return Some(Self::$name); })*
                let (word, number) = text.split_at_checked(4)?;
                let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                (word.eq_ignore_ascii_case("TYPE") && digits).then(|| number.parse().ok().map(Self)).flatten()
            }
        }
    };
}

// https://www.iana.org/assignments/dns-parameters: the types in use, and the meta types that questions carry.
rtypes! {
    A "A" 1, NS "NS" 2, MD "MD" 3, MF "MF" 4, CNAME "CNAME" 5, SOA "SOA" 6, MB "MB" 7, MG "MG" 8, MR "MR" 9, NULL "NULL" 10,
    WKS "WKS" 11, PTR "PTR" 12, HINFO "HINFO" 13, MINFO "MINFO" 14, MX "MX" 15, TXT "TXT" 16, RP "RP" 17, AFSDB "AFSDB" 18,
    X25 "X25" 19, ISDN "ISDN" 20, RT "RT" 21, NSAP "NSAP" 22, NSAP_PTR "NSAP-PTR" 23, SIG "SIG" 24, KEY "KEY" 25, PX "PX" 26, GPOS "GPOS" 27,
    AAAA "AAAA" 28, LOC "LOC" 29, NXT "NXT" 30, EID "EID" 31, NIMLOC "NIMLOC" 32, SRV "SRV" 33, NAPTR "NAPTR" 35, KX "KX" 36,
    CERT "CERT" 37, A6 "A6" 38, DNAME "DNAME" 39, SINK "SINK" 40, OPT "OPT" 41, APL "APL" 42, DS "DS" 43, SSHFP "SSHFP" 44, IPSECKEY "IPSECKEY" 45,
    RRSIG "RRSIG" 46, NSEC "NSEC" 47, DNSKEY "DNSKEY" 48, DHCID "DHCID" 49, NSEC3 "NSEC3" 50, NSEC3PARAM "NSEC3PARAM" 51,
    TLSA "TLSA" 52, SMIMEA "SMIMEA" 53, HIP "HIP" 55, TALINK "TALINK" 58, CDS "CDS" 59, CDNSKEY "CDNSKEY" 60, OPENPGPKEY "OPENPGPKEY" 61,
    CSYNC "CSYNC" 62, ZONEMD "ZONEMD" 63, SVCB "SVCB" 64, HTTPS "HTTPS" 65, DSYNC "DSYNC" 66, SPF "SPF" 99, NID "NID" 104, L32 "L32" 105,
    L64 "L64" 106, LP "LP" 107, EUI48 "EUI48" 108, EUI64 "EUI64" 109, TKEY "TKEY" 249, TSIG "TSIG" 250, IXFR "IXFR" 251,
    AXFR "AXFR" 252, MAILB "MAILB" 253, MAILA "MAILA" 254, ANY "ANY" 255, URI "URI" 256, CAA "CAA" 257, AVC "AVC" 258,
    DOA "DOA" 259, AMTRELAY "AMTRELAY" 260, RESINFO "RESINFO" 261, WALLET "WALLET" 262, TA "TA" 32768, DLV "DLV" 32769,
}

impl Rtype {
    /// Returns whether the type exists in questions and control records only and never in a zone (RFC 6895 §3.1).
    pub const fn is_meta(self) -> bool {
        matches!(self.0, 0 | 41 | 128..=255)
    }
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(text) => f.pad(text),
            None => f.pad(&format!("TYPE{}", self.0)),
        }
    }
}

impl fmt::Debug for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names() {
        assert_eq!(Rtype::parse("srv"), Some(Rtype::SRV));
        assert_eq!(Rtype::parse("type33"), Some(Rtype::SRV));
        assert_eq!(Rtype::parse("TYPE65536"), None);
        assert_eq!(Rtype::parse("TYPE+1"), None);
        assert_eq!(Rtype(65280).to_string(), "TYPE65280");
    }
}
