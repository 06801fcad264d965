//! What must be served, by the product's rules alone: slow, plain, and sharing no code with what it is compared to but the
//! types of a setup. Times are whole seconds since the start of the story.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use understudy::base::table::RowId;
use understudy::engine::setup::{Fill, MemberData, PoolSetup, Setup};
use understudy::health::TargetId;
use understudy::health::orders::{Force, Scope};
use understudy::policy::{AllDown, Failback, Failed, HostId, Kind, Need, PoolId, Promote, Settings, Standby};
use understudy::zone::Rtype;

/// One set as it is served: TTL and records as text.
pub(crate) type ServedSet = (u32, Vec<String>);

/// What a probe saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    Pass,
    Full,
    /// With this Retry-After.
    Leaving(Option<u64>),
    No,
    Silence,
    Nothing,
}

/// Why everything is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    Health,
    Start,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    Up,
    Failing(u32, u32),
    Down(How),
    Recovering(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    No,
    Silence,
    Leaving,
}

#[derive(Clone, Debug)]
struct Belief {
    state: State,
    quiet_until: u64,
    full: u32,
    plain: u32,
    degraded: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) force: Force,
    pub(crate) scope: Scope,
    pub(crate) from: u64,
    pub(crate) until: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    current: Option<u16>,
    /// Since when better tiers hold by members known to be up.
    since: BTreeMap<u16, u64>,
    last_failback: Option<u64>,
    more_strikes: u32,
    last_good: Option<Vec<(usize, u16)>>,
    ordered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Verdict {
    serves: bool,
    degraded: bool,
    proven: bool,
    by_order: bool,
    leaving: bool,
    surely_down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Tier(u16),
    LastResort,
    AllDown,
}

#[derive(Clone, Copy, Debug, Default)]
struct Unsettled {
    was: bool,
    until: u64,
}

/// The whole world.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) setup: Rc<Setup>,
    beliefs: Vec<Belief>,
    memories: Vec<Memory>,
    parts: Vec<Part>,
    pub(crate) orders: BTreeMap<u64, Order>,
    unsettled: BTreeMap<(String, Rtype), Unsettled>,
    pub(crate) served: BTreeMap<(String, Rtype), ServedSet>,
}

impl Reference {
    pub(crate) fn new(setup: Setup) -> Self {
        let setup = Rc::new(setup);
        let mut reference = Self {
            beliefs: setup.targets.iter().map(|_| Belief::new(State::Unknown)).collect(),
            memories: vec![Memory::default(); setup.pools.len()],
            parts: vec![Part::Tier(0); setup.pools.len()],
            setup,
            orders: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            served: BTreeMap::new(),
        };
        reference.look(Because::Start, 0);
        reference
    }

    pub(crate) fn report(&mut self, target: usize, saw: Saw, now: u64) {
        let settings = &self.setup.targets[TargetId::from_index(target)].settings;
        self.beliefs[target].step(saw, settings.fall, settings.rise, now);
        self.look(Because::Health, now);
    }

    /// Returns whether an order robs a service of its last eligible member.
    pub(crate) fn robs(&self, order: &Order, now: u64) -> bool {
        let mut after = self.clone();
        after.orders.insert(u64::MAX, order.clone());
        let eligible = |world: &Self, pool| world.verdicts(pool, now).iter().any(|v| v.serves);
        (0..self.memories.len()).any(|pool| eligible(self, pool) && !eligible(&after, pool))
    }

    pub(crate) fn fail_back(&mut self, pool: usize, now: u64) {
        self.memories[pool].ordered = true;
        self.look(Because::Other, now);
    }

