//! Members come and go at random, and either side is killed at random: what a secondary has is always a version that we had,
//! serials only grow, and in the end all have the same.
//!
//! `UNDERSTUDY_FLIPS` says how many changes there are, and `UNDERSTUDY_SEED` which ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::foreign::{Kind, Secondary, Source, address};
use crate::lab::{Folder, Primary, dig, free_address, serial};
use crate::server::eventually;

/// What may be killed, and what becomes of it.
#[derive(Debug)]
enum Step {
    Flip(usize),
    RestartPrimary,
    RestartSecondary(usize),
}

/// A target that accepts connections until it is dropped.
struct Member {
    address: SocketAddr,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The records of our versions, by serial.
#[derive(Default)]
struct Versions(BTreeMap<u32, BTreeSet<String>>);

impl Member {
    fn start(address: SocketAddr) -> Self {
        let listener = eventually("the port is free", || TcpListener::bind(address).ok());
        let stops = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stops);
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                held.push(stream);
            }
        });
        Self { address, stops, thread: Some(thread) }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Versions {
    /// Takes what has become of our zone since the last version that is known; nothing if nobody answers.
    fn learn(&mut self, primary: SocketAddr) -> Option<u32> {
        let (last, mut records) = self.0.last_key_value().map_or((0, BTreeSet::new()), |(s, r)| (*s, r.clone()));
        let lines = transfer(primary, &format!("IXFR={last}"));
        let serials: Vec<Option<u32>> = lines.iter().map(|line| serial_of(line)).collect();
        let newest = (*serials.first()?)?;
        if lines.len() == 1 {
            return Some(newest);
        }
        if serials[1] != Some(last) {
            // The whole zone.
            self.0.insert(newest, lines[1..lines.len() - 1].iter().cloned().collect());
            return Some(newest);
        }
        let mut deletes = false;
        for (line, found) in lines.iter().zip(&serials).skip(1) {
            match found {
                Some(version) => {
                    deletes = !deletes;
                    // The SOA behind the additions is that of the next deletions, or closes the whole.
                    if deletes && *version != last {
                        self.0.insert(*version, records.clone());
                    }
                }
                None if deletes => assert!(records.remove(line), "we delete what we did not have: {line}"),
                None => assert!(records.insert(line.clone()), "we add what we had: {line}"),
            }
        }
        Some(newest)
    }
}

/// Transfers the zone; returns the records in their order, none if nobody answers.
fn transfer(server: SocketAddr, kind: &str) -> Vec<String> {
    let text = dig(server, &["+tcp", "+noall", "+answer", "example.test", kind]);
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    text.lines().filter(|line| !line.starts_with(';') && !line.is_empty()).map(plain).collect()
}

fn serial_of(line: &str) -> Option<u32> {
    let words: Vec<&str> = line.split(' ').collect();
    (words.get(3) == Some(&"soa")).then(|| words[6].parse().unwrap())
}

