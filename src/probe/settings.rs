//! How targets are tested, unless a service says otherwise.

use std::time::Duration;

use super::stun::CREDENTIALS_INTERVAL;
use super::{Authority, DEEP_INTERVAL, Tls, Verify, WATCH_RENEW};
use crate::health;

/// How targets are tested.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetSettings {
    /// Thresholds and cadence.
    pub health: health::Settings,
    /// What of a certificate is a failure.
    pub verify: Verify,
    /// From login to login.
    pub credentials_interval: Duration,
    /// The private CA.
    pub authority: Option<Authority>,
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
            credentials_interval: CREDENTIALS_INTERVAL,
            authority: None,
            deep_interval: DEEP_INTERVAL,
            watch: true,
            watch_renew: WATCH_RENEW,
        }
    }
}

impl TargetSettings {
    /// Returns how TLS is spoken with the owner of a name.
    pub fn tls(&self, name: String, alpn: Vec<Vec<u8>>) -> Tls {
        Tls { name, verify: self.verify, alpn, authority: self.authority.clone() }
    }
}