    pub(crate) fn reload(&mut self, setup: Setup, now: u64) {
        let key = |setup: &Setup, id: TargetId| setup.targets[id].key.clone();
        let beliefs = setup.targets.ids().map(|id| {
            let same = self.setup.targets.ids().find(|old| key(&self.setup, *old) == key(&setup, id));
            let Some(old) = same else { return Belief::new(State::Unknown) };
            let (is, was) = (&setup.targets[id].settings, &self.setup.targets[old].settings);
            let belief = self.beliefs[old.index()].clone();
            if (is.fall, is.rise) == (was.fall, was.rise) { belief } else { belief.without_counters() }
        });
        let beliefs = beliefs.collect();
        let memories = setup.pools.iter().map(|(_, pool)| {
            let old = self.setup.pools.iter().find(|(_, old)| old.name == pool.name);
            let Some((id, old)) = old else { return Memory::default() };
            let mut memory = self.memories[id.index()].clone();
            let place = |(member, priority): (usize, u16)| {
                let place = pool.members.iter().position(|new| new.label == old.members[member].label)?;
                Some((place, priority))
            };
            memory.last_good = memory.last_good.map(|set| set.into_iter().filter_map(place).collect());
            // A tier is its members, whatever number they have now.
            let renumbered = |tier: u16| {
                let members = (0..old.members.len()).filter(|i| old.pool.members[*i].priority == tier);
                let new = members.filter_map(|i| place((i, 0))).map(|(place, _)| pool.pool.members[place].priority);
                let new: Vec<u16> = new.collect();
                if new.contains(&tier) { tier } else { new.first().copied().unwrap_or(tier) }
            };
            memory.current = memory.current.map(renumbered);
            let mut since = BTreeMap::new();
            for (tier, began) in std::mem::take(&mut memory.since) {
                let earliest: &mut u64 = since.entry(renumbered(tier)).or_insert(began);
                *earliest = began.min(*earliest);
            }
            memory.since = since;
            memory
        });
        let memories = memories.collect();
        (self.beliefs, self.memories) = (beliefs, memories);
        self.parts = vec![Part::Tier(0); setup.pools.len()];
        self.setup = Rc::new(setup);
        let fills: Vec<_> = self.fills().map(key_of).collect();
        self.unsettled.retain(|key, _| fills.contains(key));
        self.served.retain(|key, _| fills.contains(key));
        self.look(Because::Other, now);
    }

    pub(crate) fn restart(&mut self, now: u64) {
        for belief in &mut self.beliefs {
            *belief = belief.without_counters();
        }
        self.unsettled.clear();
        self.served.clear();
        self.look(Because::Start, now);
    }

