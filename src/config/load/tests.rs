//! Loading from a folder of files.

use std::path::PathBuf;

use super::*;
use crate::base::table::RowId;
use crate::engine::memory::Restored;
use crate::engine::{Core, Prepared};
use crate::snapshot::ZoneId;

/// A folder that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("understudy-load-{}-{test}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn load(&self, files: &[&str]) -> Result<Running, Vec<Finding>> {
        self.load_with(files, Input::default())
    }

    fn load_with(&self, files: &[&str], input: Input) -> Result<Running, Vec<Finding>> {
        let files = files.iter().map(|file| self.0.join(file)).collect();
        load(&Input { files, ..input }, &|_: &str| None)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn ids(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.id).collect()
}

fn refused(result: Result<Running, Vec<Finding>>) -> Vec<&'static str> {
    ids(&result.expect_err("the setup is wrong"))
}

const ZONE: &str = "\
@ 300 IN SOA ns1 admin 1 3600 600 86400 60
@ 300 IN NS ns1
ns1 300 IN A 127.0.0.1
_sip._tcp 300 IN SRV 10 70 5060 ns1
";
const BROKEN: &str = "@ 300 IN SOA ns1 admin 1 3600 600 86400 60\n@ 300 IN A 1.2.3\n@ 300 IN NS ns.example.net.\n";

#[test]
fn a_zone_file_alone_is_enough() {
    let folder = Folder::new("alone", &[("example.com.zone", ZONE)]);
    let running = folder.load(&["example.com.zone"]).unwrap();
    assert_eq!(running.setup.zones.len(), 1);
    assert_eq!(running.setup.pools.len(), 1);
    assert_eq!(running.specs.len(), 1);
    assert_eq!((running.server.listen.len(), running.server.listen_is_default), (2, true));
    assert_eq!(running.state.folder, Some(PathBuf::from("/var/lib/understudy")));
    assert_eq!(running.files, [folder.0.join("example.com.zone")]);
}

#[test]
fn a_config_names_zones_relative_to_its_own_folder() {
    let config = "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\n[state]\ndir = \"kept\"\n\
                  [[zone]]\nname = \"example.com\"\nfile = \"zones/a\"\n";
    let folder = Folder::new("relative", &[("etc/understudy.toml", config), ("etc/zones/a", ZONE)]);
    let running = folder.load(&["etc/understudy.toml"]).unwrap();
    assert_eq!(running.setup.zones.iter().next().unwrap().1.origin, "example.com".parse().unwrap());
    assert!(!running.server.listen_is_default);
    assert_eq!(running.state.folder, Some(folder.0.join("etc/kept")));
    assert_eq!(running.files.len(), 2);
}

#[test]
fn the_command_line_stands_over_the_config() {
    let config =
        "version = 1\n[server]\nlisten = [\"127.0.0.1:1\"]\n[state]\ndir = \"kept\"\n[health]\ninterval = \"9s\"";
    let folder = Folder::new("over", &[("u.toml", config), ("example.com.zone", ZONE)]);
    let listen: Vec<SocketAddr> = vec!["127.0.0.1:2".parse().unwrap()];
    let input = Input {
        listen: listen.clone(),
        state: Some(StateChoice::Nothing),
        interval: Some(Duration::from_secs(3)),
        ..Input::default()
    };
    let running = folder.load_with(&["u.toml", "example.com.zone"], input).unwrap();
    assert_eq!((running.server.listen, running.state.folder), (listen, None));
    let interval = running.setup.targets.iter().next().unwrap().1.settings.interval;
    assert_eq!(interval, Duration::from_secs(3));
}

