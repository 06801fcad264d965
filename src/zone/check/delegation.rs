//! Delegations: whether the servers of a child zone can be found.

use super::rule::Rule;
use super::survey::Survey;
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype};

/// Looks at each delegation's name servers within the delegated part.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for (owner, sets) in survey.zone.nodes() {
        if owner == survey.zone.origin() {
            continue;
        }
        let Some(set) = sets.iter().find(|set| set.rtype() == Rtype::NS) else { continue };
        for (record, rdata) in set.rdatas().enumerate() {
            let Ok(host) = Name::from_wire(rdata) else { continue };
            let glue = survey.zone.rrsets(&host);
            let has_glue = glue.iter().any(|set| matches!(set.rtype(), Rtype::A | Rtype::AAAA));
            if host.is_within(owner) && !has_glue {
                let message = format!("{owner} is delegated to {host}, whose address is not here");
                let at = survey.at_field(owner, Rtype::NS, record, 0);
                let help = format!("add its address as glue: \"{host} IN A …\"");
                findings.push(NO_GLUE.found(message, &[("host", &host)]).help(help).at(at));
            }
        }
    }
}

pub(super) const NO_GLUE: Rule = Rule {
    id: "delegation-no-glue",
    severity: Severity::Error,
    finds: "a delegation to a name server within the delegated part, without its address (glue)",
    why: "the address of the server could only be asked of the server itself, so that resolvers never reach it",
    help: "add the server's A or AAAA record beside the delegation",
    see: "dig +norecurse A {host}",
    wrong: "voice      IN NS ns1.voice",
    right: "voice      IN NS ns1.voice\nns1.voice  IN A 192.0.2.53",
};
