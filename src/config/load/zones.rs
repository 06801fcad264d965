//! Reads zone files, and what they include from their own folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::file::{self, MAX_DATA};
use crate::base::finding::{Finding, Place};
use crate::base::table::Table;
use crate::engine::setup::ZoneSetup;
use crate::snapshot::ZoneId;
use crate::zone::parse::{self, Origin, Sources};
use crate::zone::{Name, Zone, check};

use super::super::shape::ZoneEntry;
use super::file::{folder_of, unreadable};

/// What came of all zone files.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The zones, broken ones without data.
    pub(super) zones: Table<ZoneId, ZoneSetup>,
    /// What is wrong in the files.
    pub(super) findings: Vec<Finding>,
    /// Whether a start is out of the question: no zone at all, a zone twice, a broken zone without a name.
    pub(super) refused: bool,
    /// The files that were read.
    pub(super) files: Vec<PathBuf>,
    /// The origin of each zone file.
    pub(super) origins: HashMap<PathBuf, Name>,
}

/// What is done with zones beside reading them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadOptions<'a> {
    /// The last good version of each zone: it stays when its file says the same, or is broken now.
    pub(super) former: &'a HashMap<Name, Arc<Zone>>,
    /// The origin that each zone file had.
    pub(super) origins: &'a HashMap<PathBuf, Name>,
    /// How to look for mistakes; nothing: only what cannot be served is found.
    pub(super) lint: Option<&'a check::Options>,
}

/// Reads the zones of a config, relative to its folder, then those of the command line.
pub(super) fn read(entries: &[ZoneEntry], folder: &Path, named: &[PathBuf], read_options: ReadOptions<'_>) -> Read {
    let mut read = Read::default();
    let mut known: HashMap<Name, String> = HashMap::new();
    for entry in entries {
        let name = entry.name.as_ref().map(|name| &name.value);
        read.add(&folder.join(&entry.file.value), name, Some(&entry.file.place), &mut known, read_options);
    }
    for path in named {
        read.add(path, None, None, &mut known, read_options);
    }
    if read.zones.iter().all(|(_, zone)| zone.zone.is_none()) {
        read.refused = true;
        read.findings.push(if entries.is_empty() && named.is_empty() {
            Finding::error("zone-none", "no zone is named").help("add a [[zone]] with its `file`, or name a zone file")
        } else {
            Finding::error("zone-none", "no zone can be served: each has errors").help("fix at least one of them")
        });
    }
    read
}

impl Read {
    fn add(
        &mut self,
        path: &Path,
        name: Option<&Name>,
        place: Option<&Place>,
        known: &mut HashMap<Name, String>,
        read_options: ReadOptions<'_>,
    ) {
        let file = path.display().to_string();
        let inferred_check = name.cloned().or_else(|| guess_origin(path));
        let origin = match (name, &inferred_check) {
            (Some(name), _) => Origin::Named(name),
            (None, Some(inferred_check)) => Origin::Guessed(inferred_check),
            (None, None) => Origin::Unknown,
        };
        let (zone, apex) = match file::read(path, MAX_DATA) {
            Ok(text) => self.parse(path, &text, origin, read_options.lint),
            Err(error) => {
                let finding = unreadable(&format!("cannot read the zone {file}"), &error);
                self.findings.push(match place {
                    Some(place) => finding.at(place.clone()),
                    None => finding,
                });
                (None, None)
            }
        };
        // A broken zone is known by the config, by what can be read of it, by what it was, last by its file's name.
        let known_by = name.cloned().or(apex).or_else(|| read_options.origins.get(path).cloned()).or(inferred_check);
        let former = || read_options.former.get(known_by.as_ref()?).cloned();
        let zone = match (zone, former()) {
            // What did not change stays the same by address: so all that follows from it can be shared.
            (Some(zone), Some(former)) if zone.is_same(&former) => Some(former),
            (Some(zone), _) => Some(Arc::new(zone)),
            (None, former) => former,
        };
        let Some(origin) = zone.as_ref().map(|zone| zone.origin().clone()).or(known_by) else {
            // What is broken and has no name cannot even be refused service.
            self.refused = true;
            return;
        };
        if let Some(first) = known.insert(origin.clone(), file.clone()) {
            let finding = Finding::error("zone-duplicate", format!("{file} is the zone {origin}, as is {first}"));
            let finding = finding.help("name each zone once");
            self.findings.push(match place {
                Some(place) => finding.at(place.clone()),
                None => finding,
            });
            self.refused = true;
            return;
        }
        self.origins.insert(path.to_owned(), origin.clone());
        self.zones.push(ZoneSetup { origin, zone });
    }

