//! The cases: who asks, what is wrong with the preferred host, and how the client fares without help.

use std::fmt;
use std::time::Duration;

/// One case.
pub(crate) struct Case {
    pub(crate) client: Client,
    pub(crate) fault: Fault,
    /// How it ends while the broken host is answered.
    pub(crate) alone: End,
}

/// How a client fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The standby answered.
    Reached,
    /// The standby answered after a timer of the client had run out.
    Late,
    /// The standby was never asked.
    Failed,
}

/// A real client, and how it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Prosody, server to server by STARTTLS.
    Prosody,
    /// Prosody, server to server by direct TLS (XEP-0368).
    ProsodyDirect,
    /// Kamailio over UDP, as it is shipped.
    Kamailio,
    /// Kamailio over UDP, with `use_dns_failover`.
    KamailioFailover,
}

/// What is wrong with the preferred host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing listens there.
    Refuses,
    /// It takes connections and closes them when the client speaks.
    Closes,
    /// It takes connections or packets and never says anything.
    Silent,
    /// The same server as the standby's; the process that would answer is stopped by SIGSTOP.
    Hangs,
    /// It says `system-shutdown`.
    Leaves,
    /// It says `host-unknown`.
    Unknown,
    /// It agrees to STARTTLS and closes.
    BreaksTls,
    /// It answers 503.
    Refers,
}

/// All of them, in the order of the table.
pub(crate) const CASES: &[Case] = &[
    case(Client::Prosody, Fault::Refuses, End::Reached),
    case(Client::Prosody, Fault::Closes, End::Failed),
    case(Client::Prosody, Fault::Silent, End::Failed),
    case(Client::Prosody, Fault::Hangs, End::Failed),
    case(Client::Prosody, Fault::Leaves, End::Failed),
    case(Client::Prosody, Fault::Unknown, End::Failed),
    case(Client::Prosody, Fault::BreaksTls, End::Failed),
    case(Client::ProsodyDirect, Fault::Refuses, End::Reached),
    case(Client::ProsodyDirect, Fault::Closes, End::Reached),
    case(Client::ProsodyDirect, Fault::Silent, End::Failed),
    case(Client::ProsodyDirect, Fault::Hangs, End::Failed),
    case(Client::Kamailio, Fault::Refuses, End::Failed),
    case(Client::Kamailio, Fault::Silent, End::Failed),
    case(Client::Kamailio, Fault::Hangs, End::Failed),
    case(Client::Kamailio, Fault::Refers, End::Failed),
    case(Client::KamailioFailover, Fault::Refuses, End::Late),
    case(Client::KamailioFailover, Fault::Silent, End::Late),
    case(Client::KamailioFailover, Fault::Hangs, End::Late),
    case(Client::KamailioFailover, Fault::Refers, End::Reached),
];

const fn case(client: Client, fault: Fault, alone: End) -> Case {
    Case { client, fault, alone }
}

impl Client {
    /// Who takes longer has waited for a timer, of 3 s less a tick or of 20 s, not for a busy machine.
    pub(crate) const fn prompt(self) -> Duration {
        match self {
            Self::Prosody | Self::ProsodyDirect => Duration::from_secs(15),
            Self::Kamailio | Self::KamailioFailover => Duration::from_secs(2),
        }
    }
}

impl Fault {
    /// The word that a stand-in with this fault is started by; none where there is none, or a real server.
    pub(crate) fn stand_in(self) -> Option<&'static str> {
        match self {
            Self::Refuses | Self::Hangs => None,
            Self::Closes => Some("closes"),
            Self::Silent => Some("silent"),
            Self::Leaves => Some("leaves"),
            Self::Unknown => Some("unknown"),
            Self::BreaksTls => Some("breaks-tls"),
            Self::Refers => Some("503"),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached => "reached",
            Self::Late => "reached late",
            Self::Failed => "failed",
        })
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prosody => "Prosody, STARTTLS",
            Self::ProsodyDirect => "Prosody, direct TLS",
            Self::Kamailio => "Kamailio as shipped",
            Self::KamailioFailover => "Kamailio, `use_dns_failover`",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuses => "refuses",
            Self::Closes => "accepts, then closes",
            Self::Silent => "is silent",
            Self::Hangs => "hangs (SIGSTOP)",
            Self::Leaves => "says `system-shutdown`",
            Self::Unknown => "says `host-unknown`",
            Self::BreaksTls => "breaks TLS",
            Self::Refers => "answers 503",
        })
    }
}
