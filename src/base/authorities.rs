//! The certificate authorities that the machine trusts.

use std::sync::Arc;

use rustls::RootCertStore;

/// What was read of them.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Those that could be read; without any, nothing is verified.
    pub roots: Arc<RootCertStore>,
    /// What could not be read, and why.
    pub unreadable: Vec<String>,
}

/// Reads them as they are now. Blocks.
pub fn of_machine() -> Authorities {
    let read = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read.certs);
    Authorities { roots: Arc::new(roots), unreadable: read.errors.iter().map(ToString::to_string).collect() }
}
