//! The servers that take part: Prosody, the program itself, gdnsd.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use hickory_proto::rr::RecordType;

use crate::ask::{Answer, ask};
use crate::folder::{Folder, Process};
use crate::{PREFERRED, STANDBY, eventually};

const CLIENTS: u16 = 24_222;
const SERVERS: u16 = 24_269;
const DNS: &str = "127.77.0.1:24053";
const METRICS: &str = "127.77.0.1:24054";

/// A Prosody that serves example.test to clients and servers.
pub(crate) struct Prosody(Process);

impl Prosody {
    /// Starts it and waits until both ports are open.
    pub(crate) fn start(folder: &Folder, name: &str, address: Ipv4Addr) -> Self {
        let data = folder.make(name);
        let [key, certificate] = certificate(folder);
        let config = format!(
            "pidfile = \"{data}/prosody.pid\"\ndata_path = \"{data}\"\ncertificates = \"{data}\"\ndaemonize = false\n\
             modules_enabled = {{ \"roster\", \"saslauth\", \"tls\", \"disco\", \"ping\", \"dialback\", \"s2s\", \"c2s\" }}\n\
             log = {{ {{ levels = {{ min = \"warn\" }}, to = \"console\" }} }}\n\
             interfaces = {{ \"{address}\" }}\nlocal_interfaces = {{ \"{address}\" }}\n\
             http_ports = {{}}\nhttps_ports = {{}}\ncomponent_ports = {{}}\n\
             c2s_ports = {{ {CLIENTS} }}\ns2s_ports = {{ {SERVERS} }}\n\
             c2s_require_encryption = true\ns2s_require_encryption = true\ns2s_secure_auth = false\n\
             authentication = \"internal_hashed\"\nstorage = \"internal\"\n\
             ssl = {{ key = \"{key}\", certificate = \"{certificate}\" }}\nVirtualHost \"example.test\"\n",
            data = data.display(),
        );
        let config = folder.write(&format!("{name}.cfg.lua"), &config);
        let process = folder.start(name, "prosody", Command::new("prosody").arg("--config").arg(config).arg("-F"));
        for port in [CLIENTS, SERVERS] {
            eventually("an open port of Prosody", || TcpStream::connect((address, port)).is_ok());
        }
        Self(process)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        self.0.signal(name);
    }
}

/// Makes a key and a certificate for example.test, once, and returns their files.
fn certificate(folder: &Folder) -> [String; 2] {
    let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.make("").join(name));
    if !key.exists() {
        let made = rcgen::generate_simple_self_signed(["example.test".to_owned()]).unwrap();
        folder.write("key.pem", &made.signing_key.serialize_pem());
        folder.write("certificate.pem", &made.cert.pem());
    }
    [key, certificate].map(|path| path.display().to_string())
}

/// The DNS server that is asked.
pub(crate) struct DnsServer {
    process: Process,
    questions: &'static [(&'static str, RecordType)],
    /// How many connections it holds once it has settled.
    holds: u32,
}

impl DnsServer {
    /// Starts the program with the two XMPP services, and these lines in its `[health]`.
    pub(crate) fn understudy(folder: &Folder, health: &str) -> Self {
        let zone = format!(
            "$ORIGIN example.test.\n$TTL 60\n@ SOA ns1 hm 1 7200 1800 259200 900\n@ NS ns1\nns1 A 127.77.0.1\n\
             _xmpp-client._tcp SRV 10 0 {CLIENTS} preferred\n_xmpp-client._tcp SRV 20 0 {CLIENTS} standby\n\
             _xmpp-server._tcp SRV 10 0 {SERVERS} preferred\n_xmpp-server._tcp SRV 20 0 {SERVERS} standby\n\
             preferred A {PREFERRED}\nstandby A {STANDBY}\n"
        );
        let zone = folder.write("example.test.zone", &zone);
        let config = format!("version = 1\n[server]\nmetrics-listen = \"{METRICS}\"\n[health]\n{health}\n");
        let config = folder.write("understudy.toml", &config);
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
        command.args(["serve", "--listen", DNS, "--state", "none"]).arg(config).arg(zone);
        let questions = &[
            ("_xmpp-client._tcp.example.test.", RecordType::SRV),
            ("_xmpp-server._tcp.example.test.", RecordType::SRV),
        ];
        let holds = if health.contains("watch = false") { 0 } else { 4 };
        Self { process: folder.start("understudy", "understudy", &mut command), questions, holds }
    }

    /// Starts gdnsd with its fastest setting over the same port.
    pub(crate) fn gdnsd(folder: &Folder) -> Self {
        let (etc, run, state) = (folder.make("gdnsd"), folder.make("gdnsd-run"), folder.make("gdnsd-state"));
        folder.make("gdnsd/zones");
        let config = format!(
            "options => {{ listen => [\"{DNS}\"], run_dir = {}, state_dir = {} }}\n\
             service_types => {{ xmpp => {{ plugin = tcp_connect, port = {CLIENTS}, interval = 2, timeout = 1, \
             up_thresh = 1, ok_thresh = 1, down_thresh = 1 }} }}\n\
             plugins => {{ simplefo => {{ service_types = xmpp, xmpp => {{ primary => {PREFERRED}, secondary => {STANDBY} }} }} }}\n",
            run.display(),
            state.display(),
        );
        folder.write("gdnsd/config", &config);
        let zone = "@ SOA ns1 hm ( 1 7200 1800 259200 900 )\n@ NS ns1\nns1 A 127.77.0.1\nxmpp 10 DYNA simplefo!xmpp\n";
        folder.write("gdnsd/zones/example.test", zone);
        let mut command = Command::new("gdnsd");
        command.arg("-c").arg(etc).arg("start");
        let questions = &[("xmpp.example.test.", RecordType::A)];
        Self { process: folder.start("gdnsd", "gdnsd", &mut command), questions, holds: 0 }
    }

    /// Asks everything that follows health.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        let server: SocketAddr = DNS.parse().expect("an address");
        self.questions.iter().map(|(name, rtype)| ask(server, name, *rtype)).collect()
    }

    /// Waits until it holds what it wants to hold.
    pub(crate) fn settle(&self) {
        let wanted = format!("\nunderstudy_watch_held {}\n", self.holds);
        eventually("held connections", || self.holds == 0 || metrics().contains(&wanted));
        self.process.signal("0");
    }
}

/// Reads the program's metrics.
fn metrics() -> String {
    let Ok(mut stream) = TcpStream::connect(METRICS) else { return String::new() };
    let mut text = String::new();
    let read = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    drop(read.and_then(|()| stream.read_to_string(&mut text)));
    text
}
