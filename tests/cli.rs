//! Every command as an operator runs it: exit codes, what is printed where, on good and on bad input.
//!
//! Probes go to listeners of this test on loopback; nothing else is sent.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A SIP zone on loopback: two servers and a standby, and the same over UDP.
const ZONE: &str = "\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 30
@ IN NS ns1
@ IN NS ns2
ns1 IN A 127.0.0.1
ns2 IN A 127.0.0.2
_sip._tcp IN SRV 10 70 PORT sip-node1
_sip._tcp IN SRV 10 30 PORT sip-node2
_sip._tcp IN SRV 20 0 PORT sip-dr
_game._udp IN SRV 10 70 PORT sip-node1
sip-node1 IN A 127.0.0.11
sip-node2 IN A 127.0.0.12
sip-dr IN A 127.0.0.21
";

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Asserts the exit code and that every word stands in what was printed to either stream.
    fn shows(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no `{word}` in\n{}\n{}", self.out, self.err);
        }
        assert!(!self.out.contains('\x1b') && !self.err.contains('\x1b'), "colours into a pipe");
    }
}

/// A folder of this test's own, without any config or state around it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn with_zone(name: &str, port: u16) -> Self {
        let home = Self::new(name);
        home.write("sip.zone", &ZONE.replace("PORT", &port.to_string()));
        home
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn run(&self, words: &str) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_understudy"))
            .args(words.split_whitespace())
            .current_dir(&self.0)
            .env_remove("UNDERSTUDY_CONFIG")
            .env("STATE_DIRECTORY", self.0.join("no-state"))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left lies in the target folder.
        let _kept = fs::remove_dir_all(&self.0);
    }
}

/// The first example of the whole program's help.
const EXAMPLE: &str = "Examples:\n  understudy demo\n";

#[test]
fn help_names_every_command_and_every_exit_code() {
    let home = Home::new("help");
    home.run("--help").shows(
        0,
        &[
            "serve",
            "check",
            "probe",
            "explain",
            "simulate",
            "import",
            "export",
            "ready",
            "demo",
            "completions",
            "man",
            "  4  refused",
            EXAMPLE,
        ],
    );
    for command in ["serve", "check", "probe", "explain", "simulate", "import", "export", "ready", "demo"] {
        home.run(&format!("{command} --help")).shows(0, &[&format!("Usage: understudy {command}")]);
    }
    home.run("--version").shows(0, &["understudy 0."]);
}

