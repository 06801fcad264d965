//! Hosts outside of the zones: their addresses are kept over restarts, and become targets when they are resolved.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::info;

use crate::base::tasks::Tasks;
use crate::resolve::{Addresses, ResolveRequest, Resolved};
use crate::store::{Change, Entries, Persist};
use crate::zone::Name;

use super::switcher::SetupSwitcher;

/// Reads what a former run knew.
pub fn kept_addresses(entries: &Entries) -> Addresses {
    let ours = entries.iter().filter_map(|(key, value)| {
        let name: Name = key.strip_prefix(PREFIX)?.parse().ok()?;
        Some((name, serde_json::from_slice::<Vec<IpAddr>>(value).ok()?))
    });
    ours.collect()
}

/// Returns what of the store is the engine's: all but the addresses that are kept here, and where the server is reached.
pub fn engine_entries(entries: &Entries) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    entries.iter().filter(|(key, _)| !key.starts_with(PREFIX) && !super::addresses::owns(key))
}

/// Waits for the first answers, so that a host's targets are there before the answers begin; not long, as a resolver may be
/// out of order. What a former run knew is as good.
pub(super) async fn first_answers(known: &mut watch::Receiver<Resolved>, wanted: &ResolveRequest) -> Arc<Addresses> {
    let is_enough =
        |known: &Resolved| known.complete || wanted.hosts.iter().all(|host| known.addresses.contains_key(host));
    // In time or not, what there is counts.
    drop(tokio::time::timeout(TIMEOUT, known.wait_for(is_enough)).await.map(drop));
    Arc::clone(&known.borrow().addresses)
}

/// Hands addresses on as they change, at most once a second, and keeps them. `kept` is what the store has, `served` what the
/// running setup was made with.
pub(super) async fn follow(
    owner: Tasks,
    switcher: SetupSwitcher,
    mut known: watch::Receiver<Resolved>,
    store: mpsc::Sender<Persist>,
    (mut kept, mut served): (Addresses, Arc<Addresses>),
) {
    loop {
        let now = Arc::clone(&known.borrow_and_update().addresses);
        for change in changes(&kept, &now) {
            if store.send(Persist::Change(change)).await.is_err() {
                return;
            }
        }
        kept.clone_from(&now);
        if now != served {
            tell(&served, &now);
            switcher.move_hosts(Arc::clone(&now)).await;
            served = now;
            let pause = tokio::time::sleep(PACE);
            tokio::select! { biased; () = owner.stopped() => return, () = pause => {} }
        }
        tokio::select! {
            biased;
            () = owner.stopped() => return,
            changed = known.changed() => if changed.is_err() { return },
        }
    }
}

/// Returns what the store must be told.
fn changes(before: &Addresses, after: &Addresses) -> Vec<Change> {
    let moved = moved(before, after);
    let change = |host: &Name| {
        let value = after.get(host).and_then(|addresses| serde_json::to_vec(addresses).ok());
        Change { key: format!("{PREFIX}{host}"), value }
    };
    moved.into_iter().map(change).collect()
}

fn tell(before: &Addresses, after: &Addresses) {
    let list = |all: &Addresses, host: &Name| {
        all.get(host).into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    for host in moved(before, after) {
        info!(%host, from = list(before, host), to = list(after, host), "addresses changed");
    }
}

fn moved<'a>(before: &'a Addresses, after: &'a Addresses) -> BTreeSet<&'a Name> {
    let hosts = before.keys().chain(after.keys());
    hosts.filter(|host| before.get(host) != after.get(host)).collect()
}

/// How the keys in the store begin; a host's name follows.
const PREFIX: &str = "resolved/";
/// How long a start waits for addresses.
const TIMEOUT: Duration = Duration::from_secs(1);
/// From change to change.
const PACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_what_is_gone_is_removed() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let before: Addresses = [(name("a.example."), vec!["127.0.0.1".parse().unwrap()])].into();
        let after: Addresses =
            [(name("b.example."), vec!["::1".parse().unwrap(), "127.0.0.2".parse().unwrap()])].into();
        let mut store = Entries::new();
        for change in changes(&Addresses::new(), &before).into_iter().chain(changes(&before, &after)) {
            match change.value {
                Some(value) => drop(store.insert(change.key, value)),
                None => drop(store.remove(&change.key)),
            }
        }
        store.insert("health/x".to_owned(), b"{}".to_vec());
        assert_eq!(kept_addresses(&store), after);
        assert_eq!(engine_entries(&store).map(|(key, _)| key).collect::<Vec<_>>(), ["health/x"]);
        assert!(changes(&after, &after).is_empty());
    }
}
