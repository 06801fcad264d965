//! What `check` prints, and with which code it exits.

use super::report::{Examined, exit_code, print};
use super::*;
use crate::base::finding::Place;
use crate::cli::args::Format;

fn at(line: u32) -> Place {
    Place { file: "a.zone".into(), line, column: 1, width: 2, text: "ab".into() }
}

fn printed(findings: &[Finding], format: Format) -> String {
    let examined = Examined { files: vec!["a.zone".into()], zones: 1, services: 4, records: 16, live: None };
    let mut out = Vec::new();
    print(findings, &examined, format, &mut out, false).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn findings_are_printed_by_line_and_a_reason_once() {
    let findings =
        [Finding::error("x", "second").at(at(9)).why("so"), Finding::error("x", "first").at(at(2)).why("so")];
    let text = printed(&findings, Format::Text);
    assert!(text.find("first") < text.find("second"));
    assert_eq!(text.matches("why: so").count(), 1);
    assert!(text.ends_with("2 errors in a.zone\n"));
}

#[test]
fn a_clean_zone_says_what_was_looked_at() {
    assert_eq!(printed(&[], Format::Text), "a.zone: 1 zone, 4 services, 16 records: no findings\n");
}

#[test]
fn json_is_one_object_with_findings_and_summary() {
    let json = printed(&[Finding::warning("x", "odd").at(at(3)).help("fix"), Finding::note("y", "even")], Format::Json);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["findings"][0]["line"], 3);
    assert_eq!(value["findings"][0]["why"], serde_json::Value::Null);
    assert_eq!(value["findings"][1]["file"], serde_json::Value::Null);
    assert_eq!(value["summary"], serde_json::json!({"errors": 0, "warnings": 1, "notes": 1}));
}

#[test]
fn the_exit_code_follows_what_is_denied() {
    let findings = [Finding::warning("x", "odd")];
    assert_eq!(exit_code(&findings, Severity::Error), 0);
    assert_eq!(exit_code(&findings, Severity::Warning), 1);
    assert_eq!(exit_code(&findings, Severity::Note), 1);
    assert_eq!(exit_code(&[], Severity::Note), 0);
}

#[test]
fn documentation_addresses_are_told_once_and_as_a_note() {
    let lowered = || Finding::warning("target-documentation", "6 addresses");
    let linted = Finding::note("address-documentation", "6 addresses");
    assert_eq!(settle(vec![linted.clone(), lowered()]), vec![linted]);
    let alone = settle(vec![lowered()]);
    assert_eq!((alone.len(), alone[0].severity), (1, Severity::Note));
}

#[test]
fn what_cannot_be_read_is_told_alone() {
    let settled = settle(vec![Finding::error("file-read", "cannot read"), Finding::error("zone-none", "no zone")]);
    assert_eq!(settled.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["file-read"]);
}

#[test]
fn no_zone_is_told_only_when_nothing_else_says_why() {
    let none = || Finding::error("zone-none", "no zone");
    assert_eq!(settle(vec![Finding::error("zone-no-ns", "no NS"), none()]).len(), 1);
    assert_eq!(settle(vec![Finding::note("x", "y"), none()]).len(), 2);
}
