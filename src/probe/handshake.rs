//! The TLS handshake of all checks: certificate, client certificate, and what an end before it is done means.
//!
//! | end | outcome |
//! |---|---|
//! | the certificate is refused by `verify` | fail, conclusive |
//! | the server asked for a certificate of ours, has none or refuses it, and says so | pass, with a warning: it works for its clients |
//! | with `verify = "off"`: it has no certificate for SNI | pass, with a warning |
//! | it ends the handshake, but answers what older clients offer ([`super::legacy_hello`]) | pass, with a warning: our TLS cannot |
//! | the same behind STARTTLS, where it cannot be asked again | unknown |
//! | any other alert; no TLS; closed, reset | fail, conclusive |

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, Error, ProtocolVersion};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::attempt::{Attempt, conclusive, unknown};
use super::bounded::BoundedStream;
use super::client_certificate::{CertificateRequest, CertificateResponder};
use super::errors::{self, ErrorOrigin};
use super::legacy_hello;
use super::tls::{Tls, Verify};
use super::verifier::Recorder;
use crate::base::duration::write_left;
use crate::health::Outcome;

/// What a handshake stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A new connection.
    Connect,
    /// A plain dialogue that agreed on TLS.
    Upgrade,
}

/// Shakes hands over a connection, and takes down the certificate.
pub(super) async fn handshake(
    tls: &Tls,
    stream: BoundedStream,
    stage: Stage,
    attempt: &mut Attempt<'_>,
) -> Result<TlsStream<BoundedStream>, Outcome> {
    attempt.begin("tls");
    let Ok(name) = ServerName::try_from(tls.name.clone()) else {
        return Err(attempt.fails(unknown(format!("\"{}\" cannot be asked for by TLS", tls.name))));
    };
    let roots = tls.authority.as_ref().map_or_else(|| attempt.context.roots(), super::Authority::roots);
    if tls.verify == Verify::Require && roots.is_empty() {
        return Err(attempt.fails(unknown("no root certificates on this system, and verify = \"require\"")));
    }
    let other_name = tls.other_name.clone().and_then(|name| ServerName::try_from(name).ok());
    let recorder = Recorder::new(tls.verify, Arc::clone(roots), Arc::clone(attempt.context.provider()));
    let recorder = Arc::new(recorder.or(other_name));
    let responder = Arc::new(CertificateResponder::new(tls.client_certificate.clone()));
    let mut config = attempt.context.config();
    config.dangerous().set_certificate_verifier(Arc::<Recorder>::clone(&recorder));
    config.client_auth_cert_resolver = Arc::<CertificateResponder>::clone(&responder);
    config.alpn_protocols.clone_from(&tls.alpn);
    let began = attempt.clock.now().mono;
    let mut shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let took = attempt.clock.now().mono.since(began);
    attempt.certificate_request = responder.request();
    if let Ok(stream) = &mut shaken
        && attempt.certificate_request != CertificateRequest::None
        && let Err(error) = hear_refusal(stream, took).await
    {
        shaken = Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let record = recorder.take();
    attempt.warnings.extend(record.warnings);
    if let Some(certificate) = &record.certificate
        && (0..EXPIRY_WARNING_DAYS).contains(&certificate.days_left)
    {
        let left = certificate.not_after.since(attempt.clock.now().wall);
        attempt.warnings.push(format!("certificate expires in {}", write_left(left)));
    }
    attempt.certificate = record.certificate;
    match (shaken, record.refusal) {
        (Ok(stream), _) => {
            attempt.saw(agreed(&stream));
            Ok(stream)
        }
        (Err(_), Some(refusal)) => Err(attempt.fails(conclusive(refusal))),
        (Err(error), None) => Err(judge(&error, tls, stage, attempt).await),
    }
}

/// Takes what the server says right after a handshake of TLS 1.3 in which it asked for a certificate: whether it is content
/// is known only now (RFC 8446 §4.4.2.4). One that is sends tickets, as a rule.
async fn hear_refusal(stream: &mut TlsStream<BoundedStream>, took: Duration) -> Result<(), Error> {
    let (bounded, session) = stream.get_mut();
    let socket = bounded.socket();
    if session.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return Ok(());
    }
    let soon = took.saturating_mul(3).clamp(REFUSAL_SOONEST, REFUSAL_LATEST);
    if !matches!(timeout(soon, socket.readable()).await, Ok(Ok(()))) {
        return Ok(());
    }
    // An error of the socket is met again by who reads next.
    if session.read_tls(&mut TryRead(socket)).is_ok() {
        session.process_new_packets()?;
    }
    Ok(())
}

/// Reads what is there of a socket.
#[derive(Debug)]
struct TryRead<'s>(&'s TcpStream);

