//! The list of all kinds of check.

use std::path::PathBuf;
use std::time::Duration;

use super::attempt::{Attempt, Ending, Probe, Sharing};
use super::kind::{CheckContext, KindKeys, OwnerLabels};
use super::over::Transport;
use super::settings::TargetSettings;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::base::finding::Place;
use crate::keys::Listed;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;

/// Defines [`Check`] and [`CheckKind`], and hands each call on to the kind at hand.
macro_rules! checks {
    ($($(#[$doc:meta])* $module:ident::{$kind:ident, $keys:ident}),+ $(,)?) => {
        $(pub use super::$module::{$kind, $keys};)+

        /// How a target is probed, with its parameters.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Check {
            $($(#[$doc])* $kind($kind),)+
        }

        /// What is said of a check: its kind, with its keys.
        #[derive(Clone, Debug, PartialEq)]
        pub enum CheckKind {
            $($(#[$doc])* $kind($keys),)+
        }

        impl CheckKind {
            /// For each kind the names that `kind` has for it, each with its keys.
            pub(super) const FORMS: &'static [&'static [Listed]] = &[$(<$keys>::FORMS),+];
            /// For each kind the schemes of its URLs.
            pub(super) const SCHEMES: &'static [&'static [&'static str]] = &[$(<$keys>::SCHEMES),+];
            /// For each kind what the example says of it.
            pub const EXAMPLES: &'static [&'static str] = &[$(<$keys>::EXAMPLE),+];

            /// Reads the keys of a table that asks for a kind under the name `form`; nothing if no kind has it.
            pub(super) fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Self> {
                $(if <$keys>::FORMS.iter().any(|(name, _)| *name == form) {
                    return Some(Self::$kind(<$keys>::read(form, reader, table)));
                })+
                None
            }

            /// Reads what a URL asks for.
            pub(super) fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
                $(if <$keys>::SCHEMES.contains(&url.scheme) {
                    return <$keys>::from_url(url).map(|check| check.map(Self::$kind));
                })+
                Err(UrlError::kind(url.scheme))
            }

            /// Returns what is tested of a service of which only the owner name is known.
            pub(super) fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
                $(if let Some(keys) = <$keys>::inferred(service) {
                    return Some(Self::$kind(keys));
                })+
                None
            }

            /// Returns the defaults of `[health]`, where they are others for this kind.
            pub fn defaults(&self, base: TargetSettings) -> TargetSettings {
                match self { $(Self::$kind(keys) => keys.defaults(base),)+ }
            }

            /// Makes the check; nothing beside a finding.
            pub fn lower(&self, context: &CheckContext<'_>) -> Option<Check> {
                match self { $(Self::$kind(keys) => keys.lower(context).map(Check::$kind),)+ }
            }

            /// Returns the protocol, of which a bare TCP connect would tell less.
            pub const fn protocol(&self) -> Option<&'static str> {
                match self { $(Self::$kind(_) => <$keys>::PROTOCOL,)+ }
            }

            /// Returns whether it can log in.
            pub(super) const fn logs_in(&self) -> bool {
                match self { $(Self::$kind(_) => <$keys>::LOGS_IN,)+ }
            }

            /// Returns what the clients of such a service offer by ALPN.
            pub(super) fn alpn(&self, transport: Transport) -> Vec<Vec<u8>> {
                match self { $(Self::$kind(keys) => keys.alpn(transport),)+ }
            }

            /// Returns whether something must say a port.
            pub(super) fn needs_port(&self) -> bool {
                match self { $(Self::$kind(keys) => keys.needs_port(),)+ }
            }

            /// Returns whether it only connects.
            pub fn is_bare_connect(&self) -> bool {
                match self { $(Self::$kind(keys) => keys.is_bare_connect(),)+ }
            }

            /// Returns where the programs stand that it runs.
            pub(super) fn programs(&self) -> Vec<&Place> {
                match self { $(Self::$kind(keys) => keys.programs(),)+ }
            }

            /// Has the files read that hold its secrets.
            pub(super) fn read_secrets(&mut self, read: &mut dyn FnMut(&Placed<PathBuf>) -> Option<String>) {
                match self { $(Self::$kind(keys) => keys.read_secrets(read),)+ }
            }

            /// Returns how deep checks stand within it.
            pub(super) fn depth(&self) -> usize {
                match self { $(Self::$kind(keys) => keys.depth(),)+ }
            }
        }

        impl Check {
            /// Returns the kind as in `tcp`, `tls`, `sip`: part of a target's identity.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::KIND,)+ }
            }

            /// Returns the transport, `udp`, `tcp` or `tls`: part of a target's identity.
            pub fn transport(&self) -> &'static str {
                match self { $(Self::$kind(check) => check.transport(),)+ }
            }

            /// Returns the other parameters in a canonical text, empty if all are the default: part of a target's
            /// identity. Equal parameters give equal texts, and different ones different texts.
            pub fn parameters(&self) -> String {
                match self { $(Self::$kind(check) => check.parameters(),)+ }
            }

            /// Returns what is the same for several domains, if one probe stands for them.
            pub(super) fn sharing(&self) -> Option<Sharing> {
                match self { $(Self::$kind(check) => check.sharing(),)+ }
            }

            /// Returns whether a connection to such a target can be held open.
            pub fn can_be_held(&self) -> bool {
                self.hold_spec().is_some()
            }

            /// Returns how a connection to such a target is held; nothing: none can be.
            pub(super) fn hold_spec(&self) -> Option<HoldSpec> {
                match self { $(Self::$kind(check) => check.hold_spec(),)+ }
            }

            /// Returns how long a shallow probe may stand in for a deep one; nothing if every probe is the same.
            pub fn deep_interval(&self) -> Option<Duration> {
                match self { $(Self::$kind(check) => check.deep_interval(),)+ }
            }

            /// Returns whether it needs a port.
            pub fn has_port(&self) -> bool {
                match self { $(Self::$kind(check) => check.has_port(),)+ }
            }

            /// Returns whether its outcomes were judged before: then one of them decides.
            pub fn is_final(&self) -> bool {
                match self { $(Self::$kind(check) => check.is_final(),)+ }
            }

            /// Returns the names under which it reads what was posted, each with its patience.
            pub fn posts(&self) -> Vec<(&str, Duration)> {
                match self { $(Self::$kind(check) => check.posts(),)+ }
            }

            /// Carries the check out.
            pub(super) async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
                // Boxed, so that a probe takes the memory that its own kind needs, not that of the largest.
                match self { $(Self::$kind(check) => Box::pin(check.run(attempt)).await,)+ }
            }
        }
    };
}

