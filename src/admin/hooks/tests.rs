//! Hooks against receivers on loopback that take, refuse, hang and are not there.
#![expect(clippy::disallowed_methods, reason = "receivers are no tasks of the server")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::webhook::sign;
use super::*;
use crate::base::clock::{Clock, UnixTime};
use crate::base::tasks::Tasks;
use crate::engine::history::{History, Recorder, history};
use crate::engine::{Notice, TimedNotice};
use crate::health::orders::{Force, Order, Scope};
use crate::policy::Move;

/// What a receiver does with a request.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    /// As servers of HTTP/1.0 do: the end of the connection is the end of the answer.
    Closing(u16),
    Silence,
}

/// A request as it came: the lines of its head, and its body.
#[derive(Clone, Debug)]
struct Taken {
    head: String,
    body: String,
}

impl Taken {
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

/// A web server on loopback that gives its answers in turn, the last one for ever.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Receiver {
    async fn start(answers: &'static [Answer]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers)
    }

    fn on(listener: TcpListener, answers: &'static [Answer]) -> Self {
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::clone(&taken));
        tokio::spawn(async move {
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = answers[number.min(answers.len() - 1)];
                let requests = Arc::clone(&requests);
                tokio::spawn(async move {
                    let mut octets = Vec::new();
                    let request = loop {
                        assert!(stream.read_buf(&mut octets).await.unwrap() > 0, "the request ends early");
                        let text = String::from_utf8_lossy(&octets).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let taken = Taken { head: head.to_owned(), body: body.to_owned() };
                        if taken.header("content-length").unwrap().parse() == Ok(body.len()) {
                            break taken;
                        }
                    };
                    requests.lock().unwrap().push(request);
                    match answer {
                        Answer::Status(status) => {
                            let answer = format!("HTTP/1.1 {status} as told\r\ncontent-length: 0\r\n\r\n");
                            stream.write_all(answer.as_bytes()).await.unwrap();
                        }
                        Answer::Closing(status) => {
                            let answer = format!("HTTP/1.0 {status} as told\r\n\r\n");
                            stream.write_all(answer.as_bytes()).await.unwrap();
                        }
                        Answer::Silence => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    async fn wait(&self, count: usize) -> Vec<Taken> {
        eventually(|| Some(self.taken()).filter(|taken| taken.len() >= count)).await
    }
}

async fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(found) = ask() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not come");
}

/// The history, the hooks that read it, and what they count.
struct Stage {
    recorder: Recorder,
    wanted: watch::Sender<Vec<Hook>>,
    metrics: Metrics,
    tasks: Tasks,
    history: History,
}

impl Stage {
    fn new(limit: usize, hooks: Vec<Hook>) -> Self {
        let (tasks, metrics) = (Tasks::new(), Metrics::default());
        let (recorder, history, keeping) = history(limit, UnixTime::from_secs(7));
        drop(tasks.spawn("history", keeping.run()));
        let (wanted, watched) = watch::channel(hooks);
        let hub = Hub::new(history.clone(), Clock::start(), metrics.clone(), "ns1".to_owned());
        drop(tasks.spawn("hooks", hub.run(watched, tasks.clone())));
        Self { recorder, wanted, metrics, tasks, history }
    }

    async fn record(&self, notice: Notice) {
        self.recorder.record(TimedNotice { at: UnixTime::from_secs(1_800_000_000), setup: 1, notice }).await;
    }

    async fn counts(&self, hook: &str, result: &'static str, count: u64) {
        eventually(|| (self.metrics.counted(hook, result) >= count).then_some(())).await;
    }
}

fn web(address: SocketAddr) -> Webhook {
    let content_type = "application/json".to_owned();
    let url = Url::parse(&format!("http://{address}/in?a=b")).unwrap();
    Webhook { url, body: None, content_type, secret: None, token: None, trust: None }
}

fn hook(name: &str, action: Action) -> Hook {
    let patience = Patience { timeout: Duration::from_millis(500), attempts: 3, pause: Duration::from_millis(1) };
    Hook { name: name.to_owned(), events: vec!["isolated", "reload-failed"], action, patience }
}

fn to(address: SocketAddr) -> Hook {
    hook("oncall", Action::Web(Box::new(web(address))))
}

#[tokio::test]
async fn an_event_is_posted_as_json_signed_and_with_the_token() {
    let receiver = Receiver::start(&[Answer::Status(204)]).await;
    let (secret, token) = (Some(Secret::new(b"key".to_vec())), Some(Secret::new(b"sesame".to_vec())));
    let signed = Webhook { secret, token, ..web(receiver.address) };
    let stage = Stage::new(64, vec![hook("oncall", Action::Web(Box::new(signed)))]);
    stage.record(Notice::Reloaded).await;
    stage.record(Notice::Isolated(true)).await;
    let taken = receiver.wait(1).await.remove(0);
    assert!(taken.head.starts_with("POST /in?a=b HTTP/1.1\r\n"), "{}", taken.head);
    let body: Value = serde_json::from_str(&taken.body).unwrap();
    let fields = [&body["kind"], &body["severity"], &body["resolved"], &body["server"], &body["at"]];
    let at = UnixTime::from_secs(1_800_000_000).to_string();
    assert_eq!(fields.map(|field| field.to_string().replace('"', "")), ["isolated", "critical", "false", "ns1", &at]);
    let signature = taken.header("understudy-signature").unwrap();
    let at: u64 = signature.strip_prefix("t=").and_then(|rest| rest.split(',').next()).unwrap().parse().unwrap();
    assert_eq!(signature, sign(b"key", UnixTime::from_secs(at), &taken.body));
    assert_ne!(signature, sign(b"key", UnixTime::from_secs(at), &(taken.body.clone() + " ")));
    assert_eq!(taken.header("authorization"), Some("Bearer sesame"));
    assert_eq!(taken.header("understudy-delivery"), Some("7000.2"));
    stage.counts("oncall", "delivered", 1).await;
}

#[tokio::test]
async fn what_a_server_fails_to_take_comes_again_and_what_it_refuses_does_not() {
    let receiver =
        Receiver::start(&[Answer::Status(500), Answer::Status(200), Answer::Status(400), Answer::Status(200)]).await;
    let stage = Stage::new(64, vec![to(receiver.address)]);
    for isolated in [true, false, true] {
        stage.record(Notice::Isolated(isolated)).await;
    }
    stage.counts("oncall", "delivered", 2).await;
    let deliveries: Vec<String> =
        receiver.taken().iter().map(|taken| taken.header("understudy-delivery").unwrap().to_owned()).collect();
    assert_eq!(deliveries, ["7000.1", "7000.1", "7000.2", "7000.3"]);
    assert_eq!(stage.metrics.counted("oncall", "failed"), 1);
}

#[tokio::test]
async fn a_receiver_that_closes_behind_its_answer_is_told_once() {
    let receiver = Receiver::start(&[Answer::Closing(204)]).await;
    let stage = Stage::new(64, vec![to(receiver.address)]);
    for isolated in [true, false, true] {
        stage.record(Notice::Isolated(isolated)).await;
    }
    stage.counts("oncall", "delivered", 3).await;
    assert_eq!(receiver.taken().len(), 3);
}

#[tokio::test]
async fn a_dead_receiver_is_given_up_and_told_the_next_event_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stage = Stage::new(64, vec![to(address)]);
    stage.record(Notice::Isolated(true)).await;
    stage.counts("oncall", "failed", 1).await;
    let back = Receiver::on(TcpListener::bind(address).await.unwrap(), &[Answer::Status(200)]);
    stage.record(Notice::Isolated(false)).await;
    let taken = back.wait(1).await;
    assert!(taken[0].body.contains("no longer isolated"), "{taken:?}");
}

#[tokio::test]
async fn a_receiver_that_never_answers_costs_events_and_holds_up_nobody() {
    let receiver = Receiver::start(&[Answer::Silence]).await;
    let stage = Stage::new(4, vec![to(receiver.address)]);
    stage.record(Notice::Isolated(true)).await;
    receiver.wait(1).await;
    // All of these are recorded while the first message hangs.
    for _ in 0..100 {
        stage.record(Notice::Isolated(false)).await;
    }
    stage.counts("oncall", "lost", 90).await;
    stage.counts("oncall", "failed", 2).await;
    assert!(stage.metrics.counted("oncall", "failed") + stage.metrics.counted("oncall", "lost") <= 101);
}

#[tokio::test]
async fn a_program_has_the_event_on_its_input_and_one_that_hangs_is_ended() {
    let folder = std::env::temp_dir().join(format!("understudy-hooks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let run = |name: &str, script: &str| {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        hook(name, Action::Run(Program { path: PathBuf::from("/bin/sh"), arguments }))
    };
    let file = folder.join("event");
    let take = format!("(echo \"$UNDERSTUDY_SEVERITY\"; cat) > {0}.new && mv {0}.new {0}", file.display());
    let missing = Program { path: "/nonexistent".into(), arguments: Vec::new() };
    let slow =
        Hook { patience: Patience { timeout: Duration::from_secs(30), ..Patience::default() }, ..run("takes", &take) };
    let hooks = vec![slow, run("hangs", "sleep 1000"), run("fails", "exit 3"), hook("missing", Action::Run(missing))];
    let stage = Stage::new(64, hooks);
    stage.record(Notice::ReloadFailed("7 findings".to_owned())).await;
    for (name, result) in [("takes", "delivered"), ("hangs", "failed"), ("fails", "failed"), ("missing", "failed")] {
        stage.counts(name, result, 1).await;
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let (severity, event) = text.split_once('\n').unwrap();
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!((severity, &event["cause"]), ("warning", &"7 findings".into()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_reload_stops_hooks_that_are_gone_and_begins_new_ones_while_the_others_go_on() {
    let (kept, gone) = (Receiver::start(&[Answer::Status(200)]).await, Receiver::start(&[Answer::Status(200)]).await);
    let named = |name: &str, receiver: &Receiver| hook(name, Action::Web(Box::new(web(receiver.address))));
    let stage = Stage::new(64, vec![named("kept", &kept), named("gone", &gone)]);
    stage.record(Notice::Isolated(true)).await;
    kept.wait(1).await;
    gone.wait(1).await;
    let new = Receiver::start(&[Answer::Status(200)]).await;
    stage.wanted.send_replace(vec![named("kept", &kept), named("new", &new)]);
    // The change is taken when the new one is told of what comes after it.
    let told = async {
        loop {
            stage.record(Notice::Isolated(false)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !new.taken().is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
    let sequence = |taken: &Taken| taken.header("understudy-delivery").unwrap().to_owned();
    assert_ne!(sequence(&new.taken()[0]), "7000.1", "what was before is not told again");
    let count = usize::try_from(stage.history.end().sequence).unwrap();
    let all: Vec<String> = kept.wait(count).await.iter().map(sequence).collect();
    assert_eq!(all[..count], (1..=count).map(|number| format!("7000.{number}")).collect::<Vec<_>>());
    let after = gone.taken().len();
    stage.record(Notice::Isolated(true)).await;
    kept.wait(count + 1).await;
    assert_eq!(gone.taken().len(), after);
    stage.tasks.stop();
}

/// The bodies that docs/hooks.md shows, by the names of the hooks.
fn shown() -> Vec<(String, Template)> {
    let page = include_str!("../../../docs/hooks.md");
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let hooks = blocks.map(|block| block.parse::<toml::Table>().unwrap_or_else(|error| panic!("{error}: {block}")));
    let hooks = hooks.flat_map(|table| table["hook"].as_array().unwrap().clone());
    hooks
        .filter_map(|hook| {
            let body = hook.get("body")?.as_str()?.to_owned();
            Some((hook["name"].as_str()?.to_owned(), Template::parse(&body, "application/json").unwrap()))
        })
        .collect()
}

#[test]
fn the_bodies_of_the_documents_are_what_their_receivers_want() {
    let order = Order {
        force: Force::Drained,
        scope: Scope::parse("sip-node1.example.com").unwrap(),
        from: None,
        until: None,
        reason: "a \"new\" kernel".to_owned(),
        author: String::new(),
    };
    let decision = |moved, alarm| Notice::Decision {
        pool: "_sip._tcp.example.com.".to_owned(),
        id: crate::base::table::RowId::from_index(0),
        zones: Vec::new(),
        reason: crate::policy::Reason::LastResort { leaving: 1 },
        moved,
        alarm,
    };
    let notices = [
        decision(Some(Move::Failover { from: 10, to: 20 }), false),
        decision(Some(Move::Failback { from: 20, to: 10, held: None }), false),
        Notice::Isolated(true),
        Notice::Ordered(1, order),
        Notice::Certificate { whose: "tls 127.0.0.1:443".to_owned(), text: "ends".to_owned(), ended: false },
    ];
    let templates = shown();
    assert_eq!(
        templates.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["slack", "ntfy", "pagerduty", "alertmanager"]
    );
    for (number, notice) in notices.into_iter().enumerate() {
        let event = TimedNotice { at: UnixTime::from_secs(1_800_000_000), setup: 1, notice };
        let message = message::Message::of(&crate::engine::history::Record { sequence: 1, event }, "ns1");
        let text = &message.event.text;
        for (name, template) in &templates {
            let body: Value = serde_json::from_str(&template.render(&message).unwrap()).unwrap();
            match name.as_str() {
                "slack" => assert!(body["text"].as_str().unwrap().ends_with(text), "{body}"),
                "ntfy" => {
                    assert_eq!((&body["topic"], &body["message"]), (&"understudy".into(), &text.as_str().into()));
                    assert!((1..=5).contains(&body["priority"].as_u64().unwrap()), "{body}");
                }
                "pagerduty" => {
                    let action = if number == 1 { "resolve" } else { "trigger" };
                    assert_eq!(
                        (&body["event_action"], &body["payload"]["summary"]),
                        (&action.into(), &text.as_str().into())
                    );
                    assert_eq!(&body["dedup_key"], message.subject());
                }
                _ => {
                    assert_eq!(&body[0]["annotations"]["summary"], text);
                    assert_eq!(body[0]["endsAt"].is_string(), number == 1, "{body}");
                    assert_eq!(&body[0]["labels"]["subject"], message.subject());
                }
            }
        }
    }
}
