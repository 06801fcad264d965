//! The zone files of a folder.

use std::fs;
use std::path::PathBuf;

/// Returns the zone files of a folder by name; there is at least one.
pub(crate) fn zones_in(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut zones: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "zone")).collect();
    zones.sort();
    assert!(!zones.is_empty());
    zones
}
