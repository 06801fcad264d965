//! The lint, by example: each file in `tests/lint` has one mistake, which its header names.
//!
//! `; expect: severity rule line:column width` in the header names the finding; without it there is none.
//! `; options: static allow-private ttl=N` sets the lint's options.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

#[path = "support/zones.rs"]
mod zones;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use understudy::base::finding::{Finding, Severity};
use understudy::zone::Rtype;
use understudy::zone::check::{Options, RULES, check, find};
use understudy::zone::parse::{NoSources, Origin, parse};
use zones::zones_in;

#[test]
fn each_example_has_its_mistake_and_no_other() {
    let mut wrong = String::new();
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        let (expected, found) = (headers(&text, "expect"), described(&findings(&path, &options(&text))));
        if expected != found {
            writeln!(wrong, "{}: expected {expected:?}, found {found:?}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn right_zones_of_many_kinds_have_no_warning() {
    let zones = zones_in("tests/lint/right");
    assert!(zones.len() >= 20, "{}", zones.len());
    for path in zones {
        let found = findings(&path, &Options::default());
        assert!(
            found.iter().all(|finding| finding.severity == Severity::Note),
            "{}: {}",
            path.display(),
            shown(&found)
        );
    }
}

#[test]
fn a_hundred_mistakes_are_caught() {
    assert!(mistakes().len() >= 100, "{}", mistakes().len());
}

#[test]
fn each_rule_has_an_example() {
    let expected: Vec<String> =
        examples().iter().flat_map(|path| headers(&fs::read_to_string(path).unwrap(), "expect")).collect();
    for rule in RULES {
        let begin = format!("{} {} ", rule.severity, rule.id);
        assert!(expected.iter().any(|line| line.starts_with(&begin)), "no example of {}", rule.id);
    }
}

#[test]
fn rules_have_ids_of_their_own_and_speak_in_clauses() {
    for (place, rule) in RULES.iter().enumerate() {
        assert!(RULES.iter().skip(place + 1).all(|other| other.id != rule.id), "{} is there twice", rule.id);
        assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
        for text in [rule.finds, rule.why, rule.help] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", rule.id);
        }
        assert!(!rule.wrong.is_empty() && !rule.right.is_empty() && rule.wrong != rule.right, "{}", rule.id);
    }
}

#[test]
fn findings_are_of_rules_in_the_order_of_the_file_whatever_the_zone() {
    let lines: Vec<String> = examples()
        .iter()
        .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains(" IN ") && !line.contains("SOA"))
        .collect();
    let head = "$ORIGIN example.com.\n$TTL 30\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n";
    let regressions = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as _);
    let config = Config { cases: 300, failure_persistence: regressions, ..Config::default() };
    proptest!(config, |(picks in prop::collection::vec(0..lines.len(), 0..40))| {
        let body: Vec<&str> = picks.iter().map(|pick| lines[*pick].as_str()).collect();
        let text = format!("{head}{}\n", body.join("\n"));
        let parsed = parse("a.zone", text.as_bytes(), Origin::Unknown, &mut NoSources);
        if let Some(zone) = &parsed.zone {
            let found = check(zone, &parsed.places, &Options::default());
            for finding in &found {
                prop_assert_eq!(find(finding.id).map(|rule| rule.severity), Some(finding.severity));
                prop_assert!(!finding.to_string().contains('{'), "{}", finding);
            }
            let lines: Vec<u32> = found.iter().map(|finding| finding.place.as_ref().unwrap().line).collect();
            prop_assert!(lines.is_sorted());
        }
    });
}

