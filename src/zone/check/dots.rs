//! Names that lack their final dot throughout a file, as in some providers' exports, and the names of the SOA.

use std::collections::HashSet;

use super::owner::{below, undoubled};
use super::rule::Rule;
use super::survey::Survey;
use super::tree::Fate;
use crate::base::finding::{Finding, Place, Severity};
use crate::zone::{Name, Rtype, name};

/// Looks at each name in the data that was written without its final dot. Comes last: it takes away what follows from
/// the cause that it names.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    mailbox(survey, findings);
    let lost = lost_dots(survey);
    if lost.len() < SEVERAL {
        findings.extend(lost.iter().filter(|lost| lost.rtype == Rtype::SOA).map(|lost| {
            let message = format!("the {} {} lost its final dot", lost.what, lost.name);
            let help = format!("write {}. with its final dot", below(&lost.name, survey.zone.origin()));
            SOA_DOT.found(message, &[("zone", survey.zone.origin())]).help(help).at(lost.place(survey))
        }));
        return;
    }
    let spot = |place: Place| (place.file, place.line, place.column);
    let spots: HashSet<_> = lost.iter().filter_map(|lost| lost.place(survey)).map(spot).collect();
    findings.retain(|finding| finding.place.clone().is_none_or(|place| !spots.contains(&spot(place))));
    let Some(first) = lost.iter().min_by_key(|lost| lost.place(survey).map(|place| (place.line, place.column))) else {
        return;
    };
    let written = below(&first.name, survey.zone.origin());
    let origin = survey.zone.origin();
    let message = format!("{} names in this file look full and have no final dot, such as {written}", lost.len());
    let help = format!("end each with a dot, as in {written}. (without it this one means {written}.{origin})");
    findings.push(DOTS_LOST.found(message, &[("zone", origin)]).help(help).at(first.place(survey)));
}

/// A name that took the origin although it looks full.
struct Lost<'a> {
    owner: &'a Name,
    rtype: Rtype,
    record: usize,
    field: usize,
    what: &'static str,
    name: Name,
}

impl Lost<'_> {
    fn place(&self, survey: &Survey<'_>) -> Option<Place> {
        survey.at_field(self.owner, self.rtype, self.record, self.field)
    }
}

fn lost_dots<'a>(survey: &Survey<'a>) -> Vec<Lost<'a>> {
    let mut lost = Vec::new();
    for (owner, sets) in survey.zone.nodes() {
        for set in sets {
            let rtype = set.rtype();
            let Some((skip, field)) = name_of(rtype) else { continue };
            for (record, rdata) in set.rdatas().enumerate() {
                let mut rest = rdata.get(skip..).unwrap_or_default();
                let fields: &[(usize, &str)] = match rtype {
                    Rtype::SOA => &[(0, "primary server"), (1, "mailbox")],
                    _ => &[(field, "name")],
                };
                for &(field, what) in fields {
                    let Some((wire, behind)) = name::split_wire(rest) else { break };
                    rest = behind;
                    let Ok(name) = Name::from_wire(wire) else { break };
                    // A name that is there was meant so; nobody asks for those of the SOA.
                    let is_there = rtype != Rtype::SOA && !matches!(survey.fate_here(&name), Fate::Nothing);
                    if !is_there && survey.is_relative(owner, rtype, record, field) && looks_full(survey, &name) {
                        lost.push(Lost { owner, rtype, record, field, what, name });
                    }
                }
            }
        }
    }
    lost
}

/// Returns how many octets stand before the name in a type's data, and its field.
const fn name_of(rtype: Rtype) -> Option<(usize, usize)> {
    match rtype {
        Rtype::SOA | Rtype::NS | Rtype::CNAME | Rtype::PTR => Some((0, 0)),
        Rtype::MX => Some((2, 1)),
        Rtype::SRV => Some((6, 3)),
        _ => None,
    }
}

