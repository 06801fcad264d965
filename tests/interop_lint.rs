//! What other checkers of zone files say of the zones in `tests/lint`: noted in `tests/lint/foreign.tsv`, from which
//! `docs/lint.md` shows it. `UPDATE_DOCS=1` writes it anew.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "support/zones.rs"]
mod zones;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use zones::zones_in;

const NOTED: &str = "tests/lint/foreign.tsv";

/// A checker: its words before the zone's name and file, and lines that say that all is well.
const CHECKERS: [(&str, &[&str], &[&str]); 3] = [
    ("named-checkzone", &["-i", "local"], &["loaded serial", "OK"]),
    ("kzonecheck", &["-o"], &["No semantic error found"]),
    ("nsd-checkzone", &[], &["is ok"]),
];

#[test]
fn other_checkers_say_of_each_mistake_what_is_noted() {
    let mut rows = String::new();
    for path in zones_in("tests/lint") {
        let said = CHECKERS.map(|checker| said(checker, &path));
        writeln!(rows, "{}\t{}", path.file_stem().unwrap().to_string_lossy(), said.join("\t")).unwrap();
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(NOTED, &rows).unwrap();
    }
    // The words change from version to version, the verdict rarely.
    let verdicts = |rows: &str| -> Vec<String> {
        let verdict = |cell: &str| cell.split(':').next().unwrap_or_default().to_owned();
        rows.lines().map(|line| line.split('\t').map(verdict).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(verdicts(&fs::read_to_string(NOTED).unwrap()), verdicts(&rows), "UPDATE_DOCS=1 notes it anew");
}

#[test]
fn other_checkers_take_every_right_zone() {
    for path in zones_in("tests/lint/right") {
        for checker in CHECKERS {
            assert_eq!(said(checker, &path), "–", "{} of {}", checker.0, path.display());
        }
    }
}

fn said((program, words, fine): (&str, &[&str], &[&str]), path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let origin = text.lines().find_map(|line| line.strip_prefix("$ORIGIN ")).unwrap_or("example.com.");
    let output = Command::new(program).args(words).arg(origin.trim()).arg(path).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let name = path.to_string_lossy();
    let lines =
        printed.lines().map(str::trim).filter(|line| !line.is_empty() && !fine.iter().any(|end| line.contains(end)));
    let first = lines.map(|line| words_of(line, &name)).find(|line| !line.is_empty());
    match (output.status.success(), first) {
        (true, None) => "–".to_owned(),
        (true, Some(line)) => format!("warns: {line}"),
        (false, None) => "refuses".to_owned(),
        (false, Some(line)) => format!("refuses: {line}"),
    }
}

/// Cuts a line down to what it says: without time, program, file and line.
fn words_of(line: &str, file: &str) -> String {
    let line = line.rsplit_once(file).map_or(line, |(_, rest)| rest);
    let line = line.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, ':' | ' '));
    let line = line.split("example.com/IN: ").last().unwrap_or(line).trim_start_matches("error: ");
    let line = line.trim_start_matches("warning: ").replace('|', "\\|").replace('\t', " ");
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

const LONGEST: usize = 70;
