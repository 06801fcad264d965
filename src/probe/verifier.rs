//! Verifies certificates, and keeps them even if they are refused.
//!
//! | finding | `name` | `require` | `off` |
//! |---|---|---|---|
//! | cannot be read | fails | fails | warning |
//! | expired, or not valid yet | fails | fails | warning |
//! | another name | fails | fails | warning |
//! | no alternative name, and the name as the subject's common name (CN) | warning | fails | warning |
//! | no chain to a known root | warning | fails | warning |
//! | a signature by an RSA key of less than 2048 bits, which our TLS cannot check | warning | warning | warning |

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{self, CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate::{Leaf, read};
use super::{Certificate, Verify};
use crate::base::clock::UnixTime;

/// A verifier for one handshake.
#[derive(Debug)]
pub(super) struct Recorder {
    verify: Verify,
    /// A name that will do as well.
    other_name: Option<ServerName<'static>>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    record: Mutex<Record>,
}

/// What a handshake showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The certificate, if it could be read.
    pub(super) certificate: Option<Certificate>,
    /// Why it was refused, if it was.
    pub(super) refusal: Option<String>,
    /// What else is wrong with it.
    pub(super) warnings: Vec<String>,
}

impl Recorder {
    /// Makes a verifier that judges by these roots.
    pub(super) fn new(verify: Verify, roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Self {
        Self { verify, other_name: None, roots, provider, record: Mutex::default() }
    }

    /// Has this name do as well.
    pub(super) fn or(self, other_name: Option<ServerName<'static>>) -> Self {
        Self { other_name, ..self }
    }

    /// Returns what was shown, and forgets it.
    pub(super) fn take(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns whether a certificate is let through although its key cannot be read, so that its signature cannot be
    /// checked: an old version 1 certificate, with `off`.
    fn passes_unread(&self, shown: &CertificateDer<'_>) -> bool {
        self.verify == Verify::Off && ParsedCertificate::try_from(shown).is_err()
    }

    /// Warns of a signature by a key that is too short for our TLS to check, in place of an error: other clients may take it.
    fn let_short_keys_pass(
        &self,
        checked: Result<HandshakeSignatureValid, Error>,
        shown: &CertificateDer<'_>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if checked.is_ok() || !read(shown, UnixTime::default()).is_some_and(|leaf| leaf.has_short_key) {
            return checked;
        }
        let warning = "the certificate's RSA key has less than 2048 bits: many clients refuse it, and its signature cannot be checked here";
        self.record.lock().unwrap_or_else(PoisonError::into_inner).warnings.push(warning.to_owned());
        Ok(HandshakeSignatureValid::assertion())
    }

    /// Finds all that is wrong, the worst first.
    fn judge(
        &self,
        shown: &CertificateDer<'_>,
        leaf: Option<&Leaf>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: pki_types::UnixTime,
    ) -> Vec<Fault> {
        let (Some(leaf), Ok(parsed)) = (leaf, ParsedCertificate::try_from(shown)) else {
            return vec![Fault::new(CertificateError::BadEncoding, false, "certificate cannot be read")];
        };
        let wall = UnixTime::from_secs(now.as_secs());
        let mut faults = Vec::new();
        if leaf.told.not_after < wall {
            let text = format!("certificate expired on {}", leaf.told.not_after);
            faults.push(Fault::new(CertificateError::Expired, false, text));
        } else if wall < leaf.not_before {
            let text = format!("certificate is not valid before {}", leaf.not_before);
            faults.push(Fault::new(CertificateError::NotValidYet, false, text));
        }
        let names = || [name].into_iter().chain(&self.other_name);
        if !names().any(|name| verify_server_name(&parsed, name).is_ok()) {
            let wanted: Vec<_> = names().map(ServerName::to_str).collect();
            let common = leaf.common_name.as_ref().filter(|_| leaf.told.names.is_empty());
            let is_common = common.is_some_and(|common| wanted.iter().any(|name| name.eq_ignore_ascii_case(common)));
            let wanted = wanted.join(" or ");
            let (of_old, text) = match common {
                Some(common) if is_common => (
                    true,
                    format!(
                        "certificate bears {common} only as its common name (CN), which many clients ignore (RFC 9525 §2)"
                    ),
                ),
                Some(common) => (
                    false,
                    format!("certificate has no alternative names, and its common name (CN) is {common}, not {wanted}"),
                ),
                None => (false, format!("certificate is for {}, not for {wanted}", list(&leaf.told.names))),
            };
            faults.push(Fault::new(CertificateError::NotValidForName, of_old, text));
        }
        if intermediates.len() > CHAIN_MAX {
            let count = intermediates.len();
            let text = format!(
                "no chain to a known root: {count} certificates beside the server's own, {CHAIN_MAX} are looked at"
            );
            faults.push(Fault::new(CertificateError::UnknownIssuer, true, text));
            return faults;
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        let chain = verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms);
        match chain {
            Ok(()) => {}
            // Told above already, from the leaf itself.
            Err(Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )) if !faults.is_empty() => {}
            Err(Error::InvalidCertificate(error)) => {
                let text = format!("no chain to a known root: {} (issuer {})", words(&error), leaf.told.issuer);
                faults.push(Fault::new(error, true, text));
            }
            Err(error) => {
                let text = format!("no chain to a known root: {error} (issuer {})", leaf.told.issuer);
                faults.push(Fault::new(CertificateError::UnknownIssuer, true, text));
            }
        }
        faults
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: pki_types::UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let leaf = read(end_entity, UnixTime::from_secs(now.as_secs()));
        let mut record = Record::default();
        let mut refusal = None;
        for fault in self.judge(end_entity, leaf.as_ref(), intermediates, server_name, now) {
            let refused = match self.verify {
                Verify::Name => !fault.is_mild,
                Verify::Require => true,
                Verify::Off => false,
            };
            if refused && refusal.is_none() {
                record.refusal = Some(fault.text);
                refusal = Some(fault.error);
            } else {
                record.warnings.push(fault.text);
            }
        }
        record.certificate = leaf.map(|leaf| leaf.told);
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
        match refusal {
            Some(error) => Err(Error::InvalidCertificate(error)),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.passes_unread(cert) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.let_short_keys_pass(
            verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms),
            cert,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.passes_unread(cert) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.let_short_keys_pass(
            verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms),
            cert,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// One thing that is wrong with a certificate.
struct Fault {
    /// What the far side is told, if it is refused.
    error: CertificateError,
    /// Whether many clients take it nevertheless: only the chain is at fault, or the name is where it used to be.
    is_mild: bool,
    /// What people are told.
    text: String,
}

impl Fault {
    fn new(error: CertificateError, is_mild: bool, text: impl Into<String>) -> Self {
        Self { error, is_mild, text: text.into() }
    }
}

/// Says in plain words why there is no chain.
fn words(error: &CertificateError) -> String {
    let told = error.to_string();
    if matches!(error, CertificateError::UnknownIssuer) {
        "unknown issuer".to_owned()
    } else if told.contains("CaUsedAsEndEntity") {
        // Self-signed, as `openssl req -x509` makes them.
        "the server shows a CA's own certificate".to_owned()
    } else {
        told
    }
}

/// Lists the first names.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no name".to_owned();
    }
    let first: Vec<_> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

/// The most certificates beside the server's own that are looked at; public chains have one to three.
const CHAIN_MAX: usize = 10;
/// The most names that a cause lists.
const NAMES_SHOWN: usize = 4;