impl Read for TryRead<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(room)
    }
}

/// Judges the end of a handshake, which may need another look at the server.
async fn judge(error: &io::Error, tls: &Tls, stage: Stage, attempt: &mut Attempt<'_>) -> Outcome {
    let alert = match rustls_error(error) {
        Some(Error::AlertReceived(alert)) => Some(*alert),
        Some(_) | None => None,
    };
    if let Some(alert) = alert {
        let told = alert_name(alert);
        let asked = if alert.as_str() == Some("CertificateRequired")
            && attempt.certificate_request == CertificateRequest::None
        {
            CertificateRequest::Unmet
        } else {
            attempt.certificate_request
        };
        match asked {
            CertificateRequest::Unmet => {
                let remedy = "set client-certificate to test further";
                let warning = format!("the server requires a client certificate (TLS alert {told}); {remedy}");
                return attempt.passes_early(warning);
            }
            CertificateRequest::Met => {
                let warning =
                    format!("the server refuses our client certificate (TLS alert {told}); tested up to here");
                return attempt.passes_early(warning);
            }
            CertificateRequest::None => {}
        }
        if tls.verify == Verify::Off && UNKNOWN_NAME.contains(&alert) {
            let warning =
                format!("the server has no certificate for {} (TLS alert {told}); tested up to here", tls.name);
            return attempt.passes_early(warning);
        }
    }
    let outcome = outcome(error, tls);
    if !may_be_ours(error, alert) {
        return attempt.fails(outcome);
    }
    match stage {
        Stage::Connect => match ask_again(tls, attempt).await {
            Some(lack) => attempt.passes_early(format!("{lack}; tested up to here")),
            None => attempt.fails(outcome),
        },
        Stage::Upgrade if alert.is_some() => {
            let cause = outcome.cause().map(ToString::to_string).unwrap_or_default();
            attempt.fails(unknown(format!("{cause}: broken, or it speaks what the checker does not")))
        }
        Stage::Upgrade => attempt.fails(outcome),
    }
}

/// Asks the server what it would speak with older clients; returns what of it we do not, or nothing if it has no answer.
async fn ask_again(tls: &Tls, attempt: &Attempt<'_>) -> Option<String> {
    let connecting = timeout(attempt.left(), TcpStream::connect(attempt.address));
    let stream = connecting.await.ok()?.ok()?;
    let choice = legacy_hello::ask(stream, &tls.name, &tls.alpn, attempt.context).await?;
    Some(choice.lack(attempt.context.provider()))
}

/// Returns whether a handshake may have ended so because of what our TLS lacks. Some servers only close.
fn may_be_ours(error: &io::Error, alert: Option<AlertDescription>) -> bool {
    if let Some(alert) = alert {
        return NOTHING_IN_COMMON.contains(&alert);
    }
    match rustls_error(error) {
        Some(Error::PeerIncompatible(_)) => true,
        Some(_) => false,
        None => [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset].contains(&error.kind()),
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
        Some("HandshakeFailure") => "the server finds no cipher, key exchange or signature it would use, or has no certificate (TLS alert handshake_failure)".to_owned(),
        Some("ProtocolVersion") => "neither TLS 1.2 nor 1.3 is spoken (TLS alert protocol_version)".to_owned(),
        Some("InternalError") => "the server failed inside (TLS alert internal_error)".to_owned(),
        Some(_) | None => format!("TLS alert {}", alert_name(alert)),
    }
}

/// Returns the name of an alert as the RFCs write it.
fn alert_name(alert: AlertDescription) -> String {
    if alert == AlertDescription::UnrecognisedName {
        // rustls has the other spelling.
        return "unrecognized_name".to_owned();
    }
    alert.as_str().map_or_else(|| u8::from(alert).to_string(), snake_case)
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

/// Alerts of servers that have no certificate for SNI (RFC 6066 §3); the second one is of rustls.
const UNKNOWN_NAME: [AlertDescription; 2] = [AlertDescription::UnrecognisedName, AlertDescription::AccessDenied];
/// Alerts of servers that find nothing in what we offer.
const NOTHING_IN_COMMON: [AlertDescription; 4] = [
    AlertDescription::HandshakeFailure,
    AlertDescription::ProtocolVersion,
    AlertDescription::InsufficientSecurity,
    AlertDescription::IllegalParameter,
];
/// The least and the longest time that a server has to refuse us after the handshake; else thrice what that took.
const REFUSAL_SOONEST: Duration = Duration::from_millis(20);
const REFUSAL_LATEST: Duration = Duration::from_millis(200);
/// So many whole days before its end, a certificate is warned of.
const EXPIRY_WARNING_DAYS: i64 = 14;
