//! What each kind of check accepts, and what it refuses.

use toml::de::DeTable;

use crate::base::finding::Finding;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Source;
use crate::probe::{CheckEntry, CheckKind};

/// Reads one `check`, with what is found wrong of it.
pub(in crate::probe) fn read_check(text: &str) -> (Option<CheckEntry>, Vec<Finding>) {
    let source = Source::new("test.toml", format!("check = {text}"));
    let mut reader = Reader::new(&source, &[]);
    let document = DeTable::parse(source.text()).unwrap();
    let check = CheckEntry::read(&mut reader, &Section::document(&document));
    let mut findings = reader.into_findings();
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| place.column));
    (check, findings)
}

/// Reads one `check`, with what is found wrong of it: rule, and the text under the caret.
fn check(text: &str) -> (Option<CheckEntry>, Vec<(&'static str, String)>) {
    let line = format!("check = {text}");
    let (check, findings) = read_check(text);
    let found = findings.into_iter().map(|finding| {
        let place = finding.place.expect("a place");
        let begin = usize::try_from(place.column).unwrap() - 1;
        let width = usize::try_from(place.width).unwrap();
        (finding.id, line.chars().skip(begin).take(width).collect())
    });
    (check, found.collect())
}

#[track_caller]
fn good(text: &str) -> CheckKind {
    let (check, findings) = check(text);
    assert_eq!(findings, [], "{text}");
    check.unwrap().kind.unwrap()
}

#[test]
fn every_kind_is_read_with_all_of_its_keys() {
    let http = good(
        "{ kind = \"https\", name = \"Shop.example.\", path = \"/health?x=%20\", method = \"GET\", \
         status = [\"200-299\", 301], match = \"^ok\" }",
    );
    let CheckKind::Http(http) = http else { panic!("{http:?}") };
    assert!(http.is_tls && http.name.as_deref() == Some("Shop.example") && http.matches.is_some());
    assert_eq!(http.status, Some(vec![200..=299, 301..=301]));
    for text in [
        "{ kind = \"http\", method = \"HEAD\", status = [\"204\"] }",
        "{ kind = \"http\", expect = \"ready\" }",
        "{ kind = \"grpc\", name = \"mesh.example\", service = \"sip\", transport = \"tls\" }",
        "{ kind = \"dns\", name = \"example.com\", type = \"A\", rcode = \"noerror\", answer = \"192.0.2.1\", transport = \"udp\" }",
        "{ kind = \"icmp\" }",
        "{ kind = \"imap\", transport = \"tls\", name = \"mail.example\" }",
        "{ kind = \"ssh\" }",
        "{ kind = \"ldap\", transport = \"tls\", name = \"ldap.example\" }",
        "{ kind = \"kpasswd\", transport = \"udp\", realm = \"EXAMPLE.COM\" }",
        "{ kind = \"mqtt\", transport = \"tls\", name = \"mqtt.example\" }",
        "{ kind = \"minecraft\", name = \"mc.example\" }",
        "{ kind = \"mysql\" }",
        "{ kind = \"postgresql\" }",
        "{ kind = \"mumble\" }",
        "{ kind = \"exec\", program = \"/bin/true\", arguments = [\"-H\", \"{address}\", \"\"] }",
        "{ kind = \"push\", name = \"sip-node1\", patience = \"5m\", expired = \"unknown\" }",
        "{ kind = \"all\", checks = [{ kind = \"tcp\" }, { kind = \"icmp\" }] }",
        "{ kind = \"any\", checks = [{ kind = \"http\", port = 8080 }] }",
        "{ kind = \"at-least\", count = 2, checks = [{ kind = \"tcp\" }, { kind = \"tcp\", port = 8 }, { kind = \"icmp\" }] }",
        "{ kind = \"not\", check = { kind = \"all\", checks = [{ kind = \"any\", checks = [{ kind = \"tcp\" }] }] } }",
    ] {
        good(text);
    }
}

#[test]
fn what_makes_no_sense_is_found_where_it_stands() {
    for (text, rule, at) in [
        ("{ kind = \"http\", path = \"health\" }", "config-value", "\"health\""),
        ("{ kind = \"http\", path = \"/a b\" }", "config-value", "\"/a b\""),
        ("{ kind = \"http\", status = [] }", "check-value", "[]"),
        ("{ kind = \"http\", status = [200, \"300-200\"] }", "config-value", "\"300-200\""),
        ("{ kind = \"http\", status = [700] }", "config-value", "700"),
        ("{ kind = \"http\", match = \"(\" }", "config-value", "\"(\""),
        ("{ kind = \"http\", match = \"a\", expect = \"b\" }", "check-value", "match"),
        ("{ kind = \"http\", method = \"HEAD\", expect = \"b\" }", "check-value", "method"),
        ("{ kind = \"http\", method = \"POST\" }", "config-value", "\"POST\""),
        ("{ kind = \"grpc\", transport = \"udp\" }", "config-value", "\"udp\""),
        ("{ kind = \"dns\", type = \"AXFR\" }", "config-value", "\"AXFR\""),
        ("{ kind = \"dns\", rcode = \"NOPE\" }", "config-value", "\"NOPE\""),
        ("{ kind = \"dns\", transport = \"tls\" }", "config-value", "\"tls\""),
        ("{ kind = \"icmp\", name = \"a.b\" }", "config-key-unknown", "name"),
        ("{ kind = \"exec\" }", "config-key-missing", "{ kind = \"exec\" }"),
        ("{ kind = \"exec\", program = \"check_ldap\" }", "config-value", "\"check_ldap\""),
        ("{ kind = \"push\" }", "config-key-missing", "{ kind = \"push\" }"),
        ("{ kind = \"push\", name = \"a b\" }", "config-value", "\"a b\""),
        ("{ kind = \"push\", name = \"a\", patience = \"1s\" }", "config-value", "\"1s\""),
        ("{ kind = \"all\" }", "config-key-missing", "{ kind = \"all\" }"),
        ("{ kind = \"all\", checks = 3 }", "config-value", "3"),
        ("{ kind = \"any\", checks = [{ kind = \"none\" }] }", "check-parts", "kind"),
        ("{ kind = \"any\", checks = [{ kind = \"tcp\", name = \"x\" }] }", "config-key-unknown", "name"),
        ("{ kind = \"at-least\", count = 3, checks = [{ kind = \"tcp\" }, { kind = \"icmp\" }] }", "check-parts", "3"),
        ("{ kind = \"not\", checks = [] }", "config-key-unknown", "checks"),
    ] {
        let (_, findings) = check(text);
        assert!(findings.iter().any(|(id, place)| *id == rule && place == at), "{text}: {findings:?}");
    }
}

#[test]
fn composites_have_bounds() {
    let parts =
        |count: usize| format!("{{ kind = \"all\", checks = [{}] }}", ["{ kind = \"tcp\" }"; 20][..count].join(", "));
    good(&parts(8));
    for text in [parts(9), parts(0)] {
        let (_, findings) = check(&text);
        assert_eq!(findings, [("check-parts", "checks".to_owned())], "{text}");
    }
    let nested = |depth: usize| {
        (0..depth).fold("{ kind = \"tcp\" }".to_owned(), |inner, _| format!("{{ kind = \"not\", check = {inner} }}"))
    };
    good(&nested(3));
    assert_eq!(check(&nested(4)).1, [("check-parts", "check".to_owned())]);
    assert_eq!(check(&nested(6)).1.len(), 1, "told once");
}

#[test]
fn a_port_is_needed_where_one_is_used() {
    for (text, needed) in [
        ("{ kind = \"http\" }", true),
        ("{ kind = \"icmp\" }", false),
        ("{ kind = \"push\", name = \"a\" }", false),
        ("{ kind = \"all\", checks = [{ kind = \"icmp\" }, { kind = \"tcp\", port = 80 }] }", false),
        ("{ kind = \"all\", checks = [{ kind = \"icmp\" }, { kind = \"tcp\" }] }", true),
    ] {
        assert_eq!(check(text).0.unwrap().needs_port(), needed, "{text}");
    }
}

#[test]
fn every_key_of_a_kind_is_shown_in_its_example() {
    for (forms, example) in CheckKind::FORMS.iter().zip(CheckKind::EXAMPLES) {
        for (form, keys) in forms.iter() {
            assert!(example.contains(&format!("kind = \"{form}\"")), "{form} is not shown: {example}");
            for key in keys.iter().copied().flatten().filter(|key| !["password", "secret"].contains(&key.name)) {
                let is_shown = example.contains(key.name) || example.contains("what stun may");
                assert!(is_shown, "{} of {form} is not shown: {example}", key.name);
            }
        }
    }
}

#[test]
fn each_scheme_and_each_name_stands_for_one_kind() {
    let schemes: Vec<&str> = CheckKind::SCHEMES.iter().copied().flatten().copied().collect();
    let forms: Vec<&str> = CheckKind::FORMS.iter().copied().flatten().map(|(form, _)| *form).collect();
    for names in [schemes, forms] {
        let once: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(once.len(), names.len(), "{names:?}");
    }
}
