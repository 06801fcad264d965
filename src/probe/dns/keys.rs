//! `{ kind = "dns", … }`, and its URLs.

use toml::de::DeValue;

use super::{Dns, Rcode};
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};
use crate::probe::attempt::Probe;
use crate::probe::kind::{CheckContext, KindKeys};
use crate::probe::over::Transport;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::{Name, Rtype};

statement! {
    /// What `{ kind = "dns", … }` may say.
    pub struct DnsKeys of a check {
        /// What is asked for; nothing: the service's domain.
        name: Name = values::name;
        /// The type; nothing: SOA.
        rtype as "type": Rtype = rtype;
        /// The response code that passes; nothing: NOERROR, with a record of the type.
        rcode: Rcode = rcode;
        /// The data that one of the records must have, as text.
        answer: String = answer;
        /// UDP or TCP; nothing: what the owner name says.
        transport: Transport = values::choice(&[("udp", Transport::Udp), ("tcp", Transport::Tcp)]);
    }
}

impl KindKeys for DnsKeys {
    type Check = Dns;

    const FORMS: &'static [Listed] = &[(Dns::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"dns\" } asks for the zone's SOA; it may say name = \"…\", type = \"A\", rcode = \"NXDOMAIN\", answer = \"…\",
transport = \"udp\" or \"tcp\".";
    const SCHEMES: &'static [&'static str] = &[Dns::KIND];

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    /// Reads `dns[+tcp]://ADDRESS[:PORT]/NAME[/TYPE]`.
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let transport = url.transport(Dns::KIND, &[Transport::Udp, Transport::Tcp], "; it has udp and tcp")?;
        let question = || UrlError::Question(url.target.to_owned());
        let (name, rtype) = url.target.split_once('/').unwrap_or((url.target, ""));
        let name = name.trim_end_matches('.');
        let name =
            Some(name).filter(|name| !name.is_empty()).and_then(|name| name.parse().ok()).ok_or_else(question)?;
        let rtype = match rtype {
            "" => None,
            text => Some(asked_type(text).ok_or_else(question)?),
        };
        let keys = Self { name: Some(name), rtype, transport: Some(transport), ..Self::default() };
        Ok(UrlCheck::new(keys, url.domain(), 53))
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Dns> {
        // The domain comes from an owner name, so it is one.
        let name = self.name.clone().or_else(|| context.domain.parse().ok()).unwrap_or_else(Name::root);
        let dns = Dns::of_zone(name, self.transport.unwrap_or(context.transport) != Transport::Udp);
        let rtype = self.rtype.unwrap_or(dns.rtype);
        Some(Dns { rtype, rcode: self.rcode, answer: self.answer.clone(), ..dns })
    }
}

/// Returns the type that a word names, if one can ask for it.
fn asked_type(word: &str) -> Option<Rtype> {
    Rtype::parse(word).filter(|rtype| !rtype.is_meta())
}

fn rtype(value: &DeValue<'_>) -> Read<Rtype> {
    let rtype = value.as_str().and_then(asked_type);
    rtype.ok_or_else(|| "a record type, such as \"SOA\", \"A\" or \"TYPE65280\"".to_owned())
}

fn rcode(value: &DeValue<'_>) -> Read<Rcode> {
    let rcode = value.as_str().and_then(Rcode::parse);
    rcode.ok_or_else(|| "a response code, such as \"NOERROR\", \"NXDOMAIN\" or \"REFUSED\"".to_owned())
}

fn answer(value: &DeValue<'_>) -> Read<String> {
    values::short_text(value, ANSWER_MAX).map_err(|_| format!("a record's data as text, of 1 to {ANSWER_MAX} octets"))
}

/// The longest data that is compared, in octets.
const ANSWER_MAX: usize = 1024;
