//! A crowd that says nothing, or a little: new clients are served all the same.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::house::{House, LIMITS, RECORD, ask, eventually, framed, soon};
use crate::support::query;

/// Connects from one of many loopback addresses.
async fn connect_from(number: u16, server: SocketAddr) -> TcpStream {
    let [block, host] = number.to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 27, block, host)), 0)).unwrap();
    soon(socket.connect(server)).await.unwrap()
}

/// Asks as a new client, ten times by TCP and ten times by TLS; returns the longest that one of them waited.
async fn longest_wait(house: &House) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        let begin = Instant::now();
        assert_eq!(ask(&mut house.connect().await).await.answer(), [RECORD]);
        let between = Instant::now();
        let (mut stream, _) = house.connect_tls(house.tls, &["dot"]).await;
        assert_eq!(ask(&mut stream).await.answer(), [RECORD]);
        longest = longest.max(between - begin).max(between.elapsed());
    }
    longest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_and_a_slow_crowd_keep_nobody_out() {
    raise_open_files();
    let house = House::open(LIMITS);
    let alone = longest_wait(&house).await;

    let mut idle = Vec::new();
    for number in 0..1_000 {
        idle.push(connect_from(number, if number % 2 == 0 { house.tcp } else { house.tls }).await);
    }
    eventually("all places are taken", || house.places.len() == 1_000).await;
    let with_idle = longest_wait(&house).await;
    assert!(house.places.len() > 900, "a few have made room");

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
    let with_crowd = longest_wait(&house).await;
    println!("longest wait: alone {alone:?}, 1,000 idle {with_idle:?}, and 400 slow {with_crowd:?}");
    // Unoptimised cryptography on a busy machine takes its time, crowd or not.
    let most = Duration::from_millis(100).max(alone * 5);
    assert!(with_idle < most && with_crowd < most, "alone {alone:?}, idle {with_idle:?}, slow {with_crowd:?}");
    crowd.iter().for_each(tokio::task::JoinHandle::abort);
    drop(idle);
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
