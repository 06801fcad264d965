//! Tests targets as their clients do; outcomes go up to the engine by a seam that this room does not know.

use std::net::SocketAddr;
use std::time::Duration;

/// One check of one address: all that a probe needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Where to.
    pub address: SocketAddr,
    /// What is done there.
    pub check: Check,
    /// The longest that the whole probe may take.
    pub timeout: Duration,
}

/// How a target is probed, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Connects; may send bytes and expect others (checks: "tcp").
    Tcp(Tcp),
    /// Connects and shakes hands (checks: "tls").
    Tls(Tls),
}

/// Parameters of [`Check::Tcp`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    /// Sent after the connection stands.
    pub send: Option<Vec<u8>>,
    /// Must be found in the first 4 KiB of the answer.
    pub expect: Option<Vec<u8>>,
}

/// Parameters of [`Check::Tls`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// SNI and the name that the certificate must bear: the service domain, without a final dot.
    pub name: String,
    /// What makes a certificate a failure.
    pub verify: Verify,
    /// Protocols offered by ALPN; their absence in the answer is no failure.
    pub alpn: Vec<Vec<u8>>,
    /// The file of the private CA, if one is set.
    pub ca_file: Option<std::path::PathBuf>,
}

/// `verify`: what makes a certificate a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Expiry and a wrong name fail; an unknown issuer is a warning.
    Name,
    /// An unknown issuer fails too.
    Require,
    /// Nothing about the certificate fails.
    Off,
}
