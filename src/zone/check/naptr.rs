//! NAPTR records (RFC 3403), which SIP clients read before SRV (RFC 3263 §4.1).

use super::rule::Rule;
use super::survey::{Fate, Survey};
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype, name};

/// Looks at where NAPTR records lead.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for (owner, set) in survey.zone.sets_of(Rtype::NAPTR) {
        for (record, rdata) in set.rdatas().enumerate() {
            let Some((flag, goal)) = read(rdata) else { continue };
            if let Some(message) = dangling(survey, flag, &goal) {
                let at = survey.at_field(owner, Rtype::NAPTR, record, REPLACEMENT);
                findings.push(DANGLING.found(message, &[("owner", &goal), ("zone", owner)]).at(at));
            }
        }
    }
}

fn dangling(survey: &Survey<'_>, flag: u8, goal: &Name) -> Option<String> {
    if goal.is_root() {
        return None;
    }
    match (flag, survey.fate(goal)) {
        (_, Fate::Outside | Fate::Dname(_) | Fate::Alias(_)) => None,
        (b'S', _) if survey.rrset(goal, Rtype::SRV).is_none() => Some(format!("{goal} has no SRV records")),
        (b'A', Fate::Nothing) => Some(format!("{goal} has no A or AAAA record")),
        (_, Fate::Addresses { .. } | Fate::Nothing) => None,
    }
}

/// Reads the first flag, in upper case, and the replacement (RFC 3403 §4.1).
fn read(rdata: &[u8]) -> Option<(u8, Name)> {
    let (_, rest) = rdata.split_at_checked(4)?;
    let (flags, rest) = split_text(rest)?;
    let (_services, rest) = split_text(rest)?;
    let (_expression, rest) = split_text(rest)?;
    let (goal, _) = name::split_wire(rest)?;
    Some((flags.first()?.to_ascii_uppercase(), Name::from_wire(goal).ok()?))
}

fn split_text(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(length))
}

/// The field of NAPTR data.
const REPLACEMENT: usize = 5;

pub(super) const DANGLING: Rule = Rule {
    id: "naptr-dangling",
    severity: Severity::Error,
    finds: "a NAPTR record that leads to a name in the zone without SRV (flag S) or address (flag A)",
    why: "SIP clients that read NAPTR take this transport and then find nothing",
    help: "add the SRV records, or fix the replacement (mind its final dot)",
    see: "dig SRV {owner} +short",
    wrong: "@  IN NAPTR 10 0 \"S\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.",
    right: "@  IN NAPTR 10 0 \"S\" \"SIPS+D2T\" \"\" _sip._tls.example.com.",
};
