//! DNAME.

use hickory_proto::op::ResponseCode::{self, NXDomain, NoError, YXDomain};

use crate::support::{Server, name};

const ZONE: &str = "
    t. 60 SOA n. h. 1 2 3 4 60
    old.t. 30 DNAME new.t.
    old.t. 60 TXT x
    hidden.old.t. 60 A 192.0.2.66
    www.new.t. 60 A 192.0.2.1
    away.t. 30 DNAME nowhere.
    long.t. 30 DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.t.";
const SOA: &str = "t. 60 SOA n. h. 1 2 3 4 60";

/// Returns code, answer and authority; the first record of the answer is the DNAME, and is left out.
fn sections(question: &str) -> (ResponseCode, Vec<String>, Vec<String>) {
    let answer = Server::new(&[ZONE]).ask(question);
    assert!(answer.is_authoritative());
    assert_eq!(u16::from(answer.message.answers[0].record_type()), 39);
    (answer.rcode(), answer.answer().split_off(1), answer.authority())
}

#[test]
fn names_below_are_renamed_and_what_lies_there_is_hidden() {
    let renamed = vec!["www.old.t. 30 CNAME www.new.t.".to_owned(), "www.new.t. 60 A 192.0.2.1".to_owned()];
    assert_eq!(sections("www.old.t. A"), (NoError, renamed, vec![]));
    let hidden = vec!["hidden.old.t. 30 CNAME hidden.new.t.".to_owned()];
    assert_eq!(sections("hidden.old.t. A"), (NXDomain, hidden, vec![SOA.to_owned()]));
    let away = vec!["www.away.t. 30 CNAME www.nowhere.".to_owned()];
    assert_eq!(sections("www.away.t. A"), (NoError, away, vec![]));
    assert_eq!(sections("www.old.t. CNAME"), (NoError, vec!["www.old.t. 30 CNAME www.new.t.".to_owned()], vec![]));
}

#[test]
fn the_owner_itself_is_not_renamed() {
    let server = Server::new(&[ZONE]);
    server.ask("old.t. TXT").is(NoError, true, "old.t. 60 TXT x", "", "");
    server.ask("old.t. A").is(NoError, true, "", SOA, "");
    assert_eq!(server.ask("old.t. DNAME").answer().len(), 1);
}

#[test]
fn a_name_that_grows_too_long_is_yxdomain() {
    let label = "b".repeat(63);
    let long = format!("{label}.{label}.{label}.long.t.");
    assert_eq!(name(&long).wire().len(), 200);
    assert_eq!(sections(&format!("{long} A")), (YXDomain, vec![], vec![]));
}

/// A chain goes as far as that of aliases does, whatever the length of its names.
#[test]
fn a_chain_of_long_names_is_as_long_as_one_of_short_names() {
    let zone = |label: &str| {
        let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
        for step in 0..20 {
            zone += &format!("{label}{step}.t. 60 DNAME {label}{}.t.\n", step + 1);
        }
        Server::new(&[&zone])
    };
    let long = "b".repeat(60);
    let below = format!("{long}.{long}.{long}");
    let steps = |label: &str, below: &str| zone(label).ask(&format!("{below}.{label}0.t. A")).answer().len();
    assert_eq!(steps("a", "www"), 2 * 12);
    assert_eq!(steps("a", &below), 2 * 12);
}
