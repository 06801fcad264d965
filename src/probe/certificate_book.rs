//! When the certificates end that targets have shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::clock::UnixTime;

use super::Spec;

/// The end of the last certificate of each target, by the target's name; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CertificateBook(Arc<Mutex<BTreeMap<String, UnixTime>>>);

impl CertificateBook {
    /// Notes the end of a certificate that a target has shown.
    pub(super) fn note(&self, spec: &Spec, not_after: UnixTime) {
        self.lock().insert(name(spec), not_after);
    }

    /// Forgets all targets but these.
    pub(super) fn keep_only<'s>(&self, specs: impl Iterator<Item = &'s Spec>) {
        let mut book = self.lock();
        if !book.is_empty() {
            let names: BTreeSet<String> = specs.map(name).collect();
            book.retain(|target, _| names.contains(target));
        }
    }

    /// Returns the end of each certificate.
    pub fn ends(&self) -> BTreeMap<String, UnixTime> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, UnixTime>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is told of a target: kind, address and parameters, as the engine names it.
fn name(spec: &Spec) -> String {
    let (kind, transport, parameters) = (spec.check.kind(), spec.check.transport(), spec.check.parameters());
    let over = if transport == kind { String::new() } else { format!("+{transport}") };
    let name = format!("{kind}{over} {} {parameters}", spec.address);
    name.trim_end().to_owned()
}
