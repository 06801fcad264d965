//! Real clients that would stay with a broken server reach the standby, because answers follow health.
//!
//! Each case runs twice in a network namespace of its own, with understudy on port 53: once with `--static`, as any DNS
//! server would answer, once as it is meant. Prints the table of `docs/real-clients.md`, and holds the page to it. Without
//! a harness, as this program also plays the broken servers when it is called again inside of a namespace.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::print_stdout, reason = "it prints its table")]
#![expect(clippy::disallowed_methods, reason = "it measures, and spawns threads of its own")]

mod cases;
mod kamailio;
mod peer;
mod prosody;
mod room;

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

use cases::{CASES, Case, Client, End};
use room::Room;

/// What a client saw.
#[derive(Clone, Debug)]
struct Saw {
    reached: bool,
    told: String,
    took: Duration,
}

impl Saw {
    fn end(&self, client: Client) -> End {
        match (self.reached, self.took < client.prompt()) {
            (true, true) => End::Reached,
            (true, false) => End::Late,
            (false, _) => End::Failed,
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["play", protocol, mode, address] => peer::play(protocol, mode, address.parse().unwrap()),
        ["ask", proxy, domain] => peer::ask(proxy.parse().unwrap(), domain),
        _ => return run_all(words.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str)),
    }
    ExitCode::SUCCESS
}

/// Runs all cases whose names contain `only`, a few at a time, and tells whether each went as it must.
fn run_all(only: &str) -> ExitCode {
    for (package, tool) in TOOLS {
        let found =
            Command::new("sh").args(["-c", "command -v \"$1\" || test -e \"$1\"", "sh", tool]).output().unwrap();
        assert!(found.status.success(), "{tool} of Debian's package {package} is not there");
    }
    let chosen: Vec<&Case> = CASES.iter().filter(|case| name(case).contains(only)).collect();
    let waiting = Mutex::new(chosen.iter().flat_map(|&case| [(case, true), (case, false)]).collect::<Vec<_>>());
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, follows)) = { waiting.lock().unwrap().pop() } {
                    let saw = run(case, follows);
                    seen.lock().unwrap().push((case, follows, saw));
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    let page = include_str!("../../docs/real-clients.md");
    let mut wrong = u32::from(chosen.is_empty());
    println!("| client | priority 10 | served as declared | with understudy |\n|---|---|---|---|");
    for case in chosen {
        let find =
            |follows| &seen.iter().find(|(other, with, _)| std::ptr::eq(*other, case) && *with == follows).unwrap().2;
        let (before, after) = (find(false), find(true));
        println!("| {} | {} | {} | {} |", case.client, case.fault, cell(case, before), cell(case, after));
        for (mistake, is_there) in [
            ("with understudy the standby is not reached at once", after.end(case.client) != End::Reached),
            ("without it goes otherwise", before.end(case.client) != case.alone),
            ("docs/real-clients.md has no such row", !page.contains(&row(case))),
        ] {
            if is_there {
                println!("  {}: {mistake}", name(case));
                wrong += 1;
            }
        }
    }
    println!("{} cases, {wrong} mistakes", seen.len() / 2);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(case: &Case, follows: bool) -> Saw {
    let room = Room::new(format!("{}, {}", name(case), if follows { "with understudy" } else { "as declared" }));
    match case.client {
        Client::Prosody | Client::ProsodyDirect => prosody::pings(room, case, follows),
        Client::Kamailio | Client::KamailioFailover => kamailio::relays(room, case, follows),
    }
}

fn name(case: &Case) -> String {
    format!("{}: {}", case.client, case.fault)
}

/// How the row of a case begins.
fn row(case: &Case) -> String {
    format!("| {} | {} | {}", case.client, case.fault, case.alone)
}

fn cell(case: &Case, saw: &Saw) -> String {
    format!("{}, {:.1} s: {}", saw.end(case.client), saw.took.as_secs_f64(), saw.told.replace('|', "/"))
}

/// Starts understudy on port 53, and waits until it answers; where it follows health, until the preferred host has left.
fn serve(room: &mut Room, zones: &[(&str, &str)], owner: &str, follows: bool) {
    let head = "$TTL 30\n@ SOA ns h 1 3600 600 604800 5\n@ NS ns\nns A 127.0.0.1\n";
    let files = zones.iter().map(|(origin, records)| {
        room.write(&format!("{origin}.zone"), &format!("$ORIGIN {origin}.\n{head}{records}")).display().to_string()
    });
    let files: Vec<String> = files.collect();
    let mut words = vec![env!("CARGO_BIN_EXE_understudy"), "serve", "--listen", "127.0.0.1:53", "--state", "none"];
    if !follows {
        words.push("--static");
    }
    words.extend(files.iter().map(String::as_str));
    room.start("understudy", &words);
    let domain = owner.splitn(3, '.').last().unwrap();
    let [first, second] = ["n1", "n2"].map(|host| format!("{host}.{domain}."));
    let wanted = if follows { vec![second] } else { vec![first, second] };
    room.eventually("the answer", |room| room.hosts(owner) == wanted);
}

/// The packages of Debian that it needs, and a tool or file of each.
const TOOLS: &[(&str, &str)] = &[
    ("prosody", "prosodyctl"),
    ("lua-unbound", "/usr/share/doc/lua-unbound"),
    ("kamailio", "kamcmd"),
    ("bind9-dnsutils", "dig"),
    ("iproute2", "ss"),
    ("util-linux", "nsenter"),
];

/// How many cases run at once; they mostly wait.
const AT_ONCE: usize = 4;
