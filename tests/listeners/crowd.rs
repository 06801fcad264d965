//! A crowd that says nothing, or a little: new clients are served all the same.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use understudy::base::connections::Limits;

use crate::house::{House, LIMITS, RECORD, ask, eventually, framed, soon};
use crate::support::query;
use crate::waits::Waits;

/// Connects from one of many loopback addresses.
async fn connect_from(number: u16, server: SocketAddr) -> TcpStream {
    let [block, host] = number.to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 27, block, host)), 0)).unwrap();
    soon(socket.connect(server)).await.unwrap()
}

/// How long a new client waits that asks once by TCP and once by TLS.
async fn wait(house: &House) -> Duration {
    let begin = Instant::now();
    assert_eq!(ask(&mut house.connect().await).await.answer(), [RECORD]);
    let (mut stream, _) = house.connect_tls(house.tls, &["dot"]).await;
    assert_eq!(ask(&mut stream).await.answer(), [RECORD]);
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_and_a_slow_crowd_keep_nobody_out() {
    raise_open_files();
    let house = House::open(Limits { idle: Duration::from_secs(600), ..LIMITS });
    let alone = Waits::of(async || wait(&house).await).await;

    let mut idle = Vec::new();
    for number in 0..1_000 {
        idle.push(connect_from(number, if number % 2 == 0 { house.tcp } else { house.tls }).await);
    }
    eventually("all places are taken", || house.limiter.len() == 1_000).await;
    let with_idle = Waits::like(&alone, async || wait(&house).await).await;
    assert!(house.limiter.len() > 900, "a few have made room");

    let octets = framed(&query("www.t. A", None));
    let mut crowd = Vec::new();
    for number in 0..400 {
        let mut stream = connect_from(2_000 + number, if number % 2 == 0 { house.tcp } else { house.tls }).await;
        let octets = octets.clone();
        crowd.push(tokio::spawn(async move {
            for octet in octets {
                // Those that make room are gone.
                if stream.write_all(&[octet]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }));
    }
    let with_crowd = Waits::like(&alone, async || wait(&house).await).await;
    println!("alone {alone:?}, 1,000 idle {with_idle:?}, and 400 slow {with_crowd:?}");
    assert!(with_idle.are_like(&alone) && with_crowd.are_like(&alone), "{alone:?}, {with_idle:?}, {with_crowd:?}");
    crowd.iter().for_each(tokio::task::JoinHandle::abort);
    drop(idle);
    house.close().await;
}

/// Who asks now and then is not pushed out by who comes and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_works_stays_while_silent_ones_come_and_go() {
    let house = House::open(Limits { all: 40, per_client: 40, ..LIMITS });
    let mut working = Vec::new();
    for _ in 0..10 {
        working.push(house.connect().await);
    }
    let (mut tls, _) = house.connect_tls(house.tls, &["dot"]).await;
    for round in 0..3 {
        for stream in &mut working {
            assert_eq!(ask(stream).await.answer(), [RECORD], "round {round}");
        }
        assert_eq!(ask(&mut tls).await.answer(), [RECORD], "round {round}");
        let mut silent = Vec::new();
        for number in 0..100 {
            silent.push(connect_from(3_000 + number, if number % 2 == 0 { house.tcp } else { house.tls }).await);
        }
        eventually("they are let in", || house.limiter.len() == 40).await;
    }
    for stream in &mut working {
        assert_eq!(ask(stream).await.answer(), [RECORD]);
    }
    drop((working, tls));
    house.close().await;
}

/// Both ends of each connection are in this process.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < 4_000) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(4_000), maximum: limit.maximum }).unwrap();
    }
}
