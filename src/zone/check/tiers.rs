//! The tiers of a service: whether they can work as intended.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use super::address::addresses;
use super::rule::Rule;
use super::survey::{Member, PRIORITY, SrvSet, Survey, TARGET, WEIGHT};
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype};

/// Looks at the members of each service.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let homes = homes(survey);
    for set in &survey.sets {
        let at = |record, field| survey.at_field(set.owner, Rtype::SRV, record, field);
        let names: [(&str, &dyn std::fmt::Display); 1] = [("owner", set.owner)];
        if let (Some(record), false) = (set.closed, set.members.is_empty()) {
            let message = format!("{} says that there is no such service, and names hosts beside that", set.owner);
            findings.push(CLOSED_MIXED.found(message, &names).at(at(record, TARGET)));
        }
        let twice = duplicates(set);
        for member in &twice {
            let message = format!("{} port {} is named twice in {}", member.host, member.srv.port, set.owner);
            findings.push(DUPLICATE.found(message, &names).at(at(member.record, TARGET)));
        }
        let records_twice: HashSet<usize> = twice.iter().map(|member| member.record).collect();
        let tiers = set.tiers();
        if let (1, Some(first), Some(_)) = (tiers.len(), set.members.first(), &set.service) {
            let message = format!("{} has one tier, and so no standby", set.owner);
            findings.push(NO_STANDBY.found(message, &names).at(at(first.record, PRIORITY)));
        }
        for (member, primary) in same_machine(&tiers, &homes) {
            if !records_twice.contains(&member.record) {
                let message = format!("the standby {} is the same machine as {}", member.host, primary.host);
                findings
                    .push(STANDBY_SAME_ADDRESS.found(message, &[("host", &member.host)]).at(at(member.record, TARGET)));
            }
        }
        for (priority, tier) in &tiers {
            if let Some(member) = zero_among_weights(tier) {
                let message = format!("weight 0 beside other weights in the tier of priority {priority}");
                findings.push(WEIGHT_ZERO_MIXED.found(message, &names).at(at(member.record, WEIGHT)));
            } else if let (true, [first, _, ..]) = (tier.iter().all(|member| member.srv.weight == 0), tier.as_slice()) {
                let message = format!("all {} weights are 0 in the tier of priority {priority}", tier.len());
                findings.push(WEIGHTS_ALL_ZERO.found(message, &names).at(at(first.record, WEIGHT)));
            }
        }
    }
}

/// Returns the addresses of each host, by its number.
fn homes(survey: &Survey<'_>) -> Vec<Vec<IpAddr>> {
    let addresses_of = |host: &Name| match survey.fate(host) {
        Fate::Addresses { owner, .. } => addresses(survey, &owner).into_iter().map(|(_, _, address)| address).collect(),
        Fate::Outside | Fate::Dname(_) | Fate::Alias(_) | Fate::Nothing => Vec::new(),
    };
    survey.hosts.iter().map(|host| addresses_of(&host.name)).collect()
}

/// Returns the members whose host and port an earlier one has.
fn duplicates<'s, 'a>(set: &'s SrvSet<'a>) -> Vec<&'s Member<'a>> {
    let mut seen = HashSet::new();
    set.members.iter().filter(|member| !seen.insert((member.number, member.srv.port))).collect()
}

/// Returns the members of later tiers none of whose addresses is new, each with the better member that has the first.
fn same_machine<'s, 'a>(
    tiers: &BTreeMap<u16, Vec<&'s Member<'a>>>,
    homes: &[Vec<IpAddr>],
) -> Vec<(&'s Member<'a>, &'s Member<'a>)> {
    let mut better: HashMap<IpAddr, &'s Member<'a>> = HashMap::new();
    let mut better_hosts: HashMap<usize, &'s Member<'a>> = HashMap::new();
    let mut same = Vec::new();
    let home = |member: &Member<'_>| homes.get(member.number).map_or(&[][..], Vec::as_slice);
    for tier in tiers.values() {
        for &member in tier {
            let by_address = home(member).iter().all(|address| better.contains_key(address));
            let first = home(member).first().and_then(|address| better.get(address).copied());
            let primary = better_hosts.get(&member.number).copied().or_else(|| first.filter(|_| by_address));
            same.extend(primary.map(|primary| (member, primary)));
        }
        for &member in tier {
            better_hosts.entry(member.number).or_insert(member);
            for address in home(member) {
                better.entry(*address).or_insert(member);
            }
        }
    }
    same
}

fn zero_among_weights<'s, 'a>(tier: &[&'s Member<'a>]) -> Option<&'s Member<'a>> {
    let weighs = tier.iter().any(|member| member.srv.weight > 0);
    tier.iter().copied().find(|member| weighs && member.srv.weight == 0)
}

pub(super) const CLOSED_MIXED: Rule = Rule {
    id: "srv-closed-mixed",
    severity: Severity::Error,
    finds: "the target \".\" beside real targets",
    why: "\".\" says that the service is decidedly not available (RFC 2782); some clients stop there, others go on",
    help: "keep the one or the others",
    see: "dig SRV {owner} +noall +answer",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0 0 .",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const DUPLICATE: Rule = Rule {
    id: "srv-duplicate",
    severity: Severity::Warning,
    finds: "the same host and port twice in one service",
    why: "in one tier it takes two shares, in two tiers it stands by for itself: when it fails, both fail",
    help: "name each host and port once; give it the weight that it shall have",
    see: "dig SRV {owner} +noall +answer",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0  5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0  5060 sip-dr",
};

pub(super) const NO_STANDBY: Rule = Rule {
    id: "srv-no-standby",
    severity: Severity::Note,
    finds: "a service with one tier only",
    why: "when all its members fail there is nothing to fail over to, and all of them are served",
    help: "add a record with a higher priority number that names a host elsewhere",
    see: "host -t SRV {owner}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0  5060 sip-dr",
};

pub(super) const STANDBY_SAME_ADDRESS: Rule = Rule {
    id: "srv-standby-same-machine",
    severity: Severity::Warning,
    finds: "a standby on the host or the addresses of a better tier",
    why: "when the machine fails, its standby fails with it",
    help: "put the standby on another machine, best at another site",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0  5070 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 20 0  5060 sip-dr",
};

pub(super) const WEIGHT_ZERO_MIXED: Rule = Rule {
    id: "srv-weight-zero-mixed",
    severity: Severity::Warning,
    finds: "weight 0 beside other weights in one tier",
    why: "such a member gets almost no traffic (RFC 2782), and none from some clients: it is no drain and no standby",
    help: "give it a weight above 0, or put it into a later tier",
    see: "dig SRV {owner} +noall +answer",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 10 0  5060 sip-node2",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tcp  300 IN SRV 10 30 5060 sip-node2",
};

pub(super) const WEIGHTS_ALL_ZERO: Rule = Rule {
    id: "srv-weights-all-zero",
    severity: Severity::Note,
    finds: "a tier of several members that all have weight 0",
    why: "0 means that there is no choice to make (RFC 2782): some clients share evenly, others always take the same member",
    help: "give equal weights above 0, such as 50 and 50, to share evenly; separate tiers to have one after the other",
    see: "dig SRV {owner} +noall +answer",
    wrong: "_sip._tcp  300 IN SRV 10 0  5060 sip-node1\n_sip._tcp  300 IN SRV 10 0  5060 sip-node2",
    right: "_sip._tcp  300 IN SRV 10 50 5060 sip-node1\n_sip._tcp  300 IN SRV 10 50 5060 sip-node2",
};
