//! Any octets as a master file: no panic, both ways of parsing agree, and what is accepted survives being written.

use understudy::zone::Name;
use understudy::zone::parse::{Origin, Sources, load, parse};
use understudy::zone::write::write;

/// Every included file is the fuzzed text itself under another name, so that depth and loops are met.
struct Again<'a>(&'a [u8], u32);

impl Sources for Again<'_> {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        self.1 += 1;
        if self.1 > 20 {
            return Err("that is enough".to_owned());
        }
        Ok((format!("{path}{}", self.1 % 3), self.0.to_vec()))
    }
}

/// Runs one input.
pub(crate) fn run(octets: &[u8]) {
    // A single $GENERATE may make a million records: too slow a line to learn from.
    if octets.windows(2).any(|pair| pair.eq_ignore_ascii_case(b"$G")) && octets.len() > 400 {
        return;
    }
    let origin: Name = "example.com".parse().expect("a name");
    let kept = parse("fuzz", octets, Origin::Guessed(&origin), &mut Again(octets, 0));
    let loaded = load("fuzz", octets, Origin::Guessed(&origin), &mut Again(octets, 0));
    assert_eq!(kept.zone, loaded.zone);
    assert_eq!(kept.findings, loaded.findings);
    let Some(zone) = kept.zone else { return };
    let mut text = String::new();
    write(&zone, &mut text).expect("memory takes it");
    let again = load("written", text.as_bytes(), Origin::Unknown, &mut Again(b"", 0));
    assert_eq!(again.zone.as_ref(), Some(&zone), "{text}\n{:?}", again.findings);
}
