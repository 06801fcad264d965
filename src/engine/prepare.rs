//! Everything that follows from a setup alone, made once, off the engine's task.

use std::sync::Arc;

use crate::base::table::{RowId, Table};
use crate::snapshot::{Image, SlotId, SlotKey, SlotValue, ZoneId, ZoneInput};
use crate::zone::Rtype;

use super::setup::{Fill, PoolId, Setup};

/// A setup with its indexes and the image that it is served from.
#[derive(Debug)]
pub struct Prepared {
    /// The setup.
    pub setup: Setup,
    /// The tree of all names.
    pub(super) image: Arc<Image>,
    /// Which set each slot stands for.
    pub(super) slots: Table<SlotId, SlotKey>,
    /// The slot of each zone's SOA; nothing for broken zones.
    pub(super) soa: Table<ZoneId, Option<SlotId>>,
    /// The slots of each pool's fills.
    pub(super) pool_slots: Table<PoolId, Vec<SlotId>>,
    /// The slots of each host's fills.
    pub(super) host_slots: Vec<Vec<SlotId>>,
    /// The slots of each follower's fills.
    pub(super) follow_slots: Vec<Vec<SlotId>>,
    /// For each target: the pools and the hosts that rest on it.
    pub(super) users: Vec<Users>,
    /// For each pool: the followers of it.
    pub(super) followers: Table<PoolId, Vec<usize>>,
    /// For each pool: the hosts of its members, by member.
    pub(super) member_hosts: Table<PoolId, Vec<Option<usize>>>,
}

/// What rests on a target.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    pub(super) pools: Vec<PoolId>,
    pub(super) hosts: Vec<usize>,
}

impl Prepared {
    /// Indexes a setup and builds its image; linear in the size of the zones.
    pub fn new(setup: Setup) -> Self {
        let mut slots = Table::new();
        let mut place =
            |fill: &Fill| slots.push(SlotKey { zone: fill.zone, owner: fill.owner.clone(), rtype: fill.rtype });
        let pool_slots: Table<PoolId, Vec<SlotId>> =
            setup.pools.iter().map(|(_, pool)| pool.fills.iter().map(&mut place).collect()).collect();
        let host_slots: Vec<Vec<SlotId>> =
            setup.hosts.iter().map(|host| host.fills.iter().map(&mut place).collect()).collect();
        let follow_slots: Vec<Vec<SlotId>> =
            setup.follows.iter().map(|follow| follow.fills.iter().map(&mut place).collect()).collect();
        let soa = setup.zones.iter().map(|(zone, row)| {
            let key = SlotKey { zone, owner: row.origin.clone(), rtype: Rtype::SOA };
            row.zone.is_some().then(|| slots.push(key))
        });
        let soa = soa.collect();
        let inputs: Table<ZoneId, ZoneInput> = setup
            .zones
            .iter()
            .map(|(_, zone)| ZoneInput { origin: zone.origin.clone(), zone: zone.zone.clone() })
            .collect();
        let image = Arc::new(Image::build(&inputs, &slots));
        let (users, followers, member_hosts) = index(&setup);
        Self { setup, image, slots, soa, pool_slots, host_slots, follow_slots, users, followers, member_hosts }
    }
}

impl Prepared {
    /// Returns a value for each slot that holds until the first judgement: nothing, not to be cached.
    pub(super) fn empty_values(&self) -> Vec<SlotValue> {
        vec![SlotValue::Empty { negative_ttl: 0 }; self.slots.len()]
    }
}

type Indexes = (Vec<Users>, Table<PoolId, Vec<usize>>, Table<PoolId, Vec<Option<usize>>>);

fn index(setup: &Setup) -> Indexes {
    let mut users = vec![Users::default(); setup.targets.len()];
    for (id, pool) in setup.pools.iter() {
        for target in pool.members.iter().flat_map(|member| &member.targets) {
            let pools = &mut users[target.index()].pools;
            if pools.last() != Some(&id) {
                pools.push(id);
            }
        }
    }
    let mut member_hosts: Table<PoolId, Vec<Option<usize>>> =
        setup.pools.iter().map(|(_, pool)| vec![None; pool.members.len()]).collect();
    for (number, host) in setup.hosts.iter().enumerate() {
        for target in host.addresses.iter().flat_map(|(_, targets)| targets) {
            let hosts = &mut users[target.index()].hosts;
            if hosts.last() != Some(&number) {
                hosts.push(number);
            }
        }
        for &pool in &host.pools {
            for (member, row) in setup.pools[pool].members.iter().enumerate() {
                if host.is_host_of(row) {
                    member_hosts[pool][member] = Some(number);
                }
            }
        }
    }
    let mut followers: Table<PoolId, Vec<usize>> = setup.pools.iter().map(|_| Vec::new()).collect();
    for (number, follow) in setup.follows.iter().enumerate() {
        followers[follow.pool].push(number);
    }
    (users, followers, member_hosts)
}
