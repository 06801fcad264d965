//! The authorities of the machine, read once for each reading of the config.

use std::cell::OnceCell;
use std::sync::Arc;

use rustls::RootCertStore;

use crate::base::authorities;
use crate::base::finding::{Finding, Place};

/// Reads them when they are first wanted.
#[derive(Debug, Default)]
pub(super) struct MachineAuthorities(OnceCell<Arc<RootCertStore>>);

impl MachineAuthorities {
    /// Returns them; what cannot be read becomes a finding, at the place that wanted them first.
    pub(super) fn roots(&self, wanted_at: &Place, findings: &mut Vec<Finding>) -> Arc<RootCertStore> {
        let read = || {
            let read = authorities::of_machine();
            if read.roots.is_empty() || !read.unreadable.is_empty() {
                let why = read.unreadable.first().map_or_else(|| "there are none".to_owned(), Clone::clone);
                let message = format!("the certificate authorities of this machine cannot be read: {why}");
                let finding = Finding::warning("authorities", message).at(wanted_at.clone());
                findings.push(
                    finding
                        .why("a server whose certificate is of an authority that is not known here is not trusted")
                        .help("install the package ca-certificates, or name the authorities with `ca-file`"),
                );
            }
            read.roots
        };
        Arc::clone(self.0.get_or_init(read))
    }
}
