//! Targets of SRV records: each must be a host with address records of its own.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::owner::{below, undoubled};
use super::rule::Rule;
use super::survey::{Host, Survey, TARGET, Use};
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype};

/// Looks at each host that SRV records name.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for Host { name: host, uses } in &survey.hosts {
        if let Some(finding) = misspelled(survey, host, uses) {
            // Each record needs the fix.
            findings.extend(uses.iter().map(|used| finding.clone().at(survey.at_target(*used))));
            continue;
        }
        let Some(&first) = uses.first() else { continue };
        let at = survey.at_target(first);
        if host.labels().any(|label| label.starts_with(b"_")) {
            let message = format!("the target {host} has a label with an underscore{}", also(uses));
            findings.push(UNDERSCORE.found(message, &[("host", host)]).at(at.clone()));
        }
        findings.extend(unreachable(survey, host, uses).map(|finding| finding.at(at)));
    }
}

/// Finds what the record itself says wrongly.
fn misspelled(survey: &Survey<'_>, host: &Name, uses: &[Use]) -> Option<Finding> {
    let origin = survey.zone.origin();
    let owner = uses.first().and_then(|used| survey.sets.get(used.set)).map_or(origin, |set| set.owner);
    if let Some(address) = as_address(host, origin) {
        let message = format!("the target {address} is an address, not a name");
        let (rtype, label) = if address.contains(':') { ("AAAA", "host") } else { ("A", "host") };
        let help = format!(
            "name a host and give it the address: \"{label} IN {rtype} {address}\", then write {label} as the target"
        );
        return Some(ADDRESS.found(message, &[("owner", owner)]).help(help));
    }
    if let Some((what, meant)) = as_url(host, origin) {
        let message = format!("the target {} {what}", below(host, origin));
        return Some(URL.found(message, &[("owner", owner)]).help(format!("write {meant} as the target")));
    }
    if is_localhost(survey, host) {
        let message = format!("the target {host} means the client's own machine");
        return Some(LOCALHOST.found(message, &[("owner", owner)]));
    }
    let meant = undoubled(host, origin)?;
    let message = format!("the target {host} bears the zone's name twice: {meant} lost its final dot");
    let help = format!("write {meant} with its final dot, or {} without", below(&meant, origin));
    Some(DOUBLED.found(message, &[("owner", owner)]).help(help))
}

/// Finds what the zone says wrongly, or not at all, of a host.
fn unreachable(survey: &Survey<'_>, host: &Name, uses: &[Use]) -> Option<Finding> {
    let also = also(uses);
    let found = |rule: &Rule, message: String| Some(rule.found(message, &[("host", host)]));
    match survey.fate(host) {
        Fate::Outside if is_reserved(survey, host) => {
            found(&RESERVED, format!("the target {host} ends in a label that public DNS does not have{also}"))
        }
        Fate::Outside => found(&OUTSIDE, format!("the target {host} lies outside of these zones' own data{also}")),
        Fate::Dname(at) => found(&DNAME, format!("the target {host} is covered by the DNAME at {at}{also}")),
        Fate::Alias(alias) => {
            let goal = alias.rdatas().next().and_then(|rdata| Name::from_wire(rdata).ok());
            let goal = goal.map(|goal| goal.to_string()).unwrap_or_default();
            let finding = found(&CNAME, format!("the target {host} is an alias (CNAME) of {goal}{also}"))?;
            Some(finding.help(format!("give {host} A or AAAA records of its own, or write {goal} as the target")))
        }
        Fate::Addresses { owner, wildcard: true } => {
            found(&WILDCARD, format!("the target {host} has the addresses of the wildcard {owner}{also}"))
        }
        Fate::Addresses { .. } => None,
        Fate::Nothing => {
            let finding = found(&NO_ADDRESS, format!("the target {host} has no A or AAAA record{also}"))?;
            Some(match dot_lost(survey, host, uses) {
                Some(written) => finding.help(format!(
                    "if {written}. was meant, end it with a dot; else add \"{} IN A …\"",
                    below(host, survey.zone.origin())
                )),
                None => finding.help(format!("add \"{} IN A …\" or an AAAA record", below(host, survey.zone.origin()))),
            })
        }
    }
}

