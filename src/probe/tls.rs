//! The check `tls`: connects and does a TLS handshake.

use toml::de::DeValue;

use super::attempt::{Attempt, Ending, Probe};
use super::connect::close;
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::stream::Stream;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use super::{Authority, ClientCertificate};
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::values::{self, Read, Words};
use crate::keys::{Listed, statement};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "tls", … }` may say.
    pub struct TlsKeys of a check {
        /// SNI and the certificate's name; nothing: what clients of the service look for.
        name: String = values::host;
        /// The protocols to offer; nothing: what clients of the service offer.
        alpn: Vec<Vec<u8>> = Each(protocol);
    }
}

impl KindKeys for TlsKeys {
    type Check = Tls;

    const FORMS: &'static [Listed] = &[(Tls::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str =
        "{ kind = \"tls\" } shakes hands; it may say name = \"…\" (the certificate's), alpn = [\"…\"].";
    const SCHEMES: &'static [&'static str] = &[Tls::KIND];

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        url.secure(Tls::KIND, "")?;
        Ok(UrlCheck::new(Self::default(), url.domain(), None))
    }

    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let is_tls = service.protocol == "_tls" || service.protocol == "_tcp" && service.is_tls;
        (service.application == Application::Other && is_tls).then(Self::default)
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Tls> {
        let offered = || context.inferred.as_ref().map(|kind| kind.alpn(context.transport)).unwrap_or_default();
        Some(context.tls(self.name.as_ref(), self.alpn.clone().unwrap_or_else(offered)))
    }
}

/// Reads an ALPN protocol (RFC 7301 §3.1: 1 to 255 octets).
fn protocol(value: &DeValue<'_>) -> Read<Vec<u8>> {
    let text = values::short_text(value, 255);
    text.map(String::into_bytes).map_err(|_| "ALPN protocols, such as [\"xmpp-client\"]".to_owned())
}

/// Parameters of [`Check::Tls`](super::Check::Tls), and of the TLS part of other checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// SNI and the name that the certificate must bear: the service domain or the host, without a final dot. An address is
    /// looked for among the certificate's addresses, and no SNI is sent (RFC 6066 §3).
    pub name: String,
    /// A name that will do as well: the domain, where SNI is the host.
    pub other_name: Option<String>,
    /// What makes a certificate a failure.
    pub verify: Verify,
    /// Protocols offered by ALPN; their absence in the answer is no failure.
    pub alpn: Vec<Vec<u8>>,
    /// The private CA, if one is set; else the system's roots count.
    pub authority: Option<Authority>,
    /// What is shown to a server that asks for a certificate.
    pub client_certificate: Option<ClientCertificate>,
}

impl Tls {
    /// Makes a handshake in which the certificate must bear this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            other_name: None,
            verify: Verify::Name,
            alpn: Vec::new(),
            authority: None,
            client_certificate: None,
        }
    }

    /// The same handshake without its names.
    pub(super) fn unnamed(&self) -> Self {
        Self { name: String::new(), other_name: None, ..self.clone() }
    }
}

/// `verify`: what makes a certificate a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Expiry and a wrong name fail; an unknown issuer is a warning.
    Name,
    /// An unknown issuer fails too.
    Require,
    /// Nothing about the certificate fails.
    Off,
}

impl Words for Verify {
    const WORDS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("require", Self::Require), ("off", Self::Off)];
}

impl Probe for Tls {
    const KIND: &'static str = "tls";

    fn transport(&self) -> &'static str {
        "tls"
    }

    fn parameters(&self) -> String {
        let mut text = format!("name={}", self.name.to_ascii_lowercase());
        if let Some(name) = &self.other_name {
            text.push_str(&format!(" or={}", name.to_ascii_lowercase()));
        }
        match self.verify {
            Verify::Name => {}
            Verify::Require => text.push_str(" verify=require"),
            Verify::Off => text.push_str(" verify=off"),
        }
        for protocol in &self.alpn {
            text.push_str(&format!(" alpn=\"{}\"", protocol.escape_ascii()));
        }
        if let Some(authority) = &self.authority {
            text.push_str(&format!(" ca={}", authority.identity()));
        }
        if let Some(certificate) = &self.client_certificate {
            text.push_str(&format!(" client={}", certificate.identity()));
        }
        text
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        Some(HoldSpec { tls: Some(self.clone()), ..HoldSpec::default() })
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let stream = Stream::open(Some(self), attempt).await?;
        attempt.passes();
        close(stream).await;
        Ok(())
    }
}
