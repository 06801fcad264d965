//! The kinds of check: the one place that knows them all.

use super::attempt::{Attempt, Conduct, Ending};
use super::{Composite, Dns, Exec, Grpc, Http, Icmp, Tcp, Tls};

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

            /// Carries the check out.
            pub(super) async fn conduct(&self, attempt: &mut Attempt<'_>) -> Ending {
                match self { $(Self::$kind(check) => check.conduct(attempt).await,)+ }
            }
        }
    };
}

checks! {
    /// Connects; may send bytes and expect others.
    Tcp,
    /// Connects and shakes hands.
    Tls,
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
    /// Carries out several at once.
    Composite,
}

/// The transport of checks that send nothing of their own: such a target bears no witness for the network.
pub const NO_TRANSPORT: &str = "none";
