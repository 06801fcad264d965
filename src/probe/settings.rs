//! How targets are tested, unless a service says otherwise.

use std::time::Duration;

use super::stun::CREDENTIALS_INTERVAL;
use super::{Authority, ClientCertificate, DEEP_INTERVAL, Tls, Verify, WATCH_RENEW};
use crate::health;
use crate::keys::values::Words;
use crate::zone::reference_identity::{ReferenceIdentity, reference_identity};

/// How targets are tested.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetSettings {
    /// Thresholds and cadence.
    pub health: health::Settings,
    /// What of a certificate is a failure.
    pub verify: Verify,
    /// Whose name the certificate must bear.
    pub certificate_name: CertificateName,
    /// From login to login.
    pub credentials_interval: Duration,
    /// The private CA.
    pub authority: Option<Authority>,
    /// What is shown to servers that ask for a certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// From one test that goes all the way to the next.
    pub deep_interval: Duration,
    /// Whether a connection is held open.
    pub watch: bool,
    /// How long one is held.
    pub watch_renew: Duration,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            health: health::Settings::default(),
            verify: Verify::Name,
            certificate_name: CertificateName::Label,
            credentials_interval: CREDENTIALS_INTERVAL,
            authority: None,
            client_certificate: None,
            deep_interval: DEEP_INTERVAL,
            watch: true,
            watch_renew: WATCH_RENEW,
        }
    }
}

/// `certificate-name`: whose name a certificate must bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// What the clients of such a service look for.
    Label,
    /// The domain's.
    Domain,
    /// The host's; the domain's is as good.
    Host,
}

impl Words for CertificateName {
    const WORDS: &'static [(&'static str, Self)] =
        &[("label", Self::Label), ("domain", Self::Domain), ("host", Self::Host)];
}

impl TargetSettings {
    /// Returns what the clients of a service with this first label, in lower case, look for in a certificate.
    pub fn reference_identity(&self, label: &str) -> ReferenceIdentity {
        match self.certificate_name {
            CertificateName::Label => reference_identity(label),
            CertificateName::Domain => ReferenceIdentity::Domain,
            CertificateName::Host => ReferenceIdentity::Host,
        }
    }

    /// Returns how TLS is spoken with the owner of a name.
    pub fn tls(&self, name: String, alpn: Vec<Vec<u8>>) -> Tls {
        Tls {
            verify: self.verify,
            alpn,
            authority: self.authority.clone(),
            client_certificate: self.client_certificate.clone(),
            ..Tls::new(name)
        }
    }
}
