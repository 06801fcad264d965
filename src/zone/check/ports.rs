//! Ports of SRV records, against those on which the service's clients expect it.

use super::catalogue;
use super::rule::Rule;
use super::survey::{PORT, Survey};
use crate::base::finding::{Finding, Severity};
use crate::zone::Rtype;

/// Looks at each record's port.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for set in &survey.sets {
        let Some(service) = &set.service else { continue };
        let known = catalogue::known(&service.label, &service.proto).and_then(|known| Some((known, known.port?)));
        for member in &set.members {
            let (port, host) = (member.srv.port, &member.host);
            let name = format!("{}.{}", service.label, service.proto);
            let (rule, message) = match known {
                _ if port == 0 => (&ZERO, format!("port 0 of {host}")),
                Some((_, usual)) if port != usual && member.srv.weight == usual => {
                    (&WEIGHT, format!("weight {usual} and port {port} of {host} look swapped"))
                }
                Some((known, usual)) if port != usual => match catalogue::other_on(known, port) {
                    Some(other) => {
                        let other = format!("{}.{}", other.label, other.proto);
                        (&SWAPPED, format!("port {port} is that of {other}; {name} has {usual}"))
                    }
                    None => (&UNUSUAL, format!("{name} on port {port} instead of {usual}")),
                },
                Some(_) | None => continue,
            };
            let help =
                known.filter(|_| port == 0).map(|(_, usual)| format!("write {usual}, or the port of your listener"));
            let swap = || format!("write \"{} {port} {} {host}\"", member.srv.priority, member.srv.weight);
            let help = if rule.id == WEIGHT.id { Some(swap()) } else { help };
            let finding = rule.found(message, &[("host", host), ("port", &port), ("owner", set.owner)]);
            let finding = match help {
                Some(help) => finding.help(help),
                None => finding,
            };
            findings.push(finding.at(survey.at_field(set.owner, Rtype::SRV, member.record, PORT)));
        }
    }
}

pub(super) const ZERO: Rule = Rule {
    id: "srv-port-zero",
    severity: Severity::Error,
    finds: "port 0",
    why: "nothing listens on port 0",
    help: "write the port of your listener",
    see: "ss -tlnp",
    wrong: "_sip._tcp  300 IN SRV 10 70 0 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const SWAPPED: Rule = Rule {
    id: "srv-port-swapped",
    severity: Severity::Warning,
    finds: "the usual port of a sister service: 5060 and 5061, 5222, 5223, 5269 and 5270, 3478 and 5349, 143 and 993, 389 and 636 and the like",
    why: "a listener for the sister service speaks otherwise (TLS at once, or servers instead of clients), so connections open and then fail",
    help: "write the service's own port, unless your server really listens there",
    see: "nc -zv {host} {port}  (shows that the port is open, not that the server behind it answers: a hung one accepts too)",
    wrong: "_sip._tls  300 IN SRV 10 100 5060 sip-node1",
    right: "_sip._tls  300 IN SRV 10 100 5061 sip-node1",
};

pub(super) const WEIGHT: Rule = Rule {
    id: "srv-weight-port",
    severity: Severity::Warning,
    finds: "the service's usual port in the place of the weight",
    why: "the numbers are priority, weight, port (RFC 2782): in another order clients connect to a port where nothing listens",
    help: "write priority, weight, port, target in this order",
    see: "dig SRV {owner} +short",
    wrong: "_sip._tcp  300 IN SRV 10 5060 70 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const UNUSUAL: Rule = Rule {
    id: "srv-port-unusual",
    severity: Severity::Note,
    finds: "a port that is not the service's usual one",
    why: "SRV may name any port; the server must listen there, and firewalls must let it pass",
    help: "see that the server's configuration has this port (ss -tlnp)",
    see: "nc -zv {host} {port}  (shows that the port is open, not that the server behind it answers: a hung one accepts too)",
    wrong: "_sip._tcp  300 IN SRV 10 70 6050 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
};
