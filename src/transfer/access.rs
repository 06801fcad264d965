//! Who may transfer a zone.

use std::net::IpAddr;

use crate::base::prefix::IpPrefix;
use crate::zone::Name;

/// Who may transfer one zone: whom one of the rules admits. Without any rule, nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// A network, and the key that its queries must be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The network.
    pub network: IpPrefix,
    /// The name of the key; nothing: the query need not be signed.
    pub key: Option<Name>,
}

impl Rules {
    /// Returns whether a client may; `signed` tells whether its query is signed with a key of this name.
    pub fn admit(&self, address: IpAddr, signed: impl Fn(&Name) -> bool) -> bool {
        self.0.iter().any(|rule| rule.network.contains(address) && rule.key.as_ref().is_none_or(&signed))
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_wants_both_its_network_and_its_key() {
        let key: Name = "transfer.".parse().unwrap();
        let rules: Rules = [
            Rule { network: "127.0.0.1".parse().unwrap(), key: None },
            Rule { network: "127.0.0.0/8".parse().unwrap(), key: Some(key.clone()) },
        ]
        .into_iter()
        .collect();
        let admit = |address: &str, signed: Option<&Name>| {
            rules.admit(address.parse().unwrap(), |name| signed.is_some_and(|signed| signed == name))
        };
        assert!(admit("127.0.0.1", None) && admit("127.0.0.9", Some(&key)));
        assert!(!admit("127.0.0.9", None) && !admit("127.0.0.9", Some(&Name::root())) && !admit("::1", Some(&key)));
        assert!(!Rules::default().admit("127.0.0.1".parse().unwrap(), |_| true));
    }
}