checks! {
    /// Connects; may send bytes and expect others.
    tcp::{Tcp, TcpKeys},
    /// Connects and shakes hands.
    tls::{Tls, TlsKeys},
    /// Asks OPTIONS over UDP, TCP or TLS.
    sip::{Sip, SipKeys},
    /// Asks by STUN what address the server sees.
    stun::{Stun, StunKeys},
    /// Asks by TURN for an address that relays.
    stun::{Turn, TurnKeys},
    /// Asks for a path, over plain TCP or TLS.
    http::{Http, HttpKeys},
    /// Calls gRPC's health service.
    grpc::{Grpc, GrpcKeys},
    /// Asks a name server.
    dns::{Dns, DnsKeys},
    /// Sends an echo request.
    icmp::{Icmp, IcmpKeys},
    /// Runs a program.
    exec::{Exec, ExecKeys},
    /// Reads what was posted.
    push::{Push, PushKeys},
    /// Carries out several at once.
    composite::{Composite, CompositeKeys},
    /// Opens an XMPP stream.
    xmpp::{Xmpp, XmppKeys},
    /// Reads the greeting of a text protocol.
    greeting::{Greeting, GreetingKeys},
    /// Asks for the root DSE.
    ldap::{Ldap, LdapKeys},
    /// Asks for a ticket of nobody.
    kerberos::{Kerberos, KerberosKeys},
    /// Connects to a broker.
    mqtt::{Mqtt, MqttKeys},
    /// Reads the greeting of a database.
    mysql::{Mysql, MysqlKeys},
    /// Asks a database for TLS.
    postgresql::{Postgresql, PostgresqlKeys},
    /// Asks for the status of a game.
    minecraft::{Minecraft, MinecraftKeys},
    /// Pings a voice server.
    mumble::{Mumble, MumbleKeys},
}
