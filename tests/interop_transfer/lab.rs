//! The program as a primary, with a target that can be killed; and what asks it and others.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::server::eventually;

/// The secret of the key `transfer`.
pub(crate) const SECRET: &str = "dGhlIHNlY3JldCBvZiB0cmFuc2ZlcnMgb24gbG9vcGJhY2s=";

/// A folder that is gone when the test ends well.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("understudy-transfer-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}

/// A child process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(name: &str, folder: &Path, tool: &str, arguments: &[&str]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(folder.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn();
        Self(child.unwrap_or_else(|error| panic!("{tool} is needed: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Has it read its files anew.
    pub(crate) fn hang_up(&self) {
        run("kill", &["-s", "HUP", &self.0.id().to_string()]);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The program, and what it serves: a service whose preferred target is [`Target`].
pub(crate) struct Primary {
    pub(crate) address: SocketAddr,
    pub(crate) tls: SocketAddr,
    metrics: SocketAddr,
    folder: PathBuf,
    process: Option<Process>,
}

/// A target on loopback: it accepts connections, and answers SIP OPTIONS if it is one of SIP, until it is killed.
pub(crate) struct Target {
    port: u16,
    program: &'static str,
    child: Option<Process>,
}

impl Target {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::run(ACCEPTS, folder)
    }

    /// Starts one that answers SIP over TCP.
    pub(crate) fn sip(folder: &Path) -> Self {
        Self::run(ANSWERS_SIP, folder)
    }

    fn run(program: &'static str, folder: &Path) -> Self {
        let mut target = Self { port: free_address().port(), program, child: None };
        target.revive(folder);
        target
    }

    /// Starts it where it was.
    pub(crate) fn revive(&mut self, folder: &Path) {
        let port = self.port.to_string();
        self.child = Some(Process::start("target", folder, "python3", &["-c", self.program, &port]));
        eventually("the target listens", || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok());
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn kill(&mut self) {
        self.child = None;
    }
}

/// Accepts connections on loopback at the port of its argument.
const ACCEPTS: &str = "import socket,sys\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n\
    s.bind(('127.0.0.1',int(sys.argv[1])))\ns.listen(99)\nheld=[]\nwhile True: held.append(s.accept())";
/// Answers every SIP request with 200, and a ping with a pong (RFC 5626 §3.5.1).
const ANSWERS_SIP: &str = r"
import socket, sys, threading
def serve(stream):
    octets = b''
    while True:
        more = stream.recv(4096)
        if not more: return
        octets += more
        while b'\r\n\r\n' in octets:
            head, octets = octets.split(b'\r\n\r\n', 1)
            if not head.strip():
                stream.sendall(b'\r\n')
                continue
            kept = [line for line in head.split(b'\r\n')[1:] if line.split(b':')[0].lower() in
                    (b'via', b'from', b'to', b'call-id', b'cseq')]
            kept = [line + b';tag=1' if line.lower().startswith(b'to:') else line for line in kept]
            stream.sendall(b'\r\n'.join([b'SIP/2.0 200 OK'] + kept + [b'Content-Length: 0', b'', b'']))
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', int(sys.argv[1])))
listener.listen(99)
while True:
    stream = listener.accept()[0]
    threading.Thread(target=serve, args=(stream,), daemon=True).start()
";

/// The zone: two tiers of one service, and names enough for some messages.
fn zone(live: u16, standby: u16, names: usize) -> String {
    let mut text = format!(
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster 1 3600 60 86400 60\n@ NS ns1\n@ NS ns2\n\
         ns1 A 127.0.0.1\nns2 A 127.0.0.1\nnode1 A 127.0.0.1\nnode2 A 127.0.0.1\n\
         _x-test._tcp SRV 10 10 {live} node1\n_x-test._tcp SRV 20 10 {standby} node2\n*.wild TXT \"any\"\n\
         sub NS ns.sub\nns.sub A 127.0.0.1\n"
    );
    (0..names).for_each(|number| text += &format!("name{number} TXT \"{number} {}\"\n", "x".repeat(number % 200)));
    text
}

impl Primary {
    /// Starts it with a zone of so many names; `keys` stands in the zone's section, as it is written.
    pub(crate) fn start(folder: &Folder, targets: (&Target, &Target), names: usize, keys: &str) -> Self {
        let sections = "[health]\ninterval = \"1s\"\n[policy]\nhold = \"1s\"\n\
             [[service]]\nmatch = \"_x-test._tcp.example.test\"\ncheck = { kind = \"tcp\" }\n";
        let zone = zone(targets.0.port, targets.1.port, names);
        let primary = Self::run(folder, &zone, sections, keys);
        eventually("understudy answers with its first choice", || {
            (services(primary.address) == [10, 20]).then_some(())
        });
        primary
    }

    /// Starts it with this zone and these sections of its config; `keys` stands in the zone's section.
    pub(crate) fn run(folder: &Folder, zone: &str, sections: &str, keys: &str) -> Self {
        let [address, tls, metrics] = [(); 3].map(|()| free_address());
        let config = format!(
            "version = 1\n[server]\nlisten = [\"{address}\"]\ntls-listen = [\"{tls}\"]\nmetrics-listen = \"{metrics}\"\n\
             certificate = \"cert.pem\"\nkey = \"key.pem\"\n[state]\ndir = \"state\"\n{sections}\
             [[zone]]\nfile = \"example.test.zone\"\n{keys}\n\
             [[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n\
             [[key]]\nname = \"k384\"\nalgorithm = \"hmac-sha384\"\nsecret = \"{SECRET}\"\n\
             [[key]]\nname = \"k512\"\nalgorithm = \"hmac-sha512\"\nsecret = \"{SECRET}\"\n"
        );
        folder.write("example.test.zone", zone);
        let made = rcgen::generate_simple_self_signed(["ns1.example.test".to_owned()]).unwrap();
        folder.write("cert.pem", &made.cert.pem());
        folder.write("key.pem", &made.signing_key.serialize_pem());
        let config = folder.write("understudy.toml", &config);
        Command::new("chmod").arg("o=").arg(&config).status().unwrap();
        let mut primary = Self { address, tls, metrics, folder: folder.path().to_owned(), process: None };
        primary.restart();
        primary
    }

    /// Ends it as a power cut does, and starts it where it was.
    pub(crate) fn restart(&mut self) {
        self.process = None;
        let arguments = ["serve", "--log", "debug", "understudy.toml"];
        self.process = Some(Process::start("understudy", &self.folder, env!("CARGO_BIN_EXE_understudy"), &arguments));
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().unwrap().id()
    }

    /// Returns a counter by its name and labels, as `/metrics` has it; 0 if it is not told yet.
    pub(crate) fn counter(&self, line: &str) -> u64 {
        let url = format!("http://{}/metrics", self.metrics);
        let text = run("curl", &["-s", "--noproxy", "*", &url]);
        let found = text.lines().find_map(|told| told.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0)
    }

    pub(crate) fn outbound(&self, kind: &str, result: &str) -> u64 {
        self.counter(&format!("understudy_transfer_outbound_total{{kind=\"{kind}\",result=\"{result}\"}}"))
    }

    pub(crate) fn notified(&self, result: &str) -> u64 {
        self.counter(&format!("understudy_transfer_notify_total{{result=\"{result}\"}}"))
    }
}

/// Runs a tool; returns what it prints.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(tool).args(arguments).output().unwrap_or_else(|error| panic!("{tool} is needed: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Asks by dig; returns what it prints.
pub(crate) fn dig(server: SocketAddr, arguments: &[&str]) -> String {
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let all: Vec<&str> =
        ["-r", &at, "-p", &port, "+time=2", "+tries=1"].into_iter().chain(arguments.iter().copied()).collect();
    run("dig", &all)
}

/// Returns the priorities of the service's records, sorted; none without an answer.
pub(crate) fn services(server: SocketAddr) -> Vec<u16> {
    priorities(server, b"\x07_x-test\x04_tcp\x07example\x04test\0")
}

/// Returns the priorities of the SRV records of a name, sorted; none without an answer.
pub(crate) fn priorities(server: SocketAddr, name: &[u8]) -> Vec<u16> {
    let rdatas = ask(server, name, 33).unwrap_or_default();
    let mut found: Vec<u16> = rdatas.iter().map(|rdata| u16::from_be_bytes([rdata[0], rdata[1]])).collect();
    found.sort_unstable();
    found
}

/// Returns the serial of the zone; nothing if there is no answer.
pub(crate) fn serial(server: SocketAddr) -> Option<u32> {
    let soa = ask(server, b"\x07example\x04test\0", 6)?.pop()?;
    Some(u32::from_be_bytes(soa[soa.len() - 20..soa.len() - 16].try_into().unwrap()))
}

/// Asks by UDP; returns the RDATA of each record in the answer. Without a process for each query, as time is measured by
/// it.
fn ask(server: SocketAddr, name: &[u8], rtype: u16) -> Option<Vec<Vec<u8>>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let query = [b"\xab\xcd\0\0\0\x01\0\0\0\0\0\0", name, &rtype.to_be_bytes(), &[0, 1]].concat();
    socket.send_to(&query, server).ok()?;
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer).ok()?;
    let (answer, mut at) = (&answer[..length], query.len());
    let count = u16::from_be_bytes([answer[6], answer[7]]);
    let rdatas = (0..count).map(|_| {
        while answer[at] != 0 && answer[at] < 192 {
            at += usize::from(answer[at]) + 1;
        }
        at += if answer[at] == 0 { 1 } else { 2 };
        let start = at + 10;
        at = start + usize::from(u16::from_be_bytes([answer[at + 8], answer[at + 9]]));
        answer[start..at].to_vec()
    });
    Some(rdatas.collect())
}

/// Returns the records of a whole zone by AXFR, sorted, the SOA once.
pub(crate) fn zone_of(server: SocketAddr, more: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = more.iter().copied().chain(["+noall", "+answer", "example.test", "AXFR"]).collect();
    let text = dig(server, &arguments);
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut records: Vec<String> = text.lines().filter(|line| !line.starts_with(';')).map(plain).collect();
    records.retain(|line| !line.is_empty());
    records.sort_unstable();
    records.dedup();
    records
}

/// Waits for this long, whatever has unparked the thread before.
pub(crate) fn pause(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Takes an address on loopback whose port is free for UDP and TCP.
pub(crate) fn free_address() -> SocketAddr {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}
