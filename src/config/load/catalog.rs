//! The zones that catalogs list become entries like those that are written in the config (RFC 9432).

use std::collections::HashSet;
use std::path::Path;

use crate::base::file::{self, MAX_DATA};
use crate::base::finding::Finding;
use crate::config::shape::{File, ZoneEntry};
use crate::keys::source::Placed;
use crate::serve::AccessList;
use crate::transfer::inbound;
use crate::zone::Name;
use crate::zone::parse::{self, NoSources, Origin};

use super::transfers::kept_file;

/// Adds an entry for each zone of each catalog as it was kept last.
pub(super) fn expand(file: &mut File, state: &Path, findings: &mut Vec<Finding>) {
    let mut known: HashSet<Name> =
        file.zones.iter().filter_map(|entry| Some(entry.name.as_ref()?.value.to_lower())).collect();
    let mut listed = Vec::new();
    for catalog in file.zones.iter_mut().filter(|entry| entry.transfer.catalog.as_ref().is_some_and(|set| set.value)) {
        let Some(name) = catalog.name.clone() else { continue };
        let (entry, place) = (catalog.clone(), &catalog.file.place);
        // RFC 9432 §6: what it lists is nobody else's business.
        catalog.allow_query = AccessList::only(Vec::new());
        let Ok(text) = file::read(&catalog.file.value, MAX_DATA) else { continue };
        let parsed = parse::load(&name.value.to_string(), &text, Origin::Named(&name.value), &mut NoSources);
        let Some(zone) = parsed.zone else { continue };
        let members = match inbound::members(&zone) {
            Ok(members) => members,
            Err(fault) => {
                findings.push(Finding::error("zone-catalog", fault.to_string()).at(place.clone()));
                continue;
            }
        };
        for (member, catalog_entry) in members {
            if !known.insert(member.clone()) {
                let message = format!("{member} of the catalog {} is stated elsewhere: that counts", name.value);
                findings.push(Finding::note("zone-catalog", message).at(place.clone()));
                continue;
            }
            let mut transfer = entry.transfer.clone();
            transfer.catalog = None;
            listed.push(ZoneEntry {
                file: Placed { value: kept_file(state, &member), place: place.clone() },
                name: Some(Placed { value: member, place: place.clone() }),
                allow_query: entry.allow_query.clone(),
                transfer,
                catalog_entry: Some(catalog_entry),
            });
        }
    }
    file.zones.extend(listed);
}
