//! The task that resolves: requests in, known addresses out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::base::clock::{Clock, Mono};
use crate::base::tasks::{TaskSet, Tasks};
use crate::zone::Name;

use super::ask::Asker;
use super::book::{AddressReply, Addresses, Book, Family};
use super::metrics::Metrics;
use super::servers::Servers;

/// Who is to be asked for, and where.
#[derive(Clone, Debug, Default)]
pub struct ResolveRequest {
    /// The hosts.
    pub hosts: Vec<Name>,
    /// The resolver; nothing if none is known.
    pub servers: Option<Servers>,
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The addresses.
    pub addresses: Arc<Addresses>,
    /// Whether every question has had an answer, were it a failure.
    pub complete: bool,
}

/// One question that has had its answer.
type Told = (Name, Family, AddressReply);

/// Asks until the owner stops, or nobody wants anything any more. `kept` is what a former run knew.
///
/// | limit | what happens at it |
/// |---|---|
/// | 32 questions in flight | the others wait, the earliest due first |
/// | 16 addresses of a family of a host | the first by their order become targets |
pub async fn run(
    owner: Tasks,
    clock: Clock,
    kept: Addresses,
    mut wanted: watch::Receiver<ResolveRequest>,
    known: watch::Sender<Resolved>,
    metrics: Metrics,
) {
    let mut book = Book::new(kept);
    let mut questions = owner.set::<Told>("resolve");
    let mut failing: BTreeSet<Name> = BTreeSet::new();
    wanted.mark_changed();
    let mut asker = Asker::new(None);
    loop {
        let now = clock.now().mono;
        ask_due(&mut book, &asker, &mut questions, now);
        let next = book.next().filter(|_| questions.len() < IN_FLIGHT);
        let timer = async {
            match next {
                Some(at) => tokio::time::sleep_until(clock.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        select! {
            biased;
            () = owner.stopped() => return,
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = clock.now().mono;
                let want = wanted.borrow_and_update().clone();
                asker = Asker::new(want.servers.as_ref());
                book.want(&want.hosts, now);
                book.ask_all(now);
                failing.retain(|name| want.hosts.contains(name));
            }
            () = timer => continue,
            Some((_, ended)) = questions.next() => {
                // A question that panicked is asked again with the next reload: a bug of ours, logged by its owner.
                let Ok((name, family, answer)) = ended else { continue };
                metrics.heard(&answer);
                tell(&mut failing, &name, &answer);
                book.hear(&name, family, answer, clock.now().mono);
            }
        }
        let now = Resolved { addresses: Arc::new(book.addresses()), complete: book.is_complete() };
        metrics.measure(book.hosts(), &now.addresses);
        known.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
    }
}

/// What was learnt by asking once.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The addresses of each host of which they are known: none of one that has none.
    pub addresses: Addresses,
    /// The hosts without an address, each with the reason.
    pub unknown: Vec<(Name, String)>,
    /// The hosts that are aliases, each with what it is an alias of.
    pub aliases: BTreeMap<Name, String>,
}

/// Asks once for all addresses of some hosts; within `timeout`.
pub async fn once(hosts: &[Name], servers: Option<&Servers>, timeout: Duration) -> Heard {
    let (owner, clock) = (Tasks::new(), Clock::start());
    let asker = Asker::new(servers);
    let mut book = Book::default();
    book.want(hosts, clock.now().mono);
    let mut why: Vec<(Name, String)> = Vec::new();
    let mut aliases = BTreeMap::new();
    let mut questions = owner.set("resolve");
    let asking = async {
        loop {
            let now = clock.now().mono;
            ask_due(&mut book, &asker, &mut questions, now);
            let Some((_, ended)) = questions.next().await else { break };
            let Ok((name, family, answer)) = ended else { continue };
            match &answer {
                AddressReply::Failed(reason) => why.push((name.clone(), reason.clone())),
                AddressReply::Addresses { alias: Some(goal), .. } => drop(aliases.insert(name.clone(), goal.clone())),
                AddressReply::Addresses { alias: None, .. } | AddressReply::Nothing { .. } => {}
            }
            book.hear(&name, family, answer, now);
            if book.is_complete() {
                break;
            }
        }
    };
    let in_time = tokio::time::timeout(timeout, asking).await.is_ok();
    let addresses = book.addresses();
    let unknown = hosts.iter().filter(|host| addresses.get(*host).is_none_or(Vec::is_empty)).map(|host| {
        let reason = why.iter().find(|(name, _)| name == host).map(|(_, reason)| reason.clone());
        let none = if in_time { "it has no address".to_owned() } else { format!("no answer within {timeout:?}") };
        (host.clone(), reason.unwrap_or(none))
    });
    let unknown = unknown.collect();
    Heard { addresses, unknown, aliases }
}

/// Asks what is due, as far as there is room.
fn ask_due(book: &mut Book, asker: &Asker, questions: &mut TaskSet<Told>, now: Mono) {
    while questions.len() < IN_FLIGHT
        && let Some((name, family)) = book.take_due(now)
    {
        let asker = asker.clone();
        questions.spawn(async move {
            let answer = asker.ask(&name, family).await;
            (name, family, answer)
        });
    }
}

/// Logs what an operator may want to know: that a host cannot be resolved, and that it can again.
fn tell(failing: &mut BTreeSet<Name>, name: &Name, answer: &AddressReply) {
    match answer {
        AddressReply::Addresses { .. } => {
            if failing.remove(name) {
                info!(host = %name, "the host is resolved again");
            }
        }
        AddressReply::Nothing { .. } => debug!(host = %name, "no addresses of one family"),
        AddressReply::Failed(reason) => {
            if failing.insert(name.clone()) {
                warn!(host = %name, reason, "the host cannot be resolved: its last addresses stay");
            }
        }
    }
}

/// The most questions at once.
const IN_FLIGHT: usize = 32;
