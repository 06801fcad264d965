//! Reads the zones of a config, and says what is wrong with them.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, UnixTime};
use crate::base::file::{self, MAX_DATA};
use crate::base::finding::{Finding, Severity};
use crate::base::table::Table;
use crate::config::running::StaleZone;
use crate::engine::setup::ZoneSetup;
use crate::keys::source::Placed;
use crate::snapshot::ZoneId;
use crate::transfer::inbound::Times;
use crate::zone::parse::{Origin, Parsed, Places};
use crate::zone::{Name, Zone};

use super::super::running::KeptZone;
use super::super::shape::ZoneEntry;
use super::file::unreadable;
use super::zone_file::{self, ParsedFile, ZoneFile};

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
    let is_kept = |entry: &ZoneEntry| entry.name.is_some() && entry.transfer.primaries.is_some();
    let of_config = entries.iter().filter(|entry| !is_kept(entry)).map(|entry| ZoneFile {
        path: folder.join(&entry.file.value),
        name: entry.name.as_ref().map(|name| &name.value),
        place: Some(&entry.file.place),
    });
    let of_call = named.iter().map(|path| ZoneFile { path: path.clone(), name: None, place: None });
    let files: Vec<ZoneFile<'_>> = of_config.chain(of_call).collect();
    // At a start all are new. At a reload the answers come first, and most zones are dropped as they stay the same.
    let at_once = if read_options.former.is_empty() { THREADS_MAX } else { 1 };
    let mut parsed = zone_file::parse_all(&files, at_once, read_options.keep_places);
    for entry in entries {
        if let Some(name) = entry.name.as_ref().filter(|_| is_kept(entry)) {
            read.add_kept(entry, &name.value, &mut known, read_options);
        } else if let Some((file, came)) = parsed.next() {
            read.add(file, came, &mut known, read_options);
        }
    }
    for (file, came) in parsed {
        read.add(file, came, &mut known, read_options);
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
        let parsed = text.and_then(|text| {
            self.take(zone_file::parse(path, &text, Origin::Named(name), read_options.keep_places), path).zone
        });
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
        ZoneFile { path, name, place }: &ZoneFile<'_>,
        read: Result<ParsedFile, io::Error>,
        known: &mut HashMap<Name, String>,
        read_options: ReadOptions<'_>,
    ) {
        let file = path.display().to_string();
        let guessed = zone_file::known_origin(path, *name, *place);
        let mut places = Places::default();
        let before = self.findings.len();
        let (zone, apex) = match read {
            Ok(parsed) => {
                let parsed = self.take(parsed, path);
                places = parsed.places;
                (parsed.zone, parsed.apex)
            }
            Err(error) => {
                let finding = unreadable(&format!("cannot read the zone {file}"), &error);
                self.findings.push(match place {
                    Some(place) => finding.at((*place).clone()),
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
                Some(place) => finding.at((*place).clone()),
                None => finding,
            });
            self.refused = true;
            return;
        }
        self.origins.insert(path.clone(), origin.clone());
        self.zones.push(ZoneSetup { origin, zone, is_judged_upstream: false });
    }

    /// Takes the findings of a zone and the files that were read for it.
    fn take(&mut self, file: ParsedFile, path: &Path) -> Parsed {
        let ParsedFile { mut parsed, included } = file;
        self.files.push(path.to_owned());
        self.files.extend(included);
        self.findings.append(&mut parsed.findings);
        parsed
    }
}

/// Returns when what a file holds was the newest version: its time is set to that.
fn fresh_at(path: &Path) -> Option<UnixTime> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixTime::from_secs(since.as_secs()))
}

/// The most threads that read zones at once.
const THREADS_MAX: usize = 16;
