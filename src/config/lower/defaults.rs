//! How targets are tested unless a service says otherwise: the defaults of the kind of check, and `[health]` over them.

use std::time::Duration;

use crate::config::shape::TargetKeys;
use crate::probe::{CheckKind, TargetSettings};

/// What holds for all services that do not say otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults<'a> {
    /// What `[health]` says.
    pub(super) health: &'a TargetKeys,
    /// Stands in place of its `interval`.
    pub(super) interval: Option<Duration>,
}

impl Defaults<'_> {
    /// Returns how targets are tested by a check of this kind; nothing: by any.
    pub(super) fn of(self, kind: Option<&CheckKind>) -> TargetSettings {
        let base = TargetSettings::default();
        let mut settings = self.health.lay_over(&kind.map_or_else(|| base.clone(), |kind| kind.defaults(base.clone())));
        if let Some(interval) = self.interval {
            settings.health.interval = interval;
        }
        settings
    }
}