/// Returns what was written, if it has several labels and no final dot.
fn dot_lost(survey: &Survey<'_>, host: &Name, uses: &[Use]) -> Option<String> {
    let relative = uses.iter().any(|used| {
        survey.sets.get(used.set).is_some_and(|set| survey.is_relative(set.owner, Rtype::SRV, used.record, TARGET))
    });
    Some(below(host, survey.zone.origin())).filter(|written| relative && written.contains('.'))
}

fn also(uses: &[Use]) -> String {
    if uses.len() > 1 { format!("; {} SRV records name it", uses.len()) } else { String::new() }
}

/// Reads an address that was written as a name: with a final dot, or relative to the origin.
fn as_address(host: &Name, origin: &Name) -> Option<String> {
    let text = below(host, origin);
    let text = text.strip_suffix('.').unwrap_or(&text);
    let is_address = text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok();
    is_address.then(|| text.to_owned())
}

/// Reads a target that was written as a URL, or with a port; returns what is wrong and what was meant.
fn as_url(host: &Name, origin: &Name) -> Option<(&'static str, String)> {
    let text = below(host, origin);
    let dot = if text.ends_with('.') { "." } else { "" };
    let text = text.strip_suffix('.').unwrap_or(&text);
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.split(['/', '?', ';']).next().unwrap_or_default();
    let bare = bare.rsplit_once('@').map_or(bare, |(_, host)| host);
    let (name, port) = bare.rsplit_once(':').map_or((bare, None), |(name, port)| (name, Some(port)));
    let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    match (text.contains("://"), is_port) {
        (true, _) => Some(("is a URL", format!("{name}{dot}"))),
        (false, true) => Some(("has a port, which is a field of its own", format!("{name}{dot}"))),
        (false, false) => None,
    }
}

fn is_localhost(survey: &Survey<'_>, host: &Name) -> bool {
    let last = host.labels().last().is_some_and(|label| label.eq_ignore_ascii_case(b"localhost"));
    let written = host.labels().next().is_some_and(|label| label.eq_ignore_ascii_case(b"localhost"))
        && host.parent().as_ref() == Some(survey.zone.origin());
    // localhost.example.com with an address is somebody's host; its loopback address is another rule's matter.
    last || (written && matches!(survey.fate(host), Fate::Nothing))
}

/// Returns whether the name cannot be found from outside; where the zone itself is of that kind, or private things are
/// allowed, that is meant.
fn is_reserved(survey: &Survey<'_>, host: &Name) -> bool {
    let last = |name: &Name| name.labels().last().map(<[u8]>::to_ascii_lowercase);
    let label = last(host);
    label != last(survey.zone.origin())
        && !survey.options.allow_private
        && label.is_some_and(|label| RESERVED_LABELS.iter().any(|reserved| reserved.as_bytes() == label))
}

