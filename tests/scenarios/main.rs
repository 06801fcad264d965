//! Behaviour, told as scripts: each `*.scn` beside this file is one story, played with no socket and no sleep.
//!
//! A story begins at 2026-11-21T00:00:00Z, right after the start of the process; every target passes after 10 ms until the
//! story says otherwise. Names without a final dot are relative to the origin of the first zone. A line is one step:
//!
//! | line | what happens |
//! |---|---|
//! | `# …` | nothing: a word to the reader |
//! | `zone FILE` | the zone file, beside this one, is served; before the first step |
//! | `zone-add RECORD` | one more record, as in a zone file, is added to the last zone; before the first step |
//! | `config` … `end` | the lines between are the config, but for the zones; before the first step |
//! | `fail WHAT silent` or `refused` | every probe of WHAT fails from now, by time-out or at once with a no |
//! | `full WHAT` | every probe of WHAT is degraded from now |
//! | `leave WHAT` | every probe of WHAT is told from now that the server is leaving |
//! | `blind WHAT` | every probe of WHAT ends from now by the checker's own fault |
//! | `pass WHAT` | every probe of WHAT passes from now |
//! | `break WHAT` | a connection that was held to WHAT breaks |
//! | `force up WHAT`, `force down WHAT`, `drain WHAT` | the order; behind it `in DURATION` (when it begins), `for DURATION` and `last` may stand |
//! | `clear WHAT` | all orders for WHAT end |
//! | `failback OWNER` | the order `failback` for a service |
//! | `reload` … `end` | the lines between are the new config |
//! | `zone-add RECORD`, `zone-drop RECORD` | after the first step: the record comes or goes with the next `reload` |
//! | `restart`, `restart after DURATION` | the process ends and starts again, at once or later, with what it kept |
//! | `kill`, `kill after DURATION` | the same, but it ends without a word |
//! | `clock DURATION` | the wall clock jumps ahead |
//! | `wait DURATION` | time passes: `250ms`, `45s`, `57m45s`, `1h` |
//! | `ask NAME TYPE` | a question; the lines behind, `= TTL RDATA` in declared order, are its answer, one of two where `or` stands between, or one line `= NODATA` (with or without its negative TTL), `= NXDOMAIN`, `= SERVFAIL`, `= nothing` (silence before the start is over) |
//! | `why NAME TYPE` | the line behind, `= TEXT`, is the reason of the answer |
//! | `state WHAT` | the line behind, `= WORD…`, is the health of its targets, in the order of the zone |
//! | `isolated` | the line behind, `= yes` or `= no`, tells whether the checker is cut off |
//!
//! WHAT is a host, an address, or either with `:PORT`. A step that is an order may be followed by `= refused`.

#![expect(clippy::unwrap_used, reason = "a story that cannot be read must fail the test")]

mod play;
mod script;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use script::{Script, Step};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn stories() -> Vec<(String, Script)> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "scn")).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let script = Script::parse(&std::fs::read_to_string(&path).unwrap());
        let script = script.unwrap_or_else(|error| panic!("{name}.scn:{error}"));
        (name, script)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_story_is_well_formed_and_proves_something() {
    let stories = stories();
    assert!(!stories.is_empty());
    for (name, script) in stories {
        let asks = |step: &Step| matches!(step, Step::Ask { .. } | Step::Why { .. } | Step::State { .. });
        assert!(script.steps.iter().any(|line| asks(&line.step)), "{name}.scn asks nothing");
        for zone in &script.zones {
            assert!(folder().join(&zone.file).is_file(), "{name}.scn: {} is missing", zone.file);
        }
    }
}

#[test]
fn every_story_goes_as_it_is_told() {
    let wrong: Vec<String> = stories().iter().flat_map(|(name, script)| play::play(&folder(), name, script)).collect();
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_zone_beside_the_stories_is_played() {
    let played: BTreeSet<String> =
        stories().into_iter().flat_map(|(_, script)| script.zones).map(|zone| zone.file).collect();
    let files = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    let zones: BTreeSet<String> =
        files.filter(|name| Path::new(name).extension().is_some_and(|e| e == "zone")).collect();
    assert_eq!(zones, played);
}
