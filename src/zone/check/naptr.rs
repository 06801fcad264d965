//! NAPTR records (RFC 3403), which SIP clients read before SRV (RFC 3263 §4.1).

use super::rule::Rule;
use super::survey::Survey;
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype, name};

/// Looks at what NAPTR records say, and where they lead.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for (owner, sets) in survey.zone.nodes() {
        let Some(set) = sets.iter().find(|set| set.rtype() == Rtype::NAPTR) else { continue };
        for (record, rdata) in set.rdatas().enumerate() {
            let Some(naptr) = Naptr::read(rdata) else { continue };
            let (rule, field, message) = if let Some((field, message)) = malformed(&naptr) {
                (&FORM, field, message)
            } else if let Some(message) = dangling(survey, &naptr) {
                (&DANGLING, REPLACEMENT, message)
            } else if let Some(message) = mismatched(&naptr) {
                (&SERVICE, REPLACEMENT, message)
            } else {
                continue;
            };
            let at = survey.at_field(owner, Rtype::NAPTR, record, field);
            findings.push(rule.found(message, &[("owner", &naptr.goal), ("zone", owner)]).at(at));
        }
    }
}

/// The fields of a NAPTR record (RFC 3403 §4.1), flags and service in upper case.
struct Naptr {
    flags: String,
    service: String,
    expression: String,
    goal: Name,
}

impl Naptr {
    fn read(rdata: &[u8]) -> Option<Self> {
        let (_, rest) = rdata.split_at_checked(4)?;
        let (flags, rest) = split_text(rest)?;
        let (service, rest) = split_text(rest)?;
        let (expression, rest) = split_text(rest)?;
        let (goal, _) = name::split_wire(rest)?;
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Some(Self {
            flags: text(flags).to_ascii_uppercase(),
            service: text(service).to_ascii_uppercase(),
            expression: text(expression),
            goal: Name::from_wire(goal).ok()?,
        })
    }
}

/// Finds fields that contradict each other.
fn malformed(naptr: &Naptr) -> Option<(usize, String)> {
    let (has_expression, has_goal) = (!naptr.expression.is_empty(), !naptr.goal.is_root());
    let is_sip = naptr.service.starts_with("SIP+D2") || naptr.service.starts_with("SIPS+D2");
    match naptr.flags.as_str() {
        _ if has_expression && has_goal => {
            Some((EXPRESSION, "an expression and a replacement exclude each other".to_owned()))
        }
        "U" if !has_expression => {
            Some((EXPRESSION, "flag U says that the expression makes a URI, and there is none".to_owned()))
        }
        "S" | "A" if !has_expression && !has_goal => {
            Some((REPLACEMENT, format!("flag {} needs a replacement, and there is none", naptr.flags)))
        }
        flags if naptr.service.starts_with("E2U+") && flags != "U" => {
            Some((FLAGS, format!("{} makes a URI, which is flag U and not \"{flags}\"", naptr.service)))
        }
        flags if is_sip && flags != "S" => {
            Some((FLAGS, format!("{} leads to SRV records, which is flag S and not \"{flags}\"", naptr.service)))
        }
        _ if has_expression => expression_fault(&naptr.expression).map(|fault| (EXPRESSION, fault)),
        _ => None,
    }
}

/// Says what is wrong with a substitution expression (RFC 3402 §3.2): `!expression!replacement!flags`.
fn expression_fault(expression: &str) -> Option<String> {
    let delimiter = expression.chars().next()?;
    if delimiter.is_ascii_digit() || matches!(delimiter, 'i' | '\\') {
        return Some(format!("the expression cannot begin with {delimiter} as its delimiter"));
    }
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for letter in expression.chars().skip(1) {
        if letter == delimiter && !escaped {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
        escaped = letter == '\\' && !escaped;
    }
    match parts.as_slice() {
        [_, _, flags] if flags.is_empty() || flags.eq_ignore_ascii_case("i") => None,
        [_, _, flags] => Some(format!("{flags} behind the expression is no flag: there is i only")),
        parts => Some(format!("the expression has {} delimiters {delimiter} and needs three", parts.len())),
    }
}

/// Finds SIP services whose transport is not that of the SRV records (RFC 3263 §4.1).
fn mismatched(naptr: &Naptr) -> Option<String> {
    let right: &[[&str; 2]] = match naptr.service.as_str() {
        "SIP+D2U" => &[["_sip", "_udp"]],
        "SIP+D2T" => &[["_sip", "_tcp"]],
        "SIP+D2S" => &[["_sip", "_sctp"]],
        "SIPS+D2T" => &[["_sips", "_tcp"], ["_sip", "_tls"]],
        "SIPS+D2S" => &[["_sips", "_sctp"]],
        _ => return None,
    };
    let mut labels = naptr.goal.labels().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase());
    let found = [labels.next().unwrap_or_default(), labels.next().unwrap_or_default()];
    let is_right = right.iter().any(|right| *right == found);
    let names: Vec<String> = right.iter().map(|right| right.join(".")).collect();
    (!is_right).then(|| format!("{} leads to {}, not to {}", naptr.service, found.join("."), names.join(" or ")))
}

fn dangling(survey: &Survey<'_>, naptr: &Naptr) -> Option<String> {
    let goal = &naptr.goal;
    if goal.is_root() {
        return None;
    }
    match (naptr.flags.as_str(), survey.fate(goal)) {
        (_, Fate::Outside | Fate::Dname(_) | Fate::Alias(_)) => None,
        ("S", _) if survey.rrset(goal, Rtype::SRV).is_none() => Some(format!("{goal} has no SRV records")),
        ("A", Fate::Nothing) => Some(format!("{goal} has no A or AAAA record")),
        (_, Fate::Addresses { .. } | Fate::Nothing) => None,
    }
}

fn split_text(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(length))
}

/// The fields of NAPTR data.
const FLAGS: usize = 2;
/// See [`FLAGS`].
const EXPRESSION: usize = 4;
/// See [`FLAGS`].
const REPLACEMENT: usize = 5;

pub(super) const SERVICE: Rule = Rule {
    id: "naptr-service",
    severity: Severity::Warning,
    finds: "a NAPTR record whose service says another transport than the SRV records that it leads to",
    why: "SIP clients take the transport of the service and the hosts and ports of the SRV records (RFC 3263 §4.1): they ask in one way where another is spoken",
    help: "SIP+D2U leads to _sip._udp, SIP+D2T to _sip._tcp, SIPS+D2T to _sips._tcp",
    see: "dig NAPTR {zone} +short",
    wrong: "@  IN NAPTR 10 0 \"S\" \"SIP+D2U\" \"\" _sip._tcp",
    right: "@  IN NAPTR 10 0 \"S\" \"SIP+D2U\" \"\" _sip._udp",
};

pub(super) const FORM: Rule = Rule {
    id: "naptr-form",
    severity: Severity::Error,
    finds: "a NAPTR record whose flag, service, expression and replacement contradict each other",
    why: "clients pass over a record that they cannot carry out (RFC 3403 §4.1)",
    help: "flags S and A go with a replacement, flag U with an expression such as \"!^.*$!sip:info@example.com!\" and the replacement \".\"",
    see: "dig NAPTR {zone} +short",
    wrong: "@  IN NAPTR 10 0 \"U\" \"SIP+D2T\" \"\" _sip._tcp",
    right: "@  IN NAPTR 10 0 \"S\" \"SIP+D2T\" \"\" _sip._tcp",
};

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
