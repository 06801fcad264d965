//! A server with a flood guard hangs and resumes: what the checker sent meanwhile is read in one burst, and blocks nobody.

use std::time::{Duration, Instant};

use crate::Lab;
use crate::table::Change;

/// The domains of the one server, each with a service over UDP and TCP; the first one has TLS too. With it for all of them
/// Kamailio 5.6 may free something twice when it resumes, and end: many handshakes have been given up then.
const DOMAINS: usize = 40;
/// What Kamailio logs when it blocks an address for five minutes.
const BLOCKED: &str = "pike blocking";

#[test]
fn a_flood_guard_blocks_nobody_after_a_hang() {
    let script = include_str!("servers/kamailio-guarded.sh");
    let label = |transport: &'static str, port| {
        (0..DOMAINS).map(move |domain| (&*format!("{transport}.d{domain:02}").leak(), port))
    };
    let tls = label("_sips._tcp", 5061).take(1);
    let services: Vec<(&'static str, u16)> =
        label("_sip._udp", 5060).chain(label("_sip._tcp", 5060)).chain(tls).collect();
    let begin = Instant::now();
    let lab = Lab::new(&[("kamailio-guarded", script, services.leak())]);
    lab.wait(0, "up", begin);

    for &seconds in hangs() {
        // All are well, and tested as seldom as they are.
        std::thread::sleep(Duration::from_secs(12));
        let from = lab.checker.log.len();
        lab.hosts[0].signal("STOP");
        let hung = Instant::now();
        if seconds >= 20 {
            let down = lab.wait(from, "down", hung);
            eprintln!(
                "hung for {seconds} s: the first is down after {:.1?}, the last after {:.1?}",
                range(&down).0,
                range(&down).1
            );
        }
        std::thread::sleep(Duration::from_secs(seconds).saturating_sub(hung.elapsed()));
        let (from, resumed) = (lab.checker.log.len(), Instant::now());
        lab.hosts[0].signal("CONT");
        if seconds >= 20 {
            let up = lab.wait(from, "up", resumed);
            eprintln!("resumed: the first is up after {:.1?}, the last after {:.1?}", range(&up).0, range(&up).1);
        }
        std::thread::sleep(Duration::from_secs(15));
        let logged = lab.hosts[0].logged();
        let blocked: Vec<&str> = logged.lines().filter(|line| line.contains(BLOCKED)).collect();
        assert!(blocked.is_empty(), "after a hang of {seconds} s: {blocked:?}");
    }
}

/// How long the server hangs, in seconds, one time after the other.
fn hangs() -> &'static [u64] {
    if std::env::var_os("REAL_SERVERS").is_some() { &[5, 20, 60] } else { &[5, 20] }
}

/// When the first and the last of these came to be.
fn range(changes: &[Option<Change>]) -> (Duration, Duration) {
    let times = || changes.iter().flatten().map(|change| change.after);
    (times().min().unwrap_or_default(), times().max().unwrap_or_default())
}
