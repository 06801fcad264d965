//! unbound in front as a resolver: lookups of services, denials that it keeps, letters of changing case (0x20).

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::ask_within;
use crate::server::{Folder, eventually};
use crate::{Doors, SERVICE, SIP, sorted};

/// A resolver that knows our server alone: no packet leaves this machine.
struct Resolver {
    child: Child,
    address: SocketAddr,
    _folder: Folder,
}

impl Resolver {
    fn start(server: SocketAddr) -> Self {
        let folder = Folder::new();
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stub =
            |name: &str| format!("stub-zone:\n  name: \"{name}\"\n  stub-addr: {}@{}\n", server.ip(), server.port());
        let config = format!(
            "server:\n  interface: {}\n  port: {}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{}\"\n  pidfile: \"\"\n  \
             use-syslog: no\n  verbosity: 1\n  do-daemonize: no\n  do-not-query-localhost: no\n  do-ip6: no\n  \
             module-config: \"iterator\"\n  use-caps-for-id: yes\n  minimal-responses: no\n  qname-minimisation: yes\n  \
             access-control: 127.0.0.0/8 allow\n  num-threads: 1\n  cache-max-negative-ttl: 3600\n\
             remote-control:\n  control-enable: no\n{}{}",
            address.ip(),
            address.port(),
            folder.path(".").display(),
            stub("example.com."),
            stub("."),
        );
        let file = folder.write("unbound.conf", config);
        let mut command = Command::new("unbound");
        command.arg("-d").arg("-c").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| panic!("unbound cannot be run ({error}): install it"));
        let resolver = Self { child, address, _folder: folder };
        let up = || ask_within(address, "ns1.example.com. A", Duration::from_millis(200)).map(drop);
        eventually("unbound answers", up);
        resolver
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The names of this type that our server was asked, as they were written. With a minimised name unbound asks for A first.
fn asked(doors: &Doors, name: &str, rtype: &str) -> Vec<String> {
    let text = doors.server.log.text();
    let queries = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_type = queries.filter(|query| query["query.rtype"] == rtype);
    let names = of_type.filter_map(|query| Some(query["query.name"].as_str()?.to_owned()));
    names.filter(|found| found.eq_ignore_ascii_case(name)).collect()
}

#[test]
fn a_resolver_finds_the_service_and_asks_again_only_when_the_ttl_is_over() {
    let doors = Doors::open();
    let resolver = Resolver::start(doors.plain());
    for _ in 0..3 {
        assert_eq!(sorted(&Doors::ask("dig", resolver.address, &format!("+short {SIP} SRV"))), SERVICE);
    }
    assert_eq!(Doors::ask("dig", resolver.address, "+short node1.example.com A"), "192.0.2.11\n");
    eventually("the query in the log", || (!asked(&doors, &format!("{SIP}."), "SRV").is_empty()).then_some(()));
    assert_eq!(asked(&doors, &format!("{SIP}."), "SRV").len(), 1, "what it was told is kept");
}

/// 0x20: the case of the question comes back, else unbound would ask again and again.
#[test]
fn letters_of_changing_case_come_back() {
    let doors = Doors::open();
    let resolver = Resolver::start(doors.plain());
    let names: Vec<String> = (0..8).map(|number| format!("long-name-with-letters-{number}.example.com.")).collect();
    for name in &names {
        assert!(Doors::ask("dig", resolver.address, name).contains("status: NXDOMAIN"));
    }
    for name in &names {
        eventually("the query in the log", || (!asked(&doors, name, "A").is_empty()).then_some(()));
        let found = asked(&doors, name, "A");
        assert_eq!(found.len(), 1, "one query was enough: {found:?}");
        assert_ne!(found[0], name.to_lowercase(), "its case was changed");
    }
}

/// RFC 2308 §5: the SOA's TTL tells how long a denial is kept.
#[test]
fn denials_are_kept() {
    let doors = Doors::open();
    let resolver = Resolver::start(doors.plain());
    for name in ["absent.example.com.", "node1.example.com."] {
        let answers: Vec<String> =
            (0..3).map(|_| Doors::ask("dig", resolver.address, &format!("{name} AAAA"))).collect();
        let wanted = if name.starts_with("absent") { "NXDOMAIN" } else { "NOERROR" };
        for answer in &answers {
            assert!(answer.contains(&format!("status: {wanted}")) && answer.contains("ANSWER: 0"), "{answer}");
            assert!(answer.contains("SOA\tns1.example.com. admin.example.com. 1 3600 600 86400 60"), "{answer}");
        }
        eventually("the query in the log", || (!asked(&doors, name, "AAAA").is_empty()).then_some(()));
        assert_eq!(asked(&doors, name, "AAAA").len(), 1, "{name}");
    }
}
