//! `{ kind = "xmpp", … }`, and its URLs.

use super::idn::to_unicode;
use super::{Role, Xmpp};
use crate::base::finding::Finding;
use crate::keys::reader::{Reader, Section};
use crate::keys::{Listed, statement, values};
use crate::probe::CheckKind;
use crate::probe::attempt::Probe;
use crate::probe::kind::{CheckContext, KindKeys, OwnerLabels};
use crate::probe::over::Transport;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "xmpp", … }` may say.
    pub struct XmppKeys of a check {
        /// Who is played; nothing: what the owner name says.
        role: Role = values::choice(&[("client", Role::Client), ("server", Role::Server)]);
        /// TCP with STARTTLS, or TLS from the begin; nothing: what the owner name says.
        transport: Transport = values::choice(&[("tcp", Transport::Tcp), ("tls", Transport::Tls)]);
        /// The domain that is asked for, SNI and the certificate's name; nothing: the service's domain.
        name: String = values::host;
        /// The domain that a server's stream is from; nothing: none is told.
        from: String = values::host;
        /// Whether a server without STARTTLS fails; nothing: it does.
        require_tls: bool = values::boolean;
        /// Whether a server without a way to log in fails; nothing: it does.
        require_sasl: bool = values::boolean;
    }
}

impl KindKeys for XmppKeys {
    type Check = Xmpp;

    const FORMS: &'static [Listed] = &[(Xmpp::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"xmpp\" } opens a stream; it may say role = \"client\" or \"server\", transport = \"tcp\" (STARTTLS) or \"tls\"
(direct TLS), name = \"…\" (the domain asked for), from = \"…\" (the domain a server's stream is from), require-tls = true
(no STARTTLS is a failure), require-sasl = true (no way to log in is a failure).";
    const SCHEMES: &'static [&'static str] =
        &["xmpp", "xmpps", "xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server"];
    const PROTOCOL: Option<&'static str> = Some("XMPP");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let keys = Self::read_keys(reader, table);
        let idle = [
            ("require-tls", keys.require_tls.is_some() && keys.transport == Some(Transport::Tls), OVER_TLS),
            ("require-sasl", keys.require_sasl.is_some() && keys.role == Some(Role::Server), OF_SERVERS),
            ("from", keys.from.is_some() && keys.role == Some(Role::Client), OF_CLIENTS),
        ];
        for (key, _, why) in idle.into_iter().filter(|(_, is_idle, _)| *is_idle) {
            let finding = Finding::warning("check-value", format!("`{key}` has no effect here: {why}"));
            reader.find(finding.at(reader.key_place(table, key)).help("leave it out"));
        }
        keys
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let role = if url.scheme.ends_with("-server") { Role::Server } else { Role::Client };
        let help = "; it has tcp (STARTTLS) and tls (direct TLS)";
        let transport = if url.scheme.starts_with("xmpps") {
            url.secure(Xmpp::KIND, help)?
        } else {
            url.transport(Xmpp::KIND, &[Transport::Tcp, Transport::Tls], help)?
        };
        // 5222 and 5269 are registered (RFC 6120 §14.7), those for direct TLS are a custom.
        let port = match (role, transport) {
            (Role::Client, Transport::Udp | Transport::Tcp) => 5222,
            (Role::Client, Transport::Tls) => 5223,
            (Role::Server, Transport::Udp | Transport::Tcp) => 5269,
            (Role::Server, Transport::Tls) => 5270,
        };
        let keys = Self { role: Some(role), transport: Some(transport), ..Self::default() };
        Ok(UrlCheck::new(keys, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let roles = [(Application::XmppClient, Role::Client), (Application::XmppServer, Role::Server)];
        let (_, role) = roles.into_iter().find(|(application, _)| *application == service.application)?;
        Some(Self { role: Some(role), ..Self::default() })
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Xmpp> {
        let inferred = match &context.inferred {
            Some(CheckKind::Xmpp(keys)) => keys.role,
            _ => None,
        };
        let direct = self.transport.unwrap_or(context.transport) == Transport::Tls;
        let tls = context.tls(self.name.as_ref(), Vec::new());
        let xmpp = Xmpp::new(self.role.or(inferred).unwrap_or(Role::Client), direct, tls);
        Some(Xmpp {
            domain: to_unicode(&context.named(self.name.as_ref())),
            from: self.from.clone(),
            require_tls: self.require_tls.unwrap_or(xmpp.require_tls),
            require_sasl: self.require_sasl.unwrap_or(xmpp.require_sasl),
            deep_interval: context.settings.deep_interval,
            ..xmpp
        })
    }

    fn alpn(&self, transport: Transport) -> Vec<Vec<u8>> {
        let role = self.role.filter(|_| transport == Transport::Tls);
        role.map(|role| role.alpn().to_vec()).into_iter().collect()
    }
}

const OVER_TLS: &str = "with transport = \"tls\" TLS comes first";
const OF_SERVERS: &str = "servers log in by certificate or dialback, whatever is offered";
const OF_CLIENTS: &str = "only servers say whom a stream is from before they log in";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::CheckEntry;
    use crate::probe::tests::keys::read_check;

    /// Reads one check: what came of it, and what was found as identity and column.
    fn check(text: &str) -> (Option<CheckKind>, Vec<(&'static str, u32)>) {
        let (check, findings) = read_check(text);
        let found = findings.into_iter().map(|finding| (finding.id, finding.place.map_or(0, |place| place.column)));
        (check.and_then(|CheckEntry { kind, .. }| kind), found.collect())
    }

    #[test]
    fn every_key_is_read() {
        let (kind, found) = check(
            "{ kind = \"xmpp\", role = \"server\", transport = \"tcp\", name = \"Example.com.\", from = \"probe.example\", \
             require-tls = false }",
        );
        let keys = XmppKeys {
            role: Some(Role::Server),
            transport: Some(Transport::Tcp),
            name: Some("Example.com".to_owned()),
            from: Some("probe.example".to_owned()),
            require_tls: Some(false),
            require_sasl: None,
        };
        assert_eq!((kind, found), (Some(CheckKind::Xmpp(keys)), Vec::new()));
        let (kind, found) = check("{ kind = \"xmpp\", require-sasl = false }");
        let keys = XmppKeys { require_sasl: Some(false), ..XmppKeys::default() };
        assert_eq!((kind, found), (Some(CheckKind::Xmpp(keys)), Vec::new()));
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