#[test]
fn a_broken_zone_among_good_ones_is_kept_without_data() {
    let config = "version = 1\n[server]\nstrict-zones = true\n";
    let files = [("example.com.zone", ZONE), ("example.org.zone", BROKEN), ("strict.toml", config)];
    let folder = Folder::new("broken", &files);
    let running = folder.load(&["example.com.zone", "example.org.zone"]).unwrap();
    let zones: Vec<_> = running.setup.zones.iter().map(|(_, zone)| zone.zone.is_some()).collect();
    assert_eq!(zones, [true, false]);
    assert_eq!(ids(&running.findings).len(), 1);
    assert!(running.findings.iter().any(|note| note.place.as_ref().is_some_and(|place| place.line == 2)));

    assert_eq!(refused(folder.load(&["strict.toml", "example.com.zone", "example.org.zone"])).len(), 1);
    let alone = refused(folder.load(&["example.org.zone"]));
    assert_eq!(alone.last(), Some(&"zone-none"));
}

#[test]
fn what_cannot_start_says_why() {
    let missing = "version = 1\n[[zone]]\nfile = \"absent.zone\"\n";
    let authority = "version = 1\n[health]\nca-file = \"absent.pem\"\n";
    let no_authority = "version = 1\n[health]\nca-file = \"example.com.zone\"\n";
    let files = [
        ("example.com.zone", ZONE),
        ("copy/example.com.zone", ZONE),
        ("missing.toml", missing),
        ("authority.toml", authority),
        ("no-authority.toml", no_authority),
        ("empty.toml", "version = 1\n"),
        ("wrong.toml", "version = 1\n[helth]\n"),
    ];
    let folder = Folder::new("why", &files);
    for (named, expected) in [
        (vec!["absent.zone"], vec!["file-read", "zone-none"]),
        (vec!["absent.toml"], vec!["file-read"]),
        (vec!["missing.toml"], vec!["file-read", "zone-none"]),
        (vec!["authority.toml", "example.com.zone"], vec!["file-read"]),
        (vec!["no-authority.toml", "example.com.zone"], vec!["file-read"]),
        (vec!["empty.toml"], vec!["zone-none"]),
        (vec!["wrong.toml", "example.com.zone"], vec!["config-key-unknown"]),
        (vec!["empty.toml", "wrong.toml"], vec!["config-two"]),
        (vec!["example.com.zone", "copy/example.com.zone"], vec!["zone-duplicate"]),
    ] {
        assert_eq!(refused(folder.load(&named)), expected, "{named:?}");
    }
}

#[test]
fn a_zone_includes_from_its_own_folder_only() {
    let zone = format!("{ZONE}$INCLUDE hosts\n");
    let thief = format!("{ZONE}$INCLUDE ../secret\n");
    let files = [
        ("zones/example.com.zone", zone.as_str()),
        ("zones/hosts", "www 60 IN A 127.0.0.7\n"),
        ("zones/example.org.zone", thief.as_str()),
        ("secret", "x 60 IN A 127.0.0.8\n"),
    ];
    let folder = Folder::new("confined", &files);
    let running = folder.load(&["zones/example.com.zone", "zones/example.org.zone"]).unwrap();
    let zones: Vec<_> = running.setup.zones.iter().map(|(_, zone)| zone.zone.as_ref()).collect();
    let www = "www.example.com".parse().unwrap();
    assert!(zones[0].is_some_and(|zone| zone.rrset(&www, crate::zone::Rtype::A).is_some()));
    assert!(zones[1].is_none());
    let said = running.findings.iter().any(|note| note.to_string().contains("outside of the zone's folder"));
    assert!(said, "{:?}", running.findings);
}

#[test]
fn the_environment_names_config_and_state() {
    let folder = Folder::new(
        "environment",
        &[("conf", "version = 1\n[[zone]]\nfile = \"example.com.zone\"\n"), ("example.com.zone", ZONE)],
    );
    let config = folder.0.join("conf").into_os_string();
    let with = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = config.clone();
        move |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name).map(|(_, value)| OsString::from(value));
            if name == "UNDERSTUDY_CONFIG" { Some(config.clone()) } else { found }
        }
    };
    for (variables, expected) in [
        (vec![("STATE_DIRECTORY", "/s/a:/s/b"), ("XDG_STATE_HOME", "/x")], "/s/a"),
        (vec![("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")], "/x/understudy"),
        (vec![], "/var/lib/understudy"),
    ] {
        let running = load(&Input::default(), &with(&variables)).unwrap();
        assert_eq!(running.state.folder, Some(PathBuf::from(expected)));
    }
}

