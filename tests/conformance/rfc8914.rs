//! Extended errors: why there is no answer, or another one than is declared.

use hickory_proto::op::ResponseCode::{NoError, Refused, ServFail};
use understudy::base::table::RowId;
use understudy::serve::{AccessList, Transport};
use understudy::snapshot::Note;
use understudy::zone::Rtype;

use crate::support::{Answer, Server, name, query};

const EDE: u16 = 15;

fn extended(answer: &Answer) -> Option<(u16, String)> {
    let data = answer.option(EDE)?;
    let (code, text) = data.split_first_chunk::<2>().unwrap();
    Some((u16::from_be_bytes(*code), String::from_utf8(text.to_vec()).unwrap()))
}

#[test]
fn refusals_and_failures_tell_their_kind() {
    let server = Server::new(&["t. 60 SOA n. h. 1 2 3 4 60", "broken."]);
    let ask = |question: &str| server.ask_octets(&query(question, Some(1232)), Transport::Udp);
    assert_eq!((ask("other. A").rcode(), extended(&ask("other. A"))), (Refused, Some((20, String::new()))));
    let broken = Some((14, String::new()));
    assert_eq!((ask("broken. A").rcode(), extended(&ask("broken. A"))), (ServFail, broken));
    assert_eq!(extended(&ask("t. SOA")), None);
    server.set(|settings| {
        for zone in ["t.", "broken."] {
            settings.zones.insert(name(zone), AccessList::only(vec!["192.0.2.0/24".parse().unwrap()]));
        }
    });
    // Whoever may not ask is told the same as of a zone that is not here.
    for hidden in ["t. SOA", "broken. A"] {
        assert_eq!((ask(hidden).rcode(), extended(&ask(hidden))), (Refused, Some((20, String::new()))), "{hidden}");
    }
    assert_eq!(ask("t. SOA").message.edns.unwrap().options().as_ref().len(), 1);
}

/// The reason of a decision goes with the set that it shaped, where there is room for it.
#[test]
fn the_reason_of_a_failover_is_told_in_words() {
    let zone = "t. 60 SOA n. h. 1 2 3 4 60\n_sip._tcp.t. 60 SRV 20 1 5060 b.t.\nb.t. 60 A 192.0.2.2";
    let mut server = Server::with_slots(&[zone], &[(0, "_sip._tcp.t.", Rtype::SRV)]);
    let ask = |server: &Server| server.ask_octets(&query("_sip._tcp.t. SRV", Some(1232)), Transport::Udp);
    assert_eq!(extended(&ask(&server)), None);
    let words = "standby: tier 20 serves, tier 10 failed";
    let next =
        server.snapshot().next([]).with_notes([(RowId::from_index(0), Some(Note { text: words.into(), hold: None }))]);
    server.publish_snapshot(next);
    let answer = ask(&server);
    assert_eq!((answer.rcode(), extended(&answer)), (NoError, Some((0, words.to_owned()))));
    assert_eq!(answer.additional(), ["b.t. 60 A 192.0.2.2"]);
    // RFC 8914 §3: the text gives way, records do not.
    let long = "x".repeat(1200);
    let next =
        server.snapshot().next([]).with_notes([(RowId::from_index(0), Some(Note { text: long.into(), hold: None }))]);
    server.publish_snapshot(next);
    let answer = ask(&server);
    assert_eq!((extended(&answer), answer.additional().len(), answer.is_truncated()), (None, 1, false));
    assert!(extended(&server.ask("_sip._tcp.t. SRV")).is_some());
}