/// The troubleshooting entries of the guides that operators read, with the rules that find them.
const TROUBLES: &[(&str, &[&str])] = &[
    ("CNAME as SRV target", &["srv-target-cname", "srv-target-dname"]),
    (
        "XMPP or SIP client ignores the records",
        &[
            "srv-owner-underscore",
            "srv-owner-transposed",
            "srv-owner-proto",
            "srv-owner-service",
            "srv-owner-pairing",
            "srv-port-swapped",
            "srv-port-unusual",
            "xmpp-server-without-client",
        ],
    ),
    ("Missing _sip._tls records", &["sip-without-tls"]),
    ("Trailing-dot corruption in BIND/PowerDNS", &["srv-target-origin-doubled", "origin-doubled"]),
    ("Slow failover after an outage", &["ttl-long", "ttl-long-static", "soa-minimum-long"]),
    ("The target must be an existing A record", &["srv-target-no-address"]),
    ("The target cannot be an IP address", &["srv-target-address"]),
    ("Targets are ordinary hosts, not other underscore labels", &["srv-target-underscore"]),
    ("_xmppconnect TXT records are insecure", &["xmpp-connect-txt"]),
    ("Components need _xmpp-server only", &["xmpp-component-client"]),
    ("Direct TLS goes with STARTTLS", &["xmpps-without-xmpp"]),
    ("A weight of 0 disables proportional distribution", &["srv-weight-zero-mixed", "srv-weights-all-zero"]),
];

#[test]
fn each_trouble_of_the_guides_has_a_rule_with_mend_and_command() {
    for (trouble, ids) in TROUBLES {
        for id in *ids {
            let rule = find(id).unwrap_or_else(|| panic!("{trouble}: no rule {id}"));
            assert!(!rule.help.is_empty() && !rule.see.is_empty(), "{trouble}: {id}");
        }
    }
}

#[test]
fn the_mend_of_a_lost_dot_is_exact() {
    let found = findings(&Path::new("tests/lint").join("srv-target-origin-doubled.zone"), &Options::default());
    assert_eq!(found[0].help.as_deref(), Some("write a.example.com. with its final dot, or a without"));
    assert_eq!(found[0].command.as_deref(), Some("dig SRV _imap._tcp.example.com +short"));
}

#[test]
fn misspelled_owners_are_told_what_was_meant() {
    for (file, meant) in [
        ("srv-owner-underscore", "_sip._tcp"),
        ("srv-owner-underscore-proto", "_imap._tcp"),
        ("srv-owner-underscore-both", "_xmpp-client._tcp"),
        ("srv-owner-transposed", "_sip._tcp"),
        ("srv-owner-proto", "_sip._tcp"),
        ("srv-owner-proto-ssl", "_sip._tls"),
        ("srv-owner-service", "_xmpp-client._tcp"),
        ("srv-owner-service-hyphen", "_xmpp-server._tcp"),
        ("srv-owner-pairing", "_sip._tls"),
        ("srv-owner-pairing-udp", "_xmpp-client._tcp"),
    ] {
        let found = findings(&Path::new("tests/lint").join(format!("{file}.zone")), &Options::default());
        assert_eq!(found[0].help, Some(format!("write {meant}.example.com.")), "{file}");
    }
}

#[test]
fn addresses_of_the_inside_can_be_allowed() {
    let options = Options { allow_private: true, ..Options::default() };
    for file in ["address-private", "address-private-v6", "address-loopback"] {
        assert_eq!(findings(&Path::new("tests/lint").join(format!("{file}.zone")), &options), [], "{file}");
    }
}

#[test]
fn the_zones_that_teach_have_no_warning() {
    for path in zones_in("zones") {
        let found = findings(&path, &Options::default());
        assert!(found.iter().all(|finding| finding.severity == Severity::Note), "{}", shown(&found));
    }
}

#[test]
fn the_main_zone_shares_calls_70_to_30_before_its_standby() {
    let text = fs::read("zones/example.com.zone").unwrap();
    let zone = parse("zones/example.com.zone", &text, Origin::Unknown, &mut NoSources).zone.unwrap();
    for (owner, port) in [("_sip._tcp.example.com", 5060), ("_sip._udp.example.com", 5060)] {
        let set = zone.rrset(&owner.parse().unwrap(), Rtype::SRV).unwrap();
        let members: Vec<_> = set.srvs().map(|srv| (srv.priority, srv.weight, srv.port)).collect();
        assert_eq!(members, [(10, 70, port), (10, 30, port), (20, 0, port)]);
    }
    assert!(zone.rrset(&"_sip._tls.example.com".parse().unwrap(), Rtype::SRV).is_some());
}