#[test]
fn a_password_comes_from_a_file_beside_the_config_and_is_nowhere_printed() {
    let zone = format!("{ZONE}_turn._udp 300 IN SRV 10 70 3478 ns1\n_turn._tcp 300 IN SRV 10 70 3478 ns1\n");
    let check = |keys: &str| {
        format!(
            "version = 1\n[[service]]\nmatch = \"_turn._udp.example.com\"\ncredentials-interval = \"2m\"\n\
             check = {{ kind = \"turn\", {keys} }}\n"
        )
    };
    let (good, absent, empty) = (
        check("user = \"probe\", password-file = \"secrets/turn\""),
        check("user = \"probe\", password-file = \"absent\""),
        check("secret-file = \"empty\""),
    );
    let files = [
        ("example.com.zone", zone.as_str()),
        ("good.toml", good.as_str()),
        ("absent.toml", absent.as_str()),
        ("empty.toml", empty.as_str()),
        ("secrets/turn", "sesame\n"),
        ("empty", ""),
    ];
    let folder = Folder::new("secrets", &files);
    let running = folder.load(&["good.toml", "example.com.zone"]).unwrap();
    let targets: Vec<_> = running.setup.targets.iter().map(|(_, target)| &target.key).collect();
    let with: Vec<_> = targets.iter().filter(|key| key.kind == "turn").map(|key| key.parameters.as_str()).collect();
    let (with, without): (Vec<&str>, Vec<&str>) = with.iter().partition(|parameters| !parameters.is_empty());
    assert!(with[0].starts_with("credentials=password/probe ") && with[0].ends_with(" every=120s"), "{with:?}");
    assert_eq!((with.len(), without.len()), (1, 1));
    assert!(!format!("{running:?}").contains("sesame"));
    assert_eq!(refused(folder.load(&["absent.toml", "example.com.zone"])), ["file-read"]);
    assert_eq!(refused(folder.load(&["empty.toml", "example.com.zone"])), ["secret-file"]);
}

#[test]
fn a_check_within_other_checks_gets_its_password_too() {
    let zone = format!("{ZONE}_turn._udp 300 IN SRV 10 70 3478 ns1\n");
    let check = |file: &str| {
        format!(
            "version = 1\n[[service]]\nmatch = \"_turn._udp.example.com\"\ncheck = {{ kind = \"all\", checks = [\
             {{ kind = \"stun\" }}, {{ kind = \"not\", check = {{ kind = \"turn\", user = \"probe\", \
             password-file = \"{file}\" }} }}] }}\n"
        )
    };
    let (good, absent) = (check("turn"), check("absent"));
    let files = [
        ("example.com.zone", zone.as_str()),
        ("good.toml", good.as_str()),
        ("absent.toml", absent.as_str()),
        ("turn", "sesame\n"),
    ];
    let folder = Folder::new("inner-secrets", &files);
    let running = folder.load(&["good.toml", "example.com.zone"]).unwrap();
    let keys: Vec<_> = running.setup.targets.iter().map(|(_, target)| target.key.to_string()).collect();
    assert!(keys.iter().any(|key| key.contains("credentials=password/probe ")), "{keys:?}");
    assert_eq!(refused(folder.load(&["absent.toml", "example.com.zone"])), ["file-read"]);
}

#[test]
fn an_nsid_keeps_octets_that_are_no_text() {
    let config = "version = 1\n[server]\nnsid = \"0xff00fe\"\n";
    let folder = Folder::new("nsid", &[("example.com.zone", ZONE), ("understudy.toml", config)]);
    let running = folder.load(&["understudy.toml", "example.com.zone"]).unwrap();
    assert_eq!(running.serve.nsid.as_deref(), Some([0xff, 0, 0xfe].as_slice()));
}

