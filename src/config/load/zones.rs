//! Reads zone files, and what they include from their own folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, UnixTime};
use crate::base::file::{self, MAX_DATA};
use crate::base::finding::{Finding, Place, Severity};
use crate::base::table::Table;
use crate::config::running::StaleZone;
use crate::engine::setup::ZoneSetup;
use crate::keys::source::Placed;
use crate::snapshot::ZoneId;
use crate::transfer::inbound::Times;
use crate::zone::parse::{self, Origin, Parsed, Places, Sources};
use crate::zone::{Name, Zone};

use super::super::running::KeptZone;
use super::super::shape::ZoneEntry;
use super::file::{folder_of, unreadable};

/// What came of all zone files.
#[derive(Debug, Default)]
pub(super) struct ZonesRead {
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
    /// Where the zones from primaries are kept.
    pub(super) kept: HashMap<Name, KeptZone>,
    /// The zones that stay in their last good version.
    pub(super) stale: Vec<StaleZone>,
    /// The zones with the places of their records, if they are kept; second versions of a zone included.
    pub(super) places: Vec<(Arc<Zone>, Places)>,
}

/// What is done with zones beside reading them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadOptions<'a> {
    /// The last good version of each zone: it stays when its file says the same, or is broken now.
    pub(super) former: &'a HashMap<Name, Arc<Zone>>,
    /// The origin that each zone file had.
    pub(super) origins: &'a HashMap<PathBuf, Name>,
    /// Whether to keep the places of records, so that mistakes in the zones can be looked for.
    pub(super) keep_places: bool,
    /// Whether two versions of one zone may be named: each is looked at, and the first counts.
    pub(super) versions: bool,
}

/// Reads the zones of a config, relative to its folder, then those of the command line.
pub(super) fn read(
    entries: &[ZoneEntry],
    folder: &Path,
    named: &[PathBuf],
    read_options: ReadOptions<'_>,
) -> ZonesRead {
    let mut read = ZonesRead::default();
    let mut known: HashMap<Name, String> = HashMap::new();
    for entry in entries {
        let name = entry.name.as_ref().map(|name| &name.value);
        if let (Some(name), Some(_)) = (name, &entry.transfer.primaries) {
            read.add_kept(entry, name, &mut known, read_options);
            continue;
        }
        read.add(&folder.join(&entry.file.value), name, Some(&entry.file.place), &mut known, read_options);
    }
    for path in named {
        read.add(path, None, None, &mut known, read_options);
    }
    if read.kept.is_empty() && read.zones.iter().all(|(_, zone)| zone.zone.is_none()) {
        read.refused = true;
        read.findings.push(if entries.is_empty() && named.is_empty() {
            Finding::error("zone-none", "no zone is named").help("add a [[zone]] with its `file`, or name a zone file")
        } else {
            Finding::error("zone-none", "no zone can be served: each has errors").help("fix at least one of them")
        });
    }
    read
}

impl ZonesRead {
    /// Reads a zone that came from primaries, if it has come and has not expired.
    fn add_kept(
        &mut self,
        entry: &ZoneEntry,
        name: &Name,
        known: &mut HashMap<Name, String>,
        read_options: ReadOptions<'_>,
    ) {
        let (file, path) = (&entry.file, &entry.file.value);
        let is_set = |key: &Option<Placed<bool>>| key.as_ref().is_some_and(|key| key.value);
        let fresh_at = fresh_at(path);
        let text = fresh_at.and_then(|_| file::read(path, MAX_DATA).ok());
        let parsed = text.and_then(|text| self.parse(path, &text, Origin::Named(name), read_options.keep_places).zone);
        let now = Clock::start().now().wall;
        let is_younger = |zone: &Zone, age: fn(Times) -> Duration| {
            fresh_at.zip(Times::of(zone.soa())).is_some_and(|(at, times)| now < at + age(times))
        };
        let is_fresh = |zone: &Zone| is_younger(zone, |times| times.expire);
        let zone = parsed.filter(is_fresh).map(|zone| match read_options.former.get(name) {
            Some(former) if zone.is_same(former) => Arc::clone(former),
            Some(_) | None => Arc::new(zone),
        });
        if zone.is_none() {
            let message = format!("{name} has not come from its primaries, or has expired: it is answered SERVFAIL");
            self.findings.push(Finding::warning("zone-absent", message).at(file.place.clone()));
        }
        let is_judged_upstream =
            is_set(&entry.transfer.spare) && zone.as_ref().is_some_and(|zone| is_younger(zone, Times::overdue));
        let fresh_at = fresh_at.filter(|_| zone.is_some());
        if known.insert(name.clone(), path.display().to_string()).is_some() {
            let finding = Finding::error("zone-duplicate", format!("{name} is stated twice")).at(file.place.clone());
            self.findings.push(finding.help("name each zone once"));
            self.refused = true;
            return;
        }
        let (is_catalog, catalog_entry) = (is_set(&entry.transfer.catalog), entry.catalog_entry.clone());
        self.kept.insert(name.clone(), KeptZone { file: path.clone(), fresh_at, is_catalog, catalog_entry });
        self.origins.insert(path.clone(), name.clone());
        self.zones.push(ZoneSetup { origin: name.clone(), zone, is_judged_upstream });
    }