#[test]
fn the_zones_that_teach_have_only_long_ttls_against_them_when_static() {
    let options = Options { r#static: true, ..Options::default() };
    for path in zones_in("zones") {
        let found = findings(&path, &options);
        let warnings: Vec<&str> =
            found.iter().filter(|finding| finding.severity > Severity::Note).map(|finding| finding.id).collect();
        // Nine services and five hosts with a TTL of a day.
        let expected = if path.ends_with("stun-turn.zone") { vec!["ttl-long-static"; 14] } else { Vec::new() };
        assert_eq!(warnings, expected, "{}", path.display());
    }
}

#[test]
fn a_zone_of_one_protocol_is_not_asked_for_the_others() {
    // Only `_tcp.example.com` is delegated here: `_sip._tls.example.com` is nobody's to judge.
    let text = "$ORIGIN _tcp.example.com.\n$TTL 30\n@ IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 604800 30\n\
        @ IN NS ns1.example.com.\n@ IN NS ns2.example.com.\n_sip IN SRV 10 0 5060 a.example.com.\n_sip IN SRV 20 0 5060 b.example.com.\n";
    let parsed = parse("tcp.zone", text.as_bytes(), Origin::Unknown, &mut NoSources);
    let found = check(&parsed.zone.unwrap(), &parsed.places, &Options::default());
    assert!(found.iter().all(|finding| finding.id == "srv-target-out-of-zone"), "{}", shown(&found));
}

#[test]
fn the_list_of_rules_is_what_the_code_has() {
    let path = Path::new("docs/lint.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, documentation()).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    assert!(written == documentation(), "docs/lint.md is not what the rules say: run this test with UPDATE_DOCS=1");
}

/// The examples with a mistake, each with its text.
fn mistakes() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    examples().into_iter().map(read).filter(|(_, text)| !headers(text, "expect").is_empty()).collect()
}

fn examples() -> Vec<PathBuf> {
    zones_in("tests/lint")
}

fn headers(text: &str, key: &str) -> Vec<String> {
    let begin = format!("; {key}: ");
    text.lines().filter_map(|line| line.strip_prefix(&begin)).map(str::to_owned).collect()
}

fn options(text: &str) -> Options<'static> {
    let mut options = Options::default();
    for word in headers(text, "options").iter().flat_map(|line| line.split(' ')) {
        match word.split_once('=') {
            None if word == "static" => options.r#static = true,
            None if word == "allow-private" => options.allow_private = true,
            Some(("ttl", secs)) => options.ttl = secs.parse().unwrap(),
            None | Some(_) => panic!("unknown option {word}"),
        }
    }
    options
}

/// Returns the parser's findings and the lint's.
fn findings(path: &Path, options: &Options<'_>) -> Vec<Finding> {
    let text = fs::read(path).unwrap();
    let parsed = parse(&path.to_string_lossy(), &text, Origin::Unknown, &mut NoSources);
    let mut found = parsed.findings;
    if let Some(zone) = &parsed.zone {
        found.extend(check(zone, &parsed.places, options));
    }
    found
}

fn described(findings: &[Finding]) -> Vec<String> {
    let describe = |finding: &Finding| {
        let place = finding.place.as_ref();
        let place = place.map(|place| format!("{}:{} {}", place.line, place.column, place.width));
        format!("{} {} {}", finding.severity, finding.id, place.as_deref().unwrap_or("-"))
    };
    findings.iter().map(describe).collect()
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n{finding}\n")).collect()
}

