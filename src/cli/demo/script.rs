//! The demo without a keyboard: each act stops and starts stand-ins, waits for the answer to change, and prints it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::clock::Clock;

use super::ask;
use super::stand_in::StandIn;
use crate::cli::input;
use crate::cli::paint::Paint;

/// One act.
struct Act {
    title: &'static str,
    /// Which stand-ins run from now on, in their order.
    running: [bool; 3],
    /// The hosts that must then be answered.
    expected: &'static [&'static str],
    /// Why.
    why: &'static str,
}

const NODE1: &str = "sip-node1.example.com.";
const NODE2: &str = "sip-node2.example.com.";
const STANDBY: &str = "sip-dr.example.com.";

const ACTS: &[Act] = &[
    Act {
        title: "All is well",
        running: [true, true, true],
        expected: &[NODE1, NODE2, STANDBY],
        why: "tier 10 serves, the standby is listed behind it",
    },
    Act {
        title: "sip-node1 stops",
        running: [false, true, true],
        expected: &[NODE2, STANDBY],
        why: "the dead target has left the answer",
    },
    Act {
        title: "sip-node2 stops too",
        running: [false, false, true],
        expected: &[STANDBY],
        why: "nobody of tier 10 is left: the understudy takes the part",
    },
    Act {
        title: "Both come back",
        running: [true, true, true],
        expected: &[NODE1, NODE2, STANDBY],
        why: "tier 10 held for 5 s (`hold`), then the part went back",
    },
    Act {
        title: "All three stop",
        running: [false, false, false],
        expected: &[NODE1, NODE2, STANDBY],
        why: "all down: the declared set, with a short TTL, never an empty answer",
    },
    Act {
        title: "The standby comes back alone",
        running: [false, false, true],
        expected: &[STANDBY],
        why: "one living target is enough",
    },
    Act {
        title: "And all come back",
        running: [true, true, true],
        expected: &[NODE1, NODE2, STANDBY],
        why: "the end: every one in its place",
    },
];

/// How long an act may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the server is asked.
const ASK: Duration = Duration::from_millis(50);

/// Plays all acts; tells whether each ended as it must.
///
/// # Errors
/// If a stand-in cannot start or the server gives no answer.
pub(super) async fn play(server: SocketAddr, stand_ins: &mut [StandIn; 3], clock: Clock) -> std::io::Result<bool> {
    let paint = Paint::stdout();
    let mut last = Vec::new();
    for act in ACTS {
        input::print(&format!("\n{}\n", paint.bold(act.title)));
        for (stand_in, runs) in stand_ins.iter_mut().zip(act.running) {
            if runs {
                stand_in.start().await?;
            } else {
                stand_in.stop();
            }
        }
        let began = clock.now().mono;
        let mut changed = false;
        loop {
            let answer = ask::srv(server, super::OWNER).await?;
            let since = clock.now().mono.since(began);
            if answer != last {
                print_answer(&answer, since, paint);
                changed |= ask::hosts(&answer) != ask::hosts(&last);
                last.clone_from(&answer);
            }
            // All down and all up list the same hosts: only an answer that came anew proves the act.
            if changed && ask::hosts(&answer) == act.expected {
                input::print(&format!("  {}\n", paint.good(act.why)));
                break;
            }
            if since > PATIENCE {
                let expected = act.expected.join(", ");
                input::print(&format!("  {}\n", paint.bad(format!("after 30 s the answer is not {expected}"))));
                return Ok(false);
            }
            tokio::time::sleep(ASK).await;
        }
    }
    Ok(true)
}

fn print_answer(answer: &[String], since: Duration, paint: Paint) {
    let head = paint.dim(format!("after {:.1} s", since.as_secs_f64()));
    let lines: Vec<String> = answer.iter().map(|line| format!("    {line}\n")).collect();
    input::print(&format!("  {head}\n{}", lines.concat()));
}
