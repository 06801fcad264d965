//! The bodies of the fuzz targets over their seeds and over what chance makes of them, for a second each: what holds
//! for every input is tried with each run of the tests. `cargo fuzz` runs the same bodies guided by coverage.
//!
//! `FUZZ_SECONDS` sets how long each body runs, and `FUZZ_SEED` repeats what a run has made: each has a seed of its own, which it
//! prints. An input that fails is written to a file, which is named.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it runs for a time, and tells how often")]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../fuzz/bodies/answer.rs"]
mod answer;
#[path = "../fuzz/bodies/config.rs"]
mod config;
#[path = "../fuzz/bodies/dns.rs"]
mod dns;
#[path = "../fuzz/bodies/greeting.rs"]
mod greeting;
#[path = "../fuzz/bodies/grpc.rs"]
mod grpc;
#[path = "listeners/house.rs"]
#[expect(dead_code, reason = "the tests of listeners use more of it")]
mod house;
#[path = "../fuzz/bodies/http.rs"]
mod http;
#[path = "../fuzz/bodies/journal.rs"]
mod journal;
#[path = "../fuzz/bodies/query.rs"]
mod query;
#[path = "../fuzz/bodies/replies.rs"]
mod replies;
#[path = "../fuzz/bodies/resolver.rs"]
mod resolver;
#[path = "../fuzz/bodies/sip.rs"]
mod sip;
#[path = "../fuzz/bodies/streams.rs"]
mod streams;
#[path = "../fuzz/bodies/stun.rs"]
mod stun;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;
#[path = "listeners/trust.rs"]
mod trust;
#[path = "../fuzz/bodies/xmpp.rs"]
mod xmpp;
#[path = "../fuzz/bodies/zone_parse.rs"]
mod zone_parse;

#[test]
fn any_octets_are_read_as_a_greeting() {
    feed("greeting", greeting::run);
}

#[test]
fn any_octets_are_read_as_answers_of_binary_protocols() {
    feed("replies", replies::run);
}

#[test]
fn any_octets_are_read_as_an_answer_of_grpc() {
    feed("grpc", grpc::run);
}

#[test]
fn any_packet_is_answered_in_form() {
    feed("answer", answer::run);
}

#[test]
fn any_octets_are_read_as_a_packet() {
    feed("query", query::run);
}

#[test]
fn any_octets_are_read_as_a_config() {
    feed("config", config::run);
}

#[test]
fn any_octets_are_read_as_a_journal() {
    feed("journal", journal::run);
}

#[test]
fn any_octets_are_read_as_sip() {
    feed("sip", sip::run);
}

#[test]
fn any_octets_are_read_as_an_answer_of_stun() {
    feed("stun", stun::run);
}

#[test]
fn any_octets_are_read_as_a_zone() {
    feed("zone_parse", zone_parse::run);
}

#[test]
fn any_octets_are_read_as_an_xmpp_server() {
    feed("xmpp", xmpp::run);
}

#[test]
fn any_octets_are_heard_by_the_clients_of_http() {
    feed("http", http::run);
}

#[test]
fn any_octets_are_read_as_an_answer_of_dns() {
    feed("dns", dns::run);
}

#[test]
fn any_octets_are_read_as_an_answer_of_the_resolver() {
    feed("resolver", resolver::run);
}

#[test]
fn any_octets_are_taken_on_a_stream_of_quic() {
    feed("streams", streams::run);
}

/// Runs a body over its seeds, then over changed ones until the time is over.
fn feed(name: &str, body: fn(&[u8])) {
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "fuzz/seeds/{name} has no file");
    seeds.iter().for_each(|seed| run(name, body, seed));
    let seconds = std::env::var("FUZZ_SECONDS").map_or(1, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let seed = std::env::var("FUZZ_SEED").map_or_else(|_| fresh_seed(), |text| text.parse().unwrap());
    println!("{name}: FUZZ_SEED={seed}");
    let mut chance = Chance(seed);
    let mut runs = 0_u64;
    while Instant::now() < end {
        run(name, body, &change(&seeds, &mut chance));
        runs += 1;
    }
    println!("{name}: {runs} inputs");
    assert!(runs > 0);
}

/// A seed of this run alone.
fn fresh_seed() -> u64 {
    std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), "seed")
}

fn run(name: &str, body: fn(&[u8]), input: &[u8]) {
    if catch_unwind(|| body(input)).is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        fs::write(&file, input).unwrap();
        panic!("fuzz/bodies/{name}.rs fails over {}", file.display());
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Takes a seed and changes it in one to eight places.
fn change(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(8) {
        let at = chance.below(input.len() + 1);
        let end = at + chance.below((input.len() - at).min(64) + 1);
        match chance.below(6) {
            0 if at < input.len() => input[at] ^= 1 << chance.below(8),
            1 if at < input.len() => input[at] = ODD[chance.below(ODD.len())],
            2 => input.insert(at, ODD[chance.below(ODD.len())]),
            3 => drop(input.drain(at..end)),
            4 => {
                let again = input[at..end].to_vec();
                let to = chance.below(input.len() + 1);
                input.splice(to..to, again);
            }
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
    input.truncate(LONGEST);
    input
}

/// Numbers that follow from the first, the seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let below = (mixed ^ (mixed >> 31)) % u64::try_from(bound.max(1)).unwrap();
        usize::try_from(below).unwrap()
    }
}

/// Octets that mean something somewhere.
const ODD: &[u8] = b"\x00\x01\x0c\x20\x3f\x40\x7f\x80\xc0\xff\r\n\t .;:\"'()<>/\\@$*-+=%&09azAZ";
const LONGEST: usize = 64 * 1024;
