//! DNS over TCP: pipelining, patience, drain.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use understudy::base::connections::Limits;
use understudy::serve::{AccessList, Transport, TransportAcl};

use crate::house::{House, LIMITS, QUESTION, RECORD, SOON, ask, ends, eventually, framed, read, soon};
use crate::support::query;

/// RFC 7766 §6.2.1.1.
#[tokio::test(flavor = "multi_thread")]
async fn queries_without_waiting_are_all_answered_however_they_are_cut() {
    let house = House::open(LIMITS);
    let mut queries = Vec::new();
    for number in 0..500_u16 {
        let mut packet = query("www.t. A", None);
        packet[..2].copy_from_slice(&number.to_be_bytes());
        queries.extend(framed(&packet));
    }
    for size in [queries.len(), 1000, 7] {
        let (mut reader, mut writer) = house.connect().await.into_split();
        let pieces = queries.clone();
        let writing = tokio::spawn(async move {
            for piece in pieces.chunks(size) {
                writer.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            writer
        });
        for number in 0..500 {
            let answer = read(&mut reader).await.unwrap();
            assert_eq!((answer.message.metadata.id, answer.answer()), (number, vec![RECORD.to_owned()]), "{size}");
        }
        writing.await.unwrap();
    }
    house.close().await;
}

/// A client that sends and sends and reads nothing is not listened to for long, and costs no memory.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_its_answers_is_left() {
    let house = House::open(Limits { idle: Duration::from_millis(300), ..LIMITS });
    let mut stream = house.connect().await;
    let queries = framed(&query("big.t. TXT", Some(1232))).repeat(1_000);
    let flood = async { while stream.write_all(&queries).await.is_ok() {} };
    soon(flood).await;
    eventually("its place is free", || house.limiter.is_empty()).await;
    house.close().await;
}

/// RFC 7766 §6.2.3, and slowloris: octets are no queries.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_on_which_no_whole_query_comes() {
    const IDLE: Duration = Duration::from_millis(300);
    let house = House::open(Limits { idle: IDLE, ..LIMITS });
    let mut idle = house.connect().await;
    let mut slow = house.connect().await;
    let mut diligent = house.connect().await;
    let (mut slow_reader, mut slow_writer) = slow.split();
    let trickle = async {
        for octet in framed(&query("www.t. A", None)).into_iter().cycle() {
            if slow_writer.write_all(&[octet]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let diligence = async {
        // For twice as long as an idle connection lives.
        let begin = Instant::now();
        let mut asked = begin;
        while begin.elapsed() < 2 * IDLE {
            let before = std::mem::replace(&mut asked, Instant::now());
            if diligent.write_all(&framed(&query(QUESTION, None))).await.is_ok()
                && let Some(answer) = read(&mut diligent).await
            {
                assert_eq!(answer.answer(), [RECORD]);
            } else {
                assert!(before.elapsed() >= IDLE, "ended {:?} after a whole query", before.elapsed());
                // The machine was busy, and the connection idle.
                diligent = house.connect().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ended = async { tokio::join!(ends(&mut idle), ends(&mut slow_reader), diligence) };
    tokio::select! {
        (idle, slow, ()) = ended => assert!(idle && slow),
        () = trickle => {}
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_before_the_end_is_answered_and_then_it_ends() {
    let house = House::open(LIMITS);
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = house.connect().await;
        ask(&mut stream).await;
        stream.write_all(&framed(&query("big.t. TXT", Some(1232)))).await.unwrap();
        streams.push(stream);
    }
    house.stop.cancel();
    for stream in &mut streams {
        assert_eq!(read(stream).await.unwrap().answer().len(), 100);
        assert!(read(stream).await.is_none(), "it ends in order");
    }
    assert!(tokio::net::TcpStream::connect(house.tcp).await.is_err(), "nobody new is let in");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_beyond_its_limit_loses_its_own_oldest_connection() {
    let house = House::open(Limits { per_client: 2, ..LIMITS });
    let (mut first, mut second) = (house.connect().await, house.connect().await);
    ask(&mut first).await;
    ask(&mut second).await;
    let mut third = house.connect().await;
    assert_eq!(ask(&mut third).await.answer(), [RECORD]);
    assert!(ends(&mut first).await);
    assert_eq!(ask(&mut second).await.answer(), [RECORD]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_come_is_not_let_in() {
    let house = House::open(LIMITS);
    let elsewhere = AccessList::only(vec!["192.0.2.0/24".parse().unwrap()]);
    house.server.set(|settings| settings.transport_acl = TransportAcl::default().with(Transport::Tcp, elsewhere));
    let mut stream = house.connect().await;
    assert!(ends(&mut stream).await);
    assert_eq!(house.limiter.len(), 0);
    house.server.set(|settings| settings.transport_acl = TransportAcl::default());
    assert_eq!(tokio::time::timeout(SOON, ask(&mut house.connect().await)).await.unwrap().answer(), [RECORD]);
    house.close().await;
}
