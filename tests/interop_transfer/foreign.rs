//! NSD, Knot, BIND and PowerDNS as secondaries on loopback, each with and without TSIG; NSD and BIND over TLS too.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::lab::{Folder, Process, SECRET, free_address, run};

/// A secondary of another kind; it ends with this value.
pub(crate) struct Secondary {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Its configuration and its data.
    pub(crate) folder: Folder,
    process: Option<Process>,
}

/// Where the zone comes from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) primary: SocketAddr,
    /// Whether queries and NOTIFYs are signed.
    pub(crate) signed: bool,
    /// Where the primary answers over TLS, and the certificate that it shows; nothing: transfers go over TCP.
    pub(crate) tls: Option<(SocketAddr, &'a Path)>,
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nsd,
    Knot,
    Bind,
    PowerDns,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Nsd, Self::Knot, Self::Bind, Self::PowerDns];
}

impl Secondary {
    /// Makes a secondary that listens at an address, which its primary has to know before.
    pub(crate) fn new(kind: Kind, address: SocketAddr, source: Source<'_>) -> Self {
        let folder = Folder::new();
        let name = match kind {
            Kind::Nsd => "nsd",
            Kind::Knot => "knotd",
            Kind::Bind => "named",
            Kind::PowerDns => "pdns_server",
        };
        match kind {
            Kind::Nsd => configure_nsd(&folder, address, source),
            Kind::Knot => configure_knot(&folder, address, source),
            Kind::Bind => configure_bind(&folder, address, source),
            Kind::PowerDns => configure_powerdns(&folder, address, source),
        }
        Self { name, address, folder, process: None }
    }

