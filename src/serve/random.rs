//! Random octets.

/// Returns octets that nobody can guess: a secret, or the key of a table.
pub fn random() -> [u8; 16] {
    let mut octets = [0; 16];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut octets).expect("the system has random numbers, else TLS is not possible either");
    octets
}
