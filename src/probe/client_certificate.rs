//! The certificate that we show to servers that ask their clients for one, and whether they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, SignatureScheme};
use thiserror::Error;

use super::authority::fingerprint;

/// A certificate of ours with its chain and key, shared by all checks that name the same files.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    fingerprint: u64,
    key: Arc<CertifiedKey>,
}

impl ClientCertificate {
    /// Reads the chain, ours first, and the key; both may stand in one file.
    ///
    /// # Errors
    /// Why they are of no use; never what the key says.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ClientCertificateError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let certificates = certificates.map_err(ClientCertificateError::Pem)?;
        if certificates.is_empty() {
            return Err(ClientCertificateError::Empty);
        }
        let fingerprint = fingerprint(&certificates);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(ClientCertificateError::Key)?;
        let key = CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider())
            .map_err(ClientCertificateError::Pair)?;
        // What a server could not read of it is found here, not there.
        let leaf = key.cert.first().cloned().ok_or(ClientCertificateError::Empty)?;
        RootCertStore::empty().add(leaf).map_err(ClientCertificateError::Certificate)?;
        Ok(Self { fingerprint, key: Arc::new(key) })
    }

    /// Returns a text that differs when the certificates do.
    pub(super) fn identity(&self) -> String {
        format!("{:016x}", self.fingerprint)
    }
}

impl PartialEq for ClientCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

/// Why a certificate and its key are of no use.
#[derive(Debug, Error)]
pub enum ClientCertificateError {
    /// The certificate's file is not PEM.
    #[error("not a PEM file")]
    Pem(#[source] pem::Error),
    /// There is none in it.
    #[error("no certificate in it")]
    Empty,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate(#[source] rustls::Error),
    /// The file of the key has none.
    #[error("no private key in it")]
    Key(#[source] pem::Error),
    /// They do not belong together, or the key is of a kind that TLS has no use for.
    #[error("certificate and key do not belong together")]
    Pair(#[source] rustls::Error),
}

/// Answers a server that asks for a certificate, and notes that it did.
#[derive(Debug)]
pub(super) struct CertificateResponder {
    certificate: Option<ClientCertificate>,
    asked: AtomicBool,
}

impl CertificateResponder {
    /// Has this certificate shown; nothing: none is.
    pub(super) fn new(certificate: Option<ClientCertificate>) -> Self {
        Self { certificate, asked: AtomicBool::new(false) }
    }

    /// Returns what the server thinks of us, so far as it asked.
    pub(super) fn request(&self) -> CertificateRequest {
        match (self.asked.load(Ordering::Acquire), &self.certificate) {
            (false, _) => CertificateRequest::None,
            (true, None) => CertificateRequest::Unmet,
            (true, Some(_)) => CertificateRequest::Met,
        }
    }
}

/// Whether a server asked for a certificate of ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CertificateRequest {
    /// It did not.
    #[default]
    None,
    /// It did, and we have none.
    Unmet,
    /// It did, and got ours.
    Met,
}

impl ResolvesClientCert for CertificateResponder {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Release);
        self.certificate.as_ref().map(|certificate| Arc::clone(&certificate.key))
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}
