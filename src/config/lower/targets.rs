//! The table of targets: two members that need the same probe share one.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::config::shape::TargetKeys;
use crate::engine::setup::{MemberSetup, PoolSetup, TargetKey, TargetSetup};
use crate::health::{self, TargetId};
use crate::probe::allow::{Access, DeclaredBy, Refused};
use crate::probe::{Check, Spec, TargetSettings, Watch};

/// How the targets of one service are probed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    check: Check,
    parameters: String,
    settings: health::Settings,
    watch: Option<Watch>,
    declared_by: DeclaredBy,
}

/// What makes a plan: transport, kind, parameters, thresholds and cadence.
type PlanKey = (&'static str, &'static str, String, health::Settings);

/// What the targets of one plan share.
#[derive(Debug)]
struct Shared {
    check: Arc<Check>,
    settings: Arc<health::Settings>,
}

/// The targets so far.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    /// What the engine sees.
    pub(super) table: Table<TargetId, TargetSetup>,
    /// What the prober sees.
    pub(super) specs: Table<TargetId, Option<Spec>>,
    /// A number for each different plan, so that a target is found by little.
    plans: HashMap<PlanKey, u32>,
    /// What targets of one plan share, by its number.
    shared: Vec<Shared>,
    known: HashMap<(SocketAddr, u32), TargetId>,
    access: &'a Access,
    /// Why targets are not probed.
    refused: BTreeMap<TargetId, Refused>,
    /// Whether nothing is probed at all (`--static`).
    fixed: bool,
}

impl Plan {
    /// Returns the plan for hosts outside of the zones: other people's servers are tested more rarely and not watched,
    /// unless the service says so itself.
    pub(super) fn foreign(mut self, own: Option<&TargetKeys>) -> Self {
        let (pace, down_pace) = own.map_or((None, None), |keys| (keys.interval.as_ref(), keys.down_interval.as_ref()));
        if pace.is_none() {
            self.settings.interval = self.settings.interval.max(FOREIGN);
            if down_pace.is_none() {
                self.settings.down_interval = self.settings.down_interval.max(FOREIGN);
            }
        }
        self.declared_by = DeclaredBy::Others;
        self.watch = self.watch.filter(|_| own.is_some_and(|keys| keys.watch.is_some()));
        self
    }

    /// Returns the plan for a host outside of the zones that the config itself names: only what may be probed there differs.
    pub(super) fn outside(self) -> Self {
        Self { declared_by: DeclaredBy::Others, ..self }
    }

    /// Returns whether it does something with the port of its target; a program may be given it.
    pub(super) fn uses_port(&self) -> bool {
        self.check.has_port() || self.check.kind() == "exec"
    }

    /// Makes a plan of any check.
    pub(super) fn new(check: Check, with: &TargetSettings) -> Self {
        let parameters = check.parameters();
        let mut settings = with.health.clone();
        if check.is_final() {
            (settings.fall, settings.rise) = (1, 1);
        }
        let spares = settings.watched_interval.saturating_sub(settings.interval);
        let watch = with.watch.then_some(Watch { longest: with.watch_renew, spares });
        Self { check, parameters, settings, watch, declared_by: DeclaredBy::Us }
    }
}

impl<'a> Targets<'a> {
    /// Starts an empty table.
    pub(super) fn new(access: &'a Access, fixed: bool) -> Self {
        Self {
            table: Table::new(),
            specs: Table::new(),
            plans: HashMap::new(),
            shared: Vec::new(),
            known: HashMap::new(),
            access,
            refused: BTreeMap::new(),
            fixed,
        }
    }

    /// Returns whether nothing is tested at all.
    pub(super) const fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Returns the number of a plan: the same for equal ones.
    pub(super) fn number(&mut self, plan: &Plan) -> u32 {
        let key = (plan.check.transport(), plan.check.kind(), plan.parameters.clone(), plan.settings.clone());
        let next = u32::try_from(self.plans.len()).unwrap_or(u32::MAX);
        let number = *self.plans.entry(key).or_insert(next);
        if number == next {
            self.shared.push(Shared { check: Arc::new(plan.check.clone()), settings: Arc::new(plan.settings.clone()) });
        }
        number
    }