    /// Looks at everything, as it is now.
    pub(crate) fn look(&mut self, because: Because, now: u64) {
        self.orders.retain(|_, order| order.until.is_none_or(|until| until > now));
        let setup = Rc::clone(&self.setup);
        for (id, pool) in setup.pools.iter() {
            let verdicts = self.verdicts(id.index(), now);
            let tiers = Tiers { pool, verdicts: &verdicts };
            let part = tiers.choose(&mut self.memories[id.index()], because, now);
            let (listed, closed) = tiers.list(part, self.memories[id.index()].last_good.as_deref());
            if let Part::Tier(_) = part {
                self.memories[id.index()].last_good = Some(listed.clone());
            }
            self.parts[id.index()] = part;
            let moving = pool.members.iter().flat_map(|m| &m.targets).any(|t| self.moves(*t));
            let due = [self.failback_due(id.index(), now), self.drain_due(id, now)].into_iter().flatten().min();
            for (half, fill) in pool.fills.iter().enumerate() {
                let mut records = if closed { vec!["0 0 0 .".to_owned()] } else { Vec::new() };
                for (member, priority) in &listed {
                    let declared = pool.pool.members[*member];
                    let record = match &pool.members[*member].data {
                        MemberData::Srv { port, host } if usize::from(declared.half) == half => {
                            format!("{priority} {} {port} {host}", declared.weight)
                        }
                        MemberData::Address(address) if family(*address) == fill.rtype => address.to_string(),
                        MemberData::Alias(host) => host.to_string(),
                        MemberData::Srv { .. } | MemberData::Address(_) => continue,
                    };
                    if !records.contains(&record) {
                        records.push(record);
                    }
                }
                self.serve(fill, &pool.pool.settings, records, moving || part.is_need(), due, now);
            }
        }
        let hosts: Vec<Vec<IpAddr>> = setup.hosts.ids().map(|host| self.staying(host, now)).collect();
        for ((_, host), addresses) in setup.hosts.iter().zip(&hosts) {
            let of = |get: fn(&Settings) -> u32| host.pools.iter().map(|p| get(&setup.pools[*p].pool.settings)).min();
            let (ttl, unsettled_ttl) = (of(|s| s.ttl).unwrap(), of(|s| s.unsettled_ttl).unwrap());
            let settings = Settings { ttl, unsettled_ttl, ..Settings::default() };
            let restless = host.addresses.iter().flat_map(|(_, targets)| targets).any(|t| self.moves(*t))
                || host.pools.iter().any(|pool| self.parts[pool.index()].is_need());
            let name = host.fills[0].owner.to_string();
            let lead = host.fills.iter().map(|fill| lead(fill.ttl, &settings)).max().unwrap();
            let keys: Vec<_> = host.addresses.iter().flat_map(|(_, targets)| targets).map(|t| self.key(*t)).collect();
            let due = self.first_drain(lead, now, |scope| keys.iter().any(|(a, p)| covers(scope, &name, Some(*a), *p)));
            for fill in &host.fills {
                self.serve(fill, &settings, of_family(addresses, fill.rtype), restless, due, now);
            }
        }
        for (_, follow) in setup.follows.iter() {
            let (pool, part) = (&setup.pools[follow.pool], self.parts[follow.pool.index()]);
            let verdicts = self.verdicts(follow.pool.index(), now);
            let mut tiers: Vec<Vec<IpAddr>> = Vec::new();
            for members in (Tiers { pool, verdicts: &verdicts }).followed(part) {
                let at_home = |member: &usize| {
                    let host =
                        setup.hosts.iter().zip(&hosts).find(|((_, host), _)| host.is_host_of(&pool.members[*member]));
                    host.map(|(_, staying)| staying.clone()).unwrap_or_default()
                };
                tiers.push(members.iter().flat_map(at_home).collect());
            }
            tiers.push(follow.addresses.clone());
            let moving = pool.members.iter().flat_map(|m| &m.targets).any(|t| self.moves(*t));
            let (failback, drain) = (self.failback_due(follow.pool.index(), now), self.drain_due(follow.pool, now));
            let due = failback.into_iter().chain(drain).min();
            for fill in &follow.fills {
                let records = tiers.iter().map(|tier| of_family(tier, fill.rtype));
                let records = records.into_iter().find(|records| !records.is_empty()).unwrap_or_default();
                self.serve(fill, &pool.pool.settings, records, moving || part.is_need(), due, now);
            }
        }
    }

    /// Rule 9.
    fn serve(
        &mut self,
        fill: &Fill,
        settings: &Settings,
        records: Vec<String>,
        restless: bool,
        due: Option<u64>,
        now: u64,
    ) {
        let settled = fill.ttl.min(settings.ttl).max(1);
        let unsettled = settled.min(settings.unsettled_ttl).max(1);
        let changed = self.served.get(&key_of(fill)).is_some_and(|(_, before)| *before != records);
        let holds = restless || due.is_some_and(|due| due <= u64::from(settled));
        let memory = self.unsettled.entry(key_of(fill)).or_default();
        if holds || memory.was || changed {
            memory.until = now + u64::from(settled);
        }
        memory.was = holds;
        let ttl = if holds || memory.until > now { unsettled } else { settled };
        self.served.insert(key_of(fill), (ttl, records));
    }

