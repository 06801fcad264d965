//! Each finding of the shape: the input, the message and its position.

use std::time::Duration;

use crate::base::finding::{Finding, Severity};
use crate::config::settings::{StateChoice, Workers};
use crate::keys::Status;
use crate::keys::source::Source;
use crate::policy::{AllDown, Need};
use crate::probe::{CheckKind, TlsKeys};
use crate::snapshot::Pick;

use super::*;

fn read_text(text: &str) -> (File, Vec<Finding>) {
    read(&Source::new("understudy.toml", text.to_owned()))
}

fn findings(text: &str) -> Vec<(&'static str, u32, u32, u32)> {
    let (_, findings) = read_text(text);
    let spot = |finding: &Finding| finding.place.as_ref().map_or((0, 0, 0), |p| (p.line, p.column, p.width));
    findings.iter().map(|finding| (finding.id, spot(finding))).map(|(id, (l, c, w))| (id, l, c, w)).collect()
}

/// A service with a check of SIP that says this.
macro_rules! sip {
    ($keys:literal) => {
        concat!("version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = { kind = \"sip\", ", $keys, " }")
    };
}

#[test]
fn each_mistake_has_its_finding_at_its_place() {
    for (text, expected) in [
        ("", ("config-version", 1, 1, 1)),
        ("version = 2", ("config-version-other", 1, 11, 1)),
        ("version = 1\n[sever]", ("config-key-unknown", 2, 2, 5)),
        ("version = 1\ninterval = \"5s\"", ("config-key-unknown", 2, 1, 8)),
        ("version = 1\nserver = 3", ("config-value", 2, 10, 1)),
        ("version = 1\n[zone]\nfile = \"a\"", ("config-value", 2, 1, 6)),
        ("version = 1\n[health]\nintervall = \"5s\"", ("config-key-unknown", 3, 1, 9)),
        ("version = 1\n[health]\ninterval = \"5x\"", ("config-value", 3, 12, 4)),
        ("version = 1\n[health]\ninterval = 5", ("config-value", 3, 12, 1)),
        ("version = 1\n[health]\ntimeout = \"0s\"", ("config-value", 3, 11, 4)),
        ("version = 1\n[health]\ntimeout = \"8s\"", ("config-none-here", 0, 0, 0)),
        ("version = 1\n[health]\nfall = 0", ("config-value", 3, 8, 1)),
        ("version = 1\n[health]\nwatch = 1", ("config-value", 3, 9, 1)),
        ("version = 1\n[health]\nwatch-renew = \"0s\"", ("config-value", 3, 15, 4)),
        ("version = 1\n[health]\nexec = \"yes\"", ("config-value", 3, 8, 5)),
        ("version = 1\n[health]\nresolver = \"127.0.0.1\"", ("config-value", 3, 12, 11)),
        ("version = 1\n[health]\nprobe-allow = [\"10.0.0.1/8\"]", ("config-value", 3, 16, 12)),
        ("version = 1\n[health]\nreferences = [\"tcp://x:1\"]", ("config-value", 3, 15, 11)),
        ("version = 1\n[health]\nreferences = [\"tls://127.0.0.1:1\"]", ("config-value", 3, 15, 19)),
        ("version = 1\n[policy]\nttl = 0", ("config-value", 3, 7, 1)),
        ("version = 1\n[policy]\nstandby = \"hiden\"", ("config-value", 3, 11, 7)),
        ("version = 1\n[policy]\nmin-up = \"0%\"", ("config-value", 3, 10, 4)),
        ("version = 1\n[policy]\nfailback = \"window 1:00-2:00\"", ("config-value", 3, 12, 18)),
        ("version = 1\n[server]\nlisten = []", ("config-value", 3, 10, 2)),
        ("version = 1\n[server]\nlisten = [\"[::1]:5300\", \"localhost\"]", ("config-value", 3, 25, 11)),
        ("version = 1\n[server]\ntls-listen = [\"[::1]:853\"]", ("config-certificate", 3, 1, 10)),
        ("version = 1\n[server]\nkey = \"key.pem\"", ("config-certificate", 3, 1, 3)),
        ("version = 1\n[server]\nudp-size = 100", ("config-value", 3, 12, 3)),
        ("version = 1\n[limits]\nrrl-v4 = 33", ("config-value", 3, 10, 2)),
        ("version = 1\n[limits]\nallow-udp = [\"127.0.0.1/8\"]", ("config-value", 3, 14, 13)),
        ("version = 1\n[[key]]\nname = \"k\"", ("config-key-missing", 2, 1, 7)),
        ("version = 1\n[[key]]\nname = \"k\"\nsecret = \"c2hvcnQ=\"", ("config-value", 4, 10, 10)),
        ("version = 1\n[[zone]]\nfile = \"a\"\nallow-transfer = [\"127.0.0.1 k k\"]", ("config-value", 4, 19, 15)),
        ("version = 1\n[[zone]]\nfile = \"a\"\nalso-notify = [\"host\"]", ("config-value", 4, 16, 6)),
        ("version = 1\n[[zone]]\nname = \"example.com\"", ("config-key-missing", 2, 1, 8)),
        ("version = 1\n[[zone]]\nname = \"a..b\"\nfile = \"a\"", ("config-value", 3, 8, 6)),
        ("version = 1\n[[zone]]\nfile = \"a\"\nprimaries = []", ("zone-source", 4, 1, 9)),
        ("version = 1\n[[zone]]\nprimaries = [\"127.0.0.1\"]", ("config-key-missing", 2, 1, 8)),
        ("version = 1\n[[zone]]\nname = \"a.b\"\nprimaries = [\"host:53\"]", ("config-value", 4, 14, 9)),
        ("version = 1\n[[service]]\nttl = 3", ("config-key-missing", 2, 1, 11)),
        ("version = 1\n[[service]]\nmatch = \"a.b\"\nallow = []", ("config-key-unknown", 4, 1, 5)),
        ("version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = \"tcp\"", ("config-value", 4, 9, 5)),
        ("version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = {}", ("config-key-missing", 4, 9, 2)),
        ("version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = { kind = \"tcpp\" }", ("check-kind-unknown", 4, 18, 6)),
        (sip!("mode = \"strickt\""), ("config-value", 4, 32, 9)),
        (sip!("transport = \"sctp\""), ("config-value", 4, 37, 6)),
        (sip!("max-forwards = 256"), ("config-value", 4, 40, 3)),
        (sip!("name = \"a b\""), ("config-value", 4, 32, 5)),
        (sip!("expect = \"2xx\""), ("config-value", 4, 34, 5)),
        (sip!("expect = [\"2xx\", \"1xx\"]"), ("config-value", 4, 42, 5)),
        (sip!("expect = [100]"), ("config-value", 4, 35, 3)),
        (sip!("expect = []"), ("check-value", 4, 34, 2)),
        (sip!("expect = [200], mode = \"alive\""), ("check-value", 4, 41, 4)),
        (sip!("mode = \"strict\", max-forwards = 0"), ("check-value", 4, 42, 12)),
        (sip!("alpn = []"), ("config-key-unknown", 4, 25, 4)),
        (
            "version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = { kind = \"tcp\", alpn = [] }",
            ("config-key-unknown", 4, 25, 4),
        ),
        ("version = 1\n[[address]]\nname = \"a.b\"", ("config-key-missing", 2, 1, 11)),
        ("version = 1\n[[address]]\nname = \"a.b\"\nfollows = \"_a._tcp.b\"\ntiers = []", ("address-leads", 5, 1, 5)),
        (
            "version = 1\n[[address]]\nname = \"a.b\"\nfollows = \"_a._tcp.b\"\nhold = \"5s\"",
            ("config-key-idle", 5, 8, 4),
        ),
        ("version = 1\n[[address]]\nname = \"a.b\"\ntiers = [[\"127.0.0.1\"]]", ("config-key-missing", 2, 1, 11)),
        (
            "version = 1\n[[address]]\nname = \"a.b\"\ntiers = [[\"127.0.0.1\"], []]\ncheck = { kind = \"none\" }",
            ("address-tier-empty", 4, 25, 2),
        ),
        (
            "version = 1\n[[address]]\nname = \"a.b\"\ntiers = [[\"127.0.0.1\"]]\ncheck = { kind = \"tcp\" }",
            ("check-port", 5, 1, 5),
        ),
        ("version = 1\n[server]\nlisten = [\"127.0.0.1:53\"", ("config-syntax", 3, 25, 1)),
    ] {
        let expected: Vec<_> = match expected {
            ("config-none-here", ..) => Vec::new(),
            ("config-version-other", line, column, width) => vec![("config-value", line, column, width)],
            other => vec![other],
        };
        assert_eq!(findings(text), expected, "{text}");
    }
}