    /// Reads one zone; returns it, and its origin even if it is broken.
    fn parse(
        &mut self,
        path: &Path,
        text: &[u8],
        origin: Origin<'_>,
        lint: Option<&check::Options>,
    ) -> (Option<Zone>, Option<Name>) {
        let file = path.display().to_string();
        self.files.push(path.to_owned());
        let mut included = Folder::new(&file, path);
        let parsed = match lint {
            Some(_) => parse::parse(&file, text, origin, &mut included),
            None => parse::load(&file, text, origin, &mut included),
        };
        self.files.extend(included.read);
        self.findings.extend(parsed.findings.into_iter().map(|finding| named(finding, &file)));
        if let (Some(zone), Some(options)) = (&parsed.zone, lint) {
            self.findings.extend(check::check(zone, &parsed.places, options));
        }
        (parsed.zone, parsed.apex)
    }
}

/// Lets a finding that lies at no line name its file.
fn named(finding: Finding, file: &str) -> Finding {
    match finding.place {
        Some(_) => finding,
        None => Finding { message: format!("{file}: {}", finding.message), ..finding },
    }
}

/// Returns the zone that a file's name suggests: `example.com` for `zones/example.com.zone`.
fn guess_origin(path: &Path) -> Option<Name> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".zone").unwrap_or(name).parse().ok()
}

/// The files that a zone may include: those in its own folder, and below.
struct Folder {
    /// The folder without links; nothing if it is gone.
    root: Option<PathBuf>,
    /// Where each file lies, by the name that findings show.
    by_name: HashMap<String, PathBuf>,
    /// What was included.
    read: Vec<PathBuf>,
}

impl Folder {
    fn new(name: &str, zone: &Path) -> Self {
        let root = zone.canonicalize().ok().map(|path| folder_of(&path));
        Self { root, by_name: HashMap::from([(name.to_owned(), zone.to_owned())]), read: Vec::new() }
    }
}

impl Sources for Folder {
    fn read(&mut self, from_file: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        let from = self.by_name.get(from_file).map(|path| folder_of(path)).unwrap_or_default();
        let named = from.join(path);
        let real = named.canonicalize().map_err(|error| format!("cannot read {}: {error}", named.display()))?;
        // Checked with all links followed, so that neither `..` nor a link leads out.
        if !self.root.as_ref().is_some_and(|root| real.starts_with(root)) {
            return Err(format!("{} lies outside of the zone's folder", named.display()));
        }
        let text = file::read(&real, MAX_DATA).map_err(|error| format!("cannot read {}: {error}", named.display()))?;
        let name = named.display().to_string();
        self.by_name.insert(name.clone(), named.clone());
        self.read.push(named);
        Ok((name, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("understudy-{}-{test}", std::process::id()));
        std::fs::create_dir_all(folder.join("zones/more")).unwrap();
        folder
    }

    #[test]
    fn the_file_name_suggests_the_origin() {
        for (path, origin) in [("zones/example.com.zone", Some("example.com")), ("example.org", Some("example.org"))] {
            assert_eq!(guess_origin(Path::new(path)), origin.map(|origin| origin.parse().unwrap()), "{path}");
        }
        assert_eq!(guess_origin(Path::new("a..b.zone")), None);
    }

    #[test]
    fn includes_stay_within_the_zones_folder() {
        let folder = folder("include");
        let zone = folder.join("zones/a.zone");
        for (file, text) in [("zones/a.zone", "a"), ("zones/more/b", "b"), ("zones/more/c", "c"), ("secret", "s")] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        std::os::unix::fs::symlink(folder.join("secret"), folder.join("zones/link")).unwrap();
        let mut sources = Folder::new("a.zone", &zone);

        let (name, text) = sources.read("a.zone", "more/b").unwrap();
        let nested = sources.read(&name, "c").unwrap();
        let refused = ["../secret", "link", "/etc/hosts", "more", "absent"].map(|path| sources.read("a.zone", path));
        std::fs::remove_dir_all(&folder).unwrap();

        assert_eq!((text.as_slice(), nested.1.as_slice()), (b"b".as_slice(), b"c".as_slice()));
        assert_eq!(sources.read.len(), 2);
        for (answer, words) in
            refused.into_iter().zip(["outside", "outside", "outside", "it is a folder", "cannot read"])
        {
            let error = answer.unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
