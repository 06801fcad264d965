//! A private CA: the roots of one `ca-file`.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use thiserror::Error;

/// The roots of a private CA, shared by all checks that name the same file.
#[derive(Clone, Debug)]
pub struct Authority {
    name: Arc<str>,
    fingerprint: u64,
    roots: Arc<RootCertStore>,
}

impl Authority {
    /// Reads the certificates of a PEM file; `name` is the file as the user named it.
    pub fn from_pem(name: &str, pem: &[u8]) -> Result<Self, AuthorityError> {
        let mut roots = RootCertStore::empty();
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(AuthorityError::Pem)?;
        let fingerprint = fingerprint(&certificates);
        for certificate in certificates {
            roots.add(certificate).map_err(AuthorityError::Certificate)?;
        }
        if roots.is_empty() {
            return Err(AuthorityError::Empty);
        }
        Ok(Self { name: name.into(), fingerprint, roots: Arc::new(roots) })
    }

    /// Returns the file as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the roots.
    pub fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// Returns a text that differs when the certificates do.
    pub(super) fn identity(&self) -> String {
        format!("{:016x}", self.fingerprint)
    }
}

impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

/// Why a `ca-file` is of no use.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// It is not PEM.
    #[error("not a PEM file")]
    Pem(#[source] pem::Error),
    /// A certificate in it cannot be a root.
    #[error("a certificate in it cannot be used as a root")]
    Certificate(#[source] rustls::Error),
    /// It holds none.
    #[error("no certificate in it")]
    Empty,
}

/// Returns a number that differs when the certificates do.
pub(super) fn fingerprint(certificates: &[CertificateDer<'_>]) -> u64 {
    certificates.iter().fold(FNV_OFFSET, |state, certificate| fnv1a(state, certificate))
}

/// Hashes bytes by FNV-1a, 64 bits: the same in every build, and no secret depends on it.
fn fnv1a(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
