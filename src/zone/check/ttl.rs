//! TTLs: how long clients cache an answer after it has changed.

use std::collections::HashSet;
use std::fmt::Display;

use super::pairs::is_untested;
use super::rule::Rule;
use super::survey::Survey;
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::serial::Soa;
use crate::zone::{Name, Rrset, Rtype};

/// Looks at the TTLs of services and of their hosts' addresses, and at that of negative answers.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    // What nothing tests keeps its TTL, and no failover waits for it to expire.
    let tested = || survey.sets.iter().filter(|set| survey.options.r#static || !is_untested(survey, set));
    let mut watched: Vec<(&Name, &Rrset)> = tested().map(|set| (set.owner, set.rrset)).collect();
    let (mut owners, mut seen) = (Vec::new(), HashSet::new());
    for set in tested() {
        let mut slowest: Option<(&Name, u32)> = None;
        for member in &set.members {
            let Some((owner, ttl)) = address_ttl(survey, &member.host) else { continue };
            if seen.insert(owner.clone()) {
                owners.push(owner);
            }
            if slowest.is_none_or(|(_, most)| ttl > most) {
                slowest = Some((&member.host, ttl));
            }
        }
        let served = served(survey, set.rrset.ttl());
        if let Some((host, ttl)) = slowest.filter(|(_, ttl)| *ttl > served) {
            let message =
                format!("the addresses of {host} are kept for {ttl} s, the records that name it for {served} s");
            findings.push(MISMATCH.found(message, &[("host", host)]).at(survey.at_ttl(set.owner, Rtype::SRV)));
        }
    }
    for owner in &owners {
        let sets = [Rtype::A, Rtype::AAAA].into_iter().filter_map(|rtype| survey.rrset(owner, rtype));
        watched.extend(sets.map(|set| (owner, &**set)));
    }
    zero(survey, &watched, findings);
    watched.retain(|(_, set)| set.ttl() > FAILOVER_TTL);
    if survey.options.r#static {
        long_static(survey, &watched, findings);
    } else {
        long(survey, &watched, findings);
    }
    negative(survey, findings);
}

fn zero(survey: &Survey<'_>, watched: &[(&Name, &Rrset)], findings: &mut Vec<Finding>) {
    for (owner, set) in watched.iter().filter(|(_, set)| set.ttl() == 0) {
        let (rtype, at) = (set.rtype(), survey.at_ttl(owner, set.rtype()));
        let names: [(&str, &dyn Display); 2] = [("owner", owner), ("type", &rtype)];
        findings.push(ZERO.found(format!("{owner} {rtype} has TTL 0"), &names).at(at));
    }
}

fn long_static(survey: &Survey<'_>, watched: &[(&Name, &Rrset)], findings: &mut Vec<Finding>) {
    for (owner, set) in watched {
        let (rtype, ttl, at) = (set.rtype(), set.ttl(), survey.at_ttl(owner, set.rtype()));
        let message = format!("{owner} {rtype} has TTL {ttl}: clients keep a dead target for so many seconds");
        findings.push(LONG_STATIC.found(message, &[("owner", owner), ("type", &rtype)]).at(at));
    }
}

/// Adds one note for all: nothing need be done.
fn long(survey: &Survey<'_>, watched: &[(&Name, &Rrset)], findings: &mut Vec<Finding>) {
    let places = watched.iter().map(|(owner, set)| (survey.at_ttl(owner, set.rtype()), *owner, set.rtype(), set.ttl()));
    let Some((at, owner, rtype, ttl)) = places.min_by_key(|(at, ..)| at.as_ref().map(|at| at.line)) else { return };
    let others = match watched.len() {
        1 => String::new(),
        count => format!(" ({count} sets have such long ones)"),
    };
    let most = survey.options.ttl;
    let message = format!("{owner} {rtype} has TTL {ttl}{others}; served here with {most} at most");
    findings.push(LONG.found(message, &[("owner", owner), ("type", &rtype)]).at(at));
}

