//! How long a dead server stays in the answer: Prosody as the only member of priority 10, killed and stopped again and
//! again; the same with gdnsd's fastest setting beside it. Everything runs on loopback, as nobody if started by root.
//!
//! ```text
//! cargo bench --bench detect                       # all of it, some eight minutes
//! cargo bench --bench detect -- --rounds 3         # a quick look
//! ```
//!
//! It needs `prosody`, `gdnsd` and `kill` (Debian: prosody, gdnsd, procps).
#![expect(clippy::unwrap_used, reason = "what cannot be measured must fail")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures by the real clock")]

mod ask;
mod folder;
mod peers;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use folder::Folder;
use peers::{DnsServer, Prosody};

/// Where the preferred server and the standby listen.
const PREFERRED: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 2);
const STANDBY: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 3);
/// How long anything may take before the measurement has failed.
const SOON: Duration = Duration::from_secs(60);
/// When the first probes and connections of the start no longer count among the starts of a second at an address.
const STARTED: Duration = Duration::from_millis(1_500);
/// How long a change is waited for that may never come.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One row of the table.
struct Row {
    what: &'static str,
    dns: Kind,
    signal: &'static str,
    /// From test to test: the signal falls at another point of it in each round.
    interval: Duration,
    rounds: usize,
}

/// Which server is asked, with which settings.
#[derive(Clone, Copy)]
enum Kind {
    /// The program itself; its `[health]`.
    Understudy(&'static str),
    /// gdnsd: interval 2 s, all thresholds 1.
    Gdnsd,
}

fn main() {
    let rounds = rounds();
    let secs = Duration::from_secs;
    let understudy =
        |what, health, signal, interval, rounds| Row { what, dns: Kind::Understudy(health), signal, interval, rounds };
    let gdnsd = |what, signal, rounds| Row { what, dns: Kind::Gdnsd, signal, interval: secs(2), rounds };
    let rows = [
        understudy("SIGKILL, defaults", "", "KILL", secs(5), rounds),
        understudy("SIGKILL, fall = 1", "fall = 1", "KILL", secs(5), rounds),
        understudy("SIGKILL, defaults, watch = false", "watch = false", "KILL", secs(5), rounds.div_ceil(2)),
        understudy("SIGSTOP, defaults", "", "STOP", secs(5), rounds.div_ceil(3)),
        gdnsd("SIGKILL, gdnsd 2 s, thresholds 1", "KILL", rounds),
        gdnsd("SIGSTOP, gdnsd 2 s, thresholds 1", "STOP", 1),
    ];
    let folder = Folder::new();
    let _standby = Prosody::start(&folder, "standby", STANDBY);
    println!(
        "| from the signal to the new answer | rounds | first answer: median | most | all answers: median | most |"
    );
    println!("|---|---|---|---|---|---|");
    for row in rows {
        let times: Vec<Option<Times>> = (0..row.rounds).map(|round| measure(&folder, &row, round)).collect();
        let render =
            |time: fn(&Times) -> Duration| render(times.iter().map(|times| times.as_ref().map(time)).collect());
        println!("| {} | {} | {} | {} |", row.what, row.rounds, render(|times| times.first), render(|times| times.all));
    }
}

/// How long after the signal the first answer no longer named the dead server, and how long all.
struct Times {
    first: Duration,
    all: Duration,
}

/// Tells the median and the greatest of some times; nothing is a change that did not come.
fn render(mut times: Vec<Option<Duration>>) -> String {
    times.sort_unstable_by_key(|time| time.unwrap_or(Duration::MAX));
    let [median, most] = [times.len() / 2, times.len() - 1].map(|place| match times[place] {
        Some(time) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        None => format!("not within {TIMEOUT:?}"),
    });
    format!("{median} | {most}")
}

/// Reads `--rounds N`; cargo adds an argument of its own.
fn rounds() -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == "--rounds");
    place.and_then(|place| arguments.get(place + 1)?.parse().ok()).unwrap_or(20).max(1)
}

/// Starts everything anew, sends the signal, and returns how long the answers still named the dead server; nothing if
/// they did so to the end.
fn measure(folder: &Folder, row: &Row, round: usize) -> Option<Times> {
    let preferred = Prosody::start(folder, "preferred", PREFERRED);
    let dns = match row.dns {
        Kind::Understudy(health) => DnsServer::understudy(folder, health),
        Kind::Gdnsd => DnsServer::gdnsd(folder),
    };
    eventually("the preferred server in all answers", || dns.answers().iter().all(|answer| answer.prefers()));
    dns.settle();
    // The golden ratio: points that never fall together.
    let phase = (round as f64 * 0.618_034).fract();
    std::thread::sleep(STARTED + row.interval.mul_f64(phase));
    let begin = Instant::now();
    preferred.signal(row.signal);
    let mut first = None;
    let changed = within(TIMEOUT, || {
        let answers = dns.answers();
        if answers.iter().any(|answer| answer.is_standby()) {
            first.get_or_insert_with(|| begin.elapsed());
        }
        answers.iter().all(|answer| answer.is_standby())
    });
    let all = begin.elapsed();
    changed.then(|| Times { first: first.unwrap_or(all), all })
}

/// Asks again and again until it is so, which must be soon.
#[track_caller]
fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    assert!(within(SOON, is_so), "not within {SOON:?}: {what}");
}

/// Asks again and again until it is so; returns whether it was in time.
fn within(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if is_so() {
            return true;
        }
        if begin.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}
