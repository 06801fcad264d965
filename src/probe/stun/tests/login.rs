//! The check `turn` against a small TURN server that records its allocations.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::server::{Books, Manners, Responder, stream, turn};
use crate::base::clock::Clock;
use crate::probe::Depth;
use crate::probe::attempt::Effort;
use crate::probe::stun::Turn;
use crate::probe::stun::credentials::{Credentials, Kind};
use crate::probe::tests::{assert_saw, probe, probe_within};
use crate::probe::{Check, Over, ProbeContext, ProbeReport, Spec, run_to};

fn anonymous(over: Over) -> Check {
    Check::Turn(Turn { over, credentials: None, credentials_interval: Duration::from_secs(60) })
}

fn login(password: &str) -> Check {
    let credentials = Some(Credentials::new(Kind::Password, "probe", password, Path::new("turn.password")));
    Check::Turn(Turn { over: Over::Udp, credentials, credentials_interval: Duration::from_secs(60) })
}

async fn server(manners: Manners) -> (Arc<Mutex<Books>>, Responder) {
    let (books, answers) = turn(manners);
    (books, Responder::start(answers).await)
}

async fn told(manners: Manners, check: Check) -> (ProbeReport, Books) {
    let (books, server) = server(manners).await;
    let report = probe(server.address, check).await;
    (report, std::mem::take(&mut *books.lock().unwrap()))
}

fn steps(report: &ProbeReport) -> Vec<&'static str> {
    report.steps.iter().map(|step| step.what).collect()
}

#[tokio::test]
async fn the_question_who_we_are_is_answer_enough() {
    let (report, books) = told(Manners::default(), anonymous(Over::Udp)).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.steps[0].saw, "asks for credentials of \"example.test\"");
    assert_eq!(books.seen.into_iter().collect::<Vec<_>>(), [("allocate", 1)]);

    let (_, answers) = turn(Manners::default());
    let streams = stream(answers).await;
    assert_saw(&probe(streams.address, anonymous(Over::Tcp)).await, "pass", "");
}

#[tokio::test]
async fn what_credentials_get_is_given_back() {
    for manners in [Manners::default(), Manners { sha256: true, ..Manners::default() }] {
        let (report, books) = told(manners, login("secret")).await;
        assert_saw(&report, "pass", "");
        assert_eq!(steps(&report), ["allocate", "credentials", "free"]);
        assert_eq!(report.steps[1].saw, "relays by 192.0.2.1:32853");
        assert_eq!(report.steps[2].saw, "given back");
        assert!(books.allocations.is_empty() && report.warnings.is_empty() && !report.refused, "{books:?}");
    }
}

#[tokio::test]
async fn a_stale_nonce_is_replaced_once() {
    let (report, books) = told(Manners { stale: 1, ..Manners::default() }, login("secret")).await;
    assert_saw(&report, "pass", "");
    assert_eq!(books.seen["login"], 2);
    let (report, books) = told(Manners { stale: 9, ..Manners::default() }, login("secret")).await;
    assert_saw(&report, "fail", "each nonce is stale");
    assert_eq!(books.seen["login"], 2, "not again and again");
}

#[tokio::test]
async fn a_port_that_is_taken_is_changed_once() {
    let (report, books) = told(Manners { taken: 1, ..Manners::default() }, login("secret")).await;
    assert_saw(&report, "pass", "");
    assert_eq!(books.seen["allocate"], 2);
    let (report, books) = told(Manners { taken: 9, ..Manners::default() }, login("secret")).await;
    assert_saw(&report, "fail", "error 437 from two ports");
    assert_eq!(books.seen["allocate"], 2);
}

#[tokio::test]
async fn a_wrong_password_is_our_mistake_and_tried_once() {
    let (report, books) = told(Manners::default(), login("guessed")).await;
    assert_saw(&report, "pass", "");
    assert!(report.refused && report.warnings[0].starts_with("credentials refused: error 401"), "{report:#?}");
    assert_eq!((books.wrong, books.seen["login"]), (1, 1));
    let text = format!("{report:?} {}", report.json());
    assert!(!text.contains("guessed"), "{text}");
}

#[tokio::test]
async fn a_full_server_is_degraded_and_a_draining_one_drains() {
    for (code, class) in [(486, "degraded"), (508, "degraded"), (403, "drain"), (500, "fail"), (300, "pass")] {
        let (report, books) = told(Manners { refuses: Some(code), ..Manners::default() }, login("secret")).await;
        assert_saw(&report, class, "");
        assert_eq!(books.seen["login"], 1, "{code}");
    }
}

#[tokio::test]
async fn an_open_relay_passes_with_a_warning_and_gets_its_address_back() {
    let (report, books) = told(Manners { open: true, ..Manners::default() }, anonymous(Over::Udp)).await;
    assert_saw(&report, "pass", "");
    assert!(report.warnings[0].contains("open relay"), "{report:#?}");
    assert!(books.allocations.is_empty() && books.seen["refresh"] == 1, "{books:?}");
}

