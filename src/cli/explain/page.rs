//! The content of the page for one name.

use crate::admin::view::{OutcomeView, ServiceView};
use crate::base::clock::{Now, UnixTime};
use crate::base::duration::write_short;
use crate::cli::offline::{self, Belief};
use crate::engine::Core;
use crate::engine::setup::{Fill, HostSetup, MemberData};
use crate::engine::status::{PoolStatus, TargetStatus};
use crate::health::TargetId;
use crate::policy::{self, Placement};
use crate::snapshot::{Lookup, Node};
use crate::zone::{Name, Rtype};

use super::question::nearest_owner;

/// What `explain` tells.
pub(super) struct Page<'a> {
    /// The core that answers.
    pub(super) core: &'a Core,
    /// What it believes.
    pub(super) belief: &'a Belief,
    /// The name.
    pub(super) name: Name,
    /// What a query for it gets.
    pub(super) answer: ShownAnswer,
    /// The services that fill its sets, or that they follow.
    pub(super) services: Vec<PoolStatus>,
    /// The host that it is.
    pub(super) host: Option<&'a HostSetup>,
    /// Where the host is a member.
    pub(super) uses: Vec<Use>,
    /// The moment of all this.
    pub(super) now: Now,
}

/// What a query gets.
pub(super) struct ShownAnswer {
    /// The response code.
    pub(super) rcode: &'static str,
    /// The records, as in a zone file.
    pub(super) records: Vec<String>,
    /// What is odd about it.
    pub(super) remark: Option<String>,
}

/// One service that a host is a member of.
pub(super) struct Use {
    /// The service.
    pub(super) service: String,
    /// The tier.
    pub(super) priority: u16,
    /// Where the member stands in the answer.
    pub(super) placement: Placement,
}

/// One target, and since when it is believed to be as it is.
pub(super) struct Target {
    /// What is believed.
    pub(super) status: TargetStatus,
    /// Since when, if a run has noted it.
    pub(super) since: Option<UnixTime>,
    /// What the last test saw, if a running server says it.
    pub(super) last: Option<OutcomeView>,
}

impl<'a> Page<'a> {
    /// Finds out all about a name.
    pub(super) fn find(core: &'a Core, belief: &'a Belief, name: Name, rtype: Option<Rtype>, now: Now) -> Self {
        let setup = core.setup();
        let fills = |fills: &[Fill]| fills.iter().any(|fill| fill.owner == name);
        let filled = setup.pools.iter().filter(|(_, pool)| fills(&pool.fills)).map(|(id, _)| id);
        let followed = setup.follows.iter().filter(|(_, follow)| fills(&follow.fills)).map(|(_, follow)| follow.pool);
        let services = filled.chain(followed).filter_map(|id| core.pool_status(id, now)).collect();
        let host = setup.hosts.iter().map(|(_, host)| host).find(|host| fills(&host.fills));
        Self { answer: ask(core, &name, rtype), uses: uses(core, &name, now), core, belief, name, services, host, now }
    }

    /// Tells of a service.
    pub(super) fn view(&self, pool: &PoolStatus) -> ServiceView {
        ServiceView::of(pool, |id| self.core.setup().targets[id].key.to_string())
    }

    /// Tells of one target.
    pub(super) fn target(&self, id: TargetId) -> Target {
        let key = &self.core.setup().targets[id].key;
        let mut status = self.core.target_status(id, self.now.mono);
        let live = self.belief.live(key).filter(|_| !self.belief.assumes(id));
        if let Some(live) = live {
            status.untested.clone_from(&live.untested);
        }
        Target { status, since: self.belief.since(key), last: live.and_then(|live| live.last.clone()) }
    }

    /// Returns the arithmetic of product rule 9, for each set of a service.
    pub(super) fn ttls(&self, pool: &PoolStatus) -> Vec<String> {
        let setup = &self.core.setup().pools[pool.id];
        let settings = &setup.pool.settings;
        let line = |(fill, ttl): (&Fill, &u32)| {
            let (settled, unsettled) = (policy::settled(fill.ttl, settings), policy::unsettled(fill.ttl, settings));
            if settings.keeps_ttl && *ttl == settled {
                return format!("{ttl} s, as declared: nothing tests it");
            }
            let sum = format!("min(declared {}, ttl {})", fill.ttl, settings.ttl);
            if *ttl == settled {
                format!("{ttl} s = {sum}; {unsettled} s while a change may be near, and {settled} s after one")
            } else {
                format!(
                    "{ttl} s, as a change may be near (unsettled-ttl {}); else {settled} s = {sum}",
                    settings.unsettled_ttl
                )
            }
        };
        let mut lines: Vec<String> = setup.fills.iter().zip(&pool.ttls).map(line).collect();
        lines.dedup();
        lines
    }
}

