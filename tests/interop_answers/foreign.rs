//! NSD, Knot and BIND on loopback, each with the same zone files.

use std::fmt::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use understudy::zone::Rtype;

use crate::client::{Client, query};

/// A zone's origin and the file it is in.
pub(crate) type Files = Vec<(String, PathBuf)>;

/// A running server of another kind; it ends with this value.
pub(crate) struct Foreign {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

/// A folder of the test's own; it goes with this value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("understudy-answers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes zones; files are named by number.
    pub(crate) fn write(&self, zones: &[(String, String)]) -> Files {
        let write = |(number, (origin, text)): (usize, &(String, String))| {
            let file = self.0.join(format!("{number}.zone"));
            std::fs::write(&file, text).unwrap();
            (origin.clone(), file)
        };
        zones.iter().enumerate().map(write).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}

/// Starts all three and waits until each answers for the last zone.
pub(crate) fn start_all(scratch: &Scratch, zones: &Files) -> [Foreign; 3] {
    let servers = [nsd(scratch.path(), zones), knot(scratch.path(), zones), bind(scratch.path(), zones)];
    for server in &servers {
        server.wait(zones, scratch.path());
    }
    servers
}

impl Foreign {
    fn start(name: &'static str, address: SocketAddr, folder: &Path, tool: &str, arguments: &[&str]) -> Self {
        let log = |end: &str| std::fs::File::create(folder.join(format!("{name}.{end}"))).unwrap();
        let child = Command::new(tool)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log("out"))
            .stderr(log("err"))
            .spawn()
            .unwrap_or_else(|error| panic!("{tool} is needed: {error}"));
        Self { name, address, child }
    }

    /// Waits until every zone is answered with authority.
    fn wait(&self, zones: &Files, folder: &Path) {
        let queries: Vec<Vec<u8>> = zones.iter().map(|(origin, _)| query(origin, Rtype::SOA, false)).collect();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let answers = Client::new(self.address).ask(&queries).unwrap_or_default();
            let bad = answers.iter().position(|answer| answer.get(2).is_none_or(|flags| flags & 4 == 0));
            if answers.len() == queries.len() && bad.is_none() {
                return;
            }
            if Instant::now() > end {
                let zone = bad.map(|number| &zones[number]);
                panic!("{} does not serve {zone:?}; see {}/{}.err", self.name, folder.display(), self.name);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Takes an address on loopback whose port is free for UDP and TCP.
pub(crate) fn free_address() -> SocketAddr {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        if std::net::UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

fn nsd(folder: &Path, zones: &Files) -> Foreign {
    let address = free_address();
    let folder_name = folder.display();
    let mut config = format!(
        "server:\n server-count: 1\n ip-address: 127.0.0.1@{port}\n username: \"\"\n chroot: \"\"\n zonesdir: \"{folder_name}\"\n \
         database: \"\"\n pidfile: \"{folder_name}/nsd.pid\"\n xfrdfile: \"{folder_name}/xfrd.state\"\n \
         zonelistfile: \"{folder_name}/zone.list\"\n xfrdir: \"{folder_name}\"\n logfile: \"{folder_name}/nsd.log\"\n \
         cookie-secret-file: \"\"\n rrl-ratelimit: 0\n rrl-whitelist-ratelimit: 0\n refuse-any: no\n minimal-responses: no\n \
         tcp-query-count: 0\n tcp-timeout: 60\nremote-control:\n control-enable: no\n",
        port = address.port(),
    );
    for (origin, file) in zones {
        _ = write!(config, "zone:\n name: \"{origin}\"\n zonefile: \"{}\"\n", file.display());
    }
    let file = folder.join("nsd.conf");
    std::fs::write(&file, config).unwrap();
    Foreign::start("nsd", address, folder, "nsd", &["-d", "-c", &file.display().to_string()])
}

fn knot(folder: &Path, zones: &Files) -> Foreign {
    let address = free_address();
    let folder_name = folder.display();
    let mut config = format!(
        "server:\n    rundir: \"{folder_name}\"\n    listen: 127.0.0.1@{port}\n    tcp-workers: 1\n    udp-workers: 1\n    \
         background-workers: 1\n    tcp-idle-timeout: 60\nlog:\n  - target: stderr\n    any: warning\ndatabase:\n    \
         storage: \"{folder_name}/knot-db\"\ntemplate:\n  - id: default\n    storage: \"{folder_name}\"\n    \
         zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\nzone:\n",
        port = address.port(),
    );
    for (origin, file) in zones {
        _ = write!(config, "  - domain: \"{origin}\"\n    file: \"{}\"\n", file.display());
    }
    let file = folder.join("knot.conf");
    std::fs::write(&file, config).unwrap();
    Foreign::start("knot", address, folder, "knotd", &["-c", &file.display().to_string()])
}

fn bind(folder: &Path, zones: &Files) -> Foreign {
    let address = free_address();
    let folder_name = folder.display();
    let mut config = format!(
        "options {{ directory \"{folder_name}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n recursion no; \
         allow-query {{ any; }}; pid-file \"{folder_name}/named.pid\"; session-keyfile \"{folder_name}/session.key\";\n \
         dnssec-validation no; notify no; minimal-responses no; minimal-any no; empty-zones-enable no;\n check-names primary ignore; \
         check-integrity no; check-mx ignore; check-mx-cname ignore; check-srv-cname ignore; check-dup-records ignore;\n \
         check-wildcard no; tcp-clients 100; tcp-idle-timeout 600; }};\ncontrols {{ }};\n",
        port = address.port(),
    );
    for (origin, file) in zones {
        _ = writeln!(config, "zone \"{origin}\" {{ type primary; file \"{}\"; }};", file.display());
    }
    let file = folder.join("named.conf");
    std::fs::write(&file, config).unwrap();
    Foreign::start("bind", address, folder, "named", &["-g", "-n", "1", "-c", &file.display().to_string()])
}
