//! What all probes share: the TLS provider and the system's roots.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;

use crate::health::push::PushStore;

/// What all probes share; made once, handed to each by reference.
#[derive(Debug)]
pub struct ProbeContext {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    config: ClientConfig,
    warning: Option<String>,
    programs: Semaphore,
    push_store: Mutex<PushStore>,
}

impl ProbeContext {
    /// Loads the system's root certificates. A system without any (a bare container) is fine: see [`Self::warning`].
    pub fn from_system() -> Self {
        let loaded = rustls_native_certs::load_native_certs();
        let mut context = Self::from_roots(loaded.certs);
        if context.roots.is_empty() {
            let why = loaded.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
            context.warning = Some(format!(
                "no root certificates on this system{why}: with verify = \"name\" no issuer is known, with \"require\" \
                 every TLS outcome is unknown; install ca-certificates, or set ca-file"
            ));
        }
        context
    }

    /// Takes these roots in place of the system's; those that cannot be roots are left out.
    pub fn from_roots(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let none = Arc::new(RootCertStore::empty());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_root_certificates(none)
            .with_no_client_auth();
        // A resumed session shows no certificate, and a server that fails full handshakes would pass.
        config.resumption = Resumption::disabled();
        // The first random numbers of a process take tens of milliseconds: not in the first probe's latency. Should
        // they fail, so does the probe that needs them.
        drop(provider.secure_random.fill(&mut [0]));
        Self {
            roots: Arc::new(roots),
            provider,
            config,
            warning: None,
            programs: Semaphore::new(PROGRAMS),
            push_store: Mutex::default(),
        }
    }

    /// Returns what is missing on this system, for the log at start-up.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Returns the system's roots.
    pub(super) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    /// Returns the provider of TLS's algorithms.
    pub(super) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// Returns what was posted; the runner alone writes.
    pub(super) fn push_store(&self) -> MutexGuard<'_, PushStore> {
        self.push_store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the places for programs: a permit for each that runs.
    pub(super) const fn programs(&self) -> &Semaphore {
        &self.programs
    }

    /// Returns random octets; nothing if the system has none.
    pub(super) fn random<const N: usize>(&self) -> Option<[u8; N]> {
        let mut octets = [0; N];
        self.provider.secure_random.fill(&mut octets).ok().map(|()| octets)
    }

    /// Returns a configuration without resumption; the caller sets verifier and ALPN.
    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }
}

/// The most programs that `exec` checks run at once.
const PROGRAMS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_roots_is_a_warning() {
        let context = ProbeContext::from_system();
        assert_eq!(context.warning().is_some(), context.roots().is_empty());
        assert_eq!(ProbeContext::from_roots([]).warning(), None, "whoever gives no roots knows it");
    }
}
