//! Which credentials were refused by which server: they are not tried again (the server could treat that as password
//! guessing).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::probe::{Check, Spec};

/// The checks that were refused, with the credentials that they had, for as long as a setup holds them.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Identity, Arc<Check>>);

/// What makes a check the same: address, kind, transport, parameters.
pub(super) type Identity = (SocketAddr, &'static str, &'static str, String);

impl Refusals {
    /// Adds a check; returns whether it is new.
    pub(super) fn add(&mut self, spec: &Spec) -> bool {
        self.0.insert(identity(spec), Arc::clone(&spec.check)).as_ref() != Some(&spec.check)
    }

    /// Returns whether a check was refused.
    pub(super) fn include(&self, spec: &Spec) -> bool {
        !self.0.is_empty() && self.0.get(&identity(spec)) == Some(&spec.check)
    }

    /// Forgets all that a new setup does not hold.
    pub(super) fn keep_only<'s>(&mut self, specs: impl Iterator<Item = &'s Spec>) {
        if !self.0.is_empty() {
            let held = specs.filter(|spec| self.include(spec));
            self.0 = held.map(|spec| (identity(spec), Arc::clone(&spec.check))).collect();
        }
    }
}

/// Returns what makes a check the same.
pub(super) fn identity(spec: &Spec) -> Identity {
    (spec.address, spec.check.kind(), spec.check.transport(), spec.check.parameters())
}
