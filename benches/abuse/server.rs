//! The server that is abused: the program itself, or NSD or Knot with the same zone and limits.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;

use crate::{HTTPS, PLAIN, QUIC, TLS, hostile, question};

/// Which one.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Understudy,
    Nsd,
    Knot,
}

impl Kind {
    /// Returns whether it answers over TLS here.
    pub(crate) const fn has_tls(self) -> bool {
        matches!(self, Self::Understudy | Self::Nsd)
    }

    /// Returns whether it answers over HTTPS and QUIC here.
    pub(crate) const fn has_https_and_quic(self) -> bool {
        matches!(self, Self::Understudy)
    }
}

/// A running server and its folder, gone at the end.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    folder: PathBuf,
    certificate: CertificateDer<'static>,
}

/// The processes of a server.
pub(crate) struct Processes(Vec<u32>);

impl Server {
    /// Starts it, to answer over UDP and TCP there, and waits until its ports are open.
    pub(crate) fn start(kind: Kind, plain: SocketAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("understudy-abuse-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["ns1.example.com".to_owned()]).unwrap();
        let zone = match kind {
            Kind::Understudy => hostile::zone(1),
            Kind::Nsd | Kind::Knot => question::zone(1),
        };
        let files = [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem()), ("zone", zone)];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut command = match kind {
            Kind::Understudy => understudy(&folder, plain),
            Kind::Nsd => nsd(&folder, plain),
            Kind::Knot => knot(&folder, plain),
        };
        // A pipe that nobody reads, for as long as the child lives.
        let log = if matches!(kind, Kind::Understudy) { Stdio::piped() } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir(&folder);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        let server = Self { kind, child, folder, certificate: made.cert.der().clone() };
        let begin = Instant::now();
        let listeners = if kind.has_tls() { &[plain, TLS][..] } else { &[plain] };
        while listeners.iter().any(|listener| TcpStream::connect(listener).is_err()) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{program} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Returns what it is.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Understudy => "understudy",
            Kind::Nsd => "NSD",
            Kind::Knot => "Knot",
        }
    }

    /// Returns which one it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what its TLS listener shows.
    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Returns the number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns its process and those that it has started.
    pub(crate) fn processes(&self) -> Processes {
        let mut family = vec![self.child.id()];
        let mut next = 0;
        while let Some(&parent) = family.get(next) {
            let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            let children = children.unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
            next += 1;
        }
        Processes(family)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // NSD ends its children only if it is asked to end.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        drop(asked.map(|_| self.child.wait()));
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Processes {
    /// Returns the resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let of = |process: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
        };
        self.0.iter().map(of).sum::<u64>()
    }

    /// Returns the processor time, in seconds.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let of = |process: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
            fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
        };
        self.0.iter().map(of).sum()
    }
}

/// The program with its defaults.
fn understudy(folder: &Path, plain: SocketAddr) -> Command {
    let config = format!(
        "version = 1\n[server]\nlisten = [\"{plain}\"]\ntls-listen = [\"{TLS}\"]\n\
         https-listen = [\"{HTTPS}\"]\nquic-listen = [\"{QUIC}\"]\ncertificate = \"cert.pem\"\n\
         key = \"key.pem\"\nquery-log = 1\n[[service]]\nmatch = \"_grpc._tcp.*.example.com\"\n\
         check = {{ kind = \"grpc\" }}\n[[zone]]\nname = \"example.com\"\nfile = \"zone\"\n"
    );
    let file = folder.join("understudy.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    command.args(["serve", "--state", "none"]).arg(file);
    command
}

/// NSD with as many connections and as much patience.
fn nsd(folder: &Path, plain: SocketAddr) -> Command {
    let rate = if plain == PLAIN { "  rrl-ratelimit: 0\n" } else { "" };
    let (path, port, tls) = (folder.display(), plain.port(), TLS.port());
    let (address, other) = (plain.ip(), TLS.ip());
    let config = format!(
        "server:\n  ip-address: {address}@{port}\n  ip-address: {other}@{tls}\n  port: {port}\n  tls-port: {tls}\n  \
         tls-service-key: {path}/key.pem\n  tls-service-pem: {path}/cert.pem\n  tcp-count: 1000\n  tcp-timeout: 10\n  \
         username: \"\"\n  chroot: \"\"\n  zonesdir: {path}\n  pidfile: {path}/nsd.pid\n  xfrdfile: {path}/xfrd\n  \
         xfrdir: {path}\n  zonelistfile: {path}/zones.list\n  database: \"\"\n{rate}\
         remote-control:\n  control-enable: no\nzone:\n  name: example.com\n  zonefile: zone\n"
    );
    let file = folder.join("nsd.conf");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("nsd");
    command.arg("-d").arg("-c").arg(file);
    command
}

/// Knot with as many connections and as much patience.
fn knot(folder: &Path, plain: SocketAddr) -> Command {
    let (path, address, port) = (folder.display(), plain.ip(), plain.port());
    let config = format!(
        "server:\n  listen: {address}@{port}\n  rundir: {path}\n  tcp-max-clients: 1000\n  tcp-idle-timeout: 10\n  \
         tcp-io-timeout: 5000\ndatabase:\n  storage: {path}/db\nlog:\n  - target: stderr\n    any: error\n\
         zone:\n  - domain: example.com\n    storage: {path}\n    file: zone\n    journal-content: none\n"
    );
    let file = folder.join("knot.conf");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("knotd");
    command.arg("-c").arg(file);
    command
}
