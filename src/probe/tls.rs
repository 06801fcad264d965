//! The check `tls`: connects and does a TLS handshake; other checks use the same handshake function.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, Error, ProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use toml::de::DeValue;

use super::Authority;
use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::bounded::BoundedStream;
use super::connect::{close, connect};
use super::errors::{self, ErrorOrigin};
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::url::{Url, UrlCheck, UrlError};
use super::verifier::Recorder;
use super::watch::HoldSpec;
use crate::health::Outcome;
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
        text
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        Some(HoldSpec { tls: Some(self.clone()), ..HoldSpec::default() })
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let stream = connect(attempt).await?;
        let stream = handshake(self, stream, attempt).await?;
        attempt.passes();
        close(stream).await;
        Ok(())
    }
}

/// Shakes hands over a connection, and takes down the certificate.
pub(super) async fn handshake(
    tls: &Tls,
    stream: BoundedStream,
    attempt: &mut Attempt<'_>,
) -> Result<TlsStream<BoundedStream>, Outcome> {
    attempt.begin("tls");
    let Ok(name) = ServerName::try_from(tls.name.clone()) else {
        return Err(attempt.fails(unknown(format!("\"{}\" cannot be asked for by TLS", tls.name))));
    };
    let roots = tls.authority.as_ref().map_or_else(|| attempt.context.roots(), Authority::roots);
    if tls.verify == Verify::Require && roots.is_empty() {
        return Err(attempt.fails(unknown("no root certificates on this system, and verify = \"require\"")));
    }
    let other_name = tls.other_name.clone().and_then(|name| ServerName::try_from(name).ok());
    let recorder = Recorder::new(tls.verify, Arc::clone(roots), Arc::clone(attempt.context.provider()));
    let recorder = Arc::new(recorder.or(other_name));
    let mut config = attempt.context.config();
    config.dangerous().set_certificate_verifier(Arc::<Recorder>::clone(&recorder));
    config.alpn_protocols.clone_from(&tls.alpn);
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let record = recorder.take();
    attempt.warnings.extend(record.warnings);
    if let Some(certificate) = &record.certificate
        && (0..EXPIRY_WARNING_DAYS).contains(&certificate.days_left)
    {
        attempt.warnings.push(format!("certificate expires in {} days", certificate.days_left));
    }
    attempt.certificate = record.certificate;
    match (shaken, record.refusal) {
        (Ok(stream), _) => {
            attempt.saw(agreed(&stream));
            Ok(stream)
        }
        (Err(_), Some(refusal)) => Err(attempt.fails(conclusive(refusal))),
        (Err(error), None) if tls.verify == Verify::Off && knows_no_name(&error) => {
            Err(attempt.passes_early(format!("the server has no certificate for {}; tested up to here", tls.name)))
        }
        (Err(error), None) => Err(attempt.fails(outcome(&error, tls))),
    }
}

/// Says what was agreed on.
fn agreed(stream: &TlsStream<BoundedStream>) -> String {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown suite");
    let protocol = session.alpn_protocol().map(|name| format!(", protocol {}", name.escape_ascii()));
    format!("{version}, {suite}{}", protocol.unwrap_or_default())
}

/// Returns whether a server refused SNI: the alert is `unrecognized_name` (RFC 6066 §3), of rustls `access_denied`.
fn knows_no_name(error: &io::Error) -> bool {
    let alert = match rustls_error(error) {
        Some(Error::AlertReceived(alert)) => *alert,
        Some(_) | None => return false,
    };
    [AlertDescription::UnrecognisedName, AlertDescription::AccessDenied].contains(&alert)
}

/// Returns the cause that rustls gives.
fn rustls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

/// Classes an error of a handshake.
fn outcome(error: &io::Error, tls: &Tls) -> Outcome {
    let Some(cause) = rustls_error(error) else {
        return if error.kind() == io::ErrorKind::UnexpectedEof {
            conclusive("closed during the TLS handshake")
        } else {
            errors::classify(error, ErrorOrigin::Remote)
        };
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not told apart came from the far side")]
    match cause {
        Error::AlertReceived(alert) => conclusive(alert_words(*alert, tls)),
        Error::InvalidMessage(_) => conclusive("not TLS: the answer is no TLS message"),
        Error::NoApplicationProtocol => conclusive("the server chose a protocol that was not offered (ALPN)"),
        Error::PeerIncompatible(_) => conclusive(format!("no TLS 1.2 or 1.3 in common: {cause}")),
        Error::General(_)
        | Error::FailedToGetCurrentTime
        | Error::FailedToGetRandomBytes
        | Error::EncryptError
        | Error::BadMaxFragmentSize => unknown(format!("fault of the checker: {cause}")),
        _ => conclusive(format!("TLS handshake failed: {cause}")),
    }
}

/// Says in plain words what a fatal alert means, with its name (RFC 8446 §6.2, RFC 7301 §3.2).
fn alert_words(alert: AlertDescription, tls: &Tls) -> String {
    let offered = || tls.alpn.iter().map(|name| name.escape_ascii().to_string()).collect::<Vec<_>>().join(", ");
    match alert.as_str() {
        Some("UnrecognisedName") => {
            format!("the server has no certificate for {} (TLS alert unrecognized_name)", tls.name)
        }
        Some("NoApplicationProtocol") => {
            format!("the server speaks none of {} here (TLS alert no_application_protocol)", offered())
        }
        Some("HandshakeFailure") => "no cipher or key in common (TLS alert handshake_failure)".to_owned(),
        Some("ProtocolVersion") => "neither TLS 1.2 nor 1.3 is spoken (TLS alert protocol_version)".to_owned(),
        Some("InternalError") => "the server failed inside (TLS alert internal_error)".to_owned(),
        Some("CertificateRequired") => "a client certificate is required (TLS alert certificate_required)".to_owned(),
        Some(name) => format!("TLS alert {}", snake_case(name)),
        None => format!("TLS alert {}", u8::from(alert)),
    }
}

/// Writes a name as the RFCs do: `AccessDenied` becomes `access_denied`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len().saturating_add(4));
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// So many whole days before its end, a certificate is warned of.
const EXPIRY_WARNING_DAYS: i64 = 14;