    pub(crate) fn start(&mut self) {
        let path = self.folder.path().display().to_string();
        let arguments: Vec<String> = match self.name {
            "nsd" => vec!["-d".into(), "-c".into(), format!("{path}/nsd.conf")],
            "knotd" => vec!["-c".into(), format!("{path}/knot.conf")],
            "named" => vec!["-g".into(), "-c".into(), format!("{path}/named.conf")],
            _ => vec![format!("--config-dir={path}")],
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.process = Some(Process::start(self.name, self.folder.path(), self.name, &arguments));
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    pub(crate) fn kill(&mut self) {
        self.process = None;
    }
}

/// Takes an address for a secondary.
pub(crate) fn address() -> SocketAddr {
    free_address()
}

fn configure_nsd(folder: &Folder, address: SocketAddr, source: Source<'_>) {
    let (path, port) = (folder.path().display(), address.port());
    let key = if source.signed { "transfer" } else { "NOKEY" };
    let mut text = format!(
        "server:\n server-count: 1\n ip-address: 127.0.0.1@{port}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{path}\"\n \
         database: \"\"\n pidfile: \"{path}/nsd.pid\"\n xfrdfile: \"{path}/xfrd.state\"\n zonelistfile: \"{path}/zone.list\"\n \
         xfrdir: \"{path}\"\n logfile: \"{path}/nsd.out\"\n verbosity: 2\n cookie-secret-file: \"\"\n rrl-ratelimit: 0\n \
         xfrd-reload-timeout: 0\n"
    );
    if let Some((_, certificate)) = source.tls {
        _ = writeln!(text, " tls-cert-bundle: \"{}\"", certificate.display());
    }
    text += "remote-control:\n control-enable: no\n";
    _ = write!(text, "key:\n name: \"transfer\"\n algorithm: hmac-sha256\n secret: \"{SECRET}\"\n");
    if source.tls.is_some() {
        text += "tls-auth:\n name: \"primary\"\n auth-domain-name: \"ns1.example.test\"\n";
    }
    _ = write!(
        text,
        "zone:\n name: \"example.test\"\n zonefile: \"example.test.zone\"\n allow-notify: 127.0.0.1 {key}\n \
         provide-xfr: 127.0.0.1 NOKEY\n"
    );
    _ = match source.tls {
        Some((tls, _)) => writeln!(text, " request-xfr: 127.0.0.1@{} {key} primary", tls.port()),
        None => writeln!(text, " request-xfr: 127.0.0.1@{} {key}", source.primary.port()),
    };
    folder.write("nsd.conf", &text);
}

fn configure_knot(folder: &Folder, address: SocketAddr, source: Source<'_>) {
    let (path, port) = (folder.path().display(), address.port());
    let key = |indent: &str| if source.signed { format!("{indent}key: transfer\n") } else { String::new() };
    let text = format!(
        "server:\n    rundir: \"{path}\"\n    listen: 127.0.0.1@{port}\n    tcp-workers: 1\n    udp-workers: 1\n    \
         background-workers: 2\nlog:\n  - target: stderr\n    any: info\ndatabase:\n    storage: \"{path}\"\n\
         key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
         remote:\n  - id: primary\n    address: 127.0.0.1@{}\n{}\
         acl:\n  - id: told\n    address: 127.0.0.1\n    action: notify\n{}  - id: shown\n    address: 127.0.0.1\n    action: transfer\n\
         zone:\n  - domain: example.test\n    storage: \"{path}\"\n    master: primary\n    acl: [told, shown]\n",
        source.primary.port(),
        key("    "),
        key("    "),
    );
    folder.write("knot.conf", &text);
}

fn configure_bind(folder: &Folder, address: SocketAddr, source: Source<'_>) {
    let (path, port) = (folder.path().display(), address.port());
    let mut text = format!(
        "options {{ directory \"{path}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
         pid-file \"{path}/named.pid\"; session-keyfile \"{path}/session.key\"; dnssec-validation no; notify no; \
         allow-transfer {{ 127.0.0.1; }}; }};\ncontrols {{ }};\n\
         key \"transfer\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n"
    );
    let key = if source.signed { " key transfer" } else { "" };
    let (primary, tls) = match source.tls {
        Some((tls, certificate)) => {
            _ = writeln!(
                text,
                "tls primary {{ ca-file \"{}\"; remote-hostname \"ns1.example.test\"; }};",
                certificate.display()
            );
            (tls, " tls primary")
        }
        None => (source.primary, ""),
    };
    _ = writeln!(
        text,
        "zone \"example.test\" {{ type secondary; primaries {{ 127.0.0.1 port {}{key}{tls}; }}; file \"example.test.db\"; \
         masterfile-format text; allow-notify {{ {} }}; min-refresh-time 1; min-retry-time 1; }};",
        primary.port(),
        if source.signed { "key transfer;" } else { "127.0.0.1;" },
    );
    folder.write("named.conf", &text);
}

fn configure_powerdns(folder: &Folder, address: SocketAddr, source: Source<'_>) {
    let (path, port) = (folder.path().display().to_string(), address.port());
    let text = format!(
        "launch=gsqlite3\ngsqlite3-database={path}/pdns.db\nlocal-address=127.0.0.1\nlocal-port={port}\nsecondary=yes\n\
         socket-dir={path}\nxfr-cycle-interval=1\nloglevel=6\nquery-cache-ttl=0\ncache-ttl=0\nnegquery-cache-ttl=0\n\
         zone-cache-refresh-interval=0\nallow-axfr-ips=127.0.0.1\nsecurity-poll-suffix=\ndaemon=no\nguardian=no\n"
    );
    folder.write("pdns.conf", &text);
    let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
    run("sqlite3", &[&format!("{path}/pdns.db"), &format!(".read {schema}")]);
    let config = format!("--config-dir={path}");
    let primary = format!("127.0.0.1:{}", source.primary.port());
    let mut commands = vec![vec!["create-secondary-zone", "example.test", &primary]];
    if source.signed {
        commands.push(vec!["import-tsig-key", "transfer", "hmac-sha256", SECRET]);
        commands.push(vec!["activate-tsig-key", "example.test", "transfer", "secondary"]);
    }
    for command in commands {
        let arguments: Vec<&str> = [config.as_str()].into_iter().chain(command).collect();
        run("pdnsutil", &arguments);
    }
}
