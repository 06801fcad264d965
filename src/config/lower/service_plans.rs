//! How the targets of one service are probed: all alike, or each host by a check with its own name.

use std::collections::HashMap;

use super::targets::Plan;
use super::zone_index::Host;
use crate::config::shape::TargetKeys;
use crate::zone::Name;

/// The plans of one service.
#[derive(Debug)]
pub(super) enum ServicePlans {
    /// None: its members are served as declared.
    Unprobed,
    /// One for the hosts of our zones, another for those outside of them.
    Alike(Box<[Plan; 2]>),
    /// One for each host: clients look for its name in the certificate.
    ByHost(HashMap<Name, Plan>),
}

impl ServicePlans {
    /// Has all hosts probed by the same plan; `own` are the keys that the service itself sets.
    pub(super) fn alike(plan: Option<Plan>, own: Option<&TargetKeys>) -> Self {
        plan.map_or(Self::Unprobed, |plan| Self::Alike(Box::new([plan.clone(), plan.foreign(own)])))
    }

    /// Has each host probed by its own plan; `own` are the keys that the service itself sets.
    pub(super) fn by_host<'h>(hosts: impl Iterator<Item = (&'h Host, Option<Plan>)>, own: Option<&TargetKeys>) -> Self {
        let plans: HashMap<Name, Plan> = hosts
            .filter_map(|(host, plan)| {
                let plan = if host.inside { plan? } else { plan?.foreign(own) };
                Some((host.name.clone(), plan))
            })
            .collect();
        if plans.is_empty() { Self::Unprobed } else { Self::ByHost(plans) }
    }

    /// Returns how a host is probed.
    pub(super) fn of(&self, host: &Host) -> Option<&Plan> {
        match self {
            Self::Unprobed => None,
            Self::Alike(plans) => {
                let [own, foreign] = plans.as_ref();
                Some(if host.inside { own } else { foreign })
            }
            Self::ByHost(plans) => plans.get(&host.name),
        }
    }

    /// Returns whether a check does something with the port of its target.
    pub(super) fn use_port(&self) -> bool {
        match self {
            Self::Unprobed => false,
            Self::Alike(plans) => plans.iter().any(Plan::uses_port),
            Self::ByHost(plans) => plans.values().any(Plan::uses_port),
        }
    }

    /// Returns whether nothing is probed.
    pub(super) const fn is_unprobed(&self) -> bool {
        matches!(self, Self::Unprobed)
    }
}
