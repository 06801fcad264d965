//! Finds programs that would be run although `[health] exec` does not allow any.

use crate::base::finding::Finding;
use crate::config::settings::Probing;
use crate::config::shape::File;
use crate::probe::CheckEntry;

/// Returns a finding for each.
pub(super) fn judge_programs(file: &File) -> Vec<Finding> {
    if file.probing.over(&Probing::default()).exec {
        return Vec::new();
    }
    let finding = |place| {
        Finding::error("check-exec-off", "programs are not run unless `exec = true` stands in [health]")
            .at(place)
            .why("whoever may write this file could run anything as the server's user")
            .help("set it, if that is meant")
    };
    file.checks().flat_map(CheckEntry::programs).map(|place| finding(place.clone())).collect()
}
