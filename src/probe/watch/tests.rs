//! Held connections against servers of our own, on loopback. They have real sockets, so they keep real time, with short
//! timeouts; `held/tests.rs` tests the timing without sockets and without waiting.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

use super::connection::{self, Connection, EventSender, News};
use super::held::CloseReason;
use super::manager::{Deps, WatchEvent, WatchManager};
use super::metrics::Metrics;
use super::*;
use crate::base::clock::Clock;
use crate::base::table::{RowId, Table};
use crate::base::tasks::Tasks;
use crate::health::TargetId;
use crate::health::cadence::Priority;
use crate::probe::schedule::{Limits, Schedule};
use crate::probe::{Check, ProbeContext, Spec, Tcp, Verify, Watch};

const LONG: Duration = Duration::from_secs(10);

/// Long enough that nothing is renewed in a test that does not want it.
const CALM: Times = Times { first: LONG, proof: Duration::ZERO, ..Times::DEFAULT };

/// A keeper that is driven while something is waited for.
struct Bench {
    manager: WatchManager,
    schedule: Schedule,
    clock: Clock,
    told: Vec<WatchEvent>,
    metrics: Metrics,
}

fn spec(address: SocketAddr) -> Spec {
    Spec {
        address,
        check: Arc::new(Check::Tcp(Tcp::default())),
        timeout: LONG,
        watch: Some(Watch { longest: LONG, spares: Duration::ZERO }),
    }
}

fn id(index: usize) -> TargetId {
    TargetId::from_index(index)
}

impl Bench {
    fn new(times: Times, limit: usize) -> Self {
        let (clock, metrics) = (Clock::start(), Metrics::default());
        let context = Arc::new(ProbeContext::from_roots([]));
        let deps = Deps { tasks: Tasks::new(), clock, context, metrics: metrics.clone(), limit, times };
        let schedule = Schedule::new(Limits { starts_per_address: 100, ..Limits::default() });
        Self { manager: WatchManager::new(deps), schedule, clock, told: Vec::new(), metrics }
    }

    /// A bench with these targets, each of which has just passed.
    fn with(times: Times, specs: impl IntoIterator<Item = Spec>) -> Self {
        let mut bench = Self::new(times, 100);
        bench.replace(specs);
        bench
    }

    fn replace(&mut self, specs: impl IntoIterator<Item = Spec>) {
        let targets: Table<TargetId, _> = specs.into_iter().map(|spec| Some(Arc::new(spec))).collect();
        self.manager.replace(&targets);
        let now = self.clock.now().mono;
        targets.iter().for_each(|(id, _)| self.manager.passed(id, now));
    }

    /// Drives the keeper until something else has happened, which must be soon.
    async fn until<F: Future>(&mut self, other: F) -> F::Output {
        let mut other = pin!(timeout(LONG, other));
        loop {
            let now = self.clock.now().mono;
            self.told.extend(self.manager.work(&mut self.schedule, now));
            let next = self.manager.next().map_or(now + LONG, |next| next);
            tokio::select! {
                biased;
                output = &mut other => return output.expect("it happens in time"),
                () = sleep_until(self.clock.instant(next)) => {}
                Some(event) = self.manager.event() => self.manager.read(event, self.clock.now().mono),
            }
        }
    }

    /// Drives the keeper until it tells something.
    async fn told(&mut self) -> WatchEvent {
        while self.told.is_empty() {
            self.until(tokio::task::yield_now()).await;
        }
        self.told.remove(0)
    }

    /// Waits for a connection that is held.
    async fn accept(&mut self, listener: &TcpListener) -> TcpStream {
        let stream = self.until(listener.accept()).await.unwrap().0;
        while !self.exposed().contains("watch_held 1\n") {
            self.until(tokio::task::yield_now()).await;
        }
        stream
    }

