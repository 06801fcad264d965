//! The size of answers: addresses per service, octets per message.

use super::rule::Rule;
use super::survey::{Member, SrvSet, Survey};
use crate::base::finding::{Finding, Severity};
use crate::zone::Rtype;

/// Looks at what one answer carries.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for set in &survey.sets {
        let mut hosts: Vec<&Member<'_>> = set.members.iter().collect();
        hosts.sort_unstable_by_key(|member| member.number);
        hosts.dedup_by_key(|member| member.number);
        let counts: Vec<(usize, usize)> = hosts.iter().map(|member| survey.address_count(&member.host)).collect();
        let (v4, v6) = counts.iter().fold((0, 0), |(v4, v6), count| (v4 + count.0, v6 + count.1));
        let at = || survey.at_owner(set.owner, Rtype::SRV, 0);
        if v4 + v6 > MAX_ADDRESSES {
            let message = format!("{} leads to {} addresses", set.owner, v4 + v6);
            findings.push(MANY_ADDRESSES.found(message, &[("owner", set.owner)]).at(at()));
        }
        let octets = answer_octets(set, v4, v6);
        if octets > MAX_OCTETS {
            let message = format!("the answer for {} takes about {octets} octets with its addresses", set.owner);
            findings.push(LARGE_ANSWER.found(message, &[("owner", set.owner)]).at(at()));
        }
    }
}

/// Returns the octets of the whole answer; owners are compressed, targets are not (RFC 2782).
fn answer_octets(set: &SrvSet<'_>, v4: usize, v6: usize) -> usize {
    let answers: usize = set.rrset.rdatas().map(|rdata| RECORD_FRAME + rdata.len()).sum();
    let question = set.owner.wire().len() + 4;
    HEADER + question + answers + v4 * (RECORD_FRAME + 4) + v6 * (RECORD_FRAME + 16) + OPT
}

/// What PJSIP takes by default; other clients take more.
const MAX_ADDRESSES: usize = 8;
/// The size that passes every path unfragmented, and the default of most resolvers.
const MAX_OCTETS: usize = 1232;
const HEADER: usize = 12;
/// Compressed owner, type, class, TTL and length.
const RECORD_FRAME: usize = 12;
const OPT: usize = 11;

pub(super) const MANY_ADDRESSES: Rule = Rule {
    id: "srv-many-addresses",
    severity: Severity::Warning,
    finds: "more than 8 addresses (A and AAAA over all targets) behind one service",
    why: "some clients take the first 8 only (PJSIP's default), so that later tiers are never tried",
    help: "name fewer hosts, or hide the standby tier until it serves (standby = \"hidden\")",
    see: "dig SRV {owner}",
    wrong: "_sip._tcp  300 IN SRV 10 10 5060 node1 ; … and eight more hosts",
    right: "_sip._tcp  300 IN SRV 10 10 5060 node1 ; … and three more hosts",
};

pub(super) const LARGE_ANSWER: Rule = Rule {
    id: "srv-answer-large",
    severity: Severity::Warning,
    finds: "an answer of more than 1232 octets with its addresses",
    why: "it does not fit into one UDP packet on every path: addresses are left out, or the client must ask again over TCP",
    help: "name fewer hosts, or give them shorter names",
    see: "dig SRV {owner} +bufsize=1232 +ignore",
    wrong: "_sip._tcp  300 IN SRV 10 10 5060 a-very-long-host-name.at.a.far.place ; … and thirty more",
    right: "_sip._tcp  300 IN SRV 10 10 5060 node1 ; … and three more",
};