/// Last labels without a place in public DNS (RFC 6761, RFC 6762, and those that sites use by habit).
const RESERVED_LABELS: &[&str] =
    &["test", "invalid", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"];

pub(super) const RESERVED: Rule = Rule {
    id: "srv-target-reserved",
    severity: Severity::Warning,
    finds: "a target in another zone under test, invalid, local, internal and the like",
    why: "such names are not in public DNS: clients outside of your own network cannot find the host",
    help: "name the host as it is called outside; in a zone for the inside, set `private-addresses = true` in [lint]",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1.voice.local.",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1.example.com.",
};

pub(super) const DOUBLED: Rule = Rule {
    id: "srv-target-origin-doubled",
    severity: Severity::Error,
    finds: "a target that lost its final dot, so that the zone's name stands behind it twice",
    why: "a name without a final dot is relative: clients are sent to a host that does not exist",
    help: "end the full name with a dot",
    see: "dig SRV {owner} +short",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1.example.com",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1.example.com.",
};

pub(super) const ADDRESS: Rule = Rule {
    id: "srv-target-address",
    severity: Severity::Error,
    finds: "an IP address as target",
    why: "a target is a name (RFC 2782): clients ask for the addresses of a host called 192.0.2.10 and get none",
    help: "name a host and give it the address by an A or AAAA record",
    see: "dig SRV {owner} +short",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 192.0.2.10",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\nsip-node1  300 IN A   192.0.2.10",
};

pub(super) const URL: Rule = Rule {
    id: "srv-target-url",
    severity: Severity::Error,
    finds: "a URL as target, or a target with a port",
    why: "a target is a name (RFC 2782): clients ask for the addresses of a host that is called so, and get none",
    help: "write the host's name alone; the port is the third number",
    see: "dig SRV {owner} +short",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip://sip-node1:5060",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const LOCALHOST: Rule = Rule {
    id: "srv-target-localhost",
    severity: Severity::Error,
    finds: "localhost as target",
    why: "every client takes it as its own machine (RFC 6761 §6.3)",
    help: "name the server's host as the clients see it; a service that does not exist is \"0 0 0 .\"",
    see: "dig SRV {owner} +short",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 localhost.",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const CNAME: Rule = Rule {
    id: "srv-target-cname",
    severity: Severity::Error,
    finds: "a target that is an alias (CNAME)",
    why: "a target must not be an alias (RFC 2782), and most SIP and XMPP clients refuse one",
    help: "give the target A or AAAA records of its own, or name the alias's goal",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip\nsip        300 IN CNAME sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\nsip-node1  300 IN A   192.0.2.10",
};

pub(super) const DNAME: Rule = Rule {
    id: "srv-target-dname",
    severity: Severity::Error,
    finds: "a target below a DNAME",
    why: "the DNAME turns the target into an alias (RFC 6672), which RFC 2782 forbids; addresses below it are never served",
    help: "name the host at its real place",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 node1.voice\nvoice      300 IN DNAME voice.example.net.",
    right: "_sip._tcp  300 IN SRV 10 70 5060 node1.voice.example.net.",
};

pub(super) const NO_ADDRESS: Rule = Rule {
    id: "srv-target-no-address",
    severity: Severity::Error,
    finds: "a target in the zone without A or AAAA record",
    why: "clients put it into their list of candidates and then fail to connect",
    help: "add an A or AAAA record",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\nsip-node1  300 IN A   192.0.2.10",
};

pub(super) const UNDERSCORE: Rule = Rule {
    id: "srv-target-underscore",
    severity: Severity::Warning,
    finds: "a target with an underscore label",
    why: "underscores keep service labels apart from hosts (RFC 2782): many clients and every certificate authority refuse such a host name",
    help: "name the host without an underscore; a target is a host, never another service",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 _node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 node1",
};

pub(super) const WILDCARD: Rule = Rule {
    id: "srv-target-wildcard",
    severity: Severity::Warning,
    finds: "a target whose addresses come from a wildcard",
    why: "a misspelled target would get the same addresses, and the host's own addresses cannot follow health",
    help: "give the host A or AAAA records of its own",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n*          300 IN A   192.0.2.80",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\nsip-node1  300 IN A   192.0.2.10",
};

pub(super) const OUTSIDE: Rule = Rule {
    id: "srv-target-out-of-zone",
    severity: Severity::Note,
    finds: "a target outside of the zones that are checked, which is asked of the system's resolver and cannot be judged offline",
    why: "its addresses belong to another zone: they are asked for so that the host can be probed, but never served from here",
    help: "see that it has addresses and is no alias; `understudy check --live` asks and tests it",
    see: "dig +short A {host}",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip.provider.example.",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};
