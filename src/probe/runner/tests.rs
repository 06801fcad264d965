//! The runner in paused time: the checks read pushed states, so there is no socket.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use super::*;
use crate::base::clock::UnixTime;
use crate::base::table::RowId;
use crate::health::push::{Expired, PushReport, PushState};
use crate::probe::{Check, Http, Over, Push, Sip, Statuses, Tcp};

const LONG: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);

struct Bench {
    tasks: Tasks,
    clock: Clock,
    commands: mpsc::Sender<Command>,
    reports: mpsc::Receiver<Event>,
}

fn bench(limits: Limits, room: usize) -> Bench {
    let (tasks, clock) = (Tasks::new(), Clock::start_at(UnixTime::from_secs(1_795_253_400)));
    let (commands, obeyed) = mpsc::channel(64);
    let (sent, reports) = mpsc::channel(room);
    let deps = Deps {
        clock,
        context: Arc::new(ProbeContext::from_roots([])),
        limits,
        held: 100,
        metrics: Metrics::default(),
        certificates: CertificateBook::default(),
    };
    drop(spawn(&tasks, deps, obeyed, sent));
    Bench { tasks, clock, commands, reports }
}

impl Bench {
    /// Makes a setup of targets, each with the name under which it is posted for; nothing: it is not probed.
    async fn replace(&self, setup: u64, names: &[Option<&str>], first: Option<Duration>) {
        let spec = |name: &str| {
            let push = Push { name: name.to_owned(), patience: HOUR, expired: Expired::Down };
            Spec {
                address: "127.0.0.1:5060".parse().unwrap(),
                check: Arc::new(Check::Push(push)),
                timeout: LONG,
                watch: None,
            }
        };
        let targets = names.iter().map(|name| name.map(spec)).collect();
        self.commands.send(Command::Replace { setup, targets, first }).await.unwrap();
    }

    async fn post(&self, name: &str, state: PushState, ttl: Duration) {
        let post = PushReport { state, reason: "reboot".to_owned(), ttl, sequence: 1 };
        self.commands.send(Command::Post(NamedPost { name: name.to_owned(), post })).await.unwrap();
    }

    async fn probe(&self, setup: u64, target: usize, after: Duration) {
        let at = self.clock.now().mono + after;
        self.commands
            .send(Command::Probe(ProbeRequest {
                setup,
                target: TargetId::from_index(target),
                at,
                priority: Priority::Routine,
            }))
            .await
            .unwrap();
    }

