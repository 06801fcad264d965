//! The certificate authorities that the machine trusts.

use std::sync::Arc;

use rustls::RootCertStore;

/// Reads them as they are now; those that cannot be read verify nothing.
pub fn of_machine() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
}
