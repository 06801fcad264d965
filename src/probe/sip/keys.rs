//! `{ kind = "sip", … }`, and its URLs.

use toml::de::DeValue;

use super::{Expect, Pattern, Sip};
use crate::base::finding::Finding;
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};
use crate::probe::attempt::Probe;
use crate::probe::kind::{CheckContext, KindKeys, OwnerLabels};
use crate::probe::over::Transport;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "sip", … }` may say.
    pub struct SipKeys of a check {
        /// The domain that is asked for, SNI and the certificate's name; nothing: the service's domain.
        name: String = domain;
        /// UDP, TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::word;
        /// Which answers pass; nothing: those that show that the SIP logic is alive.
        mode: Mode = values::choice(&[("alive", Mode::Alive), ("strict", Mode::Strict)]);
        /// Which answers pass, one by one.
        expect: Vec<Pattern> = Each(pattern);
        /// How many hops it may go.
        max_forwards: u8 = values::integer(0, 255);
    }
}

/// Which answers pass, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Any that shows that the SIP logic is alive.
    Alive,
    /// 2xx.
    Strict,
}

impl KindKeys for SipKeys {
    type Check = Sip;

    const FORMS: &'static [Listed] = &[(Sip::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"sip\" } asks OPTIONS; it may say transport = \"udp\", \"tcp\" or \"tls\", mode = \"strict\" (only 2xx passes; by
default \"alive\"), expect = [\"2xx\", 483] in place of mode, name = \"…\" (the domain asked for), max-forwards = 70.";
    const SCHEMES: &'static [&'static str] = &["sip", "sips"];
    const PROTOCOL: Option<&'static str> = Some("SIP");

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let keys = Self::read_keys(reader, table);
        keys.judge(reader, table);
        keys
    }

    /// Reads `sip[+udp|tcp|tls]://…` and `sips://…` (RFC 3261 §19.1.2, RFC 3263 §4.1: `sip` is over UDP unless said
    /// otherwise, `sips` over TLS).
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let transport = match url.scheme {
            "sips" => url.secure(Sip::KIND, "; sips:// is sip+tls://")?,
            _ => url.transport(
                Sip::KIND,
                &[Transport::Udp, Transport::Tcp, Transport::Tls],
                "; it has udp, tcp and tls",
            )?,
        };
        if let Some(domain) = url.said_domain().filter(|domain| !Sip::can_ask_for(domain)) {
            return Err(UrlError::Domain(domain.to_owned()));
        }
        let port = if transport == Transport::Tls { 5061 } else { 5060 };
        Ok(UrlCheck::new(Self { transport: Some(transport), ..Self::default() }, url.domain(), port))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        (service.application == Application::Sip).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Sip> {
        let domain = context.named(self.name.as_ref());
        let over = context.over(self.transport, self.name.as_ref());
        let sip = Sip::new(domain, over);
        let expect = match (&self.expect, self.mode) {
            (Some(patterns), _) => Expect::Only(patterns.iter().copied().collect()),
            (None, Some(Mode::Strict)) => Expect::strict(),
            (None, Some(Mode::Alive) | None) => Expect::Alive,
        };
        Some(Sip { expect, max_forwards: self.max_forwards.unwrap_or(sip.max_forwards), ..sip })
    }
}

impl SipKeys {
    /// Finds what nothing could pass, and what makes little sense together.
    fn judge(&self, reader: &mut Reader<'_>, table: &Section<'_>) {
        if let (Some(_), true) = (&self.expect, table.has("mode")) {
            let finding = Finding::error("check-value", "`expect` and `mode` both say which answers pass");
            reader.find(finding.at(reader.key_place(table, "mode")).help("leave out one of them"));
        }
        let is_empty = |value: &DeValue<'_>| Ok(value.as_array().is_some_and(|list| list.is_empty()));
        if let Some(empty) = reader.take(table, "expect", is_empty).filter(|empty| empty.value) {
            let finding = Finding::error("check-value", "`expect` names no answer, so none would pass");
            reader.find(finding.at(empty.place).help("name some, such as [\"2xx\", 483]"));
        }
        if self.mode == Some(Mode::Strict) && self.max_forwards == Some(0) {
            let finding =
                Finding::warning("check-value", "`max-forwards` 0 makes proxies answer 483, which `strict` fails");
            let finding = finding.at(reader.key_place(table, "max-forwards"));
            reader.find(finding.help("write expect = [\"2xx\", 483] in place of mode, or leave max-forwards out"));
        }
    }
}

fn domain(value: &DeValue<'_>) -> Read<String> {
    let text = values::host(value)?;
    if Sip::can_ask_for(&text) { Ok(text) } else { Err("a host name, such as \"example.com\"".to_owned()) }
}

/// Reads a final status, or a class of them.
fn pattern(value: &DeValue<'_>) -> Read<Pattern> {
    let wanted = || "final SIP statuses (200 to 699) and classes of them, such as [\"2xx\", 483]".to_owned();
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => values::integer::<u16>(200, 699)(value).map_err(|_| wanted())?.to_string(),
    };
    text.parse().map_err(|()| wanted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::keys::read_check;
    use crate::probe::{Check, CheckEntry, Over, TargetSettings};

    fn sip(keys: &str) -> Sip {
        let (check, findings) = read_check(&format!("{{ kind = \"sip\", {keys} }}"));
        assert_eq!(findings, [], "{keys}");
        let Some(CheckEntry { kind: Some(kind), .. }) = check else { panic!("{keys}") };
        let (domain, settings) = ("example.com".to_owned(), &TargetSettings::default());
        let context = CheckContext { domain, host: None, inferred: None, transport: Transport::Udp, settings };
        let Some(Check::Sip(sip)) = kind.lower(&context) else { panic!("{keys}") };
        sip
    }

    #[test]
    fn a_sip_check_is_read() {
        assert_eq!(sip(""), Sip::new("example.com".to_owned(), Over::Udp));
        assert_eq!(sip("mode = \"alive\"").expect, Expect::Alive);
        assert_eq!(sip("mode = \"strict\"").expect, Expect::strict());
        let sip = sip("expect = [483, \"2xx\", \"200\"], transport = \"tls\", name = \"x.example.\", max-forwards = 0");
        assert_eq!(sip.expect.to_string(), "2xx,200,483");
        assert_eq!((sip.domain.as_str(), sip.over.as_str(), sip.max_forwards), ("x.example", "tls", 0));
    }
}
