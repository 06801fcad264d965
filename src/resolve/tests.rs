//! The book, the task in paused time, and the task against a minimal resolver on loopback: that one has a real socket,
//! so its tests keep real time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{RData, Record, RecordType};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::UdpSocket;
use tokio::sync::watch;

use super::*;
use crate::base::clock::{Clock, Mono};
use crate::base::tasks::Tasks;
use crate::zone::Name;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn addresses(texts: &[&str], ttl: u64) -> AddressReply {
    let addresses = texts.iter().map(|text| text.parse().unwrap()).collect();
    AddressReply::Addresses { addresses, ttl: Duration::from_secs(ttl), alias: None }
}

fn failed() -> AddressReply {
    AddressReply::Failed("SERVFAIL".to_owned())
}

fn at(secs: u64) -> Mono {
    Mono::START + Duration::from_secs(secs)
}

/// A book that wants one host, and asks for it.
fn asking(kept: Addresses) -> (Book, Name) {
    let (mut book, host) = (Book::new(kept), name("host.example."));
    book.want(std::slice::from_ref(&host), at(0));
    assert_eq!(book.take_due(at(0)), Some((host.clone(), Family::V4)));
    assert_eq!(book.take_due(at(0)), Some((host.clone(), Family::V6)));
    assert_eq!((book.take_due(at(0)), book.next()), (None, None));
    (book, host)
}

fn known(book: &Book, host: &Name) -> Vec<String> {
    book.addresses().get(host).into_iter().flatten().map(IpAddr::to_string).collect()
}

#[test]
fn a_host_is_asked_for_again_at_its_ttl_within_bounds() {
    for (answer, next) in [
        (addresses(&["127.0.0.1"], 0), 5),
        (addresses(&["127.0.0.1"], 60), 60),
        (addresses(&["127.0.0.1"], 86_400), 3_600),
        (AddressReply::Nothing { ttl: Some(Duration::from_secs(900)) }, 900),
        (AddressReply::Nothing { ttl: None }, 60),
    ] {
        let (mut book, host) = asking(Addresses::new());
        book.hear(&host, Family::V4, answer.clone(), at(10));
        assert_eq!(book.next(), Some(at(10 + next)), "{answer:?}");
    }
}

#[test]
fn failures_keep_the_last_addresses_and_are_tried_again_ever_more_slowly() {
    let (mut book, host) = asking(Addresses::new());
    assert!(book.hear(&host, Family::V4, addresses(&["127.0.0.2", "127.0.0.1"], 60), at(0)));
    let mut pauses = Vec::new();
    let mut now = at(60);
    for _ in 0..8 {
        assert_eq!(book.take_due(now), Some((host.clone(), Family::V4)));
        assert!(!book.hear(&host, Family::V4, failed(), now));
        let next = book.next().unwrap();
        pauses.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(known(&book, &host), ["127.0.0.1", "127.0.0.2"]);
}

#[test]
fn a_definite_no_takes_the_addresses_away() {
    let (mut book, host) = asking(Addresses::new());
    book.hear(&host, Family::V4, addresses(&["127.0.0.1"], 60), at(0));
    assert!(book.hear(&host, Family::V6, addresses(&["::1"], 90), at(0)));
    assert_eq!(book.take_due(at(60)), Some((host.clone(), Family::V4)));
    assert!(book.hear(&host, Family::V4, AddressReply::Nothing { ttl: None }, at(60)));
    assert_eq!(known(&book, &host), ["::1"], "the other family stays");
}

#[test]
fn a_host_that_has_no_address_of_either_family_is_known_to_have_none() {
    let (mut book, host) = asking(Addresses::new());
    let nothing = || AddressReply::Nothing { ttl: None };
    assert!(!book.hear(&host, Family::V4, nothing(), at(0)));
    assert!(book.addresses().is_empty(), "the other family may have some");
    assert!(book.hear(&host, Family::V6, nothing(), at(0)));
    assert_eq!(book.addresses(), Addresses::from([(host.clone(), Vec::new())]));
    assert_eq!(book.take_due(at(60)), Some((host.clone(), Family::V4)));
    assert!(!book.hear(&host, Family::V4, failed(), at(60)), "a failure says nothing");
    assert_eq!(book.addresses().len(), 1);
    assert_eq!(book.take_due(at(65)), Some((host.clone(), Family::V6)));
    assert!(book.hear(&host, Family::V6, addresses(&["::1"], 60), at(65)));
    assert_eq!(known(&book, &host), ["::1"]);
}

#[test]
fn another_order_is_no_change_and_a_flood_of_addresses_is_cut() {
    let (mut book, host) = asking(Addresses::new());
    assert!(book.hear(&host, Family::V4, addresses(&["127.0.0.1", "127.0.0.2"], 5), at(0)));
    book.take_due(at(5));
    assert!(!book.hear(&host, Family::V4, addresses(&["127.0.0.2", "127.0.0.1", "::1"], 5), at(5)));
    book.take_due(at(10));
    let many = (1..=100).map(|last| IpAddr::from([127, 0, 1, last])).collect();
    book.hear(&host, Family::V4, AddressReply::Addresses { addresses: many, ttl: Duration::ZERO, alias: None }, at(10));
    assert_eq!(known(&book, &host).len(), 16);
}

#[test]
fn what_a_former_run_knew_counts_until_the_first_answer() {
    let kept =
        || Addresses::from([(name("host.example."), vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()])]);
    let (mut book, host) = asking(kept());
    assert_eq!(known(&book, &host), ["127.0.0.1", "::1"]);
    assert!(!book.is_complete());
    assert!(!book.hear(&host, Family::V4, failed(), at(1)));
    assert!(book.hear(&host, Family::V6, AddressReply::Nothing { ttl: None }, at(1)));
    assert_eq!(known(&book, &host), ["127.0.0.1"]);
    assert!(book.is_complete());
}

