//! The stream without sockets: its octets and outcomes; then servers on loopback that misbehave.

mod compare;
mod dialogue;
mod reader;
mod servers;

use super::*;
use crate::probe::Verify;

const DOMAIN: &str = "example.test";

/// A check of `example.test` with all defaults.
fn xmpp(role: Role, direct: bool) -> Xmpp {
    Xmpp::new(role, direct, Tls::new(DOMAIN))
}

/// A stream header as servers send it.
fn header(role: Role) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream xml:lang='en' id='1' from='{DOMAIN}' version='1.0' xmlns='{}' \
         xmlns:stream='{STREAMS}'>",
        role.namespace()
    )
}

/// A stream error as servers send it.
fn complaint(condition: &str) -> String {
    format!("<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
}

const PLAIN_FEATURES: &str = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
                              </stream:features>";
const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const LOGIN_FEATURES: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                              <mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>\
                              </stream:features>";
const DIALBACK_FEATURES: &str = "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>";
