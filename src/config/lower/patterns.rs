//! Which `[[service]]` entry applies to which service.

use std::collections::HashMap;

use crate::base::finding::Finding;
use crate::config::shape::ServiceEntry;
use crate::zone::Name;

/// The entries by their `match`.
///
/// The most specific entry wins: an exact name before any with `*`, fewer `*` before more, and among equals the one
/// whose `*` stand further left (an entry for one domain before one for all domains).
#[derive(Debug)]
pub(in crate::config) struct Patterns {
    /// By where the `*` stand, the most specific first.
    groups: Vec<Group>,
    used: Vec<bool>,
}

/// The entries whose `*` stand at the same labels.
#[derive(Debug)]
struct Group {
    labels: usize,
    /// For each label from the left whether it is `*`.
    stars: Vec<bool>,
    entries: HashMap<Name, usize>,
}

impl Patterns {
    /// Sorts the entries; two with the same `match` are a finding.
    pub(in crate::config) fn new(entries: &[ServiceEntry]) -> (Self, Vec<Finding>) {
        let mut by_stars: HashMap<Vec<bool>, HashMap<Name, usize>> = HashMap::new();
        let mut findings = Vec::new();
        let mut used = vec![false; entries.len()];
        for (index, entry) in entries.iter().enumerate() {
            let name = &entry.matches.value;
            let stars: Vec<bool> = name.labels().map(|label| label == b"*").collect();
            let first = *by_stars.entry(stars).or_default().entry(name.clone()).or_insert(index);
            if let Some(first) = entries.get(first).filter(|_| first != index) {
                let message = format!("the service {name} has an entry already, at line {}", first.matches.place.line);
                let finding = Finding::error("service-duplicate", message).at(entry.matches.place.clone());
                findings.push(finding.help("make one entry of the two"));
                // One finding is enough for it.
                used.iter_mut().skip(index).take(1).for_each(|used| *used = true);
            }
        }
        let group = |(stars, entries): (Vec<bool>, _)| Group { labels: stars.len(), stars, entries };
        let mut groups: Vec<Group> = by_stars.into_iter().map(group).collect();
        groups.sort_by(|a, b| {
            let count = |group: &Group| group.stars.iter().filter(|star| **star).count();
            count(a).cmp(&count(b)).then_with(|| b.stars.cmp(&a.stars))
        });
        (Self { groups, used }, findings)
    }

    /// Returns the place of the entry that holds for a service, and remembers that it was used.
    pub(super) fn find(&mut self, owner: &Name) -> Option<usize> {
        let index = self.position(owner)?;
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
        Some(index)
    }

    /// Returns the place of the entry that holds for a service.
    pub(in crate::config) fn position(&self, owner: &Name) -> Option<usize> {
        let labels = owner.label_count();
        let fitting = self.groups.iter().filter(|group| group.labels == labels);
        fitting.filter_map(|group| group.find(owner)).next()
    }

    /// Returns whether an entry held for some service.
    pub(super) fn is_used(&self, index: usize) -> bool {
        self.used.get(index).copied().unwrap_or(false)
    }
}

impl Group {
    fn find(&self, owner: &Name) -> Option<usize> {
        if !self.stars.contains(&true) {
            return self.entries.get(owner).copied();
        }
        let mut wire = Vec::with_capacity(owner.wire().len());
        for (label, star) in owner.labels().zip(&self.stars) {
            let label = if *star { b"*" } else { label };
            wire.push(u8::try_from(label.len()).ok()?);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        self.entries.get(&Name::from_wire(&wire).ok()?).copied()
    }
}