#[tokio::test]
async fn an_answer_that_clients_discard_fails_and_is_given_back() {
    for (manners, part) in [
        (Manners { forges: true, ..Manners::default() }, "MESSAGE-INTEGRITY is wrong"),
        (Manners { bare: true, ..Manners::default() }, "lacks MESSAGE-INTEGRITY"),
    ] {
        let (report, books) = told(manners, login("secret")).await;
        assert_saw(&report, "fail", part);
        assert!(books.allocations.is_empty(), "{books:?}");
    }
}

#[tokio::test]
async fn a_server_that_keeps_what_it_granted_still_passes() {
    let (books, server) = server(Manners { keeps: true, ..Manners::default() }).await;
    let report = probe_within(server.address, login("secret"), Duration::from_millis(700)).await;
    assert_saw(&report, "pass", "");
    assert!(report.latency < Duration::from_millis(500), "decided before: {report:#?}");
    assert_eq!(books.lock().unwrap().allocations.len(), 1);
}

#[tokio::test]
async fn a_shallow_probe_does_not_log_in() {
    let (books, server) = server(Manners::default()).await;
    let spec = Spec {
        address: server.address,
        check: Arc::new(login("secret")),
        timeout: Duration::from_secs(10),
        watch: None,
    };
    let report = run_to(Effort::to(Depth::Shallow), &spec, &Clock::start(), &ProbeContext::from_roots([])).await;
    assert_saw(&report, "pass", "");
    assert_eq!(books.lock().unwrap().seen.keys().copied().collect::<Vec<_>>(), ["allocate"]);
}

#[test]
fn the_identity_of_a_check_tells_credentials_apart_and_no_secret() {
    let texts = [login("secret"), login("another"), anonymous(Over::Udp)].map(|check| check.parameters());
    // What is kept and logged names the file, and holds nothing that was made from the secret.
    assert!(texts[0] == texts[1] && texts[2].is_empty(), "{texts:?}");
    assert_ne!(login("secret"), login("another"), "as checks they differ: a refusal of one is none of the other");
    assert!(texts[0].starts_with("credentials=password/probe ") && !texts[0].contains("secret"), "{texts:?}");
    let debugged = format!("{:?}", login("another"));
    assert!(!debugged.contains("another"), "{debugged}");
}

#[tokio::test]
async fn the_runner_logs_in_once_an_interval_and_never_after_a_refusal() {
    use crate::base::table::Table;
    use crate::base::tasks::Tasks;
    use crate::health::cadence::Priority;
    use crate::probe::runner::{Command, Deps, Event, spawn};
    use crate::probe::{CertificateBook, metrics::Metrics, schedule::Limits};
    use tokio::sync::mpsc;

    async fn round(setup: u64, specs: &[(SocketAddr, Check)], rounds: usize, bench: &mut Bench) {
        let spec = |(address, check): &(SocketAddr, Check)| {
            Some(Spec {
                address: *address,
                check: Arc::new(check.clone()),
                timeout: Duration::from_secs(10),
                watch: None,
            })
        };
        let targets: Table<_, _> = specs.iter().map(spec).collect();
        bench.0.send(Command::Replace { setup, targets, first: Some(Duration::ZERO) }).await.unwrap();
        for count in 0..rounds * specs.len() {
            let Event::Finished(finished) = bench.1.recv().await.unwrap() else { panic!("nothing is held") };
            if count + specs.len() < rounds * specs.len() {
                let (target, at) = (finished.target, crate::base::clock::Mono::START);
                let again =
                    Command::Probe(crate::health::ProbeRequest { setup, target, at, priority: Priority::Routine });
                bench.0.send(again).await.unwrap();
            }
        }
    }
    type Bench = (mpsc::Sender<Command>, mpsc::Receiver<Event>);

    let (good, first) = server(Manners::default()).await;
    let (wrong, second) = server(Manners::default()).await;
    let (tasks, clock) = (Tasks::new(), Clock::start());
    let (commands, obeyed) = mpsc::channel(64);
    let (sent, reports) = mpsc::channel(64);
    let limits = Limits { starts_per_address: 1_000, ..Limits::default() };
    let deps = Deps {
        clock,
        context: Arc::new(ProbeContext::from_roots([])),
        limits,
        held: 0,
        metrics: Metrics::default(),
        certificates: CertificateBook::default(),
    };
    drop(spawn(&tasks, deps, obeyed, sent));
    let mut bench = (commands, reports);
    let known = [(first.address, login("secret")), (second.address, login("guessed"))];
    round(1, &known, 3, &mut bench).await;
    // A reload forgets neither when a target that stays was logged into, nor a refusal. Another password is another check.
    round(2, &[known[1].clone(), known[0].clone()], 2, &mut bench).await;
    let seen = |books: &Arc<Mutex<Books>>| books.lock().unwrap().seen.clone();
    assert_eq!((seen(&good)["allocate"], seen(&good)["login"]), (5, 1));
    assert_eq!((seen(&wrong)["allocate"], seen(&wrong)["login"]), (5, 1));
    round(3, &[(second.address, login("secret"))], 2, &mut bench).await;
    assert_eq!((seen(&wrong)["allocate"], seen(&wrong)["login"], seen(&wrong)["refresh"]), (7, 2, 1));
    tasks.stop();
}
