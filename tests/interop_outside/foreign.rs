//! Knot with a zone of somebody else's, and unbound as the system's resolver in front of it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::ask_within;
use crate::server::{Folder, Network, eventually};

/// A foreign server that ends with its test.
struct Foreign(Child);

impl Foreign {
    /// Starts a tool; a missing one is a failure that names its package.
    #[track_caller]
    fn start(package: &str, tool: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(tool);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{tool} of Debian's package {package}: {error}")))
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The zone `out.example.` at Knot.
pub(crate) struct Authority {
    knot: Foreign,
    place: SocketAddr,
    zone: PathBuf,
    serial: u32,
}

impl Authority {
    /// Serves these records, each with a TTL of 5 s.
    pub(crate) fn start(folder: &Folder, records: &str) -> Self {
        let place = SocketAddr::V4(SocketAddrV4::new(Network::new().take(), 25_053));
        let zone = folder.write("knot/out.example.zone", text(1, records));
        let home = folder.path("knot");
        let home = home.display();
        let address = place.ip();
        let config = format!(
            "server:\n  rundir: {home}\n  listen: {address}@25053\ndatabase:\n  storage: {home}/db\nzone:\n  \
             - domain: out.example\n    storage: {home}\n    file: out.example.zone\n    zonefile-sync: -1\n    \
             journal-content: none\n"
        );
        let config = folder.write("knot/knot.conf", config);
        let knot = Foreign::start("knot", "knotd", &["-c", &config.display().to_string()]);
        let authority = Self { knot, place, zone, serial: 1 };
        eventually("Knot's answer", || authority.answers());
        authority
    }

    /// Replaces the records.
    pub(crate) fn change(&mut self, records: &str) {
        self.serial += 1;
        std::fs::write(&self.zone, text(self.serial, records)).unwrap();
        self.knot.signal("HUP");
    }

    fn answers(&self) -> Option<()> {
        ask_within(self.place, "out.example. SOA", Duration::from_millis(200)).map(drop)
    }
}

fn text(serial: u32, records: &str) -> String {
    format!("$ORIGIN out.example.\n$TTL 5\n@ SOA ns h {serial} 60 60 600 5\n@ NS ns\nns A 127.0.0.1\n{records}")
}

/// Unbound, which follows aliases and caches by TTL.
pub(crate) struct Resolver {
    unbound: Option<Foreign>,
    config: PathBuf,
    pub(crate) place: SocketAddr,
}

impl Resolver {
    /// Resolves `out.example.` at an authority, and nothing else.
    pub(crate) fn start(folder: &Folder, authority: &Authority) -> Self {
        let address: Ipv4Addr = Network::new().take();
        let upstream = authority.place.ip();
        let config = format!(
            "server:\n  interface: {address}@25054\n  access-control: 127.0.0.0/8 allow\n  username: \"\"\n  chroot: \"\"\n  \
             directory: \"{home}\"\n  pidfile: \"\"\n  use-syslog: no\n  module-config: \"iterator\"\n  \
             do-not-query-localhost: no\n  do-daemonize: no\n  num-threads: 1\n  root-hints: \"\"\n  \
             local-zone: \".\" refuse\n  local-zone: \"out.example.\" transparent\n\
             remote-control:\n  control-enable: no\n\
             stub-zone:\n  name: \"out.example.\"\n  stub-addr: {upstream}@25053\n  stub-first: no\n",
            home = folder.path("").display(),
        );
        let config = folder.write("unbound.conf", config);
        let place = SocketAddr::V4(SocketAddrV4::new(address, 25_054));
        let mut resolver = Self { unbound: None, config, place };
        resolver.revive();
        resolver
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.unbound = None;
    }

    /// Starts it, again.
    pub(crate) fn revive(&mut self) {
        let config = self.config.display().to_string();
        self.unbound = Some(Foreign::start("unbound", "unbound", &["-d", "-c", &config]));
        // Our questions do not wish recursion, so that the answer is a refusal: it listens.
        eventually("unbound's answer", || ask_within(self.place, "out.example. SOA", Duration::from_millis(200)));
    }
}
