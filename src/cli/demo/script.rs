//! The demo without a keyboard: each step stops and starts dummy targets, waits for the answer to change, and prints
//! it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::cli::input;
use crate::cli::line::Line;
use crate::cli::paint::{Paint, Tone};
use crate::daemon::Daemon;
use crate::engine::status::PoolStatus;
use crate::policy::ActiveTier;

use super::ask::{self, SeenAnswer};
use super::stand_in::StandIn;

/// One act.
struct Act {
    title: &'static str,
    /// Which stand-ins run from now on, in their order.
    running: [bool; 3],
    /// Who must then have the part.
    served: ActiveTier,
    /// The hosts that must then be answered.
    hosts: &'static [&'static str],
    /// What to see in it.
    moral: &'static str,
}

const NODE1: &str = "sip-node1.example.com.";
const NODE2: &str = "sip-node2.example.com.";
const STANDBY: &str = "sip-dr.example.com.";

const ACTS: &[Act] = &[
    Act {
        title: "All is well",
        running: [true, true, true],
        served: ActiveTier::Tier(10),
        hosts: &[NODE1, NODE2, STANDBY],
        moral: "two servers share the work, the standby is listed behind them",
    },
    Act {
        title: "sip-node1 stops",
        running: [false, true, true],
        served: ActiveTier::Tier(10),
        hosts: &[NODE2, STANDBY],
        moral: "first a short TTL, for something may change; then the dead one leaves the answer",
    },
    Act {
        title: "sip-node2 stops too",
        running: [false, false, true],
        served: ActiveTier::Tier(20),
        hosts: &[STANDBY],
        moral: "nobody of tier 10 is left: the understudy takes the part",
    },
    Act {
        title: "Both come back",
        running: [true, true, true],
        served: ActiveTier::Tier(10),
        hosts: &[NODE1, NODE2, STANDBY],
        moral: "not at once: tier 10 had to hold for 5 s (`hold`) before the part went back",
    },
    Act {
        title: "All three stop",
        running: [false, false, false],
        served: ActiveTier::AllDown,
        hosts: &[NODE1, NODE2, STANDBY],
        moral: "never an empty answer: clients would fall back to the domain's own address; and a short TTL",
    },
    Act {
        title: "The standby comes back alone",
        running: [false, false, true],
        served: ActiveTier::Tier(20),
        hosts: &[STANDBY],
        moral: "one living server is enough",
    },
    Act {
        title: "And all come back",
        running: [true, true, true],
        served: ActiveTier::Tier(10),
        hosts: &[NODE1, NODE2, STANDBY],
        moral: "this took longer: tier 10 had failed soon after its return, so it had to hold twice as long",
    },
];

/// How long an act may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often the server is asked.
const ASK: Duration = Duration::from_millis(50);

/// Plays all acts; tells whether each ended as it must.
///
/// # Errors
/// If a stand-in cannot start or the server gives no answer.
pub(super) async fn play(daemon: &Daemon, server: SocketAddr, stand_ins: &mut [StandIn; 3]) -> std::io::Result<bool> {
    let stage = Stage { daemon, server, clock: daemon.clock(), paint: Paint::stdout() };
    let began = stage.clock.now().mono;
    let mut last = SeenAnswer::default();
    for (number, act) in ACTS.iter().enumerate() {
        stage.print(&Line::default());
        stage.print(&Line::of(Tone::Bold, format!("{}. {}", number + 1, act.title)));
        for (stand_in, runs) in stand_ins.iter_mut().zip(act.running) {
            if runs {
                stand_in.start().await?;
            } else {
                stand_in.stop().await;
            }
        }
        if !stage.play(act, &mut last).await? {
            return Ok(false);
        }
    }
    let took = stage.clock.now().mono.since(began).as_secs();
    stage.print(&Line::default());
    stage.print(&Line::default().plain(format!("Seen in {took} s; your own zone: understudy serve example.com.zone")));
    Ok(true)
}

struct Stage<'a> {
    daemon: &'a Daemon,
    server: SocketAddr,
    clock: Clock,
    paint: Paint,
}

impl Stage<'_> {
    /// Prints each new answer until it is the act's; tells whether it came in time.
    async fn play(&self, act: &Act, last: &mut SeenAnswer) -> std::io::Result<bool> {
        let began = self.clock.now().mono;
        loop {
            let pool = self.decided().await;
            let answer = ask::srv(self.server, super::service::OWNER).await?;
            let since = self.clock.now().mono.since(began);
            if answer != *last {
                self.print(&Line::of(Tone::Dim, format!("  after {:.1} s", since.as_secs_f64())));
                for line in &answer.lines {
                    self.print(&Line::default().plain(format!("    {line}")));
                }
                last.clone_from(&answer);
            }
            if let Some(pool) = pool.filter(|pool| act.is_seen(pool, &answer)) {
                self.print(&Line::of(Tone::Good, format!("  {}", pool.decision.reason)));
                self.print(&Line::of(Tone::Dim, format!("  {}", act.moral)));
                return Ok(true);
            }
            if since > TIMEOUT {
                let hosts = act.hosts.join(", ");
                let secs = TIMEOUT.as_secs();
                self.print(&Line::of(Tone::Bad, format!("  after {secs} s the answer is still not {hosts}")));
                return Ok(false);
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// Returns what is decided for the service that is shown.
    async fn decided(&self) -> Option<PoolStatus> {
        let status = self.daemon.engine().status().await.ok()?;
        status.pools.into_iter().find(|pool| pool.name == super::service::OWNER)
    }

    fn print(&self, line: &Line) {
        input::say(&format!("{}\n", line.print(self.paint)));
    }
}

impl Act {
    /// All up and all down list the same hosts: the decision and the TTL tell them apart.
    fn is_seen(&self, pool: &PoolStatus, answer: &SeenAnswer) -> bool {
        pool.decision.served == self.served && pool.ttls.first().copied() == answer.ttl && answer.hosts == self.hosts
    }
}
