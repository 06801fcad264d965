//! Unsigned zones.

use crate::compare::{ask_all, judge, our_server};
use crate::excuse;
use crate::foreign::{Scratch, start_all};
use crate::generate::generate;
use crate::setting;

#[test]
fn where_two_agree_so_do_we() {
    let (zones, seed) = (setting("UNDERSTUDY_ZONES", 40), setting("UNDERSTUDY_SEED", 1));
    for first in (0..zones).step_by(250) {
        let batch = first..zones.min(first + 250);
        let cases: Vec<_> =
            batch.map(|number| generate(seed + number, &format!("z{number}.test."), "z0.test.", QUESTIONS)).collect();
        let scratch = Scratch::new(&format!("plain-{first}"));
        let files = scratch.write(&cases.iter().flat_map(|case| case.zones.clone()).collect::<Vec<_>>());
        let others = start_all(&scratch, &files);
        let questions = cases.into_iter().flat_map(|case| case.questions).collect();
        let rows = ask_all(&our_server(&files), &others, questions, false);
        let verdict = judge(&rows, &files, excuse::answer, excuse::additional);
        verdict.check(&scratch);
    }
}

/// Questions for each zone.
const QUESTIONS: usize = 200;
