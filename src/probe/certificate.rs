//! Extracts from a certificate what is shown to the operator.

use std::net::IpAddr;

use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::oid::db::rfc5912::RSA_ENCRYPTION;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name as X509Name;

use super::Certificate;
use crate::base::clock::UnixTime;
use crate::base::terminal::escape;

/// A certificate with the dates that decide.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// What is told.
    pub(super) told: Certificate,
    /// From when it is valid.
    pub(super) not_before: UnixTime,
    /// Whether its key is of RSA and shorter than 2048 bits.
    pub(super) has_short_key: bool,
    /// The common name of its subject, the last if there are several (RFC 6125 §6.4.4).
    pub(super) common_name: Option<String>,
}

/// Reads a certificate; nothing if it is none that we understand.
pub(super) fn read(der: &[u8], now: UnixTime) -> Option<Leaf> {
    let certificate = X509::from_der(der).ok()?;
    let body = certificate.tbs_certificate();
    let not_before = UnixTime::from_secs(body.validity().not_before.to_unix_duration().as_secs());
    let not_after = UnixTime::from_secs(body.validity().not_after.to_unix_duration().as_secs());
    let names = match body.get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0.iter().filter_map(name).take(NAMES_MAX).collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    let told = Certificate {
        names,
        not_after,
        days_left: days(now, not_after),
        issuer: escape(&body.issuer().to_string(), TEXT_MAX),
    };
    let key = body.subject_public_key_info();
    let has_short_key = key.algorithm.oid == RSA_ENCRYPTION && key.subject_public_key.raw_bytes().len() < RSA_2048;
    Some(Leaf { told, not_before, has_short_key, common_name: common_name(body.subject()) })
}

/// Returns the most specific common name.
fn common_name(subject: &X509Name) -> Option<String> {
    let attributes = subject.as_ref().iter().flat_map(|part| part.as_ref().iter());
    let attribute = attributes.filter(|attribute| attribute.oid == COMMON_NAME).last()?;
    let text = str::from_utf8(attribute.value.value()).ok()?;
    Some(escape(text, TEXT_MAX))
}

/// Returns when a certificate, DER, expires; nothing if it is none that we understand.
pub fn certificate_end(der: &[u8]) -> Option<UnixTime> {
    Some(read(der, UnixTime::default())?.told.not_after)
}

/// Returns whole days from one point to another, rounded down: negative from the second that `to` lies before `from`.
fn days(from: UnixTime, to: UnixTime) -> i64 {
    let secs = |at: UnixTime| i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    secs(to).saturating_sub(secs(from)).div_euclid(86_400)
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(escape(name.as_ref(), TEXT_MAX)),
        GeneralName::UniformResourceIdentifier(uri) => Some(escape(uri.as_ref(), TEXT_MAX)),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

/// The length of a modulus of 2048 bits, in octets: less than that of a key with one.
const RSA_2048: usize = 256;
/// The longest text that is kept of a name, in octets.
const TEXT_MAX: usize = 256;
/// The most names that are kept of one certificate.
const NAMES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn der(names: &[&str]) -> Vec<u8> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(2027, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn days_left_are_rounded_down() {
        let der = der(&["a.example"]);
        let end = read(&der, UnixTime::default()).unwrap().told.not_after;
        assert_eq!(end.to_string(), "2027-01-01T00:00:00Z");
        let at = |secs: i64| UnixTime::from_secs(end.as_secs().checked_add_signed(secs).unwrap());
        for (now, left) in [(-172_800, 2), (-172_799, 1), (-1, 0), (0, 0), (1, -1), (86_401, -2)] {
            assert_eq!(read(&der, at(now)).unwrap().told.days_left, left, "{now}");
        }
    }

    #[test]
    fn names_are_kept_up_to_a_limit() {
        let many: Vec<_> = (0..100).map(|index| format!("n{index}.example")).collect();
        let names =
            read(&der(&many.iter().map(String::as_str).collect::<Vec<_>>()), UnixTime::default()).unwrap().told.names;
        assert_eq!((names.len(), names[31].as_str()), (NAMES_MAX, "n31.example"));
        assert_eq!(escape(&"ä".repeat(1_000), TEXT_MAX).chars().count(), 129);
    }

    proptest! {
        #[test]
        fn of_broken_certificates_no_more_is_told_than_of_whole_ones(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>()) {
            let mut bytes = der(&["a.example", "192.0.2.1", "::1"]);
            for (place, value) in places {
                let index = place.index(bytes.len());
                bytes[index] = value;
            }
            if let Some(Leaf { told, not_before, .. }) = read(&bytes, UnixTime::default()) {
                prop_assert!(told.names.len() <= 3, "{:?}", told.names);
                prop_assert!(told.names.iter().all(|name| name.chars().all(|character| !character.is_control())));
                prop_assert_eq!(read(&bytes, not_before).map(|leaf| leaf.told.not_after), Some(told.not_after));
            }
            prop_assert!(read(&bytes[..cut.index(bytes.len())], UnixTime::default()).is_none(), "cut short");
        }
    }
}
