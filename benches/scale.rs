//! The built program with ten thousand targets on loopback: lateness, processor time and memory for each.
//!
//! `cargo bench --bench scale` prints a table; `-- --targets N --interval MS --seconds S` change what is run, `--watch`
//! holds connections open to a third of the targets, `--descriptors N` gives the program no more than so many. Memory is
//! told over that of the same zone with nothing tested (`--static`). Addresses are 127.101.0.0 and up, one for each
//! target; nothing leaves the machine.
//! The stand-ins for the targets run in this process, so that what is measured is the program alone. Needs as many file
//! descriptors as there are targets over UDP; Linux only, as it reads `/proc`. The program starts 5,000 tests a second at
//! most, so what is run should want fewer: an interval is shortened by up to a tenth.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for the hand that ends with its first surprise")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is run.
#[derive(Clone, Copy, Debug)]
struct Plan {
    targets: usize,
    interval_ms: u64,
    seconds: u64,
    watch: bool,
    /// How many file descriptors the program may have; nothing: as many as this process.
    descriptors: Option<u64>,
}

fn main() {
    let plan = Plan::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    answer_tcp(&runtime, plan.targets);
    answer_udp(&runtime, plan.targets);

    let folder = std::env::temp_dir().join(format!("understudy-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!("{plan:?}");
    let untested = untested_kib(&folder, plan);
    let run = Run::take(&folder, plan);
    std::fs::remove_dir_all(&folder).unwrap();
    run.print(untested, plan);
}

impl Plan {
    fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let given = |name: &str| {
            let at = words.iter().position(|word| word == name);
            at.and_then(|at| words.get(at + 1)?.parse::<u64>().ok())
        };
        let number = |name: &str, default: u64| given(name).unwrap_or(default);
        Self {
            targets: usize::try_from(number("--targets", 10_000)).unwrap(),
            interval_ms: number("--interval", 2_200),
            seconds: number("--seconds", 30),
            watch: words.iter().any(|word| word == "--watch"),
            descriptors: given("--descriptors"),
        }
    }
}

/// What was measured of one run, after its start.
#[derive(Debug)]
struct Run {
    probes: f64,
    passes: f64,
    unknown: f64,
    held: f64,
    /// Upper bounds in seconds and how many probes began no later.
    lateness: Vec<(f64, f64)>,
    processor: Duration,
    seconds: f64,
    /// Anonymous resident memory in KiB: heap and stacks.
    memory_kib: f64,
    descriptors: usize,
}

impl Run {
    fn take(folder: &Path, plan: Plan) -> Self {
        let program = Program::start(folder, plan, &[]);
        // The first probes are spread over a second; two intervals later all is in its stride.
        std::thread::sleep(Duration::from_millis(1_000 + 2 * plan.interval_ms));
        let (before, spent, began) = (program.metrics(), program.processor(), Instant::now());
        std::thread::sleep(Duration::from_secs(plan.seconds));
        let (after, processor) = (program.metrics(), program.processor() - spent);
        let total = |text: &str, name: &str, with: &str| -> f64 {
            let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(with));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        let grown = |name: &str, with: &str| total(&after, name, with) - total(&before, name, with);
        let bounds = (0..14).map(|power| 0.001 * f64::from(1 << power));
        let bucket = |bound: f64| grown("understudy_probe_lateness_seconds_bucket", &format!("le=\"{bound}\""));
        Self {
            probes: grown("understudy_probe_outcomes_total", ""),
            passes: grown("understudy_probe_outcomes_total", "outcome=\"pass\""),
            unknown: grown("understudy_probe_outcomes_total", "outcome=\"unknown\""),
            held: total(&after, "understudy_watch_held", ""),
            lateness: bounds.map(|bound| (bound, bucket(bound))).collect(),
            processor,
            seconds: began.elapsed().as_secs_f64(),
            memory_kib: program.memory_kib(),
            descriptors: program.descriptors(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn print(&self, untested_kib: f64, plan: Plan) {
        let share = |bound: f64| self.lateness.iter().find(|(at, _)| *at >= bound).map_or(0.0, |(_, count)| *count);
        let total = self.lateness.last().map_or(0.0, |(_, count)| *count);
        let p99 = self.lateness.iter().find(|(_, count)| *count >= 0.99 * total).map_or(f64::NAN, |(at, _)| *at);
        let targets = plan.targets as f64;
        let each = (self.memory_kib - untested_kib) / targets;
        println!(
            "probes                 {:.0} in {:.1} s ({:.0}/s), {:.0} passed, {:.0} unknown",
            self.probes,
            self.seconds,
            self.probes / self.seconds,
            self.passes,
            self.unknown
        );
        println!("wanted at least        {:.0}/s", targets * 1_000.0 / plan.interval_ms as f64);
        println!(
            "lateness               p99 within {:.0} ms; {:.2} % within 64 ms",
            p99 * 1e3,
            100.0 * share(0.064) / total
        );
        println!(
            "processor              {:.1} % of one core; {:.0} us a probe",
            100.0 * self.processor.as_secs_f64() / self.seconds,
            self.processor.as_secs_f64() * 1e6 / self.probes
        );
        println!(
            "memory                 {:.1} MiB, {each:.2} KiB a target over the {:.1} MiB of the same zone with nothing tested",
            self.memory_kib / 1024.0,
            untested_kib / 1024.0
        );
        println!("descriptors            {}, {:.0} connections held", self.descriptors, self.held);
    }
}

/// What the program takes for the zone alone, in KiB.
fn untested_kib(folder: &Path, plan: Plan) -> f64 {
    let program = Program::start(folder, plan, &["--static"]);
    std::thread::sleep(Duration::from_secs(3));
    program.memory_kib()
}

/// The built program.
struct Program {
    child: Child,
    metrics: SocketAddr,
}

impl Program {
    fn start(folder: &Path, plan: Plan, arguments: &[&str]) -> Self {
        let zone = write(folder, "scale.zone", &zone(plan.targets));
        let config = format!(
            "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nmetrics-listen = \"127.0.0.1:0\"\n[state]\ndir = \"{}\"\n\
             [health]\ninterval = \"{}ms\"\nwatch = {}\n[[zone]]\nfile = \"{}\"\n",
            folder.join(format!("state-{}", plan.targets)).display(),
            plan.interval_ms,
            plan.watch,
            zone.display()
        );
        let config = write(folder, "scale.toml", &config);
        let limit = plan.descriptors.map_or(String::new(), |number| format!("ulimit -n {number}; "));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit}exec \"$@\""), "sh", env!("CARGO_BIN_EXE_understudy"), "serve"]);
        command.arg(config).args(["--log-format", "json"]).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("telling metrics")).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let metrics = line["listen"].as_str().unwrap().parse().unwrap();
        // Whoever does not read blocks the writer.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, metrics }
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// User and system time so far, in hundredths of a second (proc(5), `stat`).
    fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(self.proc("stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn memory_kib(&self) -> f64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Services of four members in two tiers: TCP, SIP over UDP and STUN over UDP in turn, each target at its own address.
fn zone(targets: usize) -> String {
    let mut text =
        "$ORIGIN scale.example.\n$TTL 30\n@ SOA ns h 1 3600 600 604800 30\n@ NS ns\nns A 127.0.0.1\n".to_owned();
    for target in 0..targets {
        let (service, member) = (target / 4, target % 4);
        let owner = ["_load._tcp", "_sip._udp", "_stun._udp"][service % 3];
        let priority = if member < 2 { 10 } else { 20 };
        writeln!(text, "{owner}.s{service} SRV {priority} 1 {PORT} h{target}\nh{target} A {}", address(target))
            .unwrap();
    }
    text
}

fn address(target: usize) -> Ipv4Addr {
    let [.., a, b] = u32::try_from(target).unwrap().to_be_bytes();
    Ipv4Addr::new(127, 101, a, b)
}

/// Accepts at the address of each target that is asked over TCP, reads until the other side ends, and closes.
fn answer_tcp(runtime: &tokio::runtime::Runtime, targets: usize) {
    let _entered = runtime.enter();
    for target in (0..targets).filter(|target| (target / 4) % 3 == 0) {
        let listener = TcpListener::bind((address(target), PORT)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let accepting = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let reading = async move {
                    let mut octets = [0; 512];
                    while tokio::io::AsyncReadExt::read(&mut stream, &mut octets).await.is_ok_and(|read| read > 0) {}
                };
                drop(tokio::spawn(reading));
            }
        };
        drop(runtime.spawn(accepting));
    }
}

/// Answers SIP OPTIONS and STUN Binding at the address of each target that is asked over UDP.
fn answer_udp(runtime: &tokio::runtime::Runtime, targets: usize) {
    let _entered = runtime.enter();
    for target in (0..targets).filter(|target| (target / 4) % 3 != 0) {
        let socket = UdpSocket::bind((address(target), PORT)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
        let answering = async move {
            let mut packet = [0; 2_048];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                if let Some(answer) = answer(&packet[..length], from) {
                    drop(socket.send_to(&answer, from).await);
                }
            }
        };
        drop(runtime.spawn(answering));
    }
}

/// Makes the answer to a SIP request, or to a STUN Binding request (RFC 8489 §6.3.1.1), if it is one.
fn answer(packet: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    if packet.first()? & 0xc0 == 0 {
        let (head, rest) = packet.split_first_chunk::<4>()?;
        if head[..2] != [0, 1] {
            return None;
        }
        let SocketAddr::V4(from) = from else { return None };
        let mut answer = vec![1, 1, 0, 12];
        answer.extend(rest.get(..16)?);
        answer.extend([0, 0x20, 0, 8, 0, 1]);
        answer.extend((from.port() ^ 0x2112).to_be_bytes());
        answer.extend((u32::from(*from.ip()) ^ 0x2112_a442).to_be_bytes());
        return Some(answer);
    }
    let text = std::str::from_utf8(packet).ok()?;
    let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
    for line in
        text.lines().filter(|line| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)))
    {
        answer = answer + line + "\r\n";
    }
    let to = text.lines().find(|line| line.starts_with("To:"))?;
    Some((answer + to + ";tag=scale\r\nContent-Length: 0\r\n\r\n").into_bytes())
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The port of all targets.
const PORT: u16 = 25_999;