impl Target {
    /// Returns for how long it is believed to be as it is.
    pub(super) fn held(&self, now: Now) -> Option<String> {
        self.since.map(|since| write_short(now.wall.since(since)))
    }
}

/// Looks a name up as the server would, one step.
fn ask(core: &Core, name: &Name, rtype: Option<Rtype>) -> ShownAnswer {
    let noerror = |records, remark| ShownAnswer { rcode: "NOERROR", records, remark };
    match core.snapshot().lookup(name.wire(), rtype.unwrap_or(Rtype::A)) {
        Lookup::Exact(_, node) => held(node, name, rtype, None),
        Lookup::Wildcard(_, node) => {
            held(node, name, rtype, Some(format!("the name is not there: {} answers for it", node.owner())))
        }
        Lookup::Missing(..) => {
            let near = nearest_owner(core.snapshot(), core.setup(), name);
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let remark = Some(format!("no such name, and nothing below it{near}"));
            ShownAnswer { rcode: "NXDOMAIN", records: Vec::new(), remark }
        }
        Lookup::Delegated(_, cut) => {
            let remark = format!("delegated at {}: other servers have authority", cut.owner());
            noerror(offline::lines(cut, cut.owner(), Some(Rtype::NS)), Some(remark))
        }
        Lookup::Renamed(_, node) => {
            let remark = format!("{} is an alias of a whole subtree (DNAME)", node.owner());
            noerror(offline::lines(node, node.owner(), Some(Rtype::DNAME)), Some(remark))
        }
        Lookup::Broken => {
            let remark = Some("its zone could not be loaded".to_owned());
            ShownAnswer { rcode: "SERVFAIL", records: Vec::new(), remark }
        }
        Lookup::Outside => {
            ShownAnswer { rcode: "REFUSED", records: Vec::new(), remark: Some("it lies in no zone".to_owned()) }
        }
    }
}

/// Reads what a node has; an alias stands for every type.
fn held(node: Node<'_>, name: &Name, rtype: Option<Rtype>, remark: Option<String>) -> ShownAnswer {
    let mut records = offline::lines(node, name, rtype);
    if records.is_empty() {
        records = offline::lines(node, name, Some(Rtype::CNAME));
    }
    let nothing = || match (rtype, node.sets().map(|set| set.rtype().to_string()).collect::<Vec<_>>()) {
        (_, types) if types.is_empty() => "NODATA: the name has no record, there are names below it".to_owned(),
        (Some(rtype), types) => format!("NODATA: the name has no {rtype}, but {}", types.join(", ")),
        (None, _) => "NODATA".to_owned(),
    };
    let mut shown = node
        .sets()
        .map(|set| set.rtype())
        .filter(|held| rtype.is_none_or(|rtype| *held == rtype || *held == Rtype::CNAME));
    let drawn = || "each answer holds a part of these records, drawn by their weights".to_owned();
    let remark = remark.or_else(|| records.is_empty().then(nothing));
    let remark = remark.or_else(|| shown.any(|rtype| node.weighted(rtype).is_some()).then(drawn));
    ShownAnswer { rcode: "NOERROR", records, remark }
}

/// Finds the services that a host is a member of.
fn uses(core: &Core, name: &Name, now: Now) -> Vec<Use> {
    let mut uses = Vec::new();
    for (id, setup) in core.setup().pools.iter() {
        let is_it = |data: &MemberData| data.host() == Some(name);
        if !setup.members.iter().any(|member| is_it(&member.data)) {
            continue;
        }
        let Some(pool) = core.pool_status(id, now) else { continue };
        for ((member, status), placement) in setup.members.iter().zip(&pool.members).zip(&pool.decision.placements) {
            if is_it(&member.data) {
                let service = crate::cli::words::service(&pool.name);
                uses.push(Use { service, priority: status.priority, placement: *placement });
            }
        }
    }
    uses
}