#[test]
fn hosts_that_are_no_longer_wanted_are_forgotten_and_late_answers_for_them_dropped() {
    let (mut book, host) = asking(Addresses::new());
    book.want(&[name("other.example.")], at(1));
    assert!(!book.hear(&host, Family::V4, addresses(&["127.0.0.1"], 60), at(2)));
    assert!(book.addresses().is_empty());
    assert_eq!(book.take_due(at(2)), Some((name("other.example."), Family::V4)));
}

/// A resolver that says what it is told to: `alias.example.` is an alias of `host.example.`, which has `address`.
async fn resolver(address: [u8; 4]) -> (Tasks, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (tasks, place) = (Tasks::new(), socket.local_addr().unwrap());
    drop(tasks.spawn("resolver", async move {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let question = Message::from_vec(&packet[..length]).unwrap();
            let query = question.queries[0].clone();
            let mut answer = Message::response(question.id, question.op_code);
            answer.add_query(query.clone());
            let mut owner = query.name().clone();
            if owner.to_string() == "alias.example." {
                let target: hickory_proto::rr::Name = "host.example.".parse().unwrap();
                answer.add_answer(Record::from_rdata(owner, 7, RData::CNAME(CNAME(target.clone()))));
                owner = target;
            }
            match (owner.to_string().as_str(), query.query_type()) {
                ("host.example.", RecordType::A) => {
                    let [a, b, c, d] = address;
                    answer.add_answer(Record::from_rdata(owner, 60, RData::A(A::new(a, b, c, d))));
                }
                ("host.example.", _) => {}
                ("broken.example.", _) => answer.metadata.response_code = ResponseCode::ServFail,
                _ => answer.metadata.response_code = ResponseCode::NXDomain,
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    }));
    (tasks, place)
}

#[tokio::test]
async fn aliases_are_followed_and_each_host_without_an_address_is_told_with_the_reason() {
    let (_tasks, place) = resolver([127, 0, 0, 9]).await;
    let hosts = ["alias.example.", "broken.example.", "gone.example.", "host.example."].map(name);
    let Heard { addresses: known, unknown, aliases } =
        once(&hosts, Some(&Servers::one(place)), Duration::from_secs(20)).await;
    let expected: IpAddr = [127, 0, 0, 9].into();
    let gone = (name("gone.example."), Vec::new());
    let both = ["alias.example.", "host.example."].map(|host| (name(host), vec![expected]));
    assert_eq!(known, both.into_iter().chain([gone]).collect::<Addresses>());
    assert_eq!(
        unknown.iter().map(|(host, _)| host.to_string()).collect::<Vec<_>>(),
        ["broken.example.", "gone.example."]
    );
    assert_eq!(unknown[1].1, "it has no address");
    assert_eq!(aliases.into_iter().collect::<Vec<_>>(), [(name("alias.example."), "host.example.".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn questions_that_fail_are_asked_again_ever_more_rarely() {
    let (tasks, clock, hosts) = (Tasks::new(), Clock::start(), vec![name("host.example.")]);
    let (_wants, wanted) = watch::channel(ResolveRequest { hosts, servers: None });
    let (knows, mut known) = watch::channel(Resolved::default());
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    drop(tasks.spawn("resolver", run(tasks.clone(), clock, Addresses::new(), wanted, knows, metrics)));
    assert!(known.wait_for(|known| known.complete).await.unwrap().addresses.is_empty());
    // Of each family at 0, 5, 15, 35, 75, 155, 315 s and then every 300 s.
    for (until, asked) in
        [(4, 2), (6, 4), (14, 4), (16, 6), (154, 10), (156, 12), (316, 14), (614, 14), (616, 16), (916, 18)]
    {
        tokio::time::sleep_until(clock.instant(at(until))).await;
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains(&format!("resolve_lookups_total{{result=\"failed\"}} {asked}\n")), "{until} s: {text}");
    }
    tasks.stop();
    assert_eq!(tasks.finished(Duration::from_secs(5)).await, Ok(()));
}

#[tokio::test]
async fn without_a_resolver_nothing_is_known_and_what_was_known_stays() {
    let (tasks, clock, host) = (Tasks::new(), Clock::start(), name("host.example."));
    let kept = Addresses::from([(host.clone(), vec!["127.0.0.1".parse().unwrap()])]);
    let (wants, wanted) = watch::channel(ResolveRequest { hosts: vec![host.clone()], servers: None });
    let (knows, mut known) = watch::channel(Resolved::default());
    drop(tasks.spawn("resolver", run(tasks.clone(), clock, kept.clone(), wanted, knows, Metrics::default())));
    let complete = known.wait_for(|known| known.complete).await.unwrap().clone();
    assert_eq!(*complete.addresses, kept);
    // With a resolver, as after a reload, it is asked at once.
    let (_resolver, place) = resolver([127, 0, 0, 8]).await;
    wants.send_replace(ResolveRequest { hosts: vec![host.clone()], servers: Some(Servers::one(place)) });
    let moved = known.wait_for(|known| *known.addresses != kept).await.unwrap().clone();
    assert_eq!(moved.addresses.get(&host), Some(&vec!["127.0.0.8".parse().unwrap()]));
    tasks.stop();
    assert_eq!(tasks.finished(Duration::from_secs(5)).await, Ok(()));
}

/// A resolver that is slow is not flooded: of so many questions some are under way, and the others wait for their turn.
#[tokio::test]
async fn of_all_questions_thirty_two_at_most_are_under_way() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let servers = Servers::one(socket.local_addr().unwrap());
    let hosts: Vec<Name> = (0..40).map(|number| name(&format!("host{number}.example."))).collect();
    let slow = async {
        let (mut waiting, mut answered, mut most) = (BTreeMap::new(), BTreeSet::new(), 0);
        let mut packet = [0; 512];
        while answered.len() < 2 * hosts.len() {
            // Who has heard nothing for a while asks once more: its newer question counts.
            if let Ok(asked) = tokio::time::timeout(Duration::from_millis(50), socket.recv_from(&mut packet)).await {
                let (length, from) = asked.unwrap();
                let question = Message::from_vec(&packet[..length]).unwrap();
                waiting.insert(question.queries[0].to_string(), (question, from));
                most = most.max(waiting.keys().filter(|query| !answered.contains(*query)).count());
                continue;
            }
            for (query, (question, from)) in std::mem::take(&mut waiting) {
                let mut answer = Message::response(question.id, question.op_code);
                answer.add_query(question.queries[0].clone());
                answer.metadata.response_code = ResponseCode::NXDomain;
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
                answered.insert(query);
            }
        }
        most
    };
    let (heard, most) = tokio::join!(once(&hosts, Some(&servers), Duration::from_mins(1)), slow);
    assert_eq!((heard.unknown.len(), heard.addresses.len()), (40, 40));
    assert!((2..=32).contains(&most), "{most} questions at once");
}