#[test]
fn a_reload_shares_the_parts_of_the_zones_whose_files_say_the_same() {
    let folder = Folder::new("parts", &[("example.com.zone", ZONE), ("example.org.zone", ZONE)]);
    let files = ["example.com.zone", "example.org.zone"];
    let now = crate::base::clock::Clock::start().now();
    let core = |prepared| Core::new(prepared, &Restored::default(), now);
    let running = folder.load(&files).unwrap();
    let zones = running.setup.zones.iter();
    let former = zones.map(|(_, zone)| (zone.origin.clone(), Arc::clone(zone.zone.as_ref().unwrap()))).collect();
    let first = Prepared::new(running.setup);
    let image_cache = first.image_cache();
    std::fs::write(folder.0.join(files[1]), ZONE.replace("70", "80")).unwrap();

    let running = folder.load_with(&files, Input { former, ..Input::default() }).unwrap();

    let (old, new) = (core(first), core(Prepared::again(running.setup, &image_cache)));
    let part = |core: &Core, index| Arc::clone(core.snapshot().image().part(ZoneId::from_index(index)).unwrap());
    assert!(Arc::ptr_eq(&part(&old, 0), &part(&new, 0)));
    assert!(!Arc::ptr_eq(&part(&old, 1), &part(&new, 1)));
}

fn linted(folder: &Folder, files: &[&str]) -> Vec<Finding> {
    folder.load_with(files, Input { lint: true, ..Input::default() }).unwrap().findings
}

fn of<'a>(findings: &'a [Finding], id: &str) -> Vec<&'a str> {
    findings.iter().filter(|finding| finding.id == id).map(|finding| finding.message.as_str()).collect()
}

const OTHER: &str = "\
@ 300 IN SOA ns1 admin 1 3600 600 86400 60
@ 300 IN NS ns1
ns1 300 IN A 127.0.0.1
";

#[test]
fn a_service_that_the_config_tests_is_not_called_untested() {
    let zone = format!("{ZONE}_game._udp 300 IN SRV 10 0 27015 ns1\n_chat._udp 300 IN SRV 10 0 27015 ns1\n");
    let config = "version = 1\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n\
                  [[service]]\nmatch = \"_game._udp.*.*\"\ncheck = { kind = \"push\", name = \"game\" }\n";
    let folder = Folder::new("checked", &[("u.toml", config), ("a", &zone)]);
    let found = linted(&folder, &["u.toml"]);
    let chat = "_chat._udp.example.com. is not tested: no check is known for _chat over UDP";
    assert_eq!(of(&found, "service-unprobed"), [chat]);
}

#[test]
fn a_target_in_another_zone_of_the_same_run_is_judged_there() {
    let services = "_a._tcp 300 IN SRV 10 0 80 host.example.org.\n_b._tcp 300 IN SRV 10 0 80 alias.example.org.\n\
                    _c._tcp 300 IN SRV 10 0 80 none.example.org.\n_d._tcp 300 IN SRV 10 0 80 host.example.net.\n";
    let (zone, other) = (format!("{ZONE}{services}"), format!("{OTHER}host 300 A 127.0.0.1\nalias 300 CNAME host\n"));
    let folder = Folder::new("others", &[("example.com.zone", &zone), ("example.org.zone", &other)]);
    let found = linted(&folder, &["example.com.zone", "example.org.zone"]);
    assert_eq!(
        of(&found, "srv-target-out-of-zone"),
        ["the target host.example.net. lies outside of these zones' own data"]
    );
    assert_eq!(of(&found, "srv-target-cname").len(), 1);
    assert_eq!(of(&found, "srv-target-no-address"), ["the target none.example.org. has no A or AAAA record"]);
}