    fn add(
        &mut self,
        path: &Path,
        name: Option<&Name>,
        place: Option<&Place>,
        known: &mut HashMap<Name, String>,
        read_options: ReadOptions<'_>,
    ) {
        let file = path.display().to_string();
        let is_input = place.is_none() && path.as_os_str() == STANDARD_INPUT;
        let guessed = name.cloned().or_else(|| if is_input { None } else { guess_origin(path) });
        let origin = match (name, &guessed) {
            (Some(name), _) => Origin::Named(name),
            (None, Some(guessed)) => Origin::Guessed(guessed),
            (None, None) => Origin::Unknown,
        };
        let mut places = Places::default();
        let before = self.findings.len();
        let (zone, apex) = match if is_input { file::read_standard_input(MAX_DATA) } else { file::read(path, MAX_DATA) }
        {
            Ok(text) => {
                let parsed = self.parse(path, &text, origin, read_options.keep_places);
                places = parsed.places;
                (parsed.zone, parsed.apex)
            }
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
        let known_by = name.cloned().or(apex).or_else(|| read_options.origins.get(path).cloned()).or(guessed);
        let former = || read_options.former.get(known_by.as_ref()?).cloned();
        let zone = match (zone, former()) {
            // What did not change stays the same by address: so all that follows from it can be shared.
            (Some(zone), Some(former)) if zone.is_same(&former) => Some(former),
            (Some(zone), _) => Some(Arc::new(zone)),
            (None, Some(former)) => {
                let errors = self.findings.iter().skip(before).filter(|found| found.severity == Severity::Error);
                let place = errors.filter_map(|found| found.place.as_ref()).next();
                let place = place.map_or_else(|| file.clone(), |at| format!("{}:{}:{}", at.file, at.line, at.column));
                self.stale.push(StaleZone { origin: former.origin().clone(), place });
                Some(former)
            }
            (None, None) => None,
        };
        let Some(origin) = zone.as_ref().map(|zone| zone.origin().clone()).or(known_by) else {
            // What is broken and has no name cannot even be refused service.
            self.refused = true;
            return;
        };
        if let Some(zone) = zone.as_ref().filter(|_| read_options.keep_places) {
            self.places.push((Arc::clone(zone), places));
        }
        if let Some(first) = known.get(&origin).filter(|_| read_options.versions && place.is_none()) {
            let message = format!("{file} is the zone {origin}, as is {first}: each is looked at by itself");
            self.findings.push(Finding::note("zone-duplicate", message).help("a server takes one of them only"));
            return;
        }
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
        self.zones.push(ZoneSetup { origin, zone, is_judged_upstream: false });
    }

    /// Reads one zone.
    fn parse(&mut self, path: &Path, text: &[u8], origin: Origin<'_>, keep_places: bool) -> Parsed {
        let file = path.display().to_string();
        self.files.push(path.to_owned());
        let mut included = Folder::new(&file, path);
        let mut parsed = match keep_places {
            true => parse::parse(&file, text, origin, &mut included),
            false => parse::load(&file, text, origin, &mut included),
        };
        self.files.extend(included.read);
        self.findings.extend(parsed.findings.drain(..).map(|finding| named(finding, &file)));
        parsed
    }
}

/// The name of a zone that comes by standard input.
const STANDARD_INPUT: &str = "-";

/// Returns when what a file holds was the newest version: its time is set to that.
fn fresh_at(path: &Path) -> Option<UnixTime> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixTime::from_secs(since.as_secs()))
}

/// Lets a finding that lies at no line name its file.
fn named(finding: Finding, file: &str) -> Finding {
    match finding.place {
        Some(_) => finding,
        None => Finding { message: format!("{file}: {}", finding.message), ..finding },
    }
}

/// Returns the zone that a file's name suggests: `example.com` for `zones/example.com.zone`, and by the habits of other
/// servers for `example.com.db`, `example.com.txt` and `db.example.com`.
fn guess_origin(path: &Path) -> Option<Name> {
    let name = path.file_name()?.to_str()?;
    let ending = [".zone", ".db", ".txt"].iter().find_map(|ending| name.strip_suffix(ending));
    ending.or_else(|| name.strip_prefix("db.")).unwrap_or(name).parse().ok()
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
        for (path, origin) in [
            ("zones/example.com.zone", "example.com"),
            ("example.org", "example.org"),
            ("db.example.com", "example.com"),
            ("example.com.db", "example.com"),
            ("example.com.txt", "example.com"),
            ("db.example.com.zone", "db.example.com"),
        ] {
            assert_eq!(guess_origin(Path::new(path)), Some(origin.parse().unwrap()), "{path}");
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
