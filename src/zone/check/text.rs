//! Strings with typographic characters of a word processor, or with another program's syntax.

use super::rule::Rule;
use super::survey::Survey;
use crate::base::finding::{Finding, Severity};
use crate::zone::Rtype;

/// Looks at the strings of TXT records, one finding for each record.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for (owner, sets) in survey.zone.nodes() {
        let Some(set) = sets.iter().find(|set| set.rtype() == Rtype::TXT) else { continue };
        for (record, rdata) in set.rdatas().enumerate() {
            let strings = strings(rdata);
            let quoted = strings.iter().position(|text| QUOTES.iter().any(|quote| text.contains(*quote)));
            let comment = strings.iter().position(|text| text == "#" || text == "//").filter(|place| *place > 0);
            let (rule, field, message) = match (quoted, comment) {
                (Some(field), _) => (&QUOTED, field, format!("the TXT record of {owner} has typographic quotes")),
                (None, Some(field)) => {
                    (&COMMENT, field, format!("a comment became a part of the TXT record of {owner}"))
                }
                (None, None) => continue,
            };
            let at = survey.at_field(owner, Rtype::TXT, record, field);
            findings.push(rule.found(message, &[("owner", owner)]).at(at));
        }
    }
}

fn strings(mut rdata: &[u8]) -> Vec<String> {
    let mut strings = Vec::new();
    while let Some((&length, rest)) = rdata.split_first() {
        let Some((text, behind)) = rest.split_at_checked(usize::from(length)) else { break };
        strings.push(String::from_utf8_lossy(text).into_owned());
        rdata = behind;
    }
    strings
}

/// Double ones; a single one may be an apostrophe.
const QUOTES: &[char] = &['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];

pub(super) const QUOTED: Rule = Rule {
    id: "txt-quotes",
    severity: Severity::Warning,
    finds: "typographic quotes in a TXT record",
    why: "they end no string: the quotes are served as a part of the text, which was cut at each blank",
    help: "write the plain quote \" before and behind the text",
    see: "dig TXT {owner} +short",
    wrong: "@  IN TXT “v=spf1 -all”",
    right: "@  IN TXT \"v=spf1 -all\"",
};

pub(super) const COMMENT: Rule = Rule {
    id: "txt-comment",
    severity: Severity::Warning,
    finds: "a comment with # or // that became a part of a TXT record",
    why: "a comment begins with ; in a zone: what stands here is served as strings of the record",
    help: "begin the comment with ;",
    see: "dig TXT {owner} +short",
    wrong: "@  IN TXT \"v=spf1 -all\" # no mail",
    right: "@  IN TXT \"v=spf1 -all\" ; no mail",
};
