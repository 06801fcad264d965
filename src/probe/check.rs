//! The kinds of check: the one place that knows them all.

use std::time::Duration;

use super::attempt::{Attempt, Ending, Probe};
use super::watch::HoldSpec;
use super::{Composite, Dns, Exec, Grpc, Http, Icmp, Push, Sip, Stun, Tcp, Tls, Turn, Xmpp};

/// Defines [`Check`] and hands each call on to the kind at hand.
macro_rules! checks {
    ($($(#[$doc:meta])* $kind:ident),+ $(,)?) => {
        /// How a target is probed, with its parameters.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Check {
            $($(#[$doc])* $kind($kind),)+
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
    Tcp,
    /// Connects and shakes hands.
    Tls,
    /// Asks OPTIONS over UDP, TCP or TLS.
    Sip,
    /// Asks by STUN what address the server sees.
    Stun,
    /// Asks by TURN for an address that relays.
    Turn,
    /// Asks for a path, over plain TCP or TLS.
    Http,
    /// Calls gRPC's health service.
    Grpc,
    /// Asks a name server.
    Dns,
    /// Sends an echo request.
    Icmp,
    /// Runs a program.
    Exec,
    /// Reads what was posted.
    Push,
    /// Carries out several at once.
    Composite,
    /// Opens an XMPP stream.
    Xmpp,
}
