//! unbound in front as a resolver: lookups of services, denials that it keeps, letters of changing case (0x20).

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::client::ask_within;
use crate::server::{Folder, Network, Server, eventually};
use crate::{Listeners, SERVICE, SIP, sorted};

/// A resolver that knows our server alone: no packet leaves this machine.
struct Resolver {
    child: Child,
    address: SocketAddr,
    _folder: Folder,
}

impl Resolver {
    fn start(server: SocketAddr) -> Self {
        let folder = Folder::new();
        // An address of its own: nobody else takes the port before unbound does.
        let address = SocketAddr::new(Network::new().take().into(), PORT);
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

/// Where the resolver listens.
const PORT: u16 = 5353;

/// The names of this type that our server was asked, as they were written. With a minimised name unbound asks for A first.
pub(crate) fn asked_of(server: &Server, name: &str, rtype: &str) -> Vec<String> {
    let queries = queries(server);
    let of_type = queries.iter().filter(|query| query["query.rtype"] == rtype);
    let names = of_type.filter_map(|query| Some(query["query.name"].as_str()?.to_owned()));
    names.filter(|found| found.eq_ignore_ascii_case(name)).collect()
}

/// The queries that a server has told in its log.
pub(crate) fn queries(server: &Server) -> Vec<Value> {
    let text = server.log.text();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "query").collect()
}

fn asked(listeners: &Listeners, name: &str, rtype: &str) -> Vec<String> {
    asked_of(&listeners.server, name, rtype)
}

/// How often our server was asked for this until now: what is asked by `mark` comes last in its log.
pub(crate) fn count(server: &Server, name: &str, rtype: &str, mark: impl FnOnce(&str)) -> usize {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let marker = format!("marker-{}.example.com.", NUMBER.fetch_add(1, Ordering::Relaxed));
    mark(&marker);
    eventually("the marker in the log", || (!asked_of(server, &marker, "A").is_empty()).then_some(()));
    asked_of(server, name, rtype).len()
}

/// What `ask` asks the resolver is asked of our server once, and not again while the resolver keeps it. On a busy machine
/// a resolver may send its first query twice.
#[track_caller]
fn is_kept(listeners: &Listeners, name: &str, rtype: &str, ask: impl Fn()) {
    let count =
        || count(&listeners.server, name, rtype, |marker| drop(Listeners::ask("dig", listeners.plain(), marker)));
    ask();
    let first = count();
    assert!(first > 0, "{name} {rtype}");
    ask();
    ask();
    assert_eq!(count(), first, "{name} {rtype}: what it was told is kept");
}

#[test]
fn a_resolver_finds_the_service_and_asks_again_only_when_the_ttl_is_over() {
    let listeners = Listeners::open();
    let resolver = Resolver::start(listeners.plain());
    is_kept(&listeners, &format!("{SIP}."), "SRV", || {
        assert_eq!(sorted(&Listeners::ask("dig", resolver.address, &format!("+short {SIP} SRV"))), SERVICE);
    });
    assert_eq!(Listeners::ask("dig", resolver.address, "+short node1.example.com A"), "192.0.2.11\n");
}

/// 0x20: the case of the question comes back, else unbound would ask again and again.
#[test]
fn letters_of_changing_case_come_back() {
    let listeners = Listeners::open();
    let resolver = Resolver::start(listeners.plain());
    let names: Vec<String> = (0..8).map(|number| format!("long-name-with-letters-{number}.example.com.")).collect();
    for name in &names {
        assert!(Listeners::ask("dig", resolver.address, name).contains("status: NXDOMAIN"));
    }
    let mut once = 0;
    for name in &names {
        eventually("the query in the log", || (!asked(&listeners, name, "A").is_empty()).then_some(()));
        let found = asked(&listeners, name, "A");
        once += usize::from(found.len() == 1);
        assert_ne!(found[0], name.to_lowercase(), "its case was changed");
    }
    // On a busy machine it may ask for one of them twice.
    assert!(once > names.len() / 2, "one query was enough for {once} of {}", names.len());
}

/// RFC 2308 §5: the SOA's TTL tells how long a denial is kept.
#[test]
fn denials_are_kept() {
    let listeners = Listeners::open();
    let resolver = Resolver::start(listeners.plain());
    for name in ["absent.example.com.", "node1.example.com."] {
        let wanted = if name.starts_with("absent") { "NXDOMAIN" } else { "NOERROR" };
        is_kept(&listeners, name, "AAAA", || {
            let answer = Listeners::ask("dig", resolver.address, &format!("{name} AAAA"));
            assert!(answer.contains(&format!("status: {wanted}")) && answer.contains("ANSWER: 0"), "{answer}");
            assert!(answer.contains("SOA\tns1.example.com. admin.example.com. 1 3600 600 86400 60"), "{answer}");
        });
    }
}
