//! NSD, Knot and BIND as primaries: their zone comes, health is laid over it, and each of their versions follows.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::foreign::{Kind, address};
use crate::lab::{Folder, Process, SECRET, Target, dig, pause, serial, services};
use crate::server::eventually;

/// A primary of another kind with a zone of two tiers; it ends with this value.
pub(crate) struct Master {
    folder: Folder,
    address: SocketAddr,
    /// Where NSD and BIND answer over TLS, with the certificate that lies in the folder.
    tls: SocketAddr,
    name: &'static str,
    process: Option<Process>,
}

/// The zone at a version, with so many names.
fn zone(version: u32, ports: (u16, u16), names: u32) -> String {
    let mut text = format!(
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster {version} 3600 60 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n\
         node1 A 127.0.0.1\nnode2 A 127.0.0.1\n_x-test._tcp SRV 10 10 {} node1\n_x-test._tcp SRV 20 10 {} node2\n",
        ports.0, ports.1
    );
    (0..names).for_each(|number| _ = writeln!(text, "name{number} TXT \"{number}\""));
    text
}

impl Master {
    fn start(kind: Kind, us: SocketAddr, signed: bool, text: &str) -> Self {
        let master = Self::begin(kind, us, signed, text);
        eventually("the primary answers", || serial(master.address));
        master
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn begin(kind: Kind, us: SocketAddr, signed: bool, text: &str) -> Self {
        let (folder, at, tls) = (Folder::new(), address(), address());
        let (path, port, tls_port) = (folder.path().display().to_string(), at.port(), tls.port());
        let made = rcgen::generate_simple_self_signed(["ns1.example.test".to_owned()]).unwrap();
        folder.write("cert.pem", &made.cert.pem());
        folder.write("key.pem", &made.signing_key.serialize_pem());
        folder.write("example.test.zone", text);
        let nsd_key = if signed { "transfer" } else { "NOKEY" };
        let knot_key = if signed { "    key: transfer\n" } else { "" };
        let (name, config) = match kind {
            Kind::Nsd => (
                "nsd",
                format!(
                    "server:\n server-count: 1\n ip-address: 127.0.0.1@{port}\n ip-address: 127.0.0.1@{tls_port}\n \
                 tls-port: {tls_port}\n tls-service-key: \"{path}/key.pem\"\n tls-service-pem: \"{path}/cert.pem\"\n username: \"\"\n chroot: \"\"\n zonesdir: \"{path}\"\n \
                 database: \"\"\n pidfile: \"{path}/nsd.pid\"\n xfrdfile: \"{path}/xfrd.state\"\n zonelistfile: \"{path}/zone.list\"\n \
                 xfrdir: \"{path}\"\n logfile: \"{path}/nsd.out\"\n cookie-secret-file: \"\"\n rrl-ratelimit: 0\n \
                 xfrd-reload-timeout: 0\nremote-control:\n control-enable: no\n\
                 key:\n name: \"transfer\"\n algorithm: hmac-sha256\n secret: \"{SECRET}\"\n\
                 zone:\n name: \"example.test\"\n zonefile: \"example.test.zone\"\n provide-xfr: 127.0.0.1 {nsd_key}\n \
                 notify: 127.0.0.1@{} {nsd_key}\n store-ixfr: yes\n create-ixfr: yes\n",
                    us.port()
                ),
            ),
            Kind::Knot => (
                "knotd",
                format!(
                    "server:\n    rundir: \"{path}\"\n    listen: 127.0.0.1@{port}\n    tcp-workers: 1\n    udp-workers: 1\n\
                 log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: \"{path}\"\n\
                 key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
                 remote:\n  - id: us\n    address: 127.0.0.1@{}\n{knot_key}\
                 acl:\n  - id: shown\n    address: 127.0.0.1\n    action: transfer\n{knot_key}\
                 zone:\n  - domain: example.test\n    storage: \"{path}\"\n    file: example.test.zone\n    notify: us\n    \
                 acl: shown\n    journal-content: changes\n    zonefile-load: difference\n",
                    us.port()
                ),
            ),
            Kind::Bind | Kind::PowerDns => (
                "named",
                format!(
                    "tls own {{ cert-file \"{path}/cert.pem\"; key-file \"{path}/key.pem\"; }};\n\
                 options {{ directory \"{path}\"; listen-on port {port} {{ 127.0.0.1; }}; \
                 listen-on port {tls_port} tls own {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
                 pid-file \"{path}/named.pid\"; session-keyfile \"{path}/session.key\"; dnssec-validation no; notify explicit; \
                 notify-delay 0; }};\ncontrols {{ }};\nkey \"transfer\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
                 zone \"example.test\" {{ type primary; file \"example.test.zone\"; ixfr-from-differences yes; \
                 allow-transfer {{ {}; }}; also-notify {{ 127.0.0.1 port {}{}; }}; }};\n",
                    if signed { "key transfer" } else { "127.0.0.1" },
                    us.port(),
                    if signed { " key transfer" } else { "" }
                ),
            ),
        };
        folder.write("master.conf", &config);
        let mut master = Self { folder, address: at, tls, name, process: None };
        master.run();
        master
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    fn run(&mut self) {
        let config = self.folder.path().join("master.conf").display().to_string();
        let arguments = match self.name {
            "nsd" => vec!["-d", "-c", &config],
            "knotd" => vec!["-c", &config],
            _ => vec!["-g", "-c", &config],
        };
        self.process = Some(Process::start(self.name, self.folder.path(), self.name, &arguments));
    }

    /// Puts another version in place, and has it read.
    fn publish(&self, text: &str) {
        self.folder.write("example.test.zone", text);
        if let Some(process) = &self.process {
            process.hang_up();
        }
    }
}

/// Starts the program with a zone from a primary.
pub(crate) fn start(folder: &Folder, us: SocketAddr, primary: SocketAddr, signed: bool) -> Process {
    start_with(folder, us, primary, signed, ("", ""))
}

/// Starts it with more keys of `[health]` and of the zone.
fn start_with(
    folder: &Folder,
    us: SocketAddr,
    primary: SocketAddr,
    signed: bool,
    (health, keys): (&str, &str),
) -> Process {
    let key = if signed { " transfer" } else { "" };
    let config = format!(
        "version = 1\n[server]\nlisten = [\"{us}\"]\n[state]\ndir = \"state\"\n[health]\ninterval = \"1s\"\n{health}\n\
         [policy]\nhold = \"1s\"\n[[service]]\nmatch = \"_x-test._tcp.example.test\"\ncheck = {{ kind = \"tcp\" }}\n\
         [[zone]]\nname = \"example.test\"\nprimaries = [\"{primary}{key}\"]\nallow-transfer = [\"127.0.0.1\"]\n{keys}\n\
         [[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n"
    );
    let config = folder.write("understudy.toml", &config);
    let arguments = ["serve", "--log", "debug", config.to_str().unwrap()];
    Process::start("understudy", folder.path(), env!("CARGO_BIN_EXE_understudy"), &arguments)
}

fn has(server: SocketAddr, name: &str) -> bool {
    dig(server, &["+short", name, "TXT"]).contains('"')
}

/// A zone comes, follows health, and follows its primary; it outlives both the primary and a restart.
fn comes_and_follows(kind: Kind, signed: bool) {
    let (folder, us) = (Folder::new(), address());
    let (mut live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let ports = (live.port(), standby.port());
    let mut master = Master::start(kind, us, signed, &zone(10, ports, 300));
    let mut process = start(&folder, us, master.address, signed);
    eventually("the zone has come", || (services(us) == [10, 20]).then_some(()));
    assert!(serial(us).unwrap() >= 10, "the primary's, or more once health has been found out");
    live.kill();
    eventually("health lies over it", || (services(us) == [20]).then_some(()));
    let ours = serial(us).unwrap();
    assert!(ours > 10, "{ours}");
    master.publish(&zone(11, ports, 301));
    eventually("the next version has come", || has(us, "name300.example.test").then_some(()));
    assert_eq!(services(us), [20], "health still lies over it");
    let next = serial(us).unwrap();
    assert!(next > ours, "max(11, {ours} + 1), not {next}");
    master.publish(&zone(1_000, ports, 302));
    eventually("a version far ahead has come", || has(us, "name301.example.test").then_some(()));
    assert!(serial(us).unwrap() >= 1_000);
    master.process = None;
    drop(process);
    process = start(&folder, us, master.address, signed);
    eventually("it is served without its primary", || (services(us) == [20]).then_some(()));
    assert!(has(us, "name301.example.test") && serial(us).unwrap() >= 1_000);
    drop(process);
}

#[test]
fn a_zone_comes_from_nsd_with_and_without_a_key() {
    comes_and_follows(Kind::Nsd, true);
    comes_and_follows(Kind::Nsd, false);
}

#[test]
fn a_zone_comes_from_knot_with_and_without_a_key() {
    comes_and_follows(Kind::Knot, true);
    comes_and_follows(Kind::Knot, false);
}

#[test]
fn a_zone_comes_from_bind_with_and_without_a_key() {
    comes_and_follows(Kind::Bind, true);
    comes_and_follows(Kind::Bind, false);
}

/// A primary with another key gives nothing, and the zone is SERVFAIL until it has come; one that expired is SERVFAIL too.
#[test]
fn without_a_zone_the_answer_is_servfail() {
    let (folder, us) = (Folder::new(), address());
    let (live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let text = zone(10, (live.port(), standby.port()), 1).replace(" 3600 60 86400 ", " 1 1 1 ");
    let master = Master::start(Kind::Knot, us, true, &text);
    let process = start(&folder, us, master.address, false);
    let status = || dig(us, &["example.test", "SOA"]);
    eventually("it answers", || status().contains("SERVFAIL").then_some(()));
    std::thread::park_timeout(Duration::from_secs(1));
    assert!(status().contains("SERVFAIL"), "an unsigned query gets nothing");
    drop(process);
    let _process = start(&folder, us, master.address, true);
    eventually("the zone has come", || (services(us) == [10, 20]).then_some(()));
    // Refresh and retry are 5 s and 2 s at least, and so a zone lives 7 s at least.
    drop(master);
    eventually("it has expired", || status().contains("SERVFAIL").then_some(()));
}

/// XoT (RFC 9103) from a primary whose certificate is verified by its name; by another name nothing comes.
fn comes_over_tls(kind: Kind) {
    let (folder, us) = (Folder::new(), address());
    let (live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let ports = (live.port(), standby.port());
    let master = Master::start(kind, us, true, &zone(10, ports, 300));
    let authority = format!("ca-file = \"{}/cert.pem\"", master.folder.path().display());
    let wrong = start_with(&folder, us, master.tls, true, (&authority, "tls = \"ns2.example.test\""));
    let status = || dig(us, &["example.test", "SOA"]);
    eventually("it answers", || status().contains("SERVFAIL").then_some(()));
    pause(Duration::from_secs(1));
    assert!(status().contains("SERVFAIL"), "another name is not believed");
    drop(wrong);
    let _process = start_with(&folder, us, master.tls, true, (&authority, "tls = \"ns1.example.test\""));
    eventually("the zone has come", || (services(us) == [10, 20]).then_some(()));
    master.publish(&zone(11, ports, 301));
    eventually("the next version has come", || has(us, "name300.example.test").then_some(()));
}

#[test]
fn a_zone_comes_from_nsd_over_tls() {
    comes_over_tls(Kind::Nsd);
}

#[test]
fn a_zone_comes_from_bind_over_tls() {
    comes_over_tls(Kind::Bind);
}

/// Knot makes a catalog of its zones: they come with it, and go with it.
#[test]
fn the_zones_of_a_catalog_come_and_go_with_it() {
    let (folder, us, at) = (Folder::new(), address(), address());
    let path = folder.path().display().to_string();
    let zone = |name: &str| {
        format!("$ORIGIN {name}.\n@ 300 SOA ns1 hostmaster 7 3600 60 86400 60\n@ 300 NS ns1\nns1 300 A 127.0.0.1\n")
    };
    folder.write("one.test.zone", &zone("one.test"));
    folder.write("two.test.zone", &zone("two.test"));
    let configure = |zones: &[&str]| {
        let mut text = format!(
            "server:\n    rundir: \"{path}\"\n    listen: 127.0.0.1@{}\n    tcp-workers: 1\n    udp-workers: 1\n\
             log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: \"{path}\"\n\
             remote:\n  - id: us\n    address: 127.0.0.1@{}\nacl:\n  - id: shown\n    address: 127.0.0.1\n    action: transfer\n\
             zone:\n  - domain: catalog.test\n    storage: \"{path}\"\n    catalog-role: generate\n    notify: us\n    acl: shown\n",
            at.port(),
            us.port()
        );
        for name in zones {
            _ = writeln!(
                text,
                "  - domain: {name}\n    storage: \"{path}\"\n    file: {name}.zone\n    catalog-role: member\n    \
                 catalog-zone: catalog.test\n    notify: us\n    acl: shown"
            );
        }
        folder.write("knot.conf", &text)
    };
    let config = configure(&["one.test"]).display().to_string();
    let knot = Process::start("knotd", folder.path(), "knotd", &["-c", &config]);
    eventually("Knot answers", || dig(at, &["one.test", "SOA"]).contains("NOERROR").then_some(()));
    let ours = format!(
        "version = 1\n[server]\nlisten = [\"{us}\"]\n[state]\ndir = \"state\"\n[[zone]]\nname = \"catalog.test\"\n\
         primaries = [\"{at}\"]\ncatalog = true\nallow-transfer = [\"127.0.0.1\"]\n"
    );
    let ours = folder.write("understudy.toml", &ours).display().to_string();
    let arguments = ["serve", "--log", "debug", &ours];
    let _process = Process::start("understudy", folder.path(), env!("CARGO_BIN_EXE_understudy"), &arguments);
    // Whole lines: what dig says of a server that does not answer yet names its address too.
    let address = |name: &str| dig(us, &["+short", name, "A"]).lines().any(|line| line == "127.0.0.1");
    eventually("the first zone has come", || address("ns1.one.test").then_some(()));
    let told = dig(us, &["one.zones.catalog.test", "PTR"]);
    assert!(told.contains("REFUSED"), "the catalog is nobody's business: {told}");
    configure(&["one.test", "two.test"]);
    knot.hang_up();
    eventually("the second has come", || address("ns1.two.test").then_some(()));
    assert!(address("ns1.one.test"));
    configure(&["two.test"]);
    knot.hang_up();
    eventually("the first has gone", || dig(us, &["ns1.one.test", "A"]).contains("REFUSED").then_some(()));
    assert!(address("ns1.two.test") && !folder.path().join("state/transferred/one.test.zone").exists());
}
