//! `{ kind = "xmpp", … }`

use crate::config::infer::Transport;
use crate::config::keys::Key;
use crate::config::reader::{Reader, Section};
use crate::config::values;
use crate::probe::xmpp::Role;

use super::{host_text, key};

/// What `xmpp` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmppShape {
    /// `role`: who is played; nothing: what the owner name says.
    pub role: Option<Role>,
    /// `transport`: TCP with STARTTLS, or TLS from the begin; nothing: what the owner name says.
    pub transport: Option<Transport>,
    /// `name`: the domain that is asked for, SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `from`: the domain that a server's stream is from; nothing: none is told.
    pub from: Option<String>,
    /// `require-tls`; nothing: true.
    pub require_tls: Option<bool>,
    /// `require-sasl`; nothing: true.
    pub require_sasl: Option<bool>,
}

impl XmppShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self {
            role: reader.take(table, "role", values::choice(&ROLE)).map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&TRANSPORT)).map(|placed| placed.value),
            name: reader.take(table, "name", host_text).map(|placed| placed.value),
            from: reader.take(table, "from", host_text).map(|placed| placed.value),
            require_tls: reader.take(table, "require-tls", values::boolean).map(|placed| placed.value),
            require_sasl: reader.take(table, "require-sasl", values::boolean).map(|placed| placed.value),
        }
    }
}

const ROLE: [(&str, Role); 2] = [("client", Role::Client), ("server", Role::Server)];
const TRANSPORT: [(&str, Transport); 2] = [("tcp", Transport::Tcp), ("tls", Transport::Tls)];
pub(super) const KEYS: &[Key] =
    &[key("role"), key("transport"), key("name"), key("from"), key("require-tls"), key("require-sasl")];