    fn verdicts(&self, pool: usize, now: u64) -> Vec<Verdict> {
        let pool = &self.setup.pools[PoolId::from_index(pool)];
        let lead = pool.fills.iter().map(|fill| lead(fill.ttl, &pool.pool.settings)).max().unwrap();
        let verdict = |member: &understudy::engine::setup::MemberSetup| {
            let (name, port) = match &member.data {
                MemberData::Srv { port, host } => (host.to_string(), *port),
                MemberData::Alias(host) => (host.to_string(), 0),
                MemberData::Address(_) => (pool.fills[0].owner.to_string(), 0),
            };
            let mut known = Vec::new();
            for &target in &member.targets {
                let (address, port) = self.key(target);
                let force = self.force(&name, Some(address), port, lead, now);
                let belief = &self.beliefs[target.index()];
                if force.is_some() || belief.state != State::Unknown {
                    known.push((force, belief));
                }
            }
            if member.targets.is_empty() {
                let force = self.force(&name, None, port, lead, now);
                let serves = matches!(force, None | Some(Force::Up));
                let (by_order, leaving) = (!serves, force == Some(Force::Drained));
                return Verdict { serves, degraded: false, proven: serves, by_order, leaving, surely_down: true };
            }
            let serving: Vec<_> =
                known.iter().filter(|(f, b)| f.map_or_else(|| b.serves(), |f| f == Force::Up)).collect();
            let alive = |b: &Belief| matches!(b.state, State::Up | State::Failing(..));
            Verdict {
                serves: known.is_empty() || !serving.is_empty(),
                degraded: !serving.is_empty() && serving.iter().all(|(_, b)| b.degraded),
                proven: serving.iter().any(|(f, b)| *f == Some(Force::Up) || b.state == State::Up),
                by_order: known.iter().all(|(f, _)| f.is_some()),
                leaving: known.iter().any(|(f, b)| match f {
                    Some(force) => *force == Force::Drained && alive(b),
                    None => b.state == State::Down(How::Leaving),
                }),
                surely_down: known.iter().all(|(f, b)| f.is_some() || b.state == State::Down(How::No)),
            }
        };
        pool.members.iter().map(verdict).collect()
    }

    fn staying(&self, host: HostId, now: u64) -> Vec<IpAddr> {
        let host = &self.setup.hosts[host];
        let of = |get: fn(&Settings) -> u32| host.pools.iter().map(|p| get(&self.setup.pools[*p].pool.settings)).min();
        let settings = Settings {
            ttl: of(|s| s.ttl).unwrap(),
            unsettled_ttl: of(|s| s.unsettled_ttl).unwrap(),
            ..Settings::default()
        };
        let lead = host.fills.iter().map(|fill| lead(fill.ttl, &settings)).max().unwrap();
        let name = host.fills[0].owner.to_string();
        let looks: Vec<(IpAddr, bool, bool)> = host
            .addresses
            .iter()
            .map(|(address, targets)| {
                let looks: Vec<(bool, bool)> = targets
                    .iter()
                    .map(|target| {
                        let (address, port) = self.key(*target);
                        let force = self.force(&name, Some(address), port, lead, now);
                        let belief = &self.beliefs[target.index()];
                        let serves = force.map_or_else(|| belief.serves(), |force| force == Force::Up);
                        (serves, force.is_some() || belief.state != State::Unknown)
                    })
                    .collect();
                let withheld = !looks.is_empty() && looks.iter().all(|(serves, _)| !serves);
                (*address, withheld, looks.iter().any(|(serves, known)| *serves && *known))
            })
            .collect();
        let other_serves = |own: IpAddr| looks.iter().any(|(address, _, serving)| *address != own && *serving);
        looks.iter().filter(|(a, withheld, _)| !(*withheld && other_serves(*a))).map(|(a, ..)| *a).collect()
    }

    fn force(&self, name: &str, address: Option<IpAddr>, port: u16, lead: u64, now: u64) -> Option<Force> {
        let begun = |order: &&Order| order.from <= if order.force == Force::Drained { now + lead } else { now };
        let orders = self.orders.values().filter(begun).filter(|order| covers(&order.scope, name, address, port));
        orders.map(|order| order.force).min()
    }

    fn drain_due(&self, pool: PoolId, now: u64) -> Option<u64> {
        let pool = &self.setup.pools[pool];
        let lead = pool.fills.iter().map(|fill| lead(fill.ttl, &pool.pool.settings)).max().unwrap();
        self.first_drain(lead, now, |scope| {
            pool.members.iter().any(|member| {
                let (name, port, address) = match &member.data {
                    MemberData::Srv { port, host } => (host.to_string(), *port, None),
                    MemberData::Alias(host) => (host.to_string(), 0, None),
                    MemberData::Address(address) => (pool.fills[0].owner.to_string(), 0, Some(*address)),
                };
                covers(scope, &name, address, port)
                    || member.targets.iter().map(|t| self.key(*t)).any(|(a, p)| covers(scope, &name, Some(a), p))
            })
        })
    }

