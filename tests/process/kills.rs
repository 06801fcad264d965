//! `kill -9` at any moment while orders are given and taken back, everything is read anew and a target comes and goes: no
//! acknowledged order is lost, no serial goes back, and the next start decides as the last did.
//!
//! `KILLS=200 cargo test --test process kills -- --nocapture` plays two hundred rounds; by default it is a few.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use understudy::base::clock::Clock;
use understudy::config::{Input, StateChoice, load};
use understudy::daemon::{Daemon, Ports, Read};
use understudy::health::orders::{Force, Order, Scope};

use crate::client::{DECLARED, STANDBY, ask_sip, serial, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Network, eventually, wait_for_state};
use crate::target::{Hosts, Target};

/// The server of one round: this program again, as orders are given within it.
struct Victim {
    child: Child,
    said: Arc<Mutex<Vec<(String, String)>>>,
}

impl Victim {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::serves_and_gives_orders_until_it_is_killed", "--ignored", "--nocapture"])
            .env("KILLS_FOLDER", folder)
            .env("KILLS_LISTEN", SocketAddr::from((Network::new().take(), 0)).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((word, what)) = line.split_once(": ") {
                    heard.lock().unwrap().push((word.to_owned(), what.to_owned()));
                }
            }
        });
        Self { child, said }
    }

    fn all(&self, word: &str) -> BTreeSet<String> {
        self.said.lock().unwrap().iter().filter(|(said, _)| said == word).map(|(_, what)| what.clone()).collect()
    }

    fn address(&self) -> SocketAddr {
        eventually("the server's address", || self.all("listening").first().map(|address| address.parse().unwrap()))
    }

    /// Ends it as a power cut would, and hears what it had said.
    fn kill(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut before = 0;
        eventually("the last words", || {
            let now = self.said.lock().unwrap().len();
            (std::mem::replace(&mut before, now) == now).then_some(())
        });
        self
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Numbers that follow from the first (xorshift).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// How many rounds are to be played, and by which chance.
pub(crate) fn rounds() -> (u64, Chance) {
    let rounds: u64 = std::env::var("KILLS").map_or(4, |rounds| rounds.parse().unwrap());
    let seed =
        std::env::var("KILLS_SEED").map_or_else(|_| u64::from(std::process::id()) | 1, |seed| seed.parse().unwrap());
    println!("{rounds} rounds, KILLS_SEED={seed}");
    (rounds, Chance(seed))
}

#[test]
fn kill_9_at_any_moment_loses_no_order_no_serial_and_no_decision() {
    let (rounds, mut chance) = rounds();
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    folder.write("understudy.toml", quick("0s"));
    folder.write("example.com.zone", hosts.zone());
    let mut targets: Vec<Option<Target>> = hosts.up().map(Some).into();
    let (mut orders, mut last_serial, mut decided) = (0, 0, None::<Vec<String>>);
    for round in 0..rounds {
        let victim = Victim::start(&folder.path(""));
        let address = victim.address();
        let first = ask_sip(address);
        if let Some(decided) = decided.take() {
            assert_eq!(first.records, decided, "round {round} begins with another decision");
        }
        let begin = serial(address);
        assert!(begin >= last_serial, "round {round}: serial {begin} after {last_serial}");

        // The preferred hosts come and go; in every second round the kill comes in the midst of that.
        let is_down = targets[0].is_none();
        let flip = |targets: &mut Vec<Option<Target>>, down: bool| {
            for (at, ip) in [(0, hosts.node1), (1, hosts.node2)] {
                targets[at] = (!down).then(|| Target::up(ip));
            }
        };
        flip(&mut targets, !is_down);
        if round % 2 == 0 {
            let wanted = if is_down { DECLARED } else { STANDBY };
            decided = Some(wait_sip(address, wanted).records);
            wait_for_state(&state, "conclusive", if is_down { 0 } else { 2 });
        }
        let given = victim.all("given").len();
        eventually("more orders", || (victim.all("given").len() > given).then_some(()));
        std::thread::sleep(Duration::from_millis(chance.below(400)));
        last_serial = serial(address);
        let victim = victim.kill();

        let kept: BTreeSet<String> = understudy::store::read(&state)
            .unwrap()
            .into_keys()
            .filter_map(|key| key.strip_prefix("order/").map(str::to_owned))
            .collect();
        let (given, clearing, cleared) = (victim.all("given"), victim.all("clearing"), victim.all("cleared"));
        let lost: Vec<&String> = given.difference(&clearing).filter(|id| !kept.contains(*id)).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        let back: Vec<&String> = cleared.intersection(&kept).collect();
        assert!(back.is_empty(), "round {round}: taken back, and there again: {back:?}");
        orders += given.len();
    }
    println!("{rounds} rounds, {orders} orders acknowledged, none lost; serial {last_serial} at the end");
}

/// The child of the test above. Its orders raise a host that is up already, so that they change no answer.
#[test]
#[ignore = "started by the test above"]
fn serves_and_gives_orders_until_it_is_killed() {
    let Some(folder) = std::env::var_os("KILLS_FOLDER").map(PathBuf::from) else { return };
    let listen: SocketAddr = std::env::var("KILLS_LISTEN").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let input = Input {
            files: vec![folder.join("understudy.toml"), folder.join("example.com.zone")],
            listen: vec![listen],
            state: Some(StateChoice::Folder(folder.join("state"))),
            ..Input::default()
        };
        let read = move || load(&input, &|_: &str| None);
        let running = read().unwrap();
        let read = Read::new(read);
        let ports = Ports::bind(&running.server).unwrap();
        let daemon = Daemon::start(running, ports, read.clone(), Clock::start()).await.unwrap();
        daemon.answering().await;
        println!("listening: {}", daemon.addresses()[0]);
        let engine = daemon.engine();
        let mut open: Vec<u64> = engine.orders().await.unwrap().iter().map(|order| order.id).collect();
        for number in 0_u64.. {
            let order = Order {
                force: Force::Up,
                scope: Scope::Host("sip-dr.example.com".to_owned(), None),
                from: None,
                until: None,
                reason: format!("the {number}th"),
                author: "a test".to_owned(),
            };
            let id = engine.give_order(order, true).await.unwrap();
            println!("given: {id}");
            open.push(id);
            if open.len() > 5 {
                let oldest = open.remove(0);
                println!("clearing: {oldest}");
                engine.clear_order(oldest).await.unwrap();
                println!("cleared: {oldest}");
            }
            if number % 16 == 15 {
                daemon.reload(&read).await.unwrap();
            }
        }
    });
}
