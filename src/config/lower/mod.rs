//! Joins the config and the zones: services, pools, hosts and targets, with every cross-reference resolved.
//!
//! ```text
//!  zones ── zone index: SRV sets, hosts, addresses ──▶ services: pools, members ──▶ addresses, aliases: tiers ──▶ Setup
//!                                                     │ patterns: which entry holds
//!                                                     └ targets: two equal probes are one
//! ```
//!
//! Everything is in the order of the zones and of the config: the same files give the same setup. The work grows
//! linearly with the records.

mod addresses;
mod aliases;
mod defaults;
mod idle;
mod patterns;
mod programs;
mod risks;
mod service_plans;
mod services;
mod shallow;
mod targets;
mod twins;
mod zone_index;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::engine::setup::{HostSetup, Setup, ZoneSetup};
use crate::health::TargetId;
use crate::policy;
use crate::probe::allow::Access;
use crate::probe::{Check, Spec, TargetSettings, Tcp};
use crate::resolve::Addresses;
use crate::snapshot::ZoneId;
use crate::zone::Name;

use super::settings::Probing;
use super::shape::File;
use super::values::Reference;
use defaults::Defaults;
pub(super) use patterns::Patterns;
use services::{Finished, Services};
use targets::{Plan, Targets};
use zone_index::ZoneIndex;

/// What lowering depends on besides the files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// All is served as declared (`--static`): nothing is probed, and nothing follows health.
    pub fixed: bool,
    /// Stands in place of `[health] interval`.
    pub interval: Option<Duration>,
    /// Whether orders and reported states have a way to the server.
    pub is_operated: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Lowered {
    /// What the engine runs.
    pub setup: Setup,
    /// How each target is probed.
    pub specs: Table<TargetId, Option<Spec>>,
    /// The hosts outside of the zones that are to be resolved, in order.
    pub outside: Vec<Name>,
    /// What is wrong or worth knowing, in the order of the config, then of the zones.
    pub findings: Vec<Finding>,
}

/// All that lowering needs but the addresses of hosts outside of the zones: with other ones it gives another setup.
#[derive(Clone, Debug, Default)]
pub struct LoweringInput {
    /// The config.
    pub file: File,
    /// The zones.
    pub zones: Table<ZoneId, ZoneSetup>,
    /// What may be probed.
    pub access: Access,
    /// The rest.
    pub options: Options,
}

impl LoweringInput {
    /// Lowers, with these addresses of hosts outside of the zones.
    pub fn lower(&self, resolved: &Addresses) -> Lowered {
        lower_resolved(&self.file, self.zones.clone(), &self.access, self.options, resolved)
    }
}

/// Lowers a config and its zones; nothing is known of hosts outside of them.
pub fn lower(file: &File, zones: Table<ZoneId, ZoneSetup>, access: &Access, options: Options) -> Lowered {
    lower_resolved(file, zones, access, options, &Addresses::new())
}

fn lower_resolved(
    file: &File,
    zones: Table<ZoneId, ZoneSetup>,
    access: &Access,
    options: Options,
    resolved: &Addresses,
) -> Lowered {
    let mut findings = Vec::new();
    let defaults = Defaults { health: &file.target, interval: options.interval };
    let (inherited, policy) = judge_defaults(file, defaults, &mut findings);
    let zone_index = ZoneIndex::build(&zones, resolved, aliases::hosts(&file.addresses));
    let mut targets = Targets::new(access, options.fixed);
    let mut services = Services::new(&zones, &zone_index, &mut targets, defaults, policy);
    services.lower(&file.services);
    services.lower_addresses(&file.addresses);
    let Finished { pools, follows, host_targets, host_pools, outside } = services.finish(&mut findings);
    let claimed: HashSet<&Name> = file.addresses.iter().map(|entry| &entry.name.value).collect();
    let hosts =
        zone_index.hosts.into_iter().zip(host_targets).zip(host_pools).filter_map(|((host, targets), pools)| {
            let follows_health = !host.fills.is_empty() && !claimed.contains(&host.name);
            let addresses = host.addresses.into_iter().zip(targets).collect();
            follows_health.then_some(HostSetup { fills: host.fills, addresses, pools })
        });
    let hosts = hosts.collect();
    let references = lower_references(&file.probing.over(&Probing::default()).references, &mut targets, &inherited);
    findings.extend(programs::judge_programs(file));
    findings.extend(targets.judge());
    if options.fixed {
        findings.retain(|finding| finding.id != services::OUTSIDE);
        return Lowered { setup: declared(zones), specs: Table::new(), outside: Vec::new(), findings };
    }
    findings.extend(zone_index.signed.iter().map(|(origin, services)| services::signed_finding(origin, *services)));
    let checks = targets.specs.iter().filter_map(|(_, spec)| spec.as_ref().map(|spec| &*spec.check));
    let posts: BTreeSet<String> = checks.flat_map(Check::posts).map(|(name, _)| name.to_owned()).collect();
    if !options.is_operated {
        findings.extend(idle::judge_idle(file, &posts));
    }
    let setup = Setup { zones, targets: targets.table.shrunk(), pools, hosts, follows, references, posts };
    Lowered { setup, specs: targets.specs, outside, findings }
}

/// Makes the setup in which nothing follows health: each set is answered as declared, with its own TTL.
fn declared(zones: Table<ZoneId, ZoneSetup>) -> Setup {
    Setup {
        zones,
        targets: Table::new(),
        pools: Table::new(),
        hosts: Table::new(),
        follows: Table::new(),
        references: Vec::new(),
        posts: BTreeSet::new(),
    }
}

fn judge_defaults(
    file: &File,
    defaults: Defaults<'_>,
    findings: &mut Vec<Finding>,
) -> (TargetSettings, policy::Settings) {
    findings.extend(file.target.judge(&TargetSettings::default()));
    findings.extend(file.policy.judge(&policy::Settings::default()));
    (defaults.of(None), file.policy.over(&policy::Settings::default()))
}

fn lower_references(references: &[Reference], targets: &mut Targets<'_>, inherited: &TargetSettings) -> Vec<TargetId> {
    let mut ids = Vec::new();
    // Witnesses are others' servers: they are asked, not watched.
    let inherited = &TargetSettings { watch: false, ..inherited.clone() };
    for reference in references {
        let plan = match &reference.tls_name {
            Some(name) => Plan::new(Check::Tls(inherited.tls(name.clone(), Vec::new())), inherited),
            None => Plan::new(Check::Tcp(Tcp::default()), inherited),
        };
        let number = targets.number(&plan);
        ids.extend(targets.target(reference.address, &plan, number));
    }
    ids
}

#[cfg(test)]
mod tests;
