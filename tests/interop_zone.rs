//! Master files judged by three other readers: BIND's `named-checkzone`, Knot's `kzonecheck`, ldns's `ldns-read-zone`.
//!
//! Where two of them agree on a file of `tests/zones/`, we agree with them, or the file stands in [`EXCEPTIONS`] with
//! the reason. What BIND accepts is also compared as data: it must read our text as it reads the file.
//! Packages: `bind9-utils`, `knot-dnssecutils`, `ldnsutils`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};
use std::process::Command;

use understudy::zone::parse::{Origin, Parsed, Sources, load};
use understudy::zone::{Name, write};

/// Files on which we differ from two others, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "good/paren-first.zone",
        "RFC 1035 §5.1 lets parentheses stand anywhere; Knot and ldns take one at the begin for a name",
    ),
    ("bad/no-ttl.zone", "Knot and ldns make up a TTL of 3600; RFC 2308 §4 knows no such default, BIND refuses"),
    (
        "bad/outside.zone",
        "BIND drops what is outside with a warning; a record that is not served is an error to its author",
    ),
    ("bad/soa-below.zone", "Knot and ldns drop the second SOA in silence; BIND refuses"),
    ("bad/two-soas.zone", "Knot and ldns drop the second SOA in silence; BIND refuses"),
];

/// Tools that do not know what a file uses: their verdict on it does not count, and one agreement is enough.
const UNSUPPORTED: &[(&str, &[&str], &str)] = &[
    ("good/generate.zone", &["Knot", "ldns"], "$GENERATE is BIND's own"),
    ("good/include.zone", &["Knot", "ldns"], "Knot wants an absolute origin behind the file, ldns reads no $INCLUDE"),
    ("good/types-new.zone", &["Knot", "ldns"], "AMTRELAY, AVC and RESINFO came later than Debian's versions"),
    ("bad/generate-address.zone", &["Knot", "ldns"], "$GENERATE is BIND's own"),
    ("bad/generate-range.zone", &["Knot", "ldns"], "$GENERATE is BIND's own"),
];

struct Folder(PathBuf);

impl Sources for Folder {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        std::fs::read(self.0.join(path)).map(|text| (path.to_owned(), text)).map_err(|error| error.to_string())
    }
}

fn origin() -> Name {
    "example.com".parse().unwrap()
}

fn zones(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zones").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "zone")).collect();
    files.sort();
    assert!(!files.is_empty(), "no zones in {}", folder.display());
    files
}

fn ours(file: &Path) -> Parsed {
    let text = std::fs::read(file).unwrap();
    let mut sources = Folder(file.parent().unwrap().to_owned());
    load(&file.display().to_string(), &text, Origin::Guessed(&origin()), &mut sources)
}

/// Runs a tool in the file's folder; returns whether it was content, and its output.
fn run(tool: &str, arguments: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new(tool)
        .args(arguments)
        .arg(file)
        .current_dir(file.parent().unwrap())
        .output()
        .unwrap_or_else(|error| panic!("{tool} is needed: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text + &String::from_utf8_lossy(&output.stderr))
}

fn verdicts(file: &Path) -> [(&'static str, bool, String); 3] {
    let (bind, bind_says) = run("named-checkzone", &["-i", "none", "-k", "ignore", "example.com"], file);
    let (knot, knot_says) = run("kzonecheck", &["-o", "example.com"], file);
    let (ldns, ldns_says) = run("ldns-read-zone", &[], file);
    [("BIND", bind, bind_says), ("Knot", knot, knot_says), ("ldns", ldns, ldns_says)]
}

#[test]
fn two_other_readers_are_right() {
    let mut wrong = Vec::new();
    for file in zones("good").into_iter().chain(zones("bad")) {
        let short = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zones")).unwrap();
        let short = short.display().to_string();
        let lacking = UNSUPPORTED.iter().find(|(known, _, _)| *known == short).map_or(&[][..], |(_, tools, _)| tools);
        let others: Vec<_> = verdicts(&file).into_iter().filter(|(tool, _, _)| !lacking.contains(tool)).collect();
        let content = others.iter().filter(|(_, content, _)| *content).count();
        // Of three, two; of one, that one.
        let accepted = content * 2 > others.len();
        let parsed = ours(&file);
        let excepted = EXCEPTIONS.iter().any(|(known, _)| *known == short);
        if parsed.zone.is_some() != accepted && !excepted {
            wrong.push(format!("{short}: we say {:?}, others {others:#?}", parsed.findings));
        }
        if excepted && parsed.zone.is_some() == accepted {
            wrong.push(format!("{short}: stands among the exceptions, but is none"));
        }
        // Our own judgement is what the folder says, whatever others think.
        if parsed.zone.is_some() != short.starts_with("good") {
            wrong.push(format!("{short}: we say {:?}", parsed.findings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bind_reads_our_text_as_it_reads_the_file() {
    let scratch = std::env::temp_dir().join(format!("understudy-interop-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).unwrap();
    let dump = ["-q", "-i", "none", "-k", "ignore", "-D", "-o", "-", "example.com"];
    let mut compared = 0;
    for file in zones("good") {
        let (content, of_file) = run("named-checkzone", &dump, &file);
        let Some(zone) = ours(&file).zone.filter(|_| content) else { continue };
        let mut text = String::new();
        write::write(&zone, &mut text).unwrap();
        let copy = scratch.join(file.file_name().unwrap());
        std::fs::write(&copy, text).unwrap();
        let (content, of_ours) = run("named-checkzone", &dump, &copy);
        assert!(content, "{}: {of_ours}", file.display());
        // BIND warns of what it fixes on the way; its records are what counts.
        let records = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.contains("\tIN ") || line.contains(" IN ")).map(str::to_owned).collect()
        };
        assert_eq!(records(&of_file), records(&of_ours), "{}", file.display());
        assert!(!records(&of_ours).is_empty());
        compared += 1;
    }
    std::fs::remove_dir_all(&scratch).unwrap();
    assert!(compared >= 10, "BIND accepted {compared} files only");
}
