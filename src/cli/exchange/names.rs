//! Names as people and providers write them, and what they meant: missing dots and endings that stand twice.

use crate::zone::{Name, Rtype};

/// What was done to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    /// The zone's name stood at its end twice, as it does when a final dot is missing in a master file.
    Repeated(Name),
    /// It had a single label, and the zone's name was put behind it.
    Single,
}

/// Reads a name that is whole with and without its final dot; `@` and single labels are of the zone.
pub(super) fn whole(text: &str, zone: &Name) -> Result<(Name, Option<Mend>), crate::zone::NameError> {
    let read = Name::parse(text.as_bytes(), Some(&Name::root()))?;
    if text == "@" {
        return Ok((zone.clone(), None));
    }
    if text.ends_with('.') || read.label_count() != 1 || zone.label_count() < 2 {
        return Ok((read, None));
    }
    Ok((Name::parse(text.as_bytes(), Some(zone))?, Some(Mend::Single)))
}

/// Takes the zone's name off the end of a name as often as it stands there before the last time.
pub(super) fn once(name: &Name, zone: &Name) -> (Name, Option<Mend>) {
    let mut plain = name.clone();
    while let Some(shorter) = without_one(&plain, zone) {
        plain = shorter;
    }
    let mend = (plain != *name).then(|| Mend::Repeated(name.clone()));
    (plain, mend)
}

/// Returns `a.example.com` for `a.example.com.example.com` in `example.com`.
fn without_one(name: &Name, zone: &Name) -> Option<Name> {
    let tail = zone.wire();
    if zone.is_root() || !name.is_within(zone) {
        return None;
    }
    let head = name.wire().get(..name.wire().len() - tail.len())?;
    let shorter = Name::from_wire(&[head, &[0]].concat()).ok()?;
    shorter.is_within(zone).then_some(shorter)
}

/// Where the name begins in the RDATA of types that end with the name of a host.
pub(super) const fn host_offset(rtype: Rtype) -> Option<usize> {
    match rtype {
        Rtype::SRV => Some(6),
        Rtype::MX => Some(2),
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME => Some(0),
        _ => None,
    }
}

/// Prints a name as people write it, without its final dot.
pub(super) fn plain(name: &Name) -> String {
    let text = name.to_string();
    match text.strip_suffix('.') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn an_ending_that_stands_twice_is_taken_off() {
        let zone = name("example.com");
        for (written, meant) in [
            ("sip-node1.example.com.example.com", "sip-node1.example.com"),
            ("a.example.com.example.com.example.com", "a.example.com"),
            ("example.com.example.com", "example.com"),
            ("_sip._tcp.Example.com.example.COM", "_sip._tcp.Example.com"),
        ] {
            assert_eq!(once(&name(written), &zone), (name(meant), Some(Mend::Repeated(name(written)))));
        }
        for right in ["example.com", "a.example.com", "example.com.example.net", "myexample.com.example.com", "com"] {
            assert_eq!(once(&name(right), &zone), (name(right), None), "{right}");
        }
    }

    #[test]
    fn names_are_whole_without_a_final_dot_but_for_single_labels() {
        let zone = name("example.com");
        assert_eq!(whole("sip.example.com", &zone).unwrap(), (name("sip.example.com"), None));
        assert_eq!(whole("sip.example.net.", &zone).unwrap(), (name("sip.example.net"), None));
        assert_eq!(whole("sip", &zone).unwrap(), (name("sip.example.com"), Some(Mend::Single)));
        assert_eq!(whole("@", &zone).unwrap(), (zone.clone(), None));
        assert_eq!(whole(".", &zone).unwrap(), (Name::root(), None));
        assert!(whole("a..b", &zone).is_err());
    }
}
