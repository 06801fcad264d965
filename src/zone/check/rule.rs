//! What a rule is, and the table of all rules.

use std::fmt::Display;

use super::{address, apex, delegation, dots, naptr, owner, pairs, ports, size, target, text, tiers, ttl};
use crate::base::finding::{Finding, Severity};

/// One rule of the lint: what it finds, why that matters, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The constant name in kebab case, such as `srv-target-cname`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it finds, in a few words without a full stop.
    pub finds: &'static str,
    /// Why it matters, in one sentence or two.
    pub why: &'static str,
    /// What would be right.
    pub help: &'static str,
    /// The command with which one sees the same; `{zone}`, `{owner}`, `{host}`, `{port}`, `{domain}`, `{type}`
    /// are filled in.
    pub see: &'static str,
    /// Records that have the mistake.
    pub wrong: &'static str,
    /// The same records, fixed.
    pub right: &'static str,
}

/// All rules, in the order of the documentation.
pub const RULES: &[&Rule] = &[
    &owner::UNDERSCORE,
    &owner::TRANSPOSED,
    &owner::PROTO,
    &owner::SERVICE,
    &owner::PAIRING,
    &owner::PLAIN,
    &owner::OBSOLETE,
    &owner::ALIAS,
    &owner::DOUBLED,
    &owner::WILDCARD,
    &dots::DOTS_LOST,
    &target::DOUBLED,
    &target::ADDRESS,
    &target::URL,
    &target::LOCALHOST,
    &target::CNAME,
    &target::DNAME,
    &target::NO_ADDRESS,
    &target::UNDERSCORE,
    &target::WILDCARD,
    &target::RESERVED,
    &target::OUTSIDE,
    &address::UNUSABLE,
    &address::LOOPBACK,
    &address::LINK_LOCAL,
    &address::PRIVATE,
    &address::DOCUMENTATION,
    &ports::ZERO,
    &ports::SWAPPED,
    &ports::UNUSUAL,
    &ports::WEIGHT,
    &pairs::SIP_WITHOUT_TLS,
    &pairs::SIP_TLS_ONLY,
    &pairs::XMPPS_ALONE,
    &pairs::XMPP_WITHOUT_XMPPS,
    &pairs::CLIENT_WITHOUT_SERVER,
    &pairs::SERVER_WITHOUT_CLIENT,
    &pairs::SERVER_WITHOUT_TLS,
    &pairs::COMPONENT_CLIENT,
    &pairs::CONNECT_TXT,
    &pairs::RELAY_WITHOUT_UDP,
    &pairs::RELAY_WITHOUT_TLS,
    &pairs::RELAY_TLS_ONLY,
    &pairs::UNPROBED,
    &tiers::CLOSED_MIXED,
    &tiers::DUPLICATE,
    &tiers::NO_STANDBY,
    &tiers::STANDBY_SAME_ADDRESS,
    &tiers::WEIGHT_ZERO_MIXED,
    &tiers::WEIGHTS_ALL_ZERO,
    &size::MANY_ADDRESSES,
    &size::LARGE_ANSWER,
    &ttl::LONG,
    &ttl::LONG_STATIC,
    &ttl::ZERO,
    &ttl::MISMATCH,
    &ttl::NEGATIVE,
    &apex::NS_SINGLE,
    &apex::NS_CNAME,
    &apex::NS_NO_ADDRESS,
    &apex::NS_LOOPBACK,
    &delegation::NO_GLUE,
    &apex::MX_CNAME,
    &apex::MX_NO_ADDRESS,
    &apex::OCCLUDED,
    &apex::SOA_TIMERS,
    &dots::SOA_DOT,
    &dots::MAILBOX_AT,
    &naptr::DANGLING,
    &naptr::SERVICE,
    &naptr::FORM,
    &text::QUOTED,
    &text::COMMENT,
];

/// Returns the rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

impl Rule {
    /// Begins a finding of this rule; `names` fill the stand-ins of [`Rule::see`], final dots left out.
    pub(super) fn found(&self, message: impl Into<String>, names: &[(&str, &dyn Display)]) -> Finding {
        let mut command = self.see.to_owned();
        for (word, name) in names {
            let name = name.to_string();
            command = command.replace(&format!("{{{word}}}"), name.strip_suffix('.').unwrap_or(&name));
        }
        let finding = Finding::new(self.id, self.severity, message).why(self.why).help(self.help);
        if command.is_empty() { finding } else { finding.command(command) }
    }

    /// Returns [`Rule::see`] with the names that the documentation uses.
    pub fn see_example(&self) -> String {
        [
            ("{zone}", "example.com"),
            ("{domain}", "example.com"),
            ("{owner}", "_sip._tcp.example.com"),
            ("{host}", "sip-node1.example.com"),
            ("{port}", "5060"),
            ("{type}", "SRV"),
        ]
        .iter()
        .fold(self.see.to_owned(), |text, (word, name)| text.replace(word, name))
    }
}