/// Returns whether a name below the origin looks like a full one: it ends in the origin once more, or in a label that
/// ends public names.
fn looks_full(survey: &Survey<'_>, name: &Name) -> bool {
    let origin = survey.zone.origin();
    if undoubled(name, origin).is_some() {
        return true;
    }
    let written = below(name, origin).to_ascii_lowercase();
    written.rsplit_once('.').is_some_and(|(_, last)| ENDS.contains(&last))
}

/// Finds a mailbox that was written as in a mail.
fn mailbox(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let origin = survey.zone.origin();
    let rdata = survey.zone.soa().rdatas().next().unwrap_or_default();
    let mailbox = name::split_wire(rdata).and_then(|(_, rest)| name::split_wire(rest));
    let Some(mailbox) = mailbox.and_then(|(wire, _)| Name::from_wire(wire).ok()) else { return };
    let labels: Vec<_> = mailbox.labels().map(String::from_utf8_lossy).collect();
    let text = format!("{}.", labels.join("."));
    let Some((user, domain)) = text.split_once('@') else { return };
    let relative = survey.is_relative(origin, Rtype::SOA, 0, MAILBOX);
    // Without its dot the mailbox took the origin, which was not meant.
    let domain = domain.strip_suffix(&format!(".{origin}")).filter(|_| relative).unwrap_or(domain);
    let user = user.replace('.', "\\.");
    let message = format!("the mailbox {mailbox} of the SOA has an @");
    let help = format!("write {user}.{}.", domain.trim_end_matches('.'));
    findings.push(MAILBOX_AT.found(message, &[("zone", origin)]).help(help).at(survey.at_field(
        origin,
        Rtype::SOA,
        0,
        MAILBOX,
    )));
}

/// The field of SOA data.
const MAILBOX: usize = 1;
/// From so many on it is no slip of one line.
const SEVERAL: usize = 3;
/// Labels that end the names of most hosts on the Internet.
const ENDS: &[&str] = &[
    "com", "net", "org", "info", "biz", "edu", "gov", "io", "dev", "app", "cloud", "example", "arpa", "de", "uk", "fr",
    "nl", "eu", "at", "ch", "it", "es", "se", "no", "dk", "fi", "pl", "cz", "be", "pt", "ie", "us", "ca", "au", "nz",
    "jp", "cn", "in", "br", "ru", "ua",
];

pub(super) const DOTS_LOST: Rule = Rule {
    id: "final-dots-lost",
    severity: Severity::Error,
    finds: "three or more names in the data that look full and have no final dot, as in the export of a provider",
    why: "a name without a final dot is relative: the zone's name was put behind each, and none of these hosts exists",
    help: "end each full name with a dot",
    see: "dig NS {zone} +short",
    wrong: "@  IN NS ns1.provider.example\n@  IN NS ns2.provider.example\n@  IN MX 10 mail.provider.example",
    right: "@  IN NS ns1.provider.example.\n@  IN NS ns2.provider.example.\n@  IN MX 10 mail.provider.example.",
};

pub(super) const SOA_DOT: Rule = Rule {
    id: "soa-name-dot",
    severity: Severity::Warning,
    finds: "a primary server or mailbox in the SOA that lost its final dot",
    why: "a name without a final dot is relative: who looks for the primary server or writes to the mailbox reaches nobody",
    help: "end the full name with a dot",
    see: "dig SOA {zone} +short",
    wrong: "@  IN SOA ns1.example.com hostmaster.example.com 1 3600 600 604800 30",
    right: "@  IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 604800 30",
};

pub(super) const MAILBOX_AT: Rule = Rule {
    id: "soa-mailbox-at",
    severity: Severity::Warning,
    finds: "an @ in the mailbox of the SOA",
    why: "the mailbox is a name, whose first dot stands for the @ (RFC 1035 §8): with an @ in it nobody can write to it",
    help: "write a dot in place of the @",
    see: "dig SOA {zone} +short",
    wrong: "@  IN SOA ns1 hostmaster@example.com. 1 3600 600 604800 30",
    right: "@  IN SOA ns1 hostmaster.example.com. 1 3600 600 604800 30",
};
