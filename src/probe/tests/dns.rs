//! The check `dns` against name servers of our own that send wrong answers, truncate, refuse and never answer.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::base::tasks::Tasks;
use crate::probe::{Check, Dns};
use crate::zone::Rtype;

const SHORT: Duration = Duration::from_millis(300);

fn check(tcp: bool) -> Check {
    Check::Dns(Dns { rtype: Rtype::A, ..Dns::of_zone("example.com".parse().unwrap(), tcp) })
}

/// The right answer to a question.
fn good(question: &[u8]) -> Message {
    let mut message = Message::from_vec(question).unwrap();
    assert!(!message.metadata.recursion_desired);
    message.metadata.message_type = MessageType::Response;
    let name = message.queries[0].name().clone();
    message.add_answer(Record::from_rdata(name, 30, RData::A(A::new(192, 0, 2, 1))));
    message
}

/// A name server over UDP: each question gets these answers. It ends with its tasks.
async fn server(answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> (SocketAddr, Tasks) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    (socket.local_addr().unwrap(), serve(socket, answers))
}

fn serve(socket: UdpSocket, answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Tasks {
    let tasks = Tasks::new();
    let owner = tasks.clone();
    drop(tasks.spawn("name-server", async move {
        let mut room = [0; 4096];
        loop {
            tokio::select! {
                () = owner.stopped() => break,
                received = socket.recv_from(&mut room) => {
                    let (length, from) = received.unwrap();
                    for answer in answers(&room[..length]) {
                        socket.send_to(&answer, from).await.unwrap();
                    }
                }
            }
        }
    }));
    tasks
}

fn octets(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

#[tokio::test]
async fn the_right_answer_passes_after_any_number_of_wrong_ones() {
    let (address, tasks) = server(|question| {
        let right = good(question);
        let mut other = right.clone();
        other.metadata.id ^= 0x55;
        vec![octets(&other), b"garbage".to_vec(), question.to_vec(), Vec::new(), octets(&right)]
    })
    .await;
    let report = probe(address, check(false)).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.steps[0].saw, "NOERROR, 1 record");
    tasks.stop();
}

#[tokio::test]
async fn wrong_numbers_alone_are_silence() {
    let (address, tasks) = server(|question| {
        let mut other = good(question);
        other.metadata.id ^= 0x55;
        vec![octets(&other); 20]
    })
    .await;
    let report = probe_within(address, check(false), SHORT).await;
    assert_saw(&report, "silent", "no answer within");
    assert!(report.latency < SHORT * 8, "{:?}", report.latency);
    tasks.stop();
}

#[tokio::test]
async fn a_lost_question_is_asked_again() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let (address, tasks) = server(move |question| {
        let first = seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        if first { Vec::new() } else { vec![octets(&good(question))] }
    })
    .await;
    let report = probe(address, check(false)).await;
    assert_saw(&report, "pass", "");
    assert!(report.latency >= Duration::from_millis(490), "{:?}", report.latency);
    tasks.stop();
}

#[tokio::test]
async fn refusals_and_unreadable_answers_fail() {
    let (address, tasks) = server(|question| {
        let mut message = good(question);
        message.metadata.response_code = ResponseCode::Refused;
        message.answers.clear();
        vec![octets(&message)]
    })
    .await;
    assert_saw(&probe(address, check(false)).await, "fail", "answered REFUSED");
    tasks.stop();
    let (address, tasks) = server(|question| vec![question[..5].to_vec()]).await;
    assert_saw(&probe(address, check(false)).await, "fail", "cannot be read");
    tasks.stop();
}

#[tokio::test]
async fn a_server_without_edns_is_asked_once_more_and_warned_of() {
    let (address, tasks) = server(|question| {
        let mut message = good(question);
        if message.edns.take().is_some() {
            message.metadata.response_code = ResponseCode::FormErr;
            message.answers.clear();
        }
        vec![octets(&message)]
    })
    .await;
    let report = probe(address, check(false)).await;
    assert_saw(&report, "pass", "");
    assert!(report.warnings[0].contains("EDNS"), "{:?}", report.warnings);
    tasks.stop();
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let report = probe(address, check(false)).await;
    assert_saw(&report, "fail", "refused");
    assert!(report.latency < Duration::from_secs(1), "{:?}", report.latency);
}

/// Reads one question of a stream.
async fn question(stream: &mut tokio::net::TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut question = vec![0; usize::from(length)];
    stream.read_exact(&mut question).await.unwrap();
    question
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_fetched_over_tcp() {
    let in_pieces = |mut stream| async move {
        let question = question(&mut stream).await;
        // In two pieces: the length alone is no answer yet.
        let answer = framed(&octets(&good(&question)));
        stream.write_all(&answer[..1]).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        stream.write_all(&answer[1..]).await.unwrap();
    };
    let (tcp, socket) = loop {
        // A port that is free for TCP may be taken for UDP.
        let tcp = Server::start(in_pieces).await;
        if let Ok(socket) = UdpSocket::bind(tcp.address).await {
            break (tcp, socket);
        }
    };
    let tasks = serve(socket, |question| {
        let mut message = good(question);
        message.metadata.truncation = true;
        message.answers.clear();
        vec![octets(&message)]
    });
    let report = probe(tcp.address, check(false)).await;
    assert_saw(&report, "pass", "");
    let told: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
    assert_eq!(told, [("ask", "NOERROR, 0 records, cut off"), ("connect", "connected"), ("ask", "NOERROR, 1 record")]);
    tasks.stop();
}

#[tokio::test]
async fn over_tcp_garbage_and_early_ends_fail_and_drips_are_silence() {
    for (answer, outcome, cause) in [
        (framed(b"HTTP/1.1 400 Bad Request"), "fail", "not an answer to the question"),
        (vec![0, 200, 1, 2, 3], "fail", "closed before the answer was whole"),
        (Vec::new(), "fail", "closed before the answer was whole"),
        (vec![0xff; 65_537], "fail", "not an answer to the question"),
    ] {
        let server = Server::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                question(&mut stream).await;
                drop(stream.write_all(&answer).await);
            }
        })
        .await;
        assert_saw(&probe(server.address, check(true)).await, outcome, cause);
    }
    let dripping = Server::start(|mut stream| async move {
        while stream.write_all(&[0x20]).await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_saw(&probe_within(dripping.address, check(true), SHORT).await, "silent", "no answer within");
}
