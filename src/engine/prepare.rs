//! Everything that is derived from a setup alone, computed once, outside of the engine's task.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::grouped::Grouped;
use crate::base::hash::{Key, StableHash};
use crate::base::table::Table;
use crate::health::TargetId;
use crate::health::isolation::Endpoint;
use crate::health::orders::Scope;
use crate::policy::{self, FollowId, HostId, PoolId, Settings};
use crate::snapshot::{Image, SlotId, SlotKey, ZoneId, ZoneInput};
use crate::zone::{Name, Rtype};

use super::setup::{Fill, HostSetup, MemberData, Setup, ZoneSetup};

/// A setup with its indexes and the image that it is served from.
#[derive(Debug)]
pub struct Prepared {
    /// The setup.
    pub setup: Setup,
    /// The tree of all names.
    pub(super) image: Arc<Image>,
    /// Which set each slot stands for.
    pub(super) slots: Table<SlotId, SlotKey>,
    /// The slot of each zone's SOA; nothing for broken zones, and for those that came signed: theirs must stay as it is.
    pub(super) soa: Table<ZoneId, Option<SlotId>>,
    /// The origin of each zone as printed.
    pub(super) origins: Table<ZoneId, String>,
    /// The slots of each pool's fills.
    pub(super) pool_slots: Table<PoolId, Vec<SlotId>>,
    /// The slots of each host's fills.
    pub(super) host_slots: Table<HostId, Vec<SlotId>>,
    /// The slots of each follower's fills.
    pub(super) follow_slots: Table<FollowId, Vec<SlotId>>,
    /// For each target: what rests on it.
    users: Grouped<TargetId, User>,
    /// For each pool: the followers of it.
    pub(super) followers: Table<PoolId, Vec<FollowId>>,
    /// For each pool: the hosts of its members, by member.
    pub(super) member_hosts: Table<PoolId, Vec<Option<HostId>>>,
    /// For each pool: how long before its time a scheduled drain leaves the answer.
    pub(super) pool_leads: Table<PoolId, Duration>,
    /// For each host: what its pools set together.
    pub(super) host_settings: Table<HostId, Settings>,
    /// What rests on a host, by the hash of its name as orders have it: one more may be judged, none is forgotten.
    by_host: Grouped<u64, User>,
    /// What rests on an address.
    by_address: Grouped<IpAddr, User>,
    /// The targets on an address.
    targets_at: Grouped<IpAddr, TargetId>,
}

/// What rests on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Pool(PoolId),
    Host(HostId),
}

/// What rests on something, in the order of the setup.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    pub(super) pools: Vec<PoolId>,
    pub(super) hosts: Vec<HostId>,
}

/// What of a setup the next one may share: the parts of zones that stay the same.
#[derive(Clone, Debug)]
pub struct ImageCache {
    image: Arc<Image>,
}

/// What an image is built upon.
#[derive(Clone, Copy)]
enum Base<'a> {
    /// The last one, with its key.
    Last(&'a ImageCache),
    /// Nothing.
    Key(Key),
}

impl Prepared {
    /// Indexes a setup and builds its image; linear in the size of the zones.
    pub fn new(setup: Setup) -> Self {
        Self::keyed(setup, [0; 16])
    }

    /// Does the same with a secret key for the hash of names.
    pub fn keyed(setup: Setup, key: Key) -> Self {
        Self::make(setup, Base::Key(key))
    }

    /// Indexes a setup that most likely differs from the last one in few zones or in its targets only: zones that are
    /// the same (by address) share their parts, and their size does not matter.
    pub fn again(setup: Setup, last: &ImageCache) -> Self {
        Self::make(setup, Base::Last(last))
    }

    /// Returns what the next setup may share.
    pub fn image_cache(&self) -> ImageCache {
        ImageCache { image: Arc::clone(&self.image) }
    }

    fn make(setup: Setup, base: Base<'_>) -> Self {
        let mut slots = Table::new();
        let mut place =
            |fill: &Fill| slots.push(SlotKey { zone: fill.zone, owner: fill.owner.clone(), rtype: fill.rtype });
        let pool_slots = setup.pools.iter().map(|(_, pool)| pool.fills.iter().map(&mut place).collect()).collect();
        let host_slots = setup.hosts.iter().map(|(_, host)| host.fills.iter().map(&mut place).collect()).collect();
        let follow_slots =
            setup.follows.iter().map(|(_, follow)| follow.fills.iter().map(&mut place).collect()).collect();
        let soa = setup.zones.iter().map(|(zone, row)| {
            let key = SlotKey { zone, owner: row.origin.clone(), rtype: Rtype::SOA };
            row.zone.as_ref().filter(|zone| !zone.is_signed()).map(|_| slots.push(key))
        });
        let soa = soa.collect();
        let input = |zone: &ZoneSetup| ZoneInput { origin: zone.origin.clone(), zone: zone.zone.clone() };
        let inputs: Table<ZoneId, ZoneInput> = setup.zones.iter().map(|(_, zone)| input(zone)).collect();
        let image = match base {
            Base::Last(last) => last.image.rebuild(&inputs, &slots),
            Base::Key(key) => Arc::new(Image::build_keyed(&inputs, &slots, key)),
        };
        // Histories want the digests; those of shared parts are known.
        image.parts().for_each(|part| part.fill_digest());
        let mut prepared = Self {
            image,
            slots,
            soa,
            origins: setup.zones.iter().map(|(_, zone)| zone.origin.to_string()).collect(),
            pool_slots,
            host_slots,
            follow_slots,
            users: Grouped::default(),
            followers: setup.pools.iter().map(|_| Vec::new()).collect(),
            member_hosts: setup.pools.iter().map(|(_, pool)| vec![None; pool.members.len()]).collect(),
            pool_leads: setup.pools.iter().map(|(_, pool)| lead(&pool.fills, &pool.pool.settings)).collect(),
            host_settings: setup.hosts.iter().map(|(_, host)| settings(&setup, host)).collect(),
            by_host: Grouped::default(),
            by_address: Grouped::default(),
            targets_at: Grouped::default(),
            setup,
        };
        prepared.index();
        prepared
    }

