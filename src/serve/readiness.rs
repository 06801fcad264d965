//! Whether this server is ready: set by the daemon, read by every listener.

use std::sync::Arc;
use std::time::Duration;

use super::cookie::Secrets;
use super::live::{Live, Part, State, Status};
use super::random::random;
use super::settings::Settings;

/// The status as a part of the [`State`] that it begins; clones read and set the same.
#[derive(Clone, Debug)]
pub struct Readiness(Live<State>);

impl Readiness {
    /// Begins silent.
    pub fn starting() -> Self {
        Self::begin(Status { fault: Some("starting".to_owned()), ..Status::default() })
    }

    /// Begins answering and ready.
    pub fn ready() -> Self {
        Self::begin(Status { answering: true, ..Status::default() })
    }

    /// Sets the status.
    pub fn set(&self, status: Status) {
        self.0.status().set(status);
    }

    /// Reads the status.
    pub fn load(&self) -> Arc<Status> {
        Part::load(&self.0.status())
    }

    /// Waits until queries are answered.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again.
    pub async fn answering(&self) {
        while !self.load().answering {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Returns the state that the status is a part of.
    pub(super) const fn state(&self) -> &Live<State> {
        &self.0
    }

    fn begin(status: Status) -> Self {
        let (settings, secrets) = (Arc::new(Settings::default()), Arc::new(Secrets::new(random())));
        Self(Live::new(State { settings, secrets, status: Arc::new(status) }))
    }
}

/// How often a client that waits for the start looks again; the start takes 3 s at most.
const LOOK_EVERY: Duration = Duration::from_millis(10);