#[test]
fn a_number_of_workers_is_taken_without_a_word() {
    let (file, findings) = read(&Source::new("a.toml", "version = 1\n[server]\nworkers = 3\n".to_owned()));
    let workers = file.server.workers.map(|placed| placed.value);
    assert_eq!((findings, workers), (Vec::new(), Some(Workers::Count(3.try_into().unwrap()))));
}

#[test]
fn all_mistakes_come_in_one_run_in_the_order_of_the_file() {
    let text = "[policy]\nhold = \"x\"\n[health]\nfall = 0\nrise = 0\n[server]\nlissen = []\n";
    let ids: Vec<_> = findings(text).into_iter().map(|(id, line, ..)| (id, line)).collect();
    assert_eq!(
        ids,
        [
            ("config-version", 1),
            ("config-value", 2),
            ("config-value", 4),
            ("config-value", 5),
            ("config-key-unknown", 7)
        ]
    );
}

#[test]
fn a_broken_line_hides_no_mistake_of_another() {
    let ids: Vec<_> =
        findings("version = \n[health]\nfall = 0\nrise = = 2\n").into_iter().map(|f| (f.0, f.1)).collect();
    assert_eq!(ids, [("config-syntax", 1), ("config-value", 3), ("config-syntax", 4)]);
}