    async fn finished(&mut self) -> TargetReport {
        match timeout(LONG, self.reports.recv()).await.expect("a report in time").expect("the runner lives") {
            Event::Finished(finished) => finished,
            event @ (Event::Said(_) | Event::Broke(_)) => panic!("nothing is held here: {event:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn first_probes_run_by_themselves_and_later_ones_when_told() {
    let mut bench = bench(Limits::default(), 4);
    let names = [Some("alive"), Some("dead"), None];
    bench.replace(6, &names, None).await;
    bench.post("alive", PushState::Up, HOUR).await;
    bench.post("dead", PushState::Down, HOUR).await;
    // Each is read when it is posted.
    assert_eq!([bench.finished().await.setup, bench.finished().await.setup], [6, 6]);
    bench.replace(7, &names, Some(Duration::from_millis(20))).await;
    let mut seen: Vec<_> = Vec::new();
    for _ in 0..2 {
        let finished = bench.finished().await;
        assert_eq!(finished.setup, 7);
        seen.push((finished.target.index(), finished.report.outcome.as_str()));
    }
    seen.sort_unstable();
    assert_eq!(seen, [(0, "pass"), (1, "fail")]);
    bench.probe(6, 0, Duration::ZERO).await;
    bench.probe(7, 2, Duration::ZERO).await;
    let told = bench.clock.now().mono;
    bench.probe(7, 1, Duration::from_millis(50)).await;
    let finished = bench.finished().await;
    assert_eq!(finished.target.index(), 1, "another setup's command and an unprobed target start nothing");
    is_after(finished.report.began.since(told), Duration::from_millis(50));
}

#[tokio::test]
async fn a_probe_in_flight_goes_on_under_the_next_setup_and_is_the_only_one() {
    // In real time, as the target is a socket that says nothing.
    let listener = async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    let (silent, address) = listener().await;
    let (other, _) = listener().await;
    let spec = |address| {
        let check = Check::Tcp(Tcp { send: None, expect: Some(b"hello".to_vec()) });
        Some(Spec { address, check: Arc::new(check), timeout: Duration::from_millis(600), watch: None })
    };
    let mut bench = bench(Limits::default(), 4);
    let began = bench.clock.now().mono;
    let first = [spec(address)].into_iter().collect();
    bench.commands.send(Command::Replace { setup: 1, targets: first, first: Some(Duration::ZERO) }).await.unwrap();
    let (_held, _) = timeout(LONG, silent.accept()).await.unwrap().unwrap();
    for setup in 2..=4 {
        // Another target before it, so that its id moves.
        let targets = [spec(other.local_addr().unwrap()), spec(address)].into_iter().collect();
        bench.commands.send(Command::Replace { setup, targets, first: None }).await.unwrap();
        let target = TargetId::from_index(1);
        bench
            .commands
            .send(Command::Probe(ProbeRequest { setup, target, at: began, priority: Priority::Routine }))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let finished = bench.finished().await;
    assert_eq!((finished.setup, finished.target.index()), (4, 1));
    assert_eq!(finished.report.outcome.as_str(), "silent");
    assert!(timeout(Duration::from_millis(100), silent.accept()).await.is_err(), "no other was begun");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_of_reports_stops_neither_commands_nor_later_reports() {
    let limits = Limits { in_flight: 2, starts_per_address: 100, ..Limits::default() };
    let mut bench = bench(limits, 1);
    bench.replace(1, &[Some("alive"); 6], Some(Duration::ZERO)).await;
    // More commands than their queue holds: they are taken although nobody reads reports.
    for _ in 0..200 {
        timeout(LONG, bench.probe(1, 0, HOUR)).await.expect("commands are taken");
    }
    let mut seen = Vec::new();
    while seen.len() < 6 {
        seen.push(bench.finished().await.target.index());
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_its_starts_and_no_more_in_a_second() {
    let limits = Limits { starts_per_address: 2, ..Limits::default() };
    let mut bench = bench(limits, 8);
    let began = bench.clock.now().mono;
    bench.replace(1, &[Some("alive"); 6], Some(Duration::ZERO)).await;
    for second in [0, 0, 1, 1, 2, 2] {
        is_after(bench.finished().await.report.began.since(began), Duration::from_secs(second));
    }
}

#[tokio::test(start_paused = true)]
async fn the_runner_ends_with_its_owner_and_takes_its_probes_along() {
    let bench = bench(Limits::default(), 1);
    bench.replace(1, &[Some("alive"); 3], Some(Duration::ZERO)).await;
    bench.tasks.stop();
    assert_eq!(bench.tasks.finished(LONG).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_post_is_read_at_once_and_its_end_in_time() {
    let mut bench = bench(Limits::default(), 4);
    bench.replace(1, &[Some("sip-node1")], Some(Duration::ZERO)).await;
    assert_eq!(bench.finished().await.report.outcome.as_str(), "unknown", "nothing was posted yet");
    let told = bench.clock.now().mono;
    bench.post("sip-node1", PushState::Down, Duration::ZERO).await;
    let read = bench.finished().await;
    assert_eq!(read.report.outcome.as_str(), "fail");
    is_after(read.report.began.since(told), Duration::ZERO);
    let over = bench.finished().await;
    assert_eq!(over.report.outcome.as_str(), "silent", "it ran out: nobody told the runner to look");
    // The shortest time that a post may be good for.
    is_after(over.report.began.since(read.report.began), Duration::from_secs(2));
}

/// Timers of the runtime are late by a millisecond at most.
#[track_caller]
#[tokio::test]
async fn forty_domains_of_one_proxy_take_one_probe_and_each_has_its_turn() {
    let proxy = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let spec = |number: usize| {
        let check = Check::Sip(Sip::new(format!("d{number}.example"), Over::Udp));
        Some(Spec { address: proxy.local_addr().unwrap(), check: Arc::new(check), timeout: LONG, watch: None })
    };
    let mut bench = bench(Limits::default(), 100);
    let targets = (0..40).map(spec).collect();
    bench.commands.send(Command::Replace { setup: 1, targets, first: None }).await.unwrap();
    let mut asked = BTreeSet::new();
    for round in 0..3 {
        for target in 0..40 {
            bench.probe(1, target, Duration::ZERO).await;
        }
        let (request, from) = {
            let mut room = vec![0; 2048];
            let (length, from) = timeout(LONG, proxy.recv_from(&mut room)).await.unwrap().unwrap();
            room.truncate(length);
            (String::from_utf8(room).unwrap(), from)
        };
        let kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        let lines = request.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
        let head: Vec<&str> =
            std::iter::once("SIP/2.0 200 OK").chain(lines).chain(["Content-Length: 0", "", ""]).collect();
        proxy.send_to(head.join("\r\n").as_bytes(), from).await.unwrap();
        asked.insert(request.lines().next().unwrap().to_owned());
        let mut told = BTreeSet::new();
        for _ in 0..40 {
            let finished = bench.finished().await;
            assert_eq!(finished.report.outcome, Outcome::Pass);
            told.insert(finished.target);
        }
        assert_eq!(told.len(), 40, "round {round}");
        assert!(proxy.try_recv(&mut [0; 1]).is_err(), "one request for all");
    }
    assert_eq!(asked.len(), 3, "{asked:?}");
}

/// Answers one request for each status, each on a connection of its own.
async fn answer(listener: TcpListener, statuses: Vec<&'static str>) {
    for status in statuses {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request ends early");
        }
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_503_right_after_a_pass_is_weak_once_if_nothing_more_is_known_of_the_server() {
    for (status, wanted) in [(Statuses::alive(), "unknown fail"), (Statuses::default(), "fail fail")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut bench = bench(Limits::default(), 100);
        let unavailable = "503 Service Unavailable";
        drop(bench.tasks.spawn("server", answer(listener, vec!["200 OK", unavailable, unavailable])));
        let check = Check::Http(Http { status, ..Http::new("example.com".to_owned(), None) });
        let targets =
            [Some(Spec { address, check: Arc::new(check), timeout: LONG, watch: None })].into_iter().collect();
        bench.commands.send(Command::Replace { setup: 1, targets, first: None }).await.unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            bench.probe(1, 0, Duration::ZERO).await;
            outcomes.push(bench.finished().await.report.outcome);
        }
        assert_eq!(outcomes[0], Outcome::Pass);
        let told: Vec<&str> = outcomes[1..].iter().map(Outcome::as_str).collect();
        assert_eq!(told.join(" "), wanted, "{outcomes:?}");
    }
}

fn is_after(passed: Duration, wanted: Duration) {
    assert!((wanted..wanted + Duration::from_millis(3)).contains(&passed), "{passed:?} and not {wanted:?}");
}
