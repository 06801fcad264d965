//! The witnesses of `references`.

use std::net::SocketAddr;

use toml::de::DeValue;

use crate::config::values::Read;

use super::host_text;

/// A witness: `tcp://ADDRESS:PORT` or `tls://ADDRESS:PORT/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where to.
    pub address: SocketAddr,
    /// The certificate's name; nothing: a TCP connect is enough.
    pub tls_name: Option<String>,
}

/// Reads a witness.
pub(in crate::config::shape) fn reference(value: &DeValue<'_>) -> Read<Reference> {
    let wanted = || "witnesses such as \"tcp://192.0.2.1:53\" or \"tls://192.0.2.1:443/www.example.com\"".to_owned();
    let text = value.as_str().ok_or_else(wanted)?;
    let (kind, rest) = text.split_once("://").ok_or_else(wanted)?;
    let (address, tls_name) = match (kind, rest.split_once('/')) {
        ("tcp", None) => (rest, None),
        ("tls", Some((address, name))) => (address, Some(host_text(&DeValue::String(name.into()))?)),
        _ => return Err(wanted()),
    };
    let address: SocketAddr = address.parse().map_err(|_| wanted())?;
    if address.port() == 0 { Err(wanted()) } else { Ok(Reference { address, tls_name }) }
}
