//! The effect of assumptions: compares two cores, one with the assumptions and one without.

use crate::admin::view::ServiceView;
use crate::base::clock::Now;
use crate::engine::Core;
use crate::engine::setup::Fill;
use crate::policy::ActiveTier;

use crate::cli::offline::{Assumed, records};

/// What would be served, and whether that differs from now.
#[derive(Debug)]
pub(super) struct Effect {
    /// The targets that are assumed to be down.
    pub(super) down: Vec<String>,
    /// Each service.
    pub(super) services: Vec<ServiceEffect>,
    /// Hosts and names that follow a service, if their addresses change.
    pub(super) addresses: Vec<AddressEffect>,
}

/// One service.
#[derive(Debug)]
pub(super) struct ServiceEffect {
    /// As it would be.
    pub(super) view: ServiceView,
    /// What would be served.
    pub(super) served: ActiveTier,
    /// What is served without the supposition.
    pub(super) before: Option<ActiveTier>,
    /// The records, as in a zone file.
    pub(super) answer: Vec<String>,
    /// Whether the records or which tier is active would be others.
    pub(super) changes: bool,
}

/// The addresses of one name.
#[derive(Debug)]
pub(super) struct AddressEffect {
    /// The name.
    pub(super) name: String,
    /// Its records, as in a zone file; none is NODATA.
    pub(super) answer: Vec<String>,
}

impl Effect {
    /// Compares a core that supposes with one that does not.
    pub(super) fn of(before: &Core, core: &Core, assumed: &Assumed, now: Now) -> Self {
        let setup = core.setup();
        let answer = |core: &Core, fills: &[Fill]| -> Vec<String> {
            fills.iter().flat_map(|fill| records(core.snapshot(), &fill.owner, fill.rtype)).collect()
        };
        let mut services = Vec::new();
        for (id, row) in setup.pools.iter() {
            let Some(pool) = core.pool_status(id, now) else { continue };
            let served = before.pool_status(id, now).map(|pool| pool.decision.served);
            let answer_now = answer(core, &row.fills);
            let after = pool.decision.served;
            let changes = served != Some(after) || answer(before, &row.fills) != answer_now;
            let view = ServiceView::of(&pool, |id| setup.targets[id].key.to_string());
            services.push(ServiceEffect { view, served: after, before: served, answer: answer_now, changes });
        }
        let hosts = setup.hosts.iter().map(|(_, host)| &host.fills);
        let mut addresses = Vec::new();
        for fills in hosts.chain(setup.follows.iter().map(|(_, follow)| &follow.fills)) {
            let (was, answer) = (answer(before, fills), answer(core, fills));
            if let (true, Some(fill)) = (was != answer, fills.first()) {
                addresses.push(AddressEffect { name: fill.owner.to_string(), answer });
            }
        }
        let down = assumed.targets.iter().map(|id| setup.targets[*id].key.to_string()).collect();
        Self { down, services, addresses }
    }
}