fn documentation() -> String {
    let mut text = INTRODUCTION.to_owned();
    for rule in RULES {
        writeln!(text, "| [`{0}`](#{0}) | {1} | {2} |", rule.id, rule.severity, rule.finds).unwrap();
    }
    for rule in RULES {
        write!(text, "\n## `{}`\n\n**{}**: {}.\n\n", rule.id, rule.severity, rule.finds).unwrap();
        writeln!(text, "- Why: {}.\n- Fix: {}.", rule.why, rule.help).unwrap();
        if !rule.see.is_empty() {
            let see = rule.see_example();
            let (command, remark) = see
                .split_once("  (")
                .map_or((see.as_str(), String::new()), |(command, remark)| (command, format!(" ({remark}")));
            writeln!(text, "- See: `{command}`{remark}").unwrap();
        }
        write!(text, "\n```text\n; wrong\n{}\n; right\n{}\n```\n", rule.wrong, rule.right).unwrap();
    }
    text + &comparison()
}

/// Writes what other checkers say of the same mistakes, as `tests/interop_lint.rs` has noted it.
fn comparison() -> String {
    let noted = fs::read_to_string("tests/lint/foreign.tsv").unwrap();
    let mut text = COMPARISON.to_owned();
    for (path, zone) in mistakes() {
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        let title = zone.lines().next().unwrap().trim_start_matches("; ").trim_end_matches('.').replace('|', "\\|");
        let found: Vec<String> =
            headers(&zone, "expect").iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        let row = noted.lines().find_map(|line| line.strip_prefix(&format!("{file}\t")));
        let row = row.unwrap_or_else(|| panic!("tests/lint/foreign.tsv lacks {file}: see tests/interop_lint.rs"));
        writeln!(text, "| {title} | {} | {} |", found.join(", "), row.replace('\t', " | ")).unwrap();
    }
    text
}

const COMPARISON: &str = "
## Beside other checkers

One mistake in each of the zones in `tests/lint`, and what `check` and three other checkers of zone files say of it: *refuses*
(exit code 1), *warns*, or nothing. They ask whether a zone can be served, and `check` also whether clients find what its author
means. `named-checkzone` ran with `-i local`. Of the right zones in `tests/lint/right` none of the four says anything
worse than a note. Made by `UPDATE_DOCS=1 cargo test --features interop --test interop_lint`.

| mistake | check | named-checkzone | kzonecheck | nsd-checkzone |
|---|---|---|---|---|
";

const INTRODUCTION: &str = r#"# The lint

`understudy check ZONE…` reads zones and reports what is wrong in them, or works less well than intended: file, line, caret,
the reason, the fix, and a command that shows the same problem. `understudy check --explain RULE` prints the description of
a rule from this page. With `--deny warning` or `--deny note` the exit code is 1 for these findings too; `--json` is
for programs.

Findings of one rule are grouped, the most severe last; `--all` prints each one in full, and `--min-severity warning` omits
notes. Intended findings can be allowed: for all zones in the config, for one file by a comment on a separate line, for one
record by a comment at its end. The last line of the output counts the allowed findings.

```toml
[lint]
allow = ["srv-no-standby"]
```

```text
; lint: allow ns-single, soa-minimum-long
_sip._tcp  300 IN SRV 10 70 5060 sip-node1  ; lint: allow srv-no-standby
```

Which networks may be tested is another matter (`probe-allow` in `[health]`): for a lab, or a zone for the inside of a
network, `private-addresses = true` in `[lint]` says that private and loopback addresses are meant.

A target in another zone of the same run is checked against that zone. If two files are versions of one zone, `check` checks
each separately. If a file has no `$ORIGIN`, its origin is taken from its name, and a note says so: `example.com.zone`,
`example.com.db`, `example.com.txt` and `db.example.com` mean example.com.

An *error* does not work or does harm; a *warning* works less well than it seems; a *note* is worth knowing. No rule uses
the network. Errors of the master file itself (syntax, data beside a CNAME, a second SOA) are reported when it is read.

A note on `nc -zv HOST PORT`, which many guides recommend: it shows that something accepts connections, not that a server
answers. The kernel accepts connections for a server that hangs. `understudy probe` tests as a real client does.

This page is generated from the rules: `UPDATE_DOCS=1 cargo test --test lint`.

| rule | severity | finds |
|---|---|---|
"#;