#[test]
fn a_zone_comes_by_standard_input_and_colours_by_choice() {
    let home = Home::with_zone("input", 5060);
    let piped = |words: &[&str]| {
        let zone = fs::File::open(home.0.join("sip.zone")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_understudy")).args(words).stdin(zone).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, plain) = piped(&["explain", "_sip._tcp.example.com", "-", "--state", "none"]);
    assert!(code == Some(0) && plain.contains("sip-node1"), "{plain}");
    assert!(!plain.contains('\x1b'), "nobody asked for colours");
    let (_, painted) = piped(&["--color", "always", "explain", "_sip._tcp.example.com", "-", "--state", "none"]);
    assert!(painted.contains('\x1b'), "{painted}");
    let (code, checked) = piped(&["check", "--json", "-"]);
    assert!(code == Some(0) && checked.starts_with('{'), "{checked}");
}

#[test]
fn every_help_and_every_page_has_examples() {
    let home = Home::new("examples");
    for command in
        ["serve", "check", "probe", "explain", "simulate", "import", "export", "ready", "demo", "completions", "man"]
    {
        home.run(&format!("{command} --help"))
            .shows(0, &["Examples:\n", &format!("  understudy {command}"), "--color"]);
    }
    home.run("man serve").shows(0, &[".SH EXAMPLES", ".SH \"EXIT STATUS\"", ".SH SIGNALS", ".SH FILES"]);
    home.run("man understudy.toml").shows(0, &[".TH understudy.toml 5", "probe\\-allow"]);
}

#[test]
fn completions_and_manual_are_printed() {
    let home = Home::new("completions");
    home.run("completions bash").shows(0, &["_clap_complete_understudy()", "UNDERSTUDY_COMPLETE"]);
    home.run("man check").shows(0, &[".TH understudy-check 1", "\\-\\-deny"]);
    home.run("man chek").shows(2, &["check"]);
    home.run("man").shows(0, &[".TH understudy 1", "understudy\\-explain"]);
}

#[test]
fn wrong_words_exit_with_2_and_the_nearest_right_ones() {
    let home = Home::with_zone("words", 5060);
    for (words, told) in [
        ("serv", "'serve'"),
        ("check --deny eror", "'error'"),
        ("check --explain srv-target-cnam", "did you mean srv-target-cname?"),
        ("simulate --down sip-nod1 sip.zone", "did you mean sip-node1?"),
        ("simulate --down 127.0.0.99 sip.zone", "did you mean 127.0.0."),
        ("explain _sip._tcp.example.org. sip.zone", "did you mean _sip._tcp.example.com?"),
        ("explain one two sip.zone", "neither one nor two is a record type"),
        ("probe sip.zone _sip._tpc", "did you mean _sip._tcp?"),
        ("probe tcpp://127.0.0.1:1", "did you mean tcp?"),
        ("probe --resolver 127.0.0.1:1 tcp://host.example:1", "host.example. cannot be probed"),
        ("probe sip+sctp://127.0.0.1:5060", "the check sip does not go over sctp"),
        ("probe nothing", "KIND://ADDRESS:PORT"),
        ("probe --timeout 0 tcp://127.0.0.1:1", "it takes a duration, such as 5s, 250ms or 1m30s, from 1ms to 1h"),
        ("probe --allow 127.0.0.1/8 tcp://127.0.0.1:1", "did you mean 127.0.0.0/8?"),
        ("ready --timeout 2x", "it takes a duration"),
        ("check --explain x sip.zone", "cannot be used with"),
    ] {
        let ran = home.run(words);
        ran.shows(2, &[told]);
        assert!(ran.out.is_empty(), "{words}: {}", ran.out);
    }
}

#[test]
fn what_cannot_be_read_exits_with_2_and_names_it() {
    let home = Home::new("unreadable");
    for words in ["check no.zone", "simulate no.zone", "explain x no.zone", "probe no.zone _sip._tcp", "serve no.zone"]
    {
        home.run(words).shows(2, &["error[file-read]: cannot read the zone no.zone: No such file"]);
    }
    for words in ["check", "simulate", "explain x", "serve"] {
        home.run(words).shows(2, &["no file is named, and there is no ./understudy.toml"]);
    }
    home.write("bad.toml", "version = 1\n[sevrer]\n");
    home.run("serve bad.toml").shows(2, &["bad.toml:2:2", "did you mean"]);
    home.run("simulate bad.toml").shows(2, &["bad.toml:2:2"]);
}

#[test]
fn a_zone_goes_out_to_every_form_and_comes_back() {
    let home = Home::with_zone("exchange", 5060);
    for form in ["cloudflare", "route53", "zone"] {
        let exported = home.run(&format!("export sip.zone --to {form}"));
        exported.shows(0, &["_sip._tcp.example.com", "sip-dr.example.com"]);
        home.write("out", &exported.out);
        let back = home.run("import out --zone example.com --name-server ns1.example.com");
        let lines = [
            "_sip._tcp.example.com. 300 IN SRV 20 0 5060 sip-dr.example.com.",
            "sip-dr.example.com. 300 IN A 127.0.0.21",
        ];
        back.shows(0, &lines);
        home.write("back.zone", &back.out);
        home.run("check back.zone --deny error").shows(0, &[]);
    }
}

#[test]
fn an_import_tells_what_it_puts_right_and_prints_no_zone_of_what_is_broken() {
    let home = Home::new("import");
    home.write("hosts.zone", "sip-node1 60 IN A 192.0.2.1\n");
    home.write(
        "srv.json",
        "{\"type\": \"SRV\", \"ttl\": 300, \"data\": {\"service\": \"_sip\", \"proto\": \"_tcp\", \"name\": \"example.com\",\n\
         \"priority\": 10, \"weight\": 60, \"port\": 5060, \"target\": \"sip-node1.example.com.example.com\"}}\n",
    );
    home.run("import --zone example.com srv.json hosts.zone").shows(
        0,
        &[
            "warning[import-suffix-twice]: srv.json, record 1: sip-node1.example.com.example.com is taken as sip-node1.example.com",
            "_sip._tcp.example.com. 300 IN SRV 10 60 5060 sip-node1.example.com.\n",
            "sip-node1.example.com. 60 IN A 192.0.2.1\n",
        ],
    );
    home.write("bad.json", "{\"type\": \"A\",\n");
    let broken = home.run("import bad.json");
    broken.shows(1, &["error[import-json]: this is no JSON", "bad.json:"]);
    assert_eq!(broken.out, "");
    home.run("import no.json").shows(2, &["error[file-read]: cannot read no.json: No such file"]);
    home.run("export no.zone --to zone").shows(2, &["error[file-read]: cannot read the zone no.zone"]);
}

#[test]
fn the_examples_have_no_warning() {
    let home = Home::new("examples");
    let zones = Path::new(env!("CARGO_MANIFEST_DIR")).join("zones");
    for entry in fs::read_dir(zones).unwrap() {
        let file = entry.unwrap().path();
        let ran = home.run(&format!("check --deny warning {}", file.display()));
        ran.shows(0, &["note[address-documentation]", " in "]);
        let last = ran.out.lines().last().unwrap();
        let counted = last.strip_suffix(&format!(" in {}", file.display())).unwrap_or_else(|| panic!("{last}"));
        assert!(counted.trim_end_matches('s').ends_with(" note") && !counted.contains(','), "{last}");
    }
}

#[test]
fn check_looks_at_a_config_and_all_its_zones() {
    let home = Home::with_zone("config", 5060);
    home.write("understudy.toml", "version = 1\n[[zone]]\nfile = \"sip.zone\"\n[[zone]]\nfile = \"other.zone\"\n");
    home.write(
        "other.zone",
        &ZONE.replace("example.com", "example.net").replace("PORT", "5060").replace("sip-dr\n", "gone\n"),
    );
    let ran = home.run("check");
    ran.shows(1, &["error[srv-target-no-address]", "./other.zone:10:28", "./sip.zone:8:1", "1 error, ", "in 3 files"]);
    home.write("understudy.toml", "version = 1\n[policy]\nttll = 3\n[[zone]]\nfile = \"sip.zone\"\n");
    home.run("check understudy.toml").shows(1, &["understudy.toml:3:1", "did you mean `ttl`"]);
}

#[test]
fn four_hundred_services_print_few_lines() {
    let home = Home::new("many");
    let mut zone = ZONE.replace("PORT", "5060");
    for number in 0..400 {
        zone += &format!("_sip._tcp.d{number} 86400 IN SRV 10 0 5060 gone{number}\n");
    }
    home.write("many.zone", &zone);
    let ran = home.run("check many.zone");
    ran.shows(1, &["error[srv-target-no-address]", "= and 390 more", "400 errors, "]);
    assert!(ran.out.lines().count() < 100, "{} lines:\n{}", ran.out.lines().count(), ran.out);
    let quiet = home.run("check --min-severity error many.zone");
    assert!(quiet.out.lines().count() < 22, "{}", quiet.out);
    assert!(home.run("check --all many.zone").out.lines().count() > 2_000);
}

#[test]
fn check_takes_all_zones_of_a_folder_although_two_are_versions_of_one() {
    let home = Home::with_zone("versions", 5060);
    home.write("old.zone", &ZONE.replace("PORT", "5061"));
    home.run("check sip.zone old.zone").shows(0, &["note[zone-duplicate]", "old.zone is the zone example.com., as is"]);
    home.run("serve sip.zone old.zone").shows(2, &["error[zone-duplicate]"]);
}

#[test]
fn check_speaks_json_and_denies_what_it_is_told() {
    let home = Home::with_zone("json", 5060);
    home.write(
        "cname.zone",
        &ZONE.replace("PORT", "5060").replace("sip-dr IN A 127.0.0.21", "sip-dr IN CNAME sip-node1"),
    );
    let ran = home.run("check --json cname.zone");
    assert_eq!(ran.code, 1);
    let json = ran.json();
    let findings = json["findings"].as_array().unwrap();
    let cname = findings.iter().find(|finding| finding["id"] == "srv-target-cname").unwrap();
    assert_eq!(
        (&cname["severity"], &cname["file"], &cname["line"]),
        (&"error".into(), &"cname.zone".into(), &10.into())
    );
    assert!(json["summary"]["errors"].as_u64().unwrap() >= 1);
    assert_eq!(home.run("check --deny note sip.zone").code, 1);
    assert_eq!(home.run("check --deny error sip.zone").code, 0);
    home.run("check --explain srv-target-cname").shows(0, &["srv-target-cname (error)", "Why:", "Wrong:", "Right:"]);
}

#[test]
fn simulate_lets_the_standby_stand_in() {
    let home = Home::with_zone("simulate", 5060);
    let ran = home.run("simulate --down sip-node1,127.0.0.12:5060 sip.zone");
    ran.shows(
        0,
        &[
            "assumed, not measured: every target is up",
            "_sip._tcp.example.com  tier 20 stands in  (now tier 10)",
            "  _sip._tcp.example.com. 30 IN SRV 20 0 5060 sip-dr.example.com.",
            "_game._udp.example.com  served as declared, not tested",
        ],
    );
    let json = home.run("simulate --json --down sip-node1,sip-node2,sip-dr sip.zone").json();
    assert_eq!(
        (&json["services"][0]["served"], &json["services"][0]["tier"]),
        (&"all-down".into(), &serde_json::Value::Null)
    );
    assert_eq!(json["services"][0]["answer"].as_array().unwrap().len(), 3);
    home.run("simulate sip.zone").shows(0, &["tier 10 serves: 2 of 2 members up"]);
}

#[test]
fn explain_tells_why_and_what_would_flip_it() {
    let home = Home::with_zone("explain", 5060);
    home.run("explain _sip._tcp sip.zone --down sip-node1,sip-node2").shows(
        0,
        &[
            "why   tier 20 serves since tier 10 failed",
            "ttl   30 s = min(declared 300, ttl 30)",
            "next  ",
            "assumed to be down",
        ],
    );
    let json = home.run("explain sip.zone _sip._tcp.example.com SRV --json").json();
    assert_eq!((&json["rcode"], &json["services"][0]["tier"]), (&"NOERROR".into(), &10.into()));
    home.run("explain nope sip.zone").shows(0, &["NXDOMAIN: no such name"]);
    home.run("explain sip-dr AAAA sip.zone").shows(0, &["NODATA: the name has no AAAA, but A"]);
}

#[test]
fn probe_tells_each_step_and_exits_by_the_worst() {
    let listener = TcpListener::bind("127.0.0.11:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let home = Home::new("probe");
    home.write("chat.zone", &ZONE.replace("PORT", &port.to_string()).replace("_sip._tcp", "_chat._tcp"));
    home.run(&format!("probe tcp://127.0.0.11:{port}")).shows(0, &["connect", "connected", "pass"]);
    // Two of the three targets have no listener.
    home.run("probe chat.zone _chat._tcp")
        .shows(1, &["sip-node1.example.com", "pass", "sip-dr.example.com", "connection refused"]);
    let ran = home.run("probe --json chat.zone _chat._tcp.example.com.");
    let outcomes: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["outcome"].clone())
        .collect();
    assert_eq!((ran.code, outcomes), (1, vec!["pass".into(), "fail".into(), "fail".into()]));
    home.run("probe chat.zone _game._udp")
        .shows(2, &["no target of _game._udp.example.com. can be probed", "no check is known for it"]);
    home.run("probe tcp://192.0.2.1:5060").shows(2, &["not probed", "--allow"]);
}

#[test]
fn ready_says_that_nobody_answers() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let home = Home::new("ready");
    let ran = home.run(&format!("ready --timeout 0.2 --server {}", taken.local_addr().unwrap()));
    ran.shows(1, &["no answer"]);
}

#[test]
fn serve_says_which_port_is_taken_and_what_to_do() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::with_zone("taken", 5060);
    home.run(&format!("serve --state none --listen {address} sip.zone"))
        .shows(3, &[&format!("{address} is in use by another process"), "--listen"]);
}

#[test]
fn what_goes_into_a_pipe_that_closes_is_no_error() {
    let home = Home::with_zone("pipe", 5060);
    for words in ["man", "completions zsh", "simulate --state none sip.zone", "check sip.zone"] {
        let script = format!("'{}' {words} | true", env!("CARGO_BIN_EXE_understudy"));
        let output = Command::new("sh").args(["-c", &script]).current_dir(&home.0).output().unwrap();
        assert!(output.stderr.is_empty(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn state_that_cannot_be_read_exits_with_2_and_nothing_is_assumed_instead() {
    let home = Home::with_zone("state", 5060);
    fs::create_dir(home.0.join("state")).unwrap();
    home.write("state/state.journal", "this is no journal\nat all\n");
    for words in ["explain _sip._tcp.example.com", "simulate"] {
        let ran = home.run(&format!("{words} sip.zone --state state"));
        ran.shows(2, &["error[state-unreadable]: cannot read state/state.journal: it is no journal", "--state none"]);
        assert!(ran.out.is_empty(), "{words}: {}", ran.out);
    }
}