    fn first_drain(&self, lead: u64, now: u64, covered: impl Fn(&Scope) -> bool) -> Option<u64> {
        let drains = self.orders.values().filter(|o| o.force == Force::Drained && covered(&o.scope));
        drains.filter(|order| order.from > now + lead).map(|order| order.from - lead - now).min()
    }

    fn failback_due(&self, pool: usize, now: u64) -> Option<u64> {
        let (settings, memory) = (&self.setup.pools[PoolId::from_index(pool)].pool.settings, &self.memories[pool]);
        let due = memory.since.values().map(|since| (since + hold(settings, memory)).saturating_sub(now)).min();
        due.filter(|_| settings.failback == Failback::Auto)
    }

    fn fills(&self) -> impl Iterator<Item = &Fill> {
        let pools = self.setup.pools.iter().flat_map(|(_, pool)| &pool.fills);
        let hosts = self.setup.hosts.iter().flat_map(|(_, host)| &host.fills);
        pools.chain(hosts).chain(self.setup.follows.iter().flat_map(|(_, follow)| &follow.fills))
    }

    fn key(&self, target: TargetId) -> (IpAddr, u16) {
        let key = &self.setup.targets[target].key;
        (key.address, key.port)
    }

    fn moves(&self, target: TargetId) -> bool {
        matches!(self.beliefs[target.index()].state, State::Failing(..) | State::Recovering(_))
    }
}

impl Belief {
    fn new(state: State) -> Self {
        Self { state, quiet_until: 0, full: 0, plain: 0, degraded: false }
    }

    /// After a restart, or if the check or its thresholds changed.
    fn without_counters(&self) -> Self {
        let state = match self.state {
            State::Failing(..) => State::Up,
            State::Recovering(_) => State::Down(How::Silence),
            State::Unknown | State::Up | State::Down(_) => self.state,
        };
        Self { quiet_until: self.quiet_until, ..Self::new(state) }
    }

    fn serves(&self) -> bool {
        matches!(self.state, State::Unknown | State::Up | State::Failing(..))
    }

    /// The table of section 3.
    fn step(&mut self, saw: Saw, fall: u32, rise: u32, now: u64) {
        let down = |how, fails| if fails >= fall { State::Down(how) } else { State::Failing(0, fails) };
        let before = self.state;
        self.state = match (saw, before) {
            (Saw::Nothing, state) => return self.state = state,
            (Saw::Pass | Saw::Full, state) if now < self.quiet_until => return self.state = state,
            (Saw::Pass | Saw::Full, State::Unknown | State::Up) => State::Up,
            (Saw::Pass | Saw::Full, State::Failing(passes, _)) if passes + 1 >= rise => State::Up,
            (Saw::Pass | Saw::Full, State::Failing(passes, fails)) => State::Failing(passes + 1, fails),
            (Saw::Pass | Saw::Full, State::Down(_)) if rise == 1 => State::Up,
            (Saw::Pass | Saw::Full, State::Down(_)) => State::Recovering(1),
            (Saw::Pass | Saw::Full, State::Recovering(passes)) if passes + 1 >= rise => State::Up,
            (Saw::Pass | Saw::Full, State::Recovering(passes)) => State::Recovering(passes + 1),
            (Saw::Leaving(_), _) => State::Down(How::Leaving),
            (Saw::No, State::Unknown | State::Up) => down(How::No, 1),
            (Saw::Silence, State::Unknown | State::Up) => down(How::Silence, 1),
            (Saw::No, State::Failing(_, fails)) => down(How::No, fails + 1),
            (Saw::Silence, State::Failing(_, fails)) => down(How::Silence, fails + 1),
            (Saw::No, State::Down(_) | State::Recovering(_)) => State::Down(How::No),
            (Saw::Silence, State::Down(_) | State::Recovering(_)) => State::Down(How::Silence),
        };
        if let Saw::Leaving(after) = saw {
            self.quiet_until = now + after.unwrap_or(0);
        }
        match saw {
            Saw::Pass => self.plain += 1,
            Saw::Full => (self.plain, self.full) = (0, self.full + 1),
            Saw::Leaving(_) | Saw::No | Saw::Silence | Saw::Nothing => self.plain = 0,
        }
        self.degraded |= self.full >= fall;
        let fell = matches!(self.state, State::Down(_)) && !matches!(before, State::Down(_));
        if self.plain >= rise || fell {
            (self.full, self.degraded) = (0, false);
        }
    }
}