/// The version that a secondary has: its serial, and its records without the SOA.
fn version_of(secondary: SocketAddr) -> Option<(u32, BTreeSet<String>)> {
    let lines = transfer(secondary, "AXFR");
    let serial = serial_of(lines.first()?)?;
    Some((serial, lines[1..lines.len() - 1].iter().cloned().collect()))
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn zone(members: &[SocketAddr]) -> String {
    let mut text =
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster 1 3600 1 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n\
                    node A 127.0.0.1\n"
            .to_owned();
    for member in members {
        text += &format!("_x-test._tcp SRV 10 10 {} node\n", member.port());
    }
    text
}

const SECTIONS: &str = "[health]\ninterval = \"400ms\"\nfast-interval = \"200ms\"\ndown-interval = \"400ms\"\n\
    confirm-interval = \"100ms\"\n[policy]\nttl = 1\nunsettled-ttl = 1\n[[service]]\n\
    match = \"_x-test._tcp.example.test\"\ncheck = { kind = \"tcp\" }\n";

#[test]
fn at_random_every_secondary_has_a_version_that_we_had_and_in_the_end_the_same() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let flips = number("UNDERSTUDY_FLIPS").unwrap_or(6);
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() & 0xffff_ffff).unwrap();
    let seed = number("UNDERSTUDY_SEED").unwrap_or(now) | 1;
    println!("UNDERSTUDY_SEED={seed}");
    let mut state = seed;
    let folder = Folder::new();
    let addresses = [(); 3].map(|()| free_address());
    let mut members: Vec<Option<Member>> = addresses.iter().map(|address| Some(Member::start(*address))).collect();
    let places = [Kind::Nsd, Kind::Knot, Kind::Bind].map(|kind| (kind, address()));
    let told: Vec<String> = places.iter().map(|(_, address)| format!("\"{address}\"")).collect();
    let keys = format!("allow-transfer = [\"127.0.0.1\"]\nalso-notify = [{}]", told.join(", "));
    let mut primary = Primary::run(&folder, &zone(&addresses), SECTIONS, &keys);
    let source = Source { primary: primary.address, signed: false, tls: None };
    let mut secondaries = places.map(|(kind, address)| Secondary::new(kind, address, source));
    secondaries.iter_mut().for_each(Secondary::start);
    eventually("all have the zone", || {
        secondaries.iter().all(|secondary| serial(secondary.address).is_some()).then_some(())
    });
    let (mut versions, mut newest) = (Versions::default(), 0);
    let (mut had, mut restarts, mut unseen, mut done) = ([0; 3], 0, 0, 0);
    while done < flips {
        let step = match random(&mut state) % 10 {
            0 => Step::RestartPrimary,
            1 => Step::RestartSecondary(usize::try_from(random(&mut state) % 3).unwrap()),
            _ => Step::Flip(usize::try_from(random(&mut state) % 3).unwrap()),
        };
        match &step {
            Step::Flip(place) => {
                done += 1;
                let member = &mut members[*place];
                *member = if member.is_some() { None } else { Some(Member::start(addresses[*place])) };
            }
            Step::RestartPrimary => primary.restart(),
            Step::RestartSecondary(place) => {
                secondaries[*place].kill();
                secondaries[*place].start();
            }
        }
        restarts += u64::from(!matches!(step, Step::Flip(_)));
        // Not always: the next may come in the midst of it.
        if !random(&mut state).is_multiple_of(3) {
            let up: BTreeSet<u16> = members.iter().flatten().map(|member| member.address.port()).collect();
            // When all are down, all are served.
            let wanted = if up.is_empty() { addresses.iter().map(SocketAddr::port).collect() } else { up };
            eventually("we serve who is up", || (ports(primary.address) == wanted).then_some(()));
        }
        for (secondary, had) in secondaries.iter().zip(&mut had) {
            let Some((serial, records)) = version_of(secondary.address) else { continue };
            let ours = eventually("we answer", || versions.learn(primary.address));
            assert!(
                ours >= newest && serial >= *had && serial <= ours,
                "{step:?}: {serial} after {had}, ours {ours} after {newest}"
            );
            (newest, *had) = (ours, serial);
            let Some(known) = versions.0.get(&serial) else {
                // It was published and fetched between our last look and a kill, after which the history begins anew.
                let log = std::fs::read_to_string(folder.path().join("understudy.log")).unwrap();
                assert!(log.contains(&format!("example.test. {serial}\"")), "{step:?}: we never had {serial}");
                unseen += 1;
                continue;
            };
            assert_eq!(&records, known, "{step:?}: {} at {serial}", secondary.name);
        }
    }
    members.iter_mut().zip(addresses).for_each(|(member, address)| {
        member.get_or_insert_with(|| Member::start(address));
    });
    eventually("all have the same in the end", || {
        let ours = version_of(primary.address)?;
        (ours.1.len() == 6 && secondaries.iter().all(|secondary| version_of(secondary.address).as_ref() == Some(&ours)))
            .then_some(())
    });
    println!("{done} changes, {restarts} restarts, {} versions, {unseen} seen at a secondary alone", versions.0.len());
}

/// The ports of the service's records.
fn ports(server: SocketAddr) -> BTreeSet<u16> {
    let text = dig(server, &["+short", "_x-test._tcp.example.test", "SRV"]);
    text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect()
}
