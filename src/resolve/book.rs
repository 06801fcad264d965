//! The known addresses of each host, and which lookups are due: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::timers::Timers;
use crate::zone::Name;

/// The addresses of hosts, sorted, none for a host that is known to have none; those of whom nothing is known are left out.
pub type Addresses = BTreeMap<Name, Vec<IpAddr>>;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

/// What a resolver said of one family of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressReply {
    /// There are addresses.
    Addresses {
        /// At least one.
        addresses: Vec<IpAddr>,
        /// The least TTL on the way to them.
        ttl: Duration,
        /// What the host is an alias of, if it is one.
        alias: Option<String>,
    },
    /// There are none: no such name, or no such data.
    Nothing {
        /// How long that holds, if the answer says it (RFC 2308 §5).
        ttl: Option<Duration>,
    },
    /// Nothing was learnt.
    Failed(String),
}

/// What is known of the hosts that are wanted.
#[derive(Debug, Default)]
pub struct Book {
    rows: BTreeMap<(Name, Family), HostRow>,
    due: Timers<(Name, Family)>,
    /// What a former run knew.
    kept: Addresses,
    /// Questions without any answer yet, failures counted as such.
    unheard: usize,
}

#[derive(Debug, Default)]
struct HostRow {
    addresses: Vec<IpAddr>,
    /// Whether the last answer that was none of failure said that there are none.
    is_nothing: bool,
    /// Failures in a row.
    failures: u32,
    /// Whether a question is under way.
    asked: bool,
    /// Whether there was an answer, were it a failure.
    heard: bool,
}

impl Book {
    /// Begins with what a former run knew: it counts until the first answer.
    pub fn new(kept: Addresses) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Takes the hosts that are wanted from now on: new ones are due at once, those no longer named are forgotten.
    pub fn want(&mut self, hosts: &[Name], now: Mono) {
        let wanted: BTreeSet<&Name> = hosts.iter().collect();
        self.rows.retain(|(name, _), _| wanted.contains(name));
        self.due.retain(|(name, _)| wanted.contains(name));
        for name in wanted {
            for family in [Family::V4, Family::V6] {
                let key = (name.clone(), family);
                if self.rows.contains_key(&key) {
                    continue;
                }
                let kept = self.kept.get(name).into_iter().flatten().copied();
                let addresses = kept.filter(|address| family.holds(*address)).collect();
                self.rows.insert(key.clone(), HostRow { addresses, ..HostRow::default() });
                self.due.set(key, Some(now));
            }
        }
        self.unheard = self.rows.values().filter(|row| !row.heard).count();
    }

    /// Makes everything due at once: another resolver is asked from now on.
    pub fn ask_all(&mut self, now: Mono) {
        self.due.advance(now);
    }

    /// Returns when [`Book::take_due`] gives something next, if ever.
    pub fn next(&self) -> Option<Mono> {
        self.due.next()
    }

    /// Takes out who is to be asked for now; it is not due again before [`Book::hear`].
    pub fn take_due(&mut self, now: Mono) -> Option<(Name, Family)> {
        let (_, key) = self.due.take_due(now)?;
        if let Some(row) = self.rows.get_mut(&key) {
            row.asked = true;
        }
        Some(key)
    }

    /// Takes in an answer; tells whether the addresses changed. An answer for a host that is no longer wanted, or that
    /// was not asked for, changes nothing.
    pub fn hear(&mut self, name: &Name, family: Family, answer: AddressReply, now: Mono) -> bool {
        let Some(row) = self.rows.get_mut(&(name.clone(), family)).filter(|row| row.asked) else { return false };
        row.asked = false;
        if !row.heard {
            row.heard = true;
            self.unheard = self.unheard.saturating_sub(1);
        }
        let bounded = |ttl: Duration| ttl.clamp(SHORTEST, LONGEST);
        let (addresses, wait) = match answer {
            AddressReply::Addresses { mut addresses, ttl, .. } => {
                addresses.retain(|address| family.holds(*address));
                addresses.sort_unstable();
                addresses.dedup();
                addresses.truncate(MOST_ADDRESSES);
                (Some(addresses), bounded(ttl))
            }
            AddressReply::Nothing { ttl } => (Some(Vec::new()), bounded(ttl.unwrap_or(NEGATIVE))),
            AddressReply::Failed(_) => (None, SHORTEST.saturating_mul(1 << row.failures.min(10)).min(SLOWEST_RETRY)),
        };
        let (was_nothing, is_nothing) = (row.is_nothing, addresses.as_ref().map(Vec::is_empty));
        row.is_nothing = is_nothing.unwrap_or(was_nothing);
        let turned = row.is_nothing != was_nothing;
        row.failures = if addresses.is_some() { 0 } else { row.failures.saturating_add(1) };
        self.due.set((name.clone(), family), Some(now + wait));
        let moved = match addresses {
            Some(addresses) if addresses != row.addresses => {
                row.addresses = addresses;
                true
            }
            Some(_) | None => false,
        };
        moved || turned && self.is_nothing(name, family.other())
    }

    /// Returns whether every question has had an answer, were it a failure.
    pub const fn is_complete(&self) -> bool {
        self.unheard == 0
    }

    /// Returns all addresses.
    pub fn addresses(&self) -> Addresses {
        let mut all = Addresses::new();
        let is_known = |name: &Name, row: &HostRow| {
            !row.addresses.is_empty()
                || row.is_nothing && self.is_nothing(name, Family::V4) && self.is_nothing(name, Family::V6)
        };
        for ((name, _), row) in self.rows.iter().filter(|((name, _), row)| is_known(name, row)) {
            // IPv4 comes first by the order of the keys, as in the order of addresses.
            all.entry(name.clone()).or_default().extend(&row.addresses);
        }
        all
    }

    fn is_nothing(&self, name: &Name, family: Family) -> bool {
        self.rows.get(&(name.clone(), family)).is_some_and(|row| row.is_nothing)
    }

    /// Returns how many hosts are wanted.
    pub fn hosts(&self) -> usize {
        self.rows.len() / 2
    }
}

impl Family {
    const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }

    const fn holds(self, address: IpAddr) -> bool {
        match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// Nobody is asked for the same more often, whatever the TTL.
const SHORTEST: Duration = Duration::from_secs(5);
/// Nobody is asked for less often, whatever the TTL: a forgotten TTL of a week must not hide a move.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long "there is none" holds if the answer does not say.
const NEGATIVE: Duration = Duration::from_secs(60);
/// The longest pause after failures.
const SLOWEST_RETRY: Duration = Duration::from_secs(300);
/// The most addresses of one family of one host that become targets: the first by their order.
const MOST_ADDRESSES: usize = 16;
