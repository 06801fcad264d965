//! The load by UDP: good queries, of which so many are under way at once, and after four of them one broken packet.

use std::collections::HashMap;
use std::fmt;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::question::Question;
use crate::waits::Waits;
use crate::{PLAIN, Stop};

/// The threads that load the server.
pub(crate) struct Load(Vec<JoinHandle<Told>>);

/// What they saw.
#[derive(Default)]
pub(crate) struct Told {
    waits: Waits,
    /// Answers to good queries that were not theirs.
    wrong: u64,
    broken: u64,
    /// Answers to broken packets: FORMERR, and what was a query all the same.
    complaints: u64,
}

/// Starts it: so many packets a second in all.
pub(crate) fn start(rate: u32, stop: &Stop) -> Load {
    let client = |number: u64| {
        let client = Client::new(rate / THREADS, number);
        let stop = Arc::clone(stop);
        std::thread::spawn(move || client.run(&stop))
    };
    Load((0..u64::from(THREADS)).map(client).collect())
}

impl Load {
    /// Waits for the end.
    pub(crate) fn join(self) -> Told {
        self.0.into_iter().map(|thread| thread.join().unwrap()).fold(Told::default(), Told::and)
    }
}

/// One thread: a socket for good queries and one for the others.
struct Client {
    rate: u32,
    good: UdpSocket,
    bad: UdpSocket,
    questions: Vec<Question>,
    packets: Broken,
    /// When each was sent, and which it was, by its number.
    under_way: HashMap<u16, (Instant, usize)>,
    sent: u64,
    told: Told,
}

impl Client {
    fn new(rate: u32, seed: u64) -> Self {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(PLAIN).unwrap();
            socket
        };
        let (good, bad) = (socket(), socket());
        good.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        bad.set_nonblocking(true).unwrap();
        let questions = Question::all();
        let sound = questions.iter().map(|question| question.packet.clone()).collect();
        let packets = Broken::new(sound, seed + 0x5eed);
        let (under_way, told) = (HashMap::new(), Told::default());
        Self { rate, good, bad, questions, packets, under_way, sent: 0, told }
    }

    fn run(mut self, stop: &Stop) -> Told {
        let begin = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            // Four of five packets are good.
            let due = begin.elapsed().as_secs_f64() * f64::from(self.rate) * 0.8;
            while self.under_way.len() < WINDOW && (self.sent as f64) < due {
                self.send();
            }
            self.receive();
            self.give_up();
        }
        let end = Instant::now() + TIMEOUT;
        while !self.under_way.is_empty() && Instant::now() < end {
            self.receive();
        }
        for _ in 0..self.under_way.len() {
            self.told.waits.add(None);
        }
        self.told
    }

    fn send(&mut self) {
        let id = u16::try_from(self.sent % 65_536).unwrap();
        let which = usize::try_from(self.sent % 5).unwrap();
        self.good.send(&self.questions[which].numbered(id)).unwrap();
        self.under_way.insert(id, (Instant::now(), which));
        self.sent += 1;
        if self.sent.is_multiple_of(4) {
            self.bad.send(&self.packets.next()).unwrap();
            self.told.broken += 1;
            let mut octets = [0; 1232];
            while self.bad.recv(&mut octets).is_ok() {
                self.told.complaints += 1;
            }
        }
    }

    fn receive(&mut self) {
        let mut octets = [0; 1232];
        let Ok(length) = self.good.recv(&mut octets) else { return };
        let answer = &octets[..length];
        let id = answer.first_chunk().copied().map(u16::from_be_bytes);
        match id.and_then(|id| self.under_way.remove(&id)) {
            Some((sent, which)) if self.questions[which].is_answered_by(answer) => {
                self.told.waits.add(Some(sent.elapsed()));
            }
            Some(_) | None => self.told.wrong += 1,
        }
    }

    fn give_up(&mut self) {
        let before = self.under_way.len();
        if before == WINDOW {
            self.under_way.retain(|_, (sent, _)| sent.elapsed() < TIMEOUT);
        }
        for _ in self.under_way.len()..before {
            self.told.waits.add(None);
        }
    }
}

impl Told {
    fn and(mut self, other: Self) -> Self {
        self.waits.join(other.waits);
        self.wrong += other.wrong;
        self.broken += other.broken;
        self.complaints += other.complaints;
        self
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, lost, wrong) = (self.waits.answered(), self.waits.lost(), self.wrong);
        write!(f, "good queries: {answered} answered, {lost} lost, {wrong} wrong; ")?;
        write!(f, "{} broken packets, {} of them answered", self.broken, self.complaints)
    }
}

/// dnsperf beside: another's word on what is lost.
pub(crate) struct Dnsperf(Child);

impl Dnsperf {
    /// Starts it for so long, with a thousand queries a second.
    pub(crate) fn start(folder: &Path, seconds: u64) -> Self {
        let questions = folder.join("questions");
        std::fs::write(&questions, "_sip._tcp.example.com SRV\nnode1.example.com A\nabsent.example.com A\n").unwrap();
        let (server, port, seconds) = (PLAIN.ip().to_string(), PLAIN.port().to_string(), seconds.to_string());
        let mut command = Command::new("dnsperf");
        command.args(["-s", &server, "-p", &port, "-l", &seconds, "-Q", "1000", "-c", "4", "-e", "-d"]);
        command.arg(questions).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("dnsperf (package dnsperf): {error}")))
    }

    /// Waits for its end and tells what it says.
    pub(crate) fn render(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = ["Queries sent:", "Queries completed:", "Queries lost:", "Average Latency"];
        let lines = text.lines().filter(|line| words.iter().any(|word| line.contains(word)));
        let lines: Vec<String> = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        format!("dnsperf: {}", lines.join("; "))
    }
}

const THREADS: u32 = 2;
/// Good queries under way at once, for each thread: as many as dnsperf has, in all.
const WINDOW: usize = 50;
/// After so long a query counts as lost, as dnsperf counts.
const TIMEOUT: Duration = Duration::from_secs(5);
