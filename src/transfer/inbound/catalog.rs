//! The zones that a catalog lists (RFC 9432): pure.

use std::collections::BTreeMap;

use crate::zone::{Name, Rtype, Zone};

/// Why a catalog is not used (RFC 9432 §5.1): the zones stay as the last good one lists them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogFault {
    /// Its version is not 2, or it has none.
    #[error("the catalog has no version 2 (a TXT record of version.{0})")]
    Version(Name),
    /// There are more records than one where one stands for a zone, or a name that is none.
    #[error("{0} in the catalog is no single PTR record to a zone")]
    Member(Name),
    /// A zone is listed twice.
    #[error("{0} is listed twice in the catalog")]
    Twice(Name),
}

/// Returns the zones that a catalog lists, each with the name of its entry: another entry for the same zone means that the
/// zone begins anew (RFC 9432 §5.4).
///
/// # Errors
/// Why the catalog cannot be used.
pub fn members(zone: &Zone) -> Result<BTreeMap<Name, Name>, CatalogFault> {
    let origin = zone.origin();
    let below = |label: &str| Name::parse(label.as_bytes(), Some(origin)).ok();
    let version = below("version").and_then(|name| zone.rrset(&name, Rtype::TXT).cloned());
    // RFC 9432 §4.2.1: exactly one, and it says 2.
    if version.is_none_or(|set| !set.rdatas().eq([b"\x012"])) {
        return Err(CatalogFault::Version(origin.clone()));
    }
    let mut members = BTreeMap::new();
    let Some(zones) = below("zones") else { return Ok(members) };
    for (owner, set) in zone.sets_of(Rtype::PTR) {
        if owner.parent().as_ref() != Some(&zones) {
            // Properties of a zone lie below its entry.
            continue;
        }
        let mut rdatas = set.rdatas();
        let (Some(rdata), None) = (rdatas.next(), rdatas.next()) else {
            return Err(CatalogFault::Member(owner.clone()));
        };
        let member = Name::from_wire(rdata).map_err(|_| CatalogFault::Member(owner.clone()))?;
        if members.insert(member.to_lower(), owner.to_lower()).is_some() {
            return Err(CatalogFault::Twice(member));
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::parse::{NoSources, Origin, load};

    fn read(text: &str) -> Result<Vec<String>, CatalogFault> {
        let head = "$ORIGIN catalog.\n@ 0 SOA invalid. invalid. 1 3600 600 86400 0\n@ 0 NS invalid.\n";
        let parsed = load("catalog", format!("{head}{text}").as_bytes(), Origin::Unknown, &mut NoSources);
        let zone = parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings));
        members(&zone).map(|members| members.iter().map(|(zone, entry)| format!("{zone} by {entry}")).collect())
    }

    #[test]
    fn a_catalog_lists_zones_and_their_properties_are_none() {
        let text = "version 0 TXT \"2\"\na.zones 0 PTR one.example.\nb.zones 0 PTR Two.example.\n\
                    group.a.zones 0 TXT \"x\"\ncoo.b.zones 0 PTR other.catalog.\nelsewhere 0 PTR three.example.\n";
        let wanted = ["one.example. by a.zones.catalog.", "two.example. by b.zones.catalog."];
        assert_eq!(read(text), Ok(wanted.map(str::to_owned).to_vec()));
        assert_eq!(read("version 0 TXT \"2\"\n"), Ok(Vec::new()), "none is a list too");
    }

    #[test]
    fn a_catalog_that_is_broken_is_not_used() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let version = CatalogFault::Version(name("catalog."));
        for (text, fault) in [
            ("a.zones 0 PTR one.example.\n", version.clone()),
            ("version 0 TXT \"1\"\n", version.clone()),
            ("version 0 TXT \"2\"\nversion 0 TXT \"3\"\n", version),
            (
                "version 0 TXT \"2\"\na.zones 0 PTR one.example.\na.zones 0 PTR two.example.\n",
                CatalogFault::Member(name("a.zones.catalog.")),
            ),
            (
                "version 0 TXT \"2\"\na.zones 0 PTR one.example.\nb.zones 0 PTR ONE.example.\n",
                CatalogFault::Twice(name("one.example.")),
            ),
        ] {
            assert_eq!(read(text), Err(fault), "{text}");
        }
    }
}