    /// Returns the targets on an address.
    pub(super) fn targets_at(&self, address: IpAddr) -> Vec<TargetId> {
        self.targets_at.of(&address.to_canonical()).copied().collect()
    }

    /// Returns what rests on a target.
    pub(super) fn users(&self, target: TargetId) -> Users {
        self.users.of(&target).copied().collect()
    }

    /// Returns what an order over `scope` may concern; ports are not looked at.
    pub(super) fn covered(&self, scope: &Scope) -> Users {
        match scope {
            Scope::Host(name, _) => self.by_host.of(&hash(name)).copied().collect(),
            Scope::Address(address, _) => self.by_address.of(address).copied().collect(),
        }
    }

    /// Returns the references that may be probed.
    pub(super) fn references(&self) -> Vec<TargetId> {
        self.setup.references.iter().copied().filter(|id| self.setup.targets[*id].is_probed()).collect()
    }

    /// Returns the witnesses that the config names.
    pub(super) fn named_witnesses(&self) -> Vec<(TargetId, Endpoint)> {
        self.references().into_iter().map(|id| (id, self.setup.targets[id].key.endpoint())).collect()
    }

    /// Walks over the targets whose answers prove that the network is there.
    pub(super) fn witnesses(&self) -> impl Iterator<Item = (TargetId, Endpoint)> {
        let probed = self.setup.targets.iter().filter(|(_, target)| target.is_probed() && target.key.bears_witness());
        probed.map(|(id, target)| (id, target.key.endpoint()))
    }

    /// Returns how long before its time a scheduled drain leaves a host's sets.
    pub(super) fn host_lead(&self, host: HostId) -> Duration {
        lead(&self.setup.hosts[host].fills, &self.host_settings[host])
    }

    fn index(&mut self) {
        let setup = &self.setup;
        let targets = setup.targets.iter();
        self.targets_at = targets.map(|(id, target)| (target.key.address.to_canonical(), id)).collect();
        let (mut by_host, mut by_address, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for (id, pool) in setup.pools.iter() {
            let user = User::Pool(id);
            for member in &pool.members {
                let name = match &member.data {
                    MemberData::Srv { host, .. } | MemberData::Alias(host) => order_name(host),
                    MemberData::Address(address) => {
                        by_address.push((*address, user));
                        order_name(&pool.fills[0].owner)
                    }
                };
                by_host.push((hash(&name), user));
                for &target in &member.targets {
                    users.push((target, user));
                    by_address.push((setup.targets[target].key.address, user));
                }
            }
        }
        for (number, host) in setup.hosts.iter() {
            let user = User::Host(number);
            by_host.push((hash(&order_name(&host.fills[0].owner)), user));
            for (address, targets) in &host.addresses {
                by_address.push((*address, user));
                // Members without a check of their own have the addresses of their host.
                by_address.extend(host.pools.iter().map(|pool| (*address, User::Pool(*pool))));
                users.extend(targets.iter().map(|target| (*target, user)));
            }
            for &pool in &host.pools {
                let members = setup.pools[pool].members.iter().zip(&mut self.member_hosts[pool]);
                members.filter(|(member, _)| host.is_host_of(member)).for_each(|(_, place)| *place = Some(number));
            }
        }
        for (number, follow) in setup.follows.iter() {
            self.followers[follow.pool].push(number);
        }
        (self.by_host, self.by_address) = (by_host.into_iter().collect(), by_address.into_iter().collect());
        self.users = users.into_iter().collect();
    }
}

impl FromIterator<User> for Users {
    fn from_iter<T: IntoIterator<Item = User>>(all: T) -> Self {
        let mut users = Self::default();
        for user in all {
            match user {
                User::Pool(pool) => users.pools.push(pool),
                User::Host(host) => users.hosts.push(host),
            }
        }
        users
    }
}

/// Returns a host's name as orders have it: in lower case, without the final dot.
pub(super) fn order_name(name: &Name) -> String {
    name.to_lower().to_string().trim_end_matches('.').to_owned()
}

fn hash(name: &str) -> u64 {
    StableHash::new(b"understudy hosts").last(name.as_bytes()).finish()
}

/// Returns the longest unsettled TTL of some sets: a drain for T leaves the answer so long before.
fn lead(fills: &[Fill], settings: &Settings) -> Duration {
    let longest = fills.iter().map(|fill| policy::unsettled(fill.ttl, settings)).max();
    Duration::from_secs(u64::from(longest.unwrap_or(0)))
}

/// Returns the settings of a host: of several services the most impatient one sets the TTL, of those that are tested.
fn settings(setup: &Setup, host: &HostSetup) -> Settings {
    let all = host.pools.iter().map(|pool| &setup.pools[*pool].pool.settings);
    let pools = all.clone().filter(|settings| !settings.keeps_ttl);
    let mut settings = Settings::default();
    settings.keeps_ttl = pools.clone().next().is_none() && all.clone().next().is_some();
    settings.ttl = pools.clone().map(|s| s.ttl).min().unwrap_or(settings.ttl);
    settings.unsettled_ttl = pools.map(|s| s.unsettled_ttl).min().unwrap_or(settings.unsettled_ttl);
    settings
}
