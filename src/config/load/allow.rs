//! Allowed findings: `[lint] allow`, and comments in zones such as `; lint: allow srv-no-standby`.

use std::collections::{HashMap, HashSet};

use crate::base::finding::{Finding, Severity};
use crate::base::nearest::{nearest, tolerance};
use crate::keys::source::Placed;
use crate::zone::check::{self, RULES};
use crate::zone::parse::Places;

/// What is found when files become a setup, and what the lint says of the same with its place.
pub const TWINS: &[(&str, &str)] = &[
    ("target-documentation", "address-documentation"),
    ("target-port-zero", "srv-port-zero"),
    ("check-none", "service-unprobed"),
    ("host-outside", "srv-target-out-of-zone"),
    ("host-unaddressed", "srv-target-no-address"),
    ("host-unaddressed", "srv-target-cname"),
    ("host-unaddressed", "srv-target-wildcard"),
    ("host-unaddressed", "srv-target-origin-doubled"),
    ("host-unaddressed", "srv-target-dname"),
    ("host-unaddressed", "srv-target-url"),
    ("host-unaddressed", "srv-target-localhost"),
];

/// The ids that are allowed everywhere, and in single files.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    everywhere: HashSet<String>,
    by_file: HashMap<String, HashSet<String>>,
}

impl Allowed {
    /// Reads the comments that stand on lines of their own.
    pub(super) fn read<'a>(keys: Option<&Placed<Vec<String>>>, zones: impl Iterator<Item = &'a Places>) -> Self {
        let everywhere = keys.iter().flat_map(|placed| placed.value.iter().cloned()).collect();
        let mut by_file: HashMap<String, HashSet<String>> = HashMap::new();
        for (file, line) in zones.flat_map(Places::comments) {
            for id in commented(line) {
                by_file.entry(file.to_owned()).or_default().insert(id.to_owned());
            }
        }
        Self { everywhere, by_file }
    }

    /// Takes out what is allowed and returns how many those are. What keeps a file from being used cannot be allowed.
    pub(super) fn apply(&self, findings: &mut Vec<Finding>) -> usize {
        let before = findings.len();
        findings.retain(|finding| !self.covers(finding));
        before - findings.len()
    }

    /// Finds ids that nothing has.
    pub(super) fn judge(&self, keys: Option<&Placed<Vec<String>>>, found: &[Finding]) -> Vec<Finding> {
        let known = |id: &str| check::find(id).is_some() || found.iter().any(|finding| finding.id == id);
        let place = |id: &String| keys.filter(|placed| placed.value.contains(id)).map(|placed| placed.place.clone());
        let mut ids: Vec<&String> = self.everywhere.iter().chain(self.by_file.values().flatten()).collect();
        ids.sort_unstable();
        ids.dedup();
        let unknown = ids.into_iter().filter(|id| !known(id) && !TWINS.iter().any(|(lowered, _)| lowered == id));
        let finding = |id: &String| {
            let finding = Finding::warning("lint-allow", format!("nothing here is found as `{id}`")).at(place(id));
            match nearest(id, RULES.iter().map(|rule| rule.id), tolerance(id)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help("the ids stand in brackets behind the severity, and in docs/lint.md"),
            }
        };
        unknown.map(finding).collect()
    }

    fn covers(&self, finding: &Finding) -> bool {
        if finding.severity == Severity::Error && check::find(finding.id).is_none() {
            return false;
        }
        let twin = TWINS.iter().find(|(lowered, _)| *lowered == finding.id).map(|(_, linted)| *linted);
        let mut ids = std::iter::once(finding.id).chain(twin);
        let place = finding.place.as_ref();
        let in_file = place.and_then(|place| self.by_file.get(&*place.file));
        let in_line: Vec<&str> = place.map(|place| commented(&place.text).collect()).unwrap_or_default();
        ids.any(|id| {
            self.everywhere.contains(id) || in_line.contains(&id) || in_file.is_some_and(|ids| ids.contains(id))
        })
    }
}

/// Walks over the ids that the comment of a line allows.
fn commented(line: &str) -> impl Iterator<Item = &str> {
    let ids = line.split(';').skip(1).find_map(|comment| comment.trim_start().strip_prefix("lint: allow "));
    ids.unwrap_or_default().split([',', ' ', '\t']).map(str::trim).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_names_ids_with_commas_or_blanks() {
        for line in ["; lint: allow a-b, c", "x IN A 192.0.2.1 ;; lint: allow a-b c", ";lint: allow a-b,c"] {
            assert_eq!(commented(line).collect::<Vec<_>>(), ["a-b", "c"], "{line}");
        }
        assert_eq!(commented("; lint allow a").count() + commented("lint: allow a").count(), 0);
    }

    #[test]
    fn errors_outside_of_the_lint_cannot_be_allowed() {
        let allowed =
            Allowed { everywhere: ["zone-no-ns".to_owned(), "ns-single".to_owned()].into(), ..Default::default() };
        let mut findings = vec![Finding::error("zone-no-ns", "x"), Finding::warning("ns-single", "y")];
        assert_eq!((allowed.apply(&mut findings), findings.len(), findings[0].id), (1, 1, "zone-no-ns"));
    }
}
