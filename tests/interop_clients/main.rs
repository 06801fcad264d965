//! Real clients that would stay with a broken server reach the standby, because answers follow health.
//!
//! Each case runs twice in a network namespace of its own, with understudy on port 53: once with `--static`, as any DNS
//! server would answer, once as it is meant. Prints the table of `docs/real-clients.md`. Without a harness, as this program
//! also plays the broken servers when it is called again inside of a namespace.
//!
//! Packages: `prosody`, `lua-unbound`, `kamailio`, `bind9-dnsutils`, `iproute2`, `util-linux`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::print_stdout, reason = "it prints its table")]
#![expect(clippy::disallowed_methods, reason = "it measures, and spawns threads of its own")]

mod kamailio;
mod peer;
mod prosody;
mod room;

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use room::Room;

/// What a client saw.
#[derive(Clone, Debug)]
struct Saw {
    reached: bool,
    told: String,
    took: Duration,
}

/// One case: the client, how the preferred host is broken, whether the client gets by without help.
struct Case(&'static str, &'static str, bool);

const CASES: &[Case] = &[
    Case("prosody", "refuses", true),
    Case("prosody", "closes", false),
    Case("prosody", "silent", false),
    Case("prosody", "shutdown", false),
    Case("prosody", "unknown", false),
    Case("prosody", "badtls", false),
    Case("kamailio", "refuses", false),
    Case("kamailio", "silent", false),
    Case("kamailio", "503", false),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["play", protocol, mode, address] => peer::play(protocol, mode, address.parse().unwrap()),
        ["ask", proxy, domain] => peer::ask(proxy.parse().unwrap(), domain),
        _ => return run_all(words.iter().find(|word| !word.starts_with('-')).map(String::as_str)),
    }
    ExitCode::SUCCESS
}

/// Runs all cases whose client or fault is `only`, a few at a time, and tells whether each went as it must.
fn run_all(only: Option<&str>) -> ExitCode {
    let chosen = CASES.iter().filter(|case| only.is_none_or(|only| case.0 == only || case.1 == only));
    let waiting = Mutex::new(chosen.flat_map(|case| [(case, false), (case, true)]).collect::<Vec<_>>());
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, follows)) = { waiting.lock().unwrap().pop() } {
                    let saw = if case.0 == "prosody" {
                        prosody::pings(case.1, follows)
                    } else {
                        kamailio::relays(case.1, follows)
                    };
                    seen.lock().unwrap().push((case, follows, saw));
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    let mut wrong = 0;
    println!("| client | preferred host | served as declared | with health |\n|---|---|---|---|");
    for case in CASES {
        let find = |follows| seen.iter().find(|(other, with, _)| std::ptr::eq(*other, case) && *with == follows);
        let (Some((.., before)), Some((.., after))) = (find(false), find(true)) else { continue };
        println!("| {} | {} | {} | {} |", case.0, case.1, cell(before), cell(after));
        wrong += u32::from(!after.reached) + u32::from(before.reached != case.2);
    }
    println!("{wrong} of {} went otherwise", seen.len());
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cell(saw: &Saw) -> String {
    let word = if saw.reached { "reached" } else { "not reached" };
    format!("{word} in {:.1} s: {}", saw.took.as_secs_f64(), saw.told.replace('|', "/"))
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

/// Lets this program play a broken server.
fn stand_in(room: &mut Room, words: &[&str]) {
    let program = std::env::current_exe().unwrap().display().to_string();
    room.start(&format!("peer-{}", words.last().unwrap()), &[&[program.as_str(), "play"], words].concat());
}

/// How many cases run at once.
const AT_ONCE: usize = 4;