#[test]
fn two_versions_of_a_zone_are_looked_at_each_by_itself_and_served_never() {
    let second = format!("{OTHER}_sip._tcp 300 IN SRV 10 70 0 ns1\n");
    let folder = Folder::new("versions", &[("example.com.zone", ZONE), ("more/example.com.zone", &second)]);
    let files = ["example.com.zone", "more/example.com.zone"];
    let found = linted(&folder, &files);
    assert_eq!(of(&found, "zone-duplicate").len(), 1);
    assert_eq!(of(&found, "srv-port-zero").len(), 1, "the second version is looked at too");
    assert_eq!(refused(folder.load(&files)), ["zone-duplicate"]);
}

#[test]
fn an_address_as_target_is_asked_of_no_resolver() {
    let zone = format!("{ZONE}_b._tcp 300 IN SRV 10 0 80 192.0.2.10.\n_c._tcp 300 IN SRV 10 0 80 2001:db8::1.\n");
    let folder = Folder::new("literal", &[("example.com.zone", &zone)]);
    let running = folder.load(&["example.com.zone"]).unwrap();
    assert!(running.outside.hosts.is_empty(), "{:?}", running.outside.hosts);
    assert_eq!(of(&running.findings, "host-outside"), [""; 0]);
}

#[test]
fn the_origin_that_a_files_name_gives_is_noted_where_it_counts() {
    let named = ["db.example.com", "example.com.db", "example.com.zone", "example.com.txt"];
    let own = format!("$ORIGIN example.com.\n{ZONE}");
    for file in named {
        for (text, notes) in [(ZONE, 1), (own.as_str(), 0)] {
            let folder = Folder::new("origin", &[(file, text)]);
            let running = folder.load(&[file]).unwrap();
            let origins: Vec<String> = running.setup.zones.iter().map(|(_, zone)| zone.origin.to_string()).collect();
            assert_eq!(origins, ["example.com."], "{file}");
            assert_eq!(of(&running.findings, "zone-origin-guessed").len(), notes, "{file}");
        }
    }
}

#[test]
fn what_is_allowed_is_left_out_and_counted() {
    let zone = format!("; lint: allow ns-single\n{ZONE}_a._tcp 300 IN SRV 10 0 80 ns1 ; lint: allow srv-no-standby\n");
    let config = "version = 1\n[lint]\nallow = [\"sip-without-tls\", \"address-lopback\"]\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n";
    let folder = Folder::new("allowed", &[("u.toml", config), ("a", &zone)]);
    let running = folder.load_with(&["u.toml"], Input { lint: true, ..Input::default() }).unwrap();
    let found = running.findings;
    for gone in ["ns-single", "sip-without-tls"] {
        assert_eq!(of(&found, gone), [""; 0]);
    }
    assert_eq!(of(&found, "srv-no-standby").len(), 1, "the other service's stays");
    assert_eq!(running.allowed, 3);
    let unknown = found.iter().find(|finding| finding.id == "lint-allow").unwrap();
    assert_eq!(unknown.help.as_deref(), Some("did you mean `address-loopback`?"));
    assert_eq!(unknown.place.as_ref().unwrap().line, 3);
}

#[test]
fn an_address_may_leave_its_port_to_the_transport() {
    let config = "version = 1\n[server]\nlisten = [\"127.0.0.1\", \"::1\", \"[::2]\", \"127.0.0.2:5300\"]\n[[zone]]\nfile = \"example.com.zone\"\n";
    let folder = Folder::new("ports", &[("u.toml", config), ("example.com.zone", ZONE)]);
    let server = folder.load(&["u.toml"]).unwrap().server;
    assert_eq!(
        server.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["127.0.0.1:53", "[::1]:53", "[::2]:53", "127.0.0.2:5300"]
    );
}

#[test]
fn what_may_be_probed_says_nothing_of_addresses_that_are_meant() {
    let zone = format!("{ZONE}_a._tcp 300 IN SRV 10 0 80 inside\ninside 300 IN A 10.0.0.1\n");
    for (keys, quiet) in
        [("[health]\nprobe-allow = [\"10.0.0.0/8\"]", false), ("[lint]\nprivate-addresses = true", true)]
    {
        let config = format!("version = 1\n{keys}\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n");
        let folder = Folder::new("inside", &[("u.toml", &config), ("a", &zone)]);
        let running = folder.load_with(&["u.toml"], Input { lint: true, ..Input::default() }).unwrap();
        assert_eq!(of(&running.findings, "address-private").is_empty(), quiet, "{keys}");
    }
}

