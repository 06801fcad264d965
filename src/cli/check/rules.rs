//! Explains rules: `check --explain ID`.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::base::finding::{Finding, Severity};
use crate::cli::{USAGE, input, offline};
use crate::zone::check::{RULES, find};

/// Prints a rule, or what ids there are.
pub(super) fn run(id: &str) -> ExitCode {
    if let Some(text) = explain(id) {
        input::say(&text);
        return ExitCode::SUCCESS;
    }
    input::tell(&[unknown(id)], Severity::Error);
    ExitCode::from(USAGE)
}

fn unknown(id: &str) -> Finding {
    let finding = Finding::error("check-explain", format!("there is no rule {id}"));
    match offline::nearest_name(id, RULES.iter().map(|rule| rule.id)) {
        Some(near) => finding.help(format!("did you mean {near}?")),
        None => {
            let begin = id.split('-').next().unwrap_or_default();
            let akin: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| id.starts_with(begin)).collect();
            let all = || RULES.iter().map(|rule| rule.id).collect::<Vec<_>>();
            let ids = if akin.is_empty() { all() } else { akin };
            finding.help(format!("the rules are {}", ids.join(", ")))
        }
    }
}

/// Tells what a rule finds, why that matters, the fix and an example; nothing if there is no such rule.
fn explain(id: &str) -> Option<String> {
    let rule = find(id)?;
    let mut out = format!("{} ({})\n\nFinds {}.\n\n", rule.id, rule.severity, rule.finds);
    let _ = writeln!(out, "Why:   {}.\nMend:  {}.", rule.why, rule.help);
    if !rule.see.is_empty() {
        let _ = writeln!(out, "See:   {}", rule.see_example());
    }
    for (word, records) in [("Wrong:", rule.wrong), ("Right:", rule.right)] {
        let _ = writeln!(out, "\n{word}");
        for line in records.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_explained() {
        for rule in RULES {
            let text = explain(rule.id).unwrap();
            assert!(text.starts_with(rule.id), "{text}");
            assert!(!text.contains('{') || rule.id == "service-unprobed", "{text}");
        }
        assert_eq!(explain("no-such-rule"), None);
    }

    #[test]
    fn a_misspelt_rule_is_told_the_nearest_or_those_alike() {
        assert_eq!(unknown("srv-target-cnane").help.unwrap(), "did you mean srv-target-cname?");
        assert!(unknown("soa-foo-bar-baz").help.unwrap().starts_with("the rules are soa-minimum-long, soa-timers"));
        assert!(unknown("qqqqqqqqqqq").help.unwrap().contains("srv-target-cname"));
    }
}
