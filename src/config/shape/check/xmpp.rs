//! `{ kind = "xmpp", … }`

use crate::base::finding::Finding;
use crate::config::infer::Transport;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::probe::xmpp::Role;

/// What `xmpp` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmppShape {
    /// `role`: who is played; nothing: what the owner name says.
    pub role: Option<Role>,
    /// `transport`: TCP with STARTTLS, or TLS from the begin; nothing: what the owner name says.
    pub transport: Option<Transport>,
    /// `name`: the domain that is asked for, SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `from`: the domain that a server's stream is from; nothing: none is told.
    pub from: Option<String>,
    /// `require-tls`; nothing: true.
    pub require_tls: Option<bool>,
    /// `require-sasl`; nothing: true.
    pub require_sasl: Option<bool>,
}

impl XmppShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let shape = Self {
            role: reader.take(table, "role", values::choice(&ROLE)).map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&TRANSPORT)).map(|placed| placed.value),
            name: reader.take(table, "name", values::host).map(|placed| placed.value),
            from: reader.take(table, "from", values::host).map(|placed| placed.value),
            require_tls: reader.take(table, "require-tls", values::boolean).map(|placed| placed.value),
            require_sasl: reader.take(table, "require-sasl", values::boolean).map(|placed| placed.value),
        };
        let idle = [
            ("require-tls", shape.require_tls.is_some() && shape.transport == Some(Transport::Tls), OVER_TLS),
            ("require-sasl", shape.require_sasl.is_some() && shape.role == Some(Role::Server), OF_SERVERS),
            ("from", shape.from.is_some() && shape.role == Some(Role::Client), OF_CLIENTS),
        ];
        for (key, _, why) in idle.into_iter().filter(|(_, is_idle, _)| *is_idle) {
            let finding = Finding::warning("check-value", format!("`{key}` has no effect here: {why}"));
            reader.find(finding.at(reader.key_place(table, key)).help("leave it out"));
        }
        shape
    }
}

const OVER_TLS: &str = "with transport = \"tls\" TLS comes first";
const OF_SERVERS: &str = "servers log in by certificate or dialback, whatever is offered";
const OF_CLIENTS: &str = "only servers say whom a stream is from before they log in";

const ROLE: [(&str, Role); 2] = [("client", Role::Client), ("server", Role::Server)];
const TRANSPORT: [(&str, Transport); 2] = [("tcp", Transport::Tcp), ("tls", Transport::Tls)];
pub(super) const KEYS: &[Key] = &[
    Key::bare("role"),
    Key::bare("transport"),
    Key::bare("name"),
    Key::bare("from"),
    Key::bare("require-tls"),
    Key::bare("require-sasl"),
];

#[cfg(test)]
mod tests {
    use crate::config::shape::{CheckKind, read};
    use crate::keys::source::Source;

    use super::*;

    /// Reads one check: what came of it, and what was found as identity and column.
    fn check(text: &str) -> (Option<CheckKind>, Vec<(&'static str, u32)>) {
        let text = format!("version = 1\n[[service]]\nmatch = \"a.b\"\ncheck = {text}");
        let (file, findings) = read(&Source::new("test.toml", text));
        let kind = file.services.into_iter().next().and_then(|service| service.check).map(|check| check.kind);
        let found = findings.into_iter().map(|finding| (finding.id, finding.place.map_or(0, |place| place.column)));
        (kind, found.collect())
    }

    #[test]
    fn every_key_is_read() {
        let (kind, found) = check(
            "{ kind = \"xmpp\", role = \"server\", transport = \"tcp\", name = \"Example.com.\", from = \"probe.example\", \
             require-tls = false }",
        );
        let shape = XmppShape {
            role: Some(Role::Server),
            transport: Some(Transport::Tcp),
            name: Some("Example.com".to_owned()),
            from: Some("probe.example".to_owned()),
            require_tls: Some(false),
            require_sasl: None,
        };
        assert_eq!((kind, found), (Some(CheckKind::Xmpp(shape)), Vec::new()));
        let (kind, found) = check("{ kind = \"xmpp\", require-sasl = false }");
        let shape = XmppShape { require_sasl: Some(false), ..XmppShape::default() };
        assert_eq!((kind, found), (Some(CheckKind::Xmpp(shape)), Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_found_where_it_stands() {
        for (text, found) in [
            ("{ kind = \"xmpp\", role = \"c2s\" }", ("config-value", 33)),
            ("{ kind = \"xmpp\", transport = \"udp\" }", ("config-value", 38)),
            ("{ kind = \"xmpp\", name = \".\" }", ("config-value", 33)),
            ("{ kind = \"xmpp\", require-tls = 1 }", ("config-value", 40)),
            ("{ kind = \"xmpp\", domain = \"a\" }", ("config-key-unknown", 26)),
            ("{ kind = \"xmpp\", transport = \"tls\", require-tls = true }", ("check-value", 45)),
            ("{ kind = \"xmpp\", role = \"server\", require-sasl = true }", ("check-value", 43)),
            ("{ kind = \"xmpp\", role = \"client\", from = \"a\" }", ("check-value", 43)),
        ] {
            assert_eq!(check(text).1, [found], "{text}");
        }
    }
}