#[test]
fn a_finding_says_what_would_be_right() {
    for (text, message, help) in [
        ("[health]\nintervall = 1", "[health] has no key `intervall`", "did you mean `interval`?"),
        ("[health]\nttl = 1", "[health] has no key `ttl`", "`ttl` belongs in [policy]"),
        ("[health]\nfall = 0", "`fall` cannot be 0", "it takes an integer from 1 to 100"),
        ("[[service]]\nmatch = \"a.b\"\nexec = true", "[[service]] has no key `exec`", "`exec` belongs in [health]"),
        ("[policy]\nfailed = \"gone\"", "`failed` cannot be \"gone\"", "it takes \"withdraw\" or \"demote\""),
        ("[health]\nallow = [\"10.0.0.0/8\"]", "`allow` of [health] is now `probe-allow`", "quiet about them"),
        ("[health]\ndeny = [\"10.0.0.0/8\"]", "`deny` of [health] is now `probe-deny`", "write `probe-deny`"),
        (
            "[health]\nprobe-allow = [\"10.0.0.1/8\"]",
            "`probe-allow` cannot be \"10.0.0.1/8\"",
            "did you mean 10.0.0.0/8?",
        ),
    ] {
        let (_, findings) = read_text(&format!("version = 1\n{text}"));
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.message, message);
        let said = finding.help.as_deref().unwrap_or_default();
        assert!(said.ends_with(help), "{said}");
    }
}

