//! What `check` prints, and its exit codes.

use super::report::{Examined, View, exit_code, print};
use super::*;
use crate::base::finding::Place;

fn at(line: u32) -> Place {
    Place { file: "a.zone".into(), line, column: 1, width: 2, text: "ab".into() }
}

fn printed(findings: &[Finding], format: Format) -> String {
    viewed(findings, View { format, min_severity: Severity::Note, grouped: true, colour: false, width: None }, 0)
}

fn viewed(findings: &[Finding], view: View, allowed: usize) -> String {
    let examined = Examined { files: vec!["a.zone".into()], zones: 1, services: 4, records: 16, allowed, live: None };
    let mut out = Vec::new();
    print(findings, &examined, view, &mut out).unwrap();
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

#[test]
fn what_is_alike_is_one_finding_and_the_worst_stands_last() {
    let mut findings = vec![Finding::error("x", "an error").at(at(3)), Finding::warning("w", "odd").at(at(1))];
    findings.extend((10..30).map(|line| Finding::note("n", format!("note {line}")).at(at(line)).why("so")));
    findings.extend((30..45).map(|line| Finding::error("x", format!("error {line}")).at(at(line))));
    let text = printed(&findings, Format::Text);
    let order =
        ["note[n]: note 10", " = and 19 more", "warning[w]", "error[x]: an error", "also: a.zone:30:1: error 30"];
    let places: Vec<usize> =
        order.iter().map(|words| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("= and 6 more") && !text.contains("note 11"), "{text}");
    assert!(text.ends_with("16 errors, 1 warning, 20 notes in a.zone\n"), "{text}");
    let whole = View { format: Format::Text, min_severity: Severity::Note, grouped: false, colour: false, width: None };
    assert_eq!(viewed(&findings, whole, 0).matches("note[n]").count(), 20);
    let json: serde_json::Value = serde_json::from_str(&printed(&findings, Format::Json)).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 37);
}

#[test]
fn what_is_less_severe_or_allowed_is_only_counted() {
    let findings = [Finding::warning("w", "odd").at(at(1)), Finding::note("n", "note").at(at(2))];
    let view =
        View { format: Format::Text, min_severity: Severity::Warning, grouped: true, colour: false, width: None };
    let text = viewed(&findings, view, 3);
    assert!(!text.contains("note[n]") && text.contains("warning[w]"), "{text}");
    assert!(text.ends_with("1 warning, 1 note in a.zone; 1 not shown (--min-severity); 3 allowed\n"), "{text}");
}
