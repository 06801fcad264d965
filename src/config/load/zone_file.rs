//! One zone file: read with what it includes from its own folder, and parsed; several at once, each by itself.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::base::file::{self, MAX_DATA};
use crate::base::finding::{Finding, Place};
use crate::zone::Name;
use crate::zone::parse::{self, Origin, Parsed, Sources};

use super::file::folder_of;

/// A zone file that is to be read.
#[derive(Debug)]
pub(super) struct ZoneFile<'a> {
    pub(super) path: PathBuf,
    /// The zone's name by the config.
    pub(super) name: Option<&'a Name>,
    /// Where the config names the file; nothing if the command line does.
    pub(super) place: Option<&'a Place>,
}

/// What came of a zone file.
#[derive(Debug)]
pub(super) struct ParsedFile {
    pub(super) parsed: Parsed,
    /// The files that it includes.
    pub(super) included: Vec<PathBuf>,
}

/// Parses files and hands them out in their order: by one thread each only when it is asked for, by more as soon as possible.
pub(super) fn parse_all<'f>(
    files: &'f [ZoneFile<'f>],
    threads_max: usize,
    keep_places: bool,
) -> Box<dyn Iterator<Item = (&'f ZoneFile<'f>, io::Result<ParsedFile>)> + 'f> {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = processors.min(threads_max).min(files.len());
    if threads < 2 {
        return Box::new(files.iter().map(move |file| (file, file.parse(keep_places))));
    }
    let (next, parsed) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(files.len())));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(number) else { break };
                    let came = file.parse(keep_places);
                    parsed.lock().unwrap_or_else(PoisonError::into_inner).push((number, file, came));
                }
            });
        }
    });
    let mut parsed = parsed.into_inner().unwrap_or_else(PoisonError::into_inner);
    parsed.sort_unstable_by_key(|(number, ..)| *number);
    Box::new(parsed.into_iter().map(|(_, file, came)| (file, came)))
}

impl ZoneFile<'_> {
    fn parse(&self, keep_places: bool) -> io::Result<ParsedFile> {
        let is_input = self.place.is_none() && self.path.as_os_str() == STANDARD_INPUT;
        let text = if is_input { file::read_standard_input(MAX_DATA) } else { file::read(&self.path, MAX_DATA) }?;
        let known = known_origin(&self.path, self.name, self.place);
        let origin = match (self.name, &known) {
            (Some(name), _) => Origin::Named(name),
            (None, Some(guessed)) => Origin::Guessed(guessed),
            (None, None) => Origin::Unknown,
        };
        Ok(parse(&self.path, &text, origin, keep_places))
    }
}

/// Returns a zone's name as it is known without its text.
pub(super) fn known_origin(path: &Path, name: Option<&Name>, place: Option<&Place>) -> Option<Name> {
    let is_input = place.is_none() && path.as_os_str() == STANDARD_INPUT;
    name.cloned().or_else(|| if is_input { None } else { guess_origin(path) })
}

/// Parses the text of a zone file.
pub(super) fn parse(path: &Path, text: &[u8], origin: Origin<'_>, keep_places: bool) -> ParsedFile {
    let file = path.display().to_string();
    let mut included = Folder::new(&file, path);
    let mut parsed = match keep_places {
        true => parse::parse(&file, text, origin, &mut included),
        false => parse::load(&file, text, origin, &mut included),
    };
    parsed.findings = parsed.findings.into_iter().map(|finding| named(finding, &file)).collect();
    ParsedFile { parsed, included: included.read }
}

/// The name of a zone that comes by standard input.
const STANDARD_INPUT: &str = "-";

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
    fn files_are_handed_out_in_their_order_by_any_number_of_threads() {
        let folder = folder("parse-all");
        let paths: Vec<PathBuf> = (0..40).map(|number| folder.join(format!("zones/z{number}.test.zone"))).collect();
        for (number, path) in paths.iter().enumerate().filter(|(number, _)| number % 7 != 3) {
            let host = if number % 5 == 2 { "no address" } else { "127.0.0.1" };
            let included = format!("more/h{number}");
            std::fs::write(folder.join("zones").join(&included), format!("h A {host}\n")).unwrap();
            let text = format!("@ 60 SOA n h 1 1h 15m 2w 5m\n@ NS n\nn A 127.0.0.1\n$INCLUDE {included}\n");
            std::fs::write(path, text).unwrap();
        }
        let files: Vec<ZoneFile<'_>> =
            paths.iter().map(|path| ZoneFile { path: path.clone(), name: None, place: None }).collect();
        let told = |threads: usize| {
            let all = parse_all(&files, threads, false).map(|(file, came)| {
                let came = came.map(|came| (came.parsed.zone, came.parsed.findings, came.included));
                (file.path.clone(), came.map_err(|error| error.kind()))
            });
            all.collect::<Vec<_>>()
        };
        let (one, many) = (told(1), told(16));
        std::fs::remove_dir_all(&folder).unwrap();

        assert_eq!(one.iter().map(|(path, _)| path).collect::<Vec<_>>(), paths.iter().collect::<Vec<_>>());
        assert_eq!(one[3].1, Err(io::ErrorKind::NotFound));
        assert!(matches!(&one[2].1, Ok((None, findings, _)) if findings.iter().any(|found| found.place.is_some())));
        assert!(matches!(&one[1].1, Ok((Some(zone), _, included)) if zone.record_count() == 4 && included.len() == 1));
        assert!(one == many, "the same whoever reads them");
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
