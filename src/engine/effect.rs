//! What the core wants done, and what it has to tell.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::base::clock::Mono;
use crate::health::cadence::Priority;
use crate::health::push::PushReport;
use crate::health::{Cause, TargetId};
use crate::policy::{Move, Reason};
use crate::snapshot::Snapshot;

/// One thing that follows from an event; the driver carries it out in order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Serve this from now on.
    Publish(Arc<Snapshot>),
    /// Probe this target at that time (at once, if it has passed).
    Probe {
        /// The number of the setup that the target is of.
        setup: u64,
        /// Which.
        target: TargetId,
        /// When.
        at: Mono,
        /// Before whom it goes.
        priority: Priority,
    },
    /// Hand this post to the checks that read it.
    Post {
        /// The name that it is posted under.
        name: String,
        /// What is said.
        post: PushReport,
    },
    /// Keep this over restarts; nothing removes the key.
    Persist {
        /// The key.
        key: String,
        /// The value, JSON.
        value: Option<Vec<u8>>,
    },
    /// Tell the operator.
    Notice(Notice),
    /// Every target that may be probed is known: the answers may begin.
    Settled,
}

/// Something that an operator may want to read in the log and the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A target's state changed.
    Target {
        /// The target, as [`super::setup::TargetKey`] prints it.
        target: String,
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
    /// A generation was published.
    Published {
        /// Its number.
        generation: u64,
        /// The zones that changed, with their serials.
        zones: Vec<(String, u32)>,
    },
}