fn negative(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let set = survey.zone.soa();
    let Some(soa) = set.rdatas().next().and_then(Soa::read) else { return };
    // RFC 2308 §5: the lower of the two.
    let ttl = soa.minimum.min(set.ttl());
    if ttl > FAILOVER_TTL {
        let message = format!("\"no such record\" is kept for {ttl} s");
        let at = survey.at_field(survey.zone.origin(), Rtype::SOA, 0, MINIMUM);
        findings.push(NEGATIVE.found(message, &[("zone", survey.zone.origin())]).at(at));
    }
}

/// Returns the longest TTL that a host's addresses are served with, and the name that owns them.
fn address_ttl(survey: &Survey<'_>, host: &Name) -> Option<(Name, u32)> {
    let Fate::Addresses { owner, .. } = survey.fate_here(host) else { return None };
    let ttls = [Rtype::A, Rtype::AAAA].iter().filter_map(|rtype| survey.rrset(&owner, *rtype)).map(|set| set.ttl());
    let longest = ttls.max()?;
    Some((owner, served(survey, longest)))
}

/// Returns the TTL that clients get.
fn served(survey: &Survey<'_>, declared: u32) -> u32 {
    if survey.options.r#static { declared } else { declared.min(survey.options.ttl).max(1) }
}

/// The longest TTL in seconds with which a failover is still called fast.
const FAILOVER_TTL: u32 = 300;
/// The field of SOA data.
const MINIMUM: usize = 6;

pub(super) const LONG: Rule = Rule {
    id: "ttl-long",
    severity: Severity::Note,
    finds: "a TTL above 300 s of a service or a host's addresses",
    why: "clients keep hitting a dead target for so long; served here it is cut down to the setting ttl, but any other server of the same file hands it out whole",
    help: "declare 60 to 300",
    see: "dig {type} {owner} +noall +answer",
    wrong: "_sip._tcp  86400 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const LONG_STATIC: Rule = Rule {
    id: "ttl-long-static",
    severity: Severity::Warning,
    finds: "a TTL above 300 s of a service or a host's addresses, served as declared",
    why: "clients cache the records for their TTL and keep hitting a dead target for so long",
    help: "declare 60 to 300, or serve without --static",
    see: "dig {type} {owner} +noall +answer",
    wrong: "_sip._tcp  86400 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const ZERO: Rule = Rule {
    id: "ttl-zero",
    severity: Severity::Warning,
    finds: "a TTL of 0 of a service or a host's addresses",
    why: "resolvers may not keep the answer at all: each call costs a lookup, and some keep it for a time of their own; it is served as 1 unless --static",
    help: "declare 1 at least, 5 to 300 best",
    see: "dig {type} {owner} +noall +answer",
    wrong: "_sip._tcp  0 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  30 IN SRV 10 70 5060 sip-node1",
};

pub(super) const MISMATCH: Rule = Rule {
    id: "ttl-mismatch",
    severity: Severity::Warning,
    finds: "addresses that are kept longer than the SRV records that name them",
    why: "when an address changes or leaves, clients go on with the old one although they have asked for the service again",
    help: "give the addresses a TTL no longer than that of the SRV records",
    see: "dig A {host} +noall +answer",
    wrong: "_sip._tcp  10 IN SRV 10 70 5060 sip-node1\nsip-node1  30 IN A   192.0.2.10",
    right: "_sip._tcp  10 IN SRV 10 70 5060 sip-node1\nsip-node1  10 IN A   192.0.2.10",
};

pub(super) const NEGATIVE: Rule = Rule {
    id: "soa-minimum-long",
    severity: Severity::Warning,
    finds: "negative answers that are kept for more than 300 s (SOA TTL and MINIMUM)",
    why: "who asked before a record was there, or for an address family that is away, does not see it come for so long (RFC 2308)",
    help: "set the last number of the SOA to 30",
    see: "dig SOA {zone} +short",
    wrong: "@  IN SOA ns1 hostmaster 1 3600 600 604800 86400",
    right: "@  IN SOA ns1 hostmaster 1 3600 600 604800 30",
};
