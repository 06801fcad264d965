//! What is told of an event: the fields of the API's events, and what receivers of alerts want besides.

use serde::Serialize;

use crate::admin::view::EventView;
use crate::engine::history::Record;
use crate::engine::{Notice, TransferEvent};
use crate::policy::Move;

/// The kinds of events that a hook may be told of.
pub const KINDS: [&str; 12] = [
    "target",
    "decision",
    "connection-broke",
    "isolated",
    "order-given",
    "order-cleared",
    "order-ended",
    "failback-ordered",
    "reloaded",
    "reload-failed",
    "transfer",
    "certificate",
];

/// One event, as templates and receivers see it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    /// The fields of the API's event.
    #[serde(flatten)]
    pub(super) event: EventView,
    /// When, as a text.
    at: String,
    /// The name of this machine.
    server: String,
    /// `critical`, `warning` or `info`.
    severity: &'static str,
    /// Whether it ends what an earlier one with the same subject told of.
    resolved: bool,
    /// What it is about: the same for all that begins, goes on and ends the same trouble.
    subject: String,
}

impl Message {
    /// Makes it of a record.
    pub(super) fn of(record: &Record, server: &str) -> Self {
        let (severity, resolved) = weigh(&record.event.notice);
        Self {
            event: EventView::of(record),
            at: record.event.at.to_string(),
            server: server.to_owned(),
            severity,
            resolved,
            subject: subject(&record.event.notice),
        }
    }

    /// Returns how bad it is.
    pub(super) const fn severity(&self) -> &'static str {
        self.severity
    }

    /// Returns what it is about.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns all of it as one line of JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns how bad it is, and whether it is the end of something bad.
fn weigh(notice: &Notice) -> (&'static str, bool) {
    match notice {
        Notice::Target { to: "down" | "leaving", .. } => ("warning", false),
        Notice::Target { to, .. } => ("info", *to == "up"),
        Notice::Decision { alarm: true, .. } | Notice::Isolated(true) => ("critical", false),
        Notice::Decision { moved: Some(Move::Failover { .. } | Move::Lost { .. }), .. } => ("warning", false),
        Notice::Decision { moved: Some(Move::Taken { .. } | Move::Failback { .. }), .. }
        | Notice::Isolated(false)
        | Notice::Reloaded => ("info", true),
        Notice::ReloadFailed(_) => ("warning", false),
        Notice::Certificate { ended: true, .. } => ("critical", false),
        Notice::Certificate { ended: false, .. } => ("warning", false),
        Notice::Transfer { event, .. } => match event {
            TransferEvent::Expired => ("critical", false),
            TransferEvent::Failing(_) | TransferEvent::Overdue => ("warning", false),
            TransferEvent::Came(_) | TransferEvent::Recovered => ("info", true),
        },
        Notice::Decision { moved: None, .. }
        | Notice::Broke { .. }
        | Notice::Ordered(..)
        | Notice::Cleared(..)
        | Notice::Ended(..)
        | Notice::FailbackOrdered(_)
        | Notice::Published { .. } => ("info", false),
    }
}

fn subject(notice: &Notice) -> String {
    match notice {
        Notice::Target { target, .. } => format!("target {target}"),
        Notice::Decision { pool: service, .. } | Notice::FailbackOrdered(service) => {
            format!("service {}", service.trim_end_matches('.'))
        }
        Notice::Broke { address, .. } => format!("connection {address}"),
        Notice::Isolated(_) => "isolated".to_owned(),
        Notice::Ordered(id, _) | Notice::Cleared(id, _) | Notice::Ended(id, _) => format!("order {id}"),
        Notice::Reloaded | Notice::ReloadFailed(_) => "reload".to_owned(),
        Notice::Certificate { whose, .. } => format!("certificate {whose}"),
        Notice::Transfer { zone, .. } => format!("zone {}", zone.trim_end_matches('.')),
        Notice::Published { .. } => "generation".to_owned(),
    }
}
