//! A root zone.

use crate::compare::{ask_all, judge, our_server};
use crate::excuse;
use crate::foreign::{Scratch, start_all};
use crate::generate::generate;
use crate::setting;

#[test]
fn where_two_agree_on_a_root_zone_so_do_we() {
    let mut case = generate(setting("UNDERSTUDY_SEED", 1), ".", "elsewhere.", 600);
    // Nothing is elsewhere for the root: BIND refuses it without the address of each of its servers.
    let (_, root) = case.zones.iter_mut().find(|(origin, _)| origin == ".").unwrap();
    root.push_str("ns.elsewhere.invalid. 300 IN A 192.0.2.54\n");
    let scratch = Scratch::new("root");
    let files = scratch.write(&case.zones);
    let others = start_all(&scratch, &files);
    let rows = ask_all(&our_server(&files), &others, case.questions, false);
    judge(&rows, &files, excuse::answer, excuse::additional).check(&scratch);
}
