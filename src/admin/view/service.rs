//! One service: which tier is active and why, and where each member stands.

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixTime;
use crate::engine::status::{MemberStatus, PoolStatus};
use crate::health::{TargetId, Verdict};
use crate::policy::{ActiveTier, Placement, Reason};

use super::time::millis;

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServiceView {
    /// Its name; the halves of a pair are joined by `+`.
    pub service: String,
    /// What is served.
    pub served: Served,
    /// The active tier, if one is.
    pub tier: Option<u16>,
    /// Whether it has a target: if not, it is served as declared.
    pub tested: bool,
    /// Why it is so.
    pub reason: String,
    /// The TTL of each of its sets in seconds.
    pub ttl: Vec<u32>,
    /// The failovers that came soon after a failback, plus one.
    pub flaps: u32,
    /// When the answer last changed, in this run.
    pub changed_ms: Option<u64>,
    /// How long until time alone may change it.
    pub again_ms: Option<u64>,
    /// The better tier that is healthy, if one waits for its failback.
    pub failback: Option<FailbackView>,
    /// The members.
    pub members: Vec<MemberView>,
}

/// What is served of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// One tier.
    Tier,
    /// Those that are leaving.
    LastResort,
    /// Nobody is up.
    AllDown,
}

/// A failback that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailbackView {
    /// The tier that becomes active again.
    pub tier: u16,
    /// How long until then, if all stays as it is.
    pub due_ms: u64,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemberView {
    /// Its host and port, or its address.
    pub member: String,
    /// The declared priority: its tier.
    pub priority: u16,
    /// The declared weight.
    pub weight: u16,
    /// 0, or 1 for the direct-TLS half of a pair.
    pub half: u8,
    /// Whether it may be served.
    pub serves: bool,
    /// Whether a test or an order says so.
    pub known: bool,
    /// Whether it is down or drained, and alive still.
    pub leaving: bool,
    /// Whether it is in the answer.
    pub listed: bool,
    /// Where it stands in the answer, and why.
    pub placement: String,
    /// Why no test tells anything of it now; nothing if tests do.
    pub untested: Option<String>,
    /// The names of its targets.
    pub targets: Vec<String>,
}

impl Served {
    /// Tells the same of a reason.
    pub const fn by(reason: &Reason) -> (Self, Option<u16>) {
        match reason {
            Reason::Tier { tier, .. } => (Self::Tier, Some(*tier)),
            Reason::LastResort { .. } => (Self::LastResort, None),
            Reason::AllDown { .. } => (Self::AllDown, None),
        }
    }

    /// Tells what is served, and which tier is active if one is.
    pub const fn of(served: ActiveTier) -> (Self, Option<u16>) {
        match served {
            ActiveTier::Tier(tier) => (Self::Tier, Some(tier)),
            ActiveTier::LastResort => (Self::LastResort, None),
            ActiveTier::AllDown => (Self::AllDown, None),
        }
    }
}

impl ServiceView {
    /// Makes it of a picture; `name` returns the name of a target.
    pub fn of(pool: &PoolStatus, name: impl Fn(TargetId) -> String) -> Self {
        let (served, tier) = Served::of(pool.decision.served);
        let members = pool.members.iter().zip(&pool.decision.placements);
        Self {
            service: pool.name.clone(),
            served,
            tier,
            tested: pool.members.iter().any(|member| !member.targets.is_empty()),
            reason: pool.decision.reason.to_string(),
            ttl: pool.ttls.clone(),
            flaps: pool.flaps,
            changed_ms: pool.changed.map(UnixTime::as_millis),
            again_ms: pool.again.map(millis),
            failback: pool.failback.map(|(tier, due)| FailbackView { tier, due_ms: millis(due) }),
            members: members.map(|(member, placement)| MemberView::of(member, *placement, &name)).collect(),
        }
    }

    /// Returns the number of the preferred tier.
    pub fn preferred(&self) -> Option<u16> {
        self.members.iter().map(|member| member.priority).min()
    }
}

impl MemberView {
    fn of(member: &MemberStatus, placement: Placement, name: impl Fn(TargetId) -> String) -> Self {
        let (known, leaving) = match member.verdict {
            Verdict::Serve { tested, .. } => (tested, false),
            Verdict::Withhold { leaving, .. } => (true, leaving),
        };
        Self {
            member: member.label.clone(),
            priority: member.priority,
            weight: member.weight,
            half: member.half,
            serves: member.verdict.serves(),
            known,
            leaving,
            listed: placement.lists(),
            placement: placement.to_string(),
            untested: member.untested.clone(),
            targets: member.targets.iter().map(|id| name(*id)).collect(),
        }
    }
}