impl Part {
    fn is_need(self) -> bool {
        !matches!(self, Self::Tier(_))
    }
}

/// Rules 1 to 7 over one pool.
struct Tiers<'a> {
    pool: &'a PoolSetup,
    verdicts: &'a [Verdict],
}

impl Tiers<'_> {
    /// Rules 2 and 3.
    fn choose(&self, memory: &mut Memory, because: Because, now: u64) -> Part {
        let settings = &self.pool.pool.settings;
        if because == Because::Start {
            memory.since.clear();
        }
        if !self.verdicts.iter().any(|v| v.serves) {
            (memory.current, memory.since) = (None, BTreeMap::new());
            return if self.verdicts.iter().any(|v| v.leaving) { Part::LastResort } else { Part::AllDown };
        }
        let tiers = self.priorities();
        let eligible = |tier: &u16| self.members(*tier).any(|i| self.verdicts[i].serves);
        let first = tiers.iter().find(|t| self.holds(**t, |v| v.serves)).or_else(|| tiers.iter().find(|t| eligible(t)));
        let first = *first.unwrap();
        let better = |than: u16| {
            let better = tiers.iter().copied().take_while(move |tier| *tier < than);
            better.filter(|tier| self.holds(*tier, |v| v.serves && v.proven)).collect::<Vec<u16>>()
        };
        let current = memory.current.filter(|tier| tiers.contains(tier));
        let serving = match current {
            None => first,
            Some(current) if !self.holds(current, |v| v.serves) => {
                if first != current
                    && because == Because::Health
                    && let Some(at) = memory.last_failback.take()
                {
                    memory.more_strikes = if now - at <= 3_600 { memory.more_strikes + 1 } else { 0 };
                }
                first
            }
            Some(current) => {
                let held = |tier: &u16| now - memory.since.get(tier).copied().unwrap_or(now);
                let ripe = |tier: &u16| {
                    memory.ordered || (settings.failback == Failback::Auto && held(tier) >= hold(settings, memory))
                };
                let ripe = better(current).into_iter().find(ripe);
                if ripe.is_some() {
                    (memory.last_failback, memory.ordered) = (Some(now), false);
                }
                ripe.unwrap_or(current)
            }
        };
        if serving == tiers[0] {
            memory.ordered = false;
        }
        memory.current = Some(serving);
        memory.since =
            better(serving).into_iter().map(|tier| (tier, memory.since.get(&tier).copied().unwrap_or(now))).collect();
        Part::Tier(serving)
    }

    /// Rules 4 to 7: members with the priority that they bear, and whether the answer is `0 0 0 .`.
    fn list(&self, part: Part, last_good: Option<&[(usize, u16)]>) -> (Vec<(usize, u16)>, bool) {
        let pool = &self.pool.pool;
        let declared = |i: usize| pool.members[i].priority;
        let all = 0..pool.members.len();
        let mut listed: Vec<(usize, u16)> = match part {
            Part::Tier(serving) => {
                all.filter_map(|i| Some((i, u16::try_from(self.place(i, serving)?).ok()?))).collect()
            }
            Part::LastResort => {
                let leaving: Vec<usize> = all.filter(|i| self.verdicts[*i].leaving).collect();
                let half = |i: usize| pool.members[i].half;
                let first = |of| leaving.iter().filter(|i| half(**i) == half(of)).map(|i| declared(*i)).min();
                let fits = |i: &usize| !lists_one_tier(pool.kind) || Some(declared(*i)) == first(*i);
                leaving.iter().copied().filter(fits).map(|i| (i, declared(i))).collect()
            }
            Part::AllDown => {
                let setting = if lists_one_tier(pool.kind) { AllDown::Declared } else { pool.settings.all_down };
                if setting == AllDown::Closed && self.verdicts.iter().all(|v| v.by_order || v.surely_down) {
                    return (Vec::new(), true);
                }
                let good = last_good.filter(|_| setting == AllDown::LastGood).unwrap_or_default();
                let mut listed: Vec<_> = (0..=1u8).flat_map(|half| self.all_down_half(half, good)).collect();
                listed.sort_unstable();
                return (listed, false);
            }
        };
        if pool.kind != Kind::Service {
            for half in 0..=1 {
                if !listed.iter().any(|(i, _)| pool.members[*i].half == half) {
                    listed.extend(self.stand_ins(half, part));
                }
            }
            listed.sort_unstable();
        }
        (listed, false)
    }

    /// The table of rule 4; nothing: left out.
    fn place(&self, i: usize, serving: u16) -> Option<usize> {
        let (pool, verdict) = (&self.pool.pool, self.verdicts[i]);
        let priority = pool.members[i].priority;
        let demotes = pool.settings.failed == Failed::Demote && !lists_one_tier(pool.kind);
        let hides = pool.settings.standby == Standby::Hidden || lists_one_tier(pool.kind);
        let behind = demotes.then(|| self.behind(i));
        if !verdict.serves {
            return behind.filter(|_| !verdict.by_order);
        }
        if priority < serving {
            return behind;
        }
        if priority > serving && hides {
            return None;
        }
        if self.yields(i) {
            return behind;
        }
        let renumbered = pool.settings.promote == Promote::Renumber && priority == serving;
        Some(usize::from(if renumbered { self.priorities()[0] } else { priority }))
    }

    /// Rule 6.
    fn stand_ins(&self, half: u8, part: Part) -> Vec<(usize, u16)> {
        let pool = &self.pool.pool;
        let members: Vec<usize> = (0..pool.members.len()).filter(|i| pool.members[*i].half == half).collect();
        let eligible: Vec<usize> =
            members.iter().copied().filter(|i| self.verdicts[*i].serves && !self.yields(*i)).collect();
        if let Part::Tier(serving) = part {
            let next = eligible.iter().map(|i| pool.members[*i].priority).filter(|p| *p > serving).min();
            if let Some(next) = next {
                return eligible.into_iter().filter(|i| pool.members[*i].priority == next).map(|i| (i, next)).collect();
            }
        }
        let chosen = if eligible.is_empty() { self.spared(&members) } else { eligible };
        if lists_one_tier(pool.kind) {
            let tier = |i: &usize| pool.members[*i].priority;
            let first = chosen.iter().map(tier).min();
            return chosen.iter().filter(|i| Some(tier(i)) == first).map(|i| (*i, tier(i))).collect();
        }
        chosen.into_iter().map(|i| (i, u16::try_from(self.behind(i)).unwrap_or(u16::MAX))).collect()
    }

    /// Rule 7, one half.
    fn all_down_half(&self, half: u8, good: &[(usize, u16)]) -> Vec<(usize, u16)> {
        let pool = &self.pool.pool;
        let members: Vec<usize> = (0..pool.members.len()).filter(|i| pool.members[*i].half == half).collect();
        let good: Vec<(usize, u16)> = good.iter().copied().filter(|(i, _)| members.contains(i)).collect();
        let free: Vec<(usize, u16)> = good.iter().copied().filter(|(i, _)| !self.verdicts[*i].by_order).collect();
        if !free.is_empty() {
            return free;
        }
        if !good.is_empty() && members.iter().all(|i| self.verdicts[*i].by_order) {
            return good;
        }
        let spared = self.spared(&members);
        let first = spared.iter().map(|i| pool.members[*i].priority).min();
        let fits = |i: &usize| !lists_one_tier(pool.kind) || Some(pool.members[*i].priority) == first;
        spared.into_iter().filter(fits).map(|i| (i, pool.members[i].priority)).collect()
    }

    /// Rule 11: the members whose hosts lend their addresses, tier by tier from the serving one on.
    fn followed(&self, part: Part) -> Vec<Vec<usize>> {
        let Part::Tier(serving) = part else { return Vec::new() };
        let eligible = |i: &usize| self.verdicts[*i].serves && !self.yields(*i);
        let tiers = self.priorities().into_iter().filter(|tier| *tier >= serving);
        tiers.map(|tier| self.members(tier).filter(eligible).collect()).collect()
    }

    fn spared(&self, members: &[usize]) -> Vec<usize> {
        let free: Vec<usize> = members.iter().copied().filter(|i| !self.verdicts[*i].by_order).collect();
        if free.is_empty() { members.to_vec() } else { free }
    }

    fn behind(&self, i: usize) -> usize {
        let tiers = self.priorities();
        let rank = tiers.iter().position(|tier| *tier == self.pool.pool.members[i].priority).unwrap();
        usize::from(*tiers.last().unwrap()) + 1 + rank
    }

    /// Rule 4: a degraded member yields while the others reach the need and half of the declared weight.
    fn yields(&self, i: usize) -> bool {
        let own = self.pool.pool.members[i];
        let sound = |v: &Verdict| v.serves && !v.degraded;
        let group: Vec<usize> =
            self.members(own.priority).filter(|j| self.pool.pool.members[*j].half == own.half).collect();
        self.verdicts[i].serves
            && self.verdicts[i].degraded
            && self.reaches(&group, sound)
            && self.share(&group, sound) >= 0.5
    }

    /// Rule 1; of a pair, in one half.
    fn holds(&self, tier: u16, counts: impl Fn(&Verdict) -> bool + Copy) -> bool {
        (0..=1).any(|half| {
            let group: Vec<usize> = self.members(tier).filter(|i| self.pool.pool.members[*i].half == half).collect();
            self.reaches(&group, counts)
        })
    }

    fn reaches(&self, group: &[usize], counts: impl Fn(&Verdict) -> bool + Copy) -> bool {
        let count = group.iter().filter(|i| counts(&self.verdicts[**i])).count();
        match self.pool.pool.settings.min_up {
            Need::Count(need) => count > 0 && count >= group.len().min(need as usize),
            Need::Share(share) => count > 0 && self.share(group, counts) >= share - 1e-6,
        }
    }

    fn share(&self, group: &[usize], counts: impl Fn(&Verdict) -> bool) -> f64 {
        let weightless = group.iter().all(|i| self.pool.pool.members[*i].weight == 0);
        let load = |i: &usize| if weightless { 1.0 } else { f64::from(self.pool.pool.members[*i].weight) };
        let counting: f64 = group.iter().filter(|i| counts(&self.verdicts[**i])).map(load).sum();
        counting / group.iter().map(load).sum::<f64>()
    }

    fn members(&self, tier: u16) -> impl Iterator<Item = usize> {
        let members = self.pool.pool.members.iter().enumerate();
        members.filter(move |(_, member)| member.priority == tier).map(|(i, _)| i)
    }

    fn priorities(&self) -> Vec<u16> {
        let mut tiers: Vec<u16> = self.pool.pool.members.iter().map(|member| member.priority).collect();
        tiers.sort_unstable();
        tiers.dedup();
        tiers
    }
}

