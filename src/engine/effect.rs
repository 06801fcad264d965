//! The effects that the core requests, and its notices.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::UnixTime;
use crate::health::orders::Order;
use crate::health::{Cause, NamedPost, Outcome, ProbeRequest, TargetId};
use crate::policy::{Move, PoolId, Reason};
use crate::snapshot::Snapshot;

pub use super::memory::StoredValue;
use super::orders::OrderId;

/// One thing that follows from an event; the driver carries it out in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Serve this from now on.
    Publish(Arc<Snapshot>),
    /// Probe this target at that time (at once, if it has passed).
    Probe(ProbeRequest),
    /// Hand this post to the checks that read it.
    Post(NamedPost),
    /// Keep this over restarts; nothing removes the key.
    Persist {
        /// The key.
        key: String,
        /// The value.
        value: Option<StoredValue>,
    },
    /// Tell the operator.
    Notice(TimedNotice),
    /// Record this outcome, so that what was judged can be judged again.
    Tested(Box<Tested>),
    /// Every target that may be probed is known: the answers may begin.
    Settled,
}

/// An outcome that was judged, for the history on disk: outcomes alike in a row are told a few times only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The target, as [`super::setup::TargetKey`] prints it.
    pub target: String,
    /// When it was judged.
    pub at: UnixTime,
    /// How long before that the probe began.
    pub age: Duration,
    /// What was seen.
    pub outcome: Outcome,
    /// How many outcomes since the one that was told last were not told: all like that one.
    pub untold: u32,
}

/// What happened, when, and in which setup.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedNotice {
    /// When.
    pub at: UnixTime,
    /// The number of the setup that ids count in.
    pub setup: u64,
    /// What.
    pub notice: Notice,
}

/// Something that an operator may want to read in the log and the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A target's state changed.
    Target {
        /// The target, as [`super::setup::TargetKey`] prints it.
        target: String,
        /// Its id in the setup.
        id: TargetId,
        /// Its address and port.
        address: SocketAddr,
        /// The members that rest on it, as in `sip-node1.example.com:5060`.
        hosts: Vec<String>,
        /// The names of the services that rest on it.
        services: Vec<String>,
        /// The origins of their zones.
        zones: Vec<String>,
        /// The state it had.
        from: &'static str,
        /// The state it has.
        to: &'static str,
        /// Why.
        cause: Option<Cause>,
    },
    /// What a pool serves changed, or why.
    Decision {
        /// The pool's name.
        pool: String,
        /// Its id in the setup.
        id: PoolId,
        /// The origins of the zones that it stands in.
        zones: Vec<String>,
        /// The reason.
        reason: Reason,
        /// How the active tier changed, if it did.
        moved: Option<Move>,
        /// Whether nothing is eligible: an alarm.
        alarm: bool,
    },
    /// A held connection broke: all targets on its address are probed at once.
    Broke {
        /// Where.
        address: SocketAddr,
        /// What was seen.
        cause: Cause,
    },
    /// The checker is cut off, or no longer.
    Isolated(bool),
    /// An order was given.
    Ordered(OrderId, Order),
    /// An order was taken back.
    Cleared(OrderId, Order),
    /// An order's time is over.
    Ended(OrderId, Order),
    /// A failback of this service was ordered.
    FailbackOrdered(String),
    /// A setup was taken: after a reload, or as hosts outside of the zones have moved.
    Reloaded,
    /// A reload failed; the old setup stays.
    ReloadFailed(String),
    /// Something became of a zone that comes from primaries.
    Transfer {
        /// Its origin.
        zone: String,
        /// What.
        event: TransferEvent,
    },
    /// A certificate ends soon, or has ended.
    Certificate {
        /// The target that shows it, or our own listeners.
        whose: String,
        /// How long it has, in a sentence.
        text: String,
        /// Whether it has ended.
        ended: bool,
    },
    /// A generation was published.
    Published {
        /// Its number.
        generation: u64,
        /// The zones that changed, with their serials.
        zones: Vec<(String, u32)>,
    },
}

/// What becomes of a zone that comes from primaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEvent {
    /// A new version has come, with this serial of the primary.
    Came(u32),
    /// No primary gives what is of use any longer: why.
    Failing(String),
    /// It has expired, and is answered SERVFAIL.
    Expired,
    /// No primary has answered for longer than `refresh`: the spare judges by itself.
    Overdue,
    /// A primary answers again: the spare serves what it gives.
    Recovered,
}

/// What happened, as it stands behind the name of the zone.
impl fmt::Display for TransferEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Came(serial) => write!(f, "version {serial} has come from a primary"),
            Self::Failing(reason) => write!(f, "no primary gives it: {reason}"),
            Self::Expired => f.write_str("expired: no primary has answered for too long"),
            Self::Overdue => f.write_str("no primary answers: the spare judges by itself"),
            Self::Recovered => f.write_str("a primary answers again: the spare serves its zone"),
        }
    }
}
