//! Zones that arrive signed.

use crate::compare::{ask_all, judge, our_server};
use crate::excuse;
use crate::foreign::{Scratch, start_all};
use crate::generate::generate;
use crate::setting;
use crate::sign::{WAYS, sign};

#[test]
fn where_two_agree_on_signed_zones_so_do_we() {
    let (zones, seed) = (setting("UNDERSTUDY_SIGNED", 18), setting("UNDERSTUDY_SEED", 1));
    let case = |number| generate(seed + number, &format!("s{number}.test."), "s0.test.", 200);
    let cases: Vec<_> = (0..zones).map(case).collect();
    let scratch = Scratch::new("signed");
    let plain = scratch.write(&cases.iter().flat_map(|case| case.zones.clone()).collect::<Vec<_>>());
    let files = plain.iter().zip(WAYS.iter().cycle());
    let files = files.map(|((origin, file), way)| (origin.clone(), sign(origin, file, *way))).collect();
    let others = start_all(&scratch, &files);
    let ours = our_server(&files);
    let questions: Vec<_> = cases.into_iter().flat_map(|case| case.questions).collect();
    for dnssec_ok in [false, true] {
        let rows = ask_all(&ours, &others, questions.clone(), dnssec_ok);
        judge(&rows, &files, excuse::answer, excuse::additional).check(&scratch);
    }
}
