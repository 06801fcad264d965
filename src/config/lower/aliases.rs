//! `[[alias]]`: a CNAME record that leads to the first healthy of several names.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::base::finding::Finding;
use crate::base::table::RowId;
use crate::config::shape::{AddressEntry, AddressSource};
use crate::config::values::TierMember;
use crate::engine::setup::{Fill, MemberData, MemberSetup, PoolSetup};
use crate::health::TargetId;
use crate::keys::source::{List, Placed};
use crate::policy::{Kind, Member, Pool, PoolId};
use crate::probe::CheckEntry;
use crate::snapshot::Pick;
use crate::zone::{Name, Rtype};

use super::addresses::{OwnSets, context, is_weighed, weight};
use super::services::{ADDRESSES_MAX, Services, is_address};
use super::targets::Plan;

/// Walks over the names that aliases lead to.
pub(super) fn hosts(entries: &[AddressEntry]) -> impl Iterator<Item = &Name> {
    entries
        .iter()
        .flat_map(|entry| match &entry.source {
            AddressSource::Alias(tiers, _) => tiers.as_slice(),
            AddressSource::Follows(_) | AddressSource::Tiers(..) => &[],
        })
        .flat_map(|tier| &tier.value)
        .map(|member| &member.value.value)
}

impl Services<'_, '_, '_> {
    /// Makes a pool of the names that an alias may lead to. They are tested at all of their addresses, by what clients of the
    /// alias ask for.
    pub(super) fn add_alias(
        &mut self,
        entry: &AddressEntry,
        tiers: &[List<TierMember<Name>>],
        check: &CheckEntry,
        own: OwnSets<'_>,
    ) {
        let name = &entry.name.value;
        let Some(set) = own.sets.iter().find(|set| set.rtype() == Rtype::CNAME) else {
            let finding = Finding::error("alias-undeclared", format!("{name} has no CNAME record in its zone"))
                .at(entry.name.place.clone())
                .why("it tells the TTL, and where the alias leads when nothing follows health");
            self.findings.push(finding.help("declare one there that leads to a name of the first tier"));
            return;
        };
        let with = entry.target.lay_over(&self.defaults.of(check.kind.as_ref()));
        let plan = check.kind.as_ref().and_then(|kind| Some(Plan::new(kind.lower(&context(name, &with))?, &with)));
        let port = check.port.as_ref().map_or(0, |port| port.value);
        let is_weighed = is_weighed(tiers);
        let id = PoolId::from_index(self.pools.len());
        let mut pool = PoolSetup {
            name: name.to_string(),
            pool: Pool { kind: Kind::Alias, members: Vec::new(), settings: entry.policy.over(&self.policy) },
            members: Vec::new(),
            fills: vec![Fill { zone: own.zone, owner: name.clone(), rtype: Rtype::CNAME, ttl: set.ttl() }],
            pick: Some(Pick::One),
        };
        let mut seen: HashMap<&Name, u32> = HashMap::new();
        for (priority, tier) in (0u16..).zip(tiers) {
            for member in &tier.value {
                let host = &member.value.value;
                if !self.may_lead_to(name, member, &mut seen) {
                    continue;
                }
                let nowhere = self.note_host(host, id, plan.is_some());
                let targets = plan.as_ref().map_or_else(Vec::new, |plan| self.targets_of(host, plan, port));
                pool.pool.members.push(Member { half: 0, priority, weight: weight(&member.value, is_weighed) });
                pool.members.push(MemberSetup {
                    label: host.to_string().trim_end_matches('.').to_owned(),
                    targets,
                    unprobed: plan.is_none(),
                    nowhere: nowhere && plan.is_some(),
                    data: MemberData::Alias(host.clone()),
                });
            }
        }
        let declared =
            set.rdatas().filter_map(|rdata| Name::from_wire(rdata).ok()).find(|host| !seen.contains_key(host));
        if let Some(declared) = declared {
            let finding = Finding::warning(
                "alias-tier-missing",
                format!("{declared}, where {name} leads in its zone, stands in no tier"),
            );
            let finding = finding.at(entry.name.place.clone()).why("only names in tiers are tested and answered");
            self.findings
                .push(finding.help("add it to a tier, or let the CNAME record lead to a name of the first tier"));
        }
        if pool.members.is_empty() {
            return;
        }
        pool.pool.settings.keeps_ttl = !self.targets.test(&pool);
        self.pools.push(pool);
    }

    /// Returns whether an alias may lead to a name; if not, with a finding.
    fn may_lead_to<'t>(
        &mut self,
        name: &Name,
        member: &'t Placed<TierMember<Name>>,
        seen: &mut HashMap<&'t Name, u32>,
    ) -> bool {
        let host = &member.value.value;
        let line = seen.insert(host, member.place.line);
        let wrong = if host == name {
            ("alias-itself", "is the alias itself".to_owned())
        } else if is_address(host) || host.is_root() {
            ("alias-address", "is no name of a host".to_owned())
        } else if let Some(line) = line {
            ("alias-tier-twice", format!("stands in a tier already, at line {line}"))
        } else {
            return true;
        };
        let (id, what) = wrong;
        let finding = Finding::error(id, format!("{host} {what}")).at(member.place.clone());
        self.findings
            .push(finding.help("name each host that the alias may lead to once; addresses stand in an [[address]]"));
        false
    }

    /// Returns the targets on the addresses of a host that an alias leads to.
    fn targets_of(&mut self, host: &Name, plan: &Plan, port: u16) -> Vec<TargetId> {
        let Some(row) = self.zone_index.host(host) else { return Vec::new() };
        let Some(found) = self.zone_index.hosts.get(row) else { return Vec::new() };
        let plan = if found.inside { plan.clone() } else { plan.clone().outside() };
        let number = self.targets.number(&plan);
        let mut targets = Vec::new();
        for (at, address) in found.addresses.iter().enumerate().take(ADDRESSES_MAX) {
            if let Some(target) = self.targets.target(SocketAddr::new(*address, port), &plan, number) {
                self.note_target(row, at, target);
                targets.push(target);
            }
        }
        targets
    }
}