#[test]
fn values_are_read() {
    let (file, findings) = read_text(
        r#"
        version = 1
        [server]
        listen = ["127.0.0.1:53"]
        nsid = "0x6e7331"
        version = "understudy"
        [state]
        dir = "none"
        [health]
        interval = "10s"
        probe-allow = ["10.0.0.0/8"]
        references = ["tcp://127.0.0.1:53", "tls://[::1]:443/www.example.com."]
        [policy]
        ttl = "1m"
        min-up = "50%"
        all-down = "closed"
        [[zone]]
        file = "example.com.zone"
        [[service]]
        match = "_sip._tcp.example.com"
        check = { kind = "tls", name = "example.com", alpn = ["sip"] }
        hold = "0s"
        "#,
    );
    assert_eq!(findings, []);
    assert_eq!(file.answers.nsid.map(|placed| placed.value).as_deref(), Some(b"ns1".as_slice()));
    assert_eq!(file.answers.version.map(|placed| placed.value), Some(Some("understudy".to_owned())));
    assert_eq!(file.state.dir.map(|placed| placed.value), Some(StateChoice::Nothing));
    assert_eq!(file.target.interval.map(|placed| placed.value), Some(Duration::from_secs(10)));
    assert_eq!(file.probing.references.unwrap().value[1].tls_name.as_deref(), Some("www.example.com"));
    assert_eq!(file.policy.ttl.map(|placed| placed.value), Some(60));
    assert_eq!(file.policy.min_up.map(|placed| placed.value), Some(Need::Share(0.5)));
    assert_eq!(file.policy.all_down.map(|placed| placed.value), Some(AllDown::Closed));
    assert_eq!(file.zones.len(), 1);
    let check = file.services[0].check.clone().unwrap();
    assert_eq!(
        check.kind,
        Some(CheckKind::Tls(TlsKeys { name: Some("example.com".into()), alpn: Some(vec![b"sip".to_vec()]) }))
    );
    assert_eq!(file.services[0].policy.hold.clone().map(|placed| placed.value), Some(Duration::ZERO));
}

#[test]
fn each_default_is_a_value_of_its_key() {
    for (section, keys) in SECTIONS {
        for key in keys.iter().copied().flatten() {
            let Some(default) = key.default() else { continue };
            let text = format!("version = 1\n{section}\n{} = {default}\n", key.name);
            let (_, findings) = read_text(&text);
            let own = findings.iter().filter(|finding| {
                let section_itself = key.status == Status::Later && finding.message.contains("`[[key]]`");
                !section_itself && finding.id != "config-key-missing" && finding.severity > Severity::Note
            });
            assert_eq!(own.collect::<Vec<_>>(), Vec::<&Finding>::new(), "{text}");
        }
    }
}

#[test]
fn a_weight_is_a_number_above_zero() {
    let read = |tiers: &str, more: &str| {
        let check = "check = { kind = \"tcp\", port = 80 }";
        read_text(&format!("version = 1\n[[address]]\nname = \"www.example.com\"\n{check}\ntiers = {tiers}\n{more}"))
    };
    let (file, findings) =
        read("[[\"192.0.2.1 weight 65535\", \"192.0.2.2\"], [\"2001:db8::1 weight 1\"]]", "pick = \"each\"");
    assert_eq!(findings, []);
    let AddressSource::Tiers(tiers, _, pick) = &file.addresses[0].source else { panic!("{file:?}") };
    let weights: Vec<_> = tiers.iter().flat_map(|tier| &tier.value).map(|member| member.value.weight).collect();
    assert_eq!((weights, *pick), (vec![Some(65_535), None, Some(1)], Pick::Each));
    for wrong in
        ["192.0.2.1 weight 0", "192.0.2.1 weight 65536", "192.0.2.1 weight +3", "192.0.2.1 weight", "192.0.2.1 3"]
    {
        let (_, findings) = read(&format!("[[\"192.0.2.9\", \"{wrong}\"]]"), "");
        assert_eq!(findings.len(), 1, "{wrong}: {findings:?}");
        assert_eq!((findings[0].severity, findings[0].place.as_ref().unwrap().line), (Severity::Error, 5), "{wrong}");
        assert!(findings[0].help.as_deref().unwrap().contains("weight"), "{findings:?}");
    }
    let (_, findings) = read("[[\"192.0.2.1\"]]", "pick = \"one\"");
    assert_eq!(findings.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["config-key-idle"]);
}

#[test]
fn an_alias_needs_tiers_and_a_check() {
    let (file, findings) = read_text(
        "version = 1\n[[alias]]\nname = \"www.example.com\"\ntiers = [[\"lb1.example.net weight 99\"]]\ncheck = { kind = \"tcp\", port = 80 }",
    );
    assert_eq!((findings, file.checks().count()), (Vec::new(), 1));
    let (_, findings) =
        read_text("version = 1\n[[alias]]\nname = \"www.example.com\"\nfollows = \"_sip._tcp.example.com\"");
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["config-key-missing", "config-key-missing", "config-key-unknown"]);
}