/// Returns how a set is named.
pub(crate) fn key_of(fill: &Fill) -> (String, Rtype) {
    (fill.owner.to_string(), fill.rtype)
}

fn hold(settings: &Settings, memory: &Memory) -> u64 {
    let doubled = settings.hold.saturating_mul(1 << memory.more_strikes.min(20));
    doubled.min(settings.hold.max(Duration::from_secs(3_600))).as_secs()
}

/// The unsettled TTL: a drain for T leaves the answer so long before.
fn lead(ttl: u32, settings: &Settings) -> u64 {
    u64::from(ttl.min(settings.ttl).max(1).min(settings.unsettled_ttl).max(1))
}

fn covers(scope: &Scope, name: &str, address: Option<IpAddr>, port: u16) -> bool {
    match scope {
        Scope::Host(host, only) => *host == name.trim_end_matches('.') && only.is_none_or(|only| only == port),
        Scope::Address(own, only) => address == Some(*own) && only.is_none_or(|only| only == port),
    }
}

fn lists_one_tier(kind: Kind) -> bool {
    matches!(kind, Kind::Addresses | Kind::Alias)
}

fn family(address: IpAddr) -> Rtype {
    if address.is_ipv4() { Rtype::A } else { Rtype::AAAA }
}

fn of_family(addresses: &[IpAddr], rtype: Rtype) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for address in addresses.iter().filter(|address| family(**address) == rtype) {
        if !texts.contains(&address.to_string()) {
            texts.push(address.to_string());
        }
    }
    texts
}
