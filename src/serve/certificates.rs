//! Certificates of the encrypted listeners, replaced while they are open.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::Live;

/// A chain of certificates and its key.
#[derive(Clone, Debug)]
pub struct Identity(Arc<CertifiedKey>);

/// Why files are no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificates cannot be read.
    #[error("the certificate file is not PEM")]
    Certificate(#[source] pem::Error),
    /// There is no certificate.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The key cannot be read.
    #[error("the key file holds no private key")]
    Key(#[source] pem::Error),
    /// The key is of an unknown kind, or not that of the certificate.
    #[error("the key does not belong to the certificate")]
    Mismatch(#[source] rustls::Error),
}

/// What the listeners show; clones show the same.
#[derive(Clone, Debug)]
pub struct Certificates(Live<Identity>);

impl Identity {
    /// Returns the server's own certificate, DER; empty if there is none.
    pub fn leaf(&self) -> &[u8] {
        self.0.cert.first().map_or(&[], |leaf| leaf.as_ref())
    }

    /// Reads a chain and its key, both PEM; the server's own certificate is the first.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(IdentityError::Certificate)?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(IdentityError::Key)?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        key.map(|key| Self(Arc::new(key))).map_err(IdentityError::Mismatch)
    }
}

impl Certificates {
    /// Begins with an identity.
    pub fn new(identity: Identity) -> Self {
        Self(Live::new(identity))
    }

    /// Shows another identity to clients that come from now on.
    pub fn set(&self, identity: Identity) {
        self.0.set(identity);
    }

    /// Makes the settings of a listener for HTTP/1.1; with `clients` only whoever has a certificate of one of these
    /// authorities may come.
    ///
    /// # Errors
    /// If there is no authority among them.
    pub fn http_config(&self, clients: Option<RootCertStore>) -> Result<Arc<ServerConfig>, VerifierBuilderError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = match clients {
            Some(roots) => WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        Ok(self.config_for(&[b"http/1.1"], Versions::Both, verifier))
    }

    /// Makes the settings of a listener: what it speaks, the most wanted first.
    pub(super) fn config(&self, alpn: &[&[u8]], versions: Versions) -> Arc<ServerConfig> {
        self.config_for(alpn, versions, WebPkiClientVerifier::no_client_auth())
    }

    fn config_for(
        &self,
        alpn: &[&[u8]],
        versions: Versions,
        clients: Arc<dyn ClientCertVerifier>,
    ) -> Arc<ServerConfig> {
        let versions = match versions {
            Versions::Both => rustls::ALL_VERSIONS,
            Versions::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(versions).expect("the provider has suites for both versions");
        let mut config = builder.with_client_cert_verifier(clients).with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }
}

/// Which versions of TLS a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// 1.2 and 1.3.
    Both,
    /// 1.3 alone.
    Tls13,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().0))
    }
}