#[test]
fn two_listeners_at_one_address_are_told_before_the_start() {
    let of_lists = |lists: &str| {
        let config = format!("version = 1\n[server]\n{lists}\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n");
        let folder = Folder::new("listen", &[("u.toml", &config), ("a", ZONE)]);
        match folder.load(&["u.toml"]) {
            Ok(_) => Vec::new(),
            Err(findings) => ids(&findings),
        }
    };
    assert_eq!(of_lists("listen = [\"127.0.0.1:53\", \"127.0.0.1:53\"]"), ["listen-twice"]);
    assert_eq!(of_lists("listen = [\"0.0.0.0:53\", \"127.0.0.1:53\"]"), ["listen-twice"]);
    for right in
        ["[\"0.0.0.0:53\", \"[::]:53\"]", "[\"127.0.0.1:53\", \"127.0.0.2:53\"]", "[\"127.0.0.1:0\", \"127.0.0.1:0\"]"]
    {
        assert_eq!(of_lists(&format!("listen = {right}")), [""; 0], "{right}");
    }
    let folder = Folder::new("listen-line", &[("example.com.zone", ZONE)]);
    let listen = vec!["127.0.0.1:53".parse().unwrap(); 2];
    let refused_twice = folder.load_with(&["example.com.zone"], Input { listen, ..Input::default() });
    assert_eq!(refused(refused_twice), ["listen-twice"]);
}

#[test]
fn a_resolver_by_name_is_told_to_be_written_as_an_address() {
    let config =
        "version = 1\n[health]\nresolver = \"dns.example.net\"\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n";
    // Also where no host outside of the zones needs it yet.
    for more in ["_b._tcp 300 IN SRV 10 0 80 host.example.net.\n", ""] {
        let zone = format!("{ZONE}{more}");
        let folder = Folder::new("resolver", &[("u.toml", config), ("a", &zone)]);
        let found = folder.load(&["u.toml"]).unwrap().findings;
        let finding = found.iter().find(|finding| finding.id == "resolver-none").unwrap();
        assert!(
            finding.help.as_ref().unwrap().starts_with("dns.example.net is a name: write the address"),
            "{finding}"
        );
    }
}

#[test]
fn a_min_up_that_no_tier_can_reach_is_told_once() {
    let zone =
        format!("{ZONE}_sip._tcp 300 IN SRV 10 30 5060 ns2\nns2 300 IN A 127.0.0.2\n_b._tcp 300 IN SRV 10 0 80 ns1\n");
    let config = |policy: &str| format!("version = 1\n{policy}\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n");
    let found = |policy: &str| {
        let folder = Folder::new("min-up", &[("u.toml", &config(policy)), ("a", &zone)]);
        let findings = folder.load(&["u.toml"]).unwrap().findings;
        of(&findings, "min-up-size").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let both = "`min-up` is 3, and the preferred tier of _b._tcp.example.com. has 1 member; so it is for 1 more";
    assert_eq!(found("[policy]\nmin-up = 3"), [both]);
    let own = "[[service]]\nmatch = \"_sip._tcp.example.com\"\nmin-up = 2";
    assert_eq!(found(own), [""; 0]);
}

#[test]
fn a_check_that_is_a_word_is_told_as_a_table() {
    let config = "version = 1\n[[zone]]\nname = \"example.com\"\nfile = \"a\"\n\
                  [[service]]\nmatch = \"_sip._tcp.example.com\"\ncheck = \"tcp\"\n";
    let folder = Folder::new("word", &[("u.toml", config), ("a", ZONE)]);
    let findings = folder.load(&["u.toml"]).unwrap_err();
    assert_eq!(findings[0].help.as_deref(), Some("write check = { kind = \"tcp\" }"), "{}", findings[0]);
}