    fn exposed(&self) -> String {
        let mut registry = Registry::default();
        self.metrics.expose(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Waits until the far side has closed, and asserts that it was with FIN.
async fn closed(stream: &mut TcpStream) {
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn an_end_is_told_at_once_and_the_next_pass_opens_again() {
    let (listener, address) = listener().await;
    let mut bench = Bench::with(CALM, [spec(address)]);
    drop(bench.accept(&listener).await);
    assert_eq!(bench.told().await, WatchEvent::Broke(address, "closed by the far side"));
    bench.manager.passed(id(0), bench.clock.now().mono);
    let stream = bench.accept(&listener).await;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(bench.told().await, WatchEvent::Broke(address, "reset by the far side"));
    assert!(bench.exposed().contains("watch_ends_total{meaning=\"break\"} 2\n"), "{}", bench.exposed());
}

#[tokio::test]
async fn nothing_is_opened_to_what_never_passed_or_is_not_watched() {
    let (one, watched) = listener().await;
    let (other, unwatched) = listener().await;
    let mut bench = Bench::with(CALM, [Spec { watch: None, ..spec(unwatched) }, spec(watched)]);
    bench.accept(&one).await;
    let mut bench = Bench::new(CALM, 100);
    bench.manager.replace(&[Some(Arc::new(spec(watched)))].into_iter().collect());
    let waited = bench.until(tokio::time::sleep(Duration::from_millis(50)));
    tokio::select! {
        () = waited => {}
        _ = one.accept() => panic!("opened although nothing passed"),
        _ = other.accept() => panic!("opened although it is not watched"),
    }
}

#[tokio::test]
async fn a_farewell_is_an_outcome_of_all_targets_there() {
    let (listener, address) = listener().await;
    let tcp = |send: &str| Check::Tcp(Tcp { send: Some(send.into()), expect: None });
    let specs = ["a", "b"].map(|send| Spec { check: tcp(send).into(), ..spec(address) });
    let mut bench = Bench::with(CALM, specs);
    let mut stream = bench.accept(&listener).await;
    let goodbye = "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    stream.write_all(goodbye.as_bytes()).await.unwrap();
    assert_eq!(bench.told().await, WatchEvent::Leaving(vec![id(0), id(1)]));
    assert!(bench.exposed().contains("watch_ends_total{meaning=\"leaving\"} 1\n"));
}

#[tokio::test]
async fn a_connection_is_renewed_before_its_time_and_the_old_one_closed_after_the_new_one_stands() {
    let (listener, address) = listener().await;
    let times = Times { first: Duration::from_millis(200), ..CALM };
    let mut bench = Bench::with(times, [spec(address)]);
    let mut old = bench.accept(&listener).await;
    let opened = bench.clock.now().mono;
    let mut new = bench.accept(&listener).await;
    assert!(bench.clock.now().mono.since(opened) >= Duration::from_millis(170));
    bench.until(closed(&mut old)).await;
    assert_eq!(new.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "the new one stands");
    bench.until(closed(&mut new)).await;
    assert_eq!(bench.told, []);
    assert!(bench.exposed().contains("watch_renewals_total 2\n"), "{}", bench.exposed());
}

#[tokio::test]
async fn a_server_that_closes_what_is_idle_is_learned_and_wakes_nobody() {
    let (listener, address) = listener().await;
    let times = Times { shortest: Duration::from_millis(50), ..CALM };
    let mut bench = Bench::with(times, [spec(address)]);
    for _ in 0..3 {
        let mut stream = bench.accept(&listener).await;
        bench.until(tokio::time::sleep(Duration::from_millis(60))).await;
        stream.write_all(b"<stream:error><connection-timeout xmlns='urn:x'/></stream:error>").await.unwrap();
    }
    // Learned: the next ones are renewed before.
    let mut stream = bench.accept(&listener).await;
    let _next = bench.accept(&listener).await;
    bench.until(closed(&mut stream)).await;
    assert_eq!(bench.told, []);
}

#[tokio::test]
async fn more_than_may_be_held_are_only_probed_and_counted() {
    let (one, first) = listener().await;
    let (other, second) = listener().await;
    let mut bench = Bench::new(CALM, 1);
    bench.replace([spec(first), spec(second)]);
    let both = async {
        tokio::select! { one = one.accept() => (one, 1), other = other.accept() => (other, 2) }
    };
    let (_held, _) = bench.until(both).await;
    while !bench.exposed().contains("watch_held 1\n") {
        bench.until(tokio::task::yield_now()).await;
    }
    bench.until(tokio::time::sleep(Duration::from_millis(50))).await;
    assert!(bench.exposed().contains("watch_held 1\n") && bench.exposed().contains("watch_unheld 1\n"));
    assert_eq!(bench.told, [], "a fault of our own wakes nobody");
}

#[tokio::test]
async fn a_reload_keeps_what_stays_and_closes_what_goes() {
    let (listener, address) = listener().await;
    let mut bench = Bench::with(CALM, [spec(address)]);
    let mut stream = bench.accept(&listener).await;
    bench.replace([Spec { watch: None, ..spec("127.0.0.1:9".parse().unwrap()) }, spec(address)]);
    bench.until(tokio::time::sleep(Duration::from_millis(50))).await;
    assert_eq!(stream.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    bench.replace([]);
    bench.until(closed(&mut stream)).await;
    assert_eq!(bench.told, []);
}

#[tokio::test]
async fn what_is_not_opened_in_time_is_given_up_and_a_refusal_wakes() {
    let (listener, address) = listener().await;
    drop(listener);
    let mut bench = Bench::with(CALM, [spec(address)]);
    assert_eq!(bench.told().await, WatchEvent::Broke(address, "no other connection is taken"));
}

#[tokio::test]
async fn opening_waits_while_the_address_has_its_starts() {
    let (listener, address) = listener().await;
    let mut bench = Bench::new(CALM, 100);
    let now = bench.clock.now().mono;
    bench.schedule = Schedule::new(Limits::default());
    bench.schedule.replace(1, [Some(address.ip()); 5], now);
    (0..5).for_each(|index| bench.schedule.due(id(index), now, Priority::Routine));
    assert_eq!(std::iter::from_fn(|| bench.schedule.start(now)).count(), 5);
    bench.replace([spec(address)]);
    bench.accept(&listener).await;
    assert!(bench.clock.now().mono.since(now) >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_flood_of_words_is_cut_off() {
    let (listener, address) = listener().await;
    let mut bench = Bench::with(CALM, [spec(address)]);
    let mut stream = bench.accept(&listener).await;
    let flood = async { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} };
    bench.until(flood).await;
    assert_eq!(bench.told().await, WatchEvent::Broke(address, "full of words that nobody asked for"));
}

/// One connection without a keeper, and the far side's end of it.
async fn alone(hold_spec: HoldSpec) -> (mpsc::Sender<()>, mpsc::Receiver<connection::ConnEvent>, TcpStream) {
    let (listener, address) = listener().await;
    let (pings, pinged) = mpsc::channel(1);
    let (way, events) = mpsc::channel(8);
    let connection = Connection {
        address,
        hold_spec: Arc::new(hold_spec),
        timeout: LONG,
        clock: Clock::start(),
        context: Arc::new(ProbeContext::from_roots([])),
    };
    let sender = EventSender { place: (address, "tcp"), number: 0, way };
    drop(Tasks::new().spawn("held-connection", connection.keep(pinged, sender)));
    (pings, events, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn a_ping_is_two_line_breaks_and_its_answer_one() {
    let (pings, mut events, mut stream) = alone(HoldSpec::default()).await;
    assert_eq!(events.recv().await.unwrap().news, News::Opened);
    pings.send(()).await.unwrap();
    let mut seen = [0; 4];
    stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"\r\n\r\n");
    stream.write_all(b"\r\n").await.unwrap();
    assert_eq!(events.recv().await.unwrap().news, News::Ponged);
    drop(pings);
    closed(&mut stream).await;
    assert!(events.recv().await.is_none(), "what we close ourselves is not told");
}

#[tokio::test]
async fn a_far_side_that_shakes_no_hands_is_refused() {
    let tls = Tls { verify: Verify::Off, ..Tls::new("a.example") };
    let (_pings, mut events, mut stream) = alone(HoldSpec { tls: Some(tls), ..HoldSpec::default() }).await;
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    assert_eq!(events.recv().await.unwrap().news, News::Refused(CloseReason::Reset));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_watches_a_far_side_that_vanishes() {
    let (listener, address) = listener().await;
    let stream = TcpStream::connect(address).await.unwrap();
    connection::arm(&stream).unwrap();
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    let (first, again) = (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
    let given_up = socket.tcp_user_timeout().unwrap().unwrap();
    // The kernel looks with each keepalive whether the time is over: the second one is sent before that, the third is not.
    assert!(first + again < given_up && given_up < first + 2 * again, "{first:?} {again:?} {given_up:?}");
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    drop(listener);
}