    /// Returns the target of one address, probed by a plan with this number; nothing with `--static`.
    pub(super) fn target(&mut self, address: SocketAddr, plan: &Plan, number: u32) -> Option<TargetId> {
        if self.fixed {
            return None;
        }
        let (table, specs, refused) = (&mut self.table, &mut self.specs, &mut self.refused);
        let shared = self.shared.get(usize::try_from(number).unwrap_or(usize::MAX))?;
        let new = || {
            specs.push(None);
            let key = TargetKey {
                address: address.ip(),
                port: address.port(),
                transport: plan.check.transport(),
                kind: plan.check.kind(),
                parameters: plan.parameters.clone(),
            };
            table.push(TargetSetup {
                key,
                settings: Arc::clone(&shared.settings),
                barrier: Some(NO_PORT),
                watched: false,
            })
        };
        let id = *self.known.entry((address, number)).or_insert_with(new);
        // Of several that share a target one is enough that may be probed.
        if let Some(spec @ None) = specs.get_mut(id) {
            match self.access.permits(address.ip(), plan.declared_by) {
                Err(refusal) => {
                    let first = refused.entry(id).or_insert(refusal);
                    if let Some(row) = table.get_mut(id) {
                        row.barrier = Some(first.reason());
                    }
                }
                Ok(()) if address.port() == 0 && plan.check.has_port() => {}
                Ok(()) => {
                    // Parameters tell checks apart, but for secrets.
                    let is_shared = *shared.check == plan.check;
                    let check = if is_shared { Arc::clone(&shared.check) } else { Arc::new(plan.check.clone()) };
                    *spec = Some(Spec { address, check, timeout: plan.settings.timeout, watch: plan.watch });
                    if let Some(row) = table.get_mut(id) {
                        row.barrier = None;
                    }
                }
            }
        }
        // Of several that share a target one is enough to have it watched.
        if let Some(Some(spec)) = self.specs.get_mut(id) {
            spec.watch = spec.watch.into_iter().chain(plan.watch).reduce(Watch::with);
        }
        if let Some(row) = self.table.get_mut(id) {
            row.watched |= plan.watch.is_some() && plan.check.can_be_held();
        }
        Some(id)
    }

    /// Returns whether anything of a pool is tested. A host whose addresses are not known yet may be, and an address for
    /// documents stands for one that will be.
    pub(super) fn test(&self, pool: &PoolSetup) -> bool {
        let for_documents = |id: &TargetId| matches!(self.refused.get(id), Some(Refused::Documentation(_)));
        let probed = |id: &TargetId| self.table.get(*id).is_some_and(TargetSetup::is_probed) || for_documents(id);
        let tested = |member: &MemberSetup| member.targets.is_empty() || member.targets.iter().any(probed);
        pool.members.iter().any(|member| !member.unprobed && tested(member))
    }

    /// Finds the targets that may not be probed, in one finding for each cause.
    pub(super) fn judge(&self) -> Vec<Finding> {
        let [mut document, mut denied, mut local, mut inside, mut no_port] = [const { Vec::<IpAddr>::new() }; 5];
        for (id, target) in self.table.iter().filter(|(_, target)| !target.is_probed()) {
            let address = target.key.address;
            match self.refused.get(&id) {
                Some(Refused::Documentation(_)) => document.push(address),
                Some(Refused::Local(..)) => local.push(address),
                Some(Refused::Inside(_)) => inside.push(address),
                Some(Refused::NoHost(..) | Refused::Denied(..) | Refused::NotAllowed(_)) => denied.push(address),
                None => no_port.push(address),
            }
        }
        let causes = [
            (document, "target-documentation", "for documents only (RFC 5737, RFC 3849)", ALLOW),
            (denied, "target-denied", "outside of what `probe-allow` and `probe-deny` in [health] let us test", ALLOW),
            (local, "target-local", "link-local, or of a cloud's metadata", ALLOW),
            (inside, "target-inside", "private or loopback, of a host outside of the zones", ALLOW),
            (
                no_port,
                "target-port-zero",
                "named with port 0",
                "give the SRV record the port that the server listens on",
            ),
        ];
        causes.into_iter().filter_map(|(list, id, what, help)| outside_finding(list, id, what, help)).collect()
    }
}

fn outside_finding(mut list: Vec<IpAddr>, id: &'static str, what: &str, help: &str) -> Option<Finding> {
    list.sort_unstable();
    list.dedup();
    let first = list.first()?;
    let message = match list.len() {
        1 => format!("{first} is {what}: it is served as declared and never tested"),
        count => {
            format!("{count} addresses, such as {first}, are {what}: they are served as declared and never tested")
        }
    };
    Some(Finding::warning(id, message).help(help))
}

/// From test to test of a host outside of the zones.
const FOREIGN: Duration = Duration::from_secs(300);
const ALLOW: &str = "write the servers' real addresses, or name their networks in `probe-allow` of [health]";
/// Why a target without a port is not tested.
const NO_PORT: &str = "port 0";
