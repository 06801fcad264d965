//! The records of the history.

use serde::{Deserialize, Serialize};

use crate::engine::history::{Page, Record};
use crate::engine::{Notice, TransferEvent};
use crate::history::EventLine;

use super::{OrderView, Served};

/// Some records of the history, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HistoryView {
    /// The records.
    pub events: Vec<EventView>,
    /// How many records before these are no longer held.
    pub lost: u64,
    /// Whether the server was started anew since the cursor was given.
    pub restarted: bool,
    /// Where to read on: the next `after`.
    pub next: String,
    /// Whether there is more to read now.
    pub more: bool,
}

/// One record: what happened, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventView {
    /// Its number.
    pub sequence: u64,
    /// When.
    pub at_ms: u64,
    /// What kind of event it is.
    pub kind: String,
    /// All of it in a sentence.
    pub text: String,
    /// The target that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The state that it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The state that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The members that rest on the target, as in `sip-node1.example.com:5060`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The services that it concerns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Why a service answers as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a service answers with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Served>,
    /// The active tier of a service, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<u16>,
    /// How the active tier changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<String>,
    /// Whether nothing is eligible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alarm: bool,
    /// The order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderView>,
    /// The generation that was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The zones that changed by it, or the one that came from a primary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ZoneSerial>,
}

/// The serial that a zone got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ZoneSerial {
    /// The origin.
    pub zone: String,
    /// The serial.
    pub serial: u32,
}

impl HistoryView {
    /// Makes it of a page of the history; `more` says whether there is more now.
    pub fn of(page: &Page, more: bool) -> Self {
        Self {
            events: page.records.iter().map(|record| EventView::of(record)).collect(),
            lost: page.lost,
            restarted: page.restarted,
            next: page.next.to_string(),
            more,
        }
    }
}

impl EventView {
    /// Makes the line of the history on disk of a record; publications are not kept there, as they follow from decisions.
    pub fn kept(record: &Record) -> Option<EventLine> {
        if matches!(record.event.notice, Notice::Published { .. }) {
            return None;
        }
        serde_json::from_value(serde_json::to_value(Self::of(record)).ok()?).ok()
    }

    /// Makes it of a line of the history on disk; nothing if that is of another version.
    pub fn recall(line: EventLine) -> Option<Self> {
        serde_json::from_value(serde_json::to_value(line).ok()?).ok()
    }

    /// Makes it of a record.
    pub fn of(record: &Record) -> Self {
        let notice = &record.event.notice;
        let base = Self {
            sequence: record.sequence,
            at_ms: record.event.at.as_millis(),
            kind: notice.kind().to_owned(),
            text: notice.to_string(),
            ..Self::default()
        };
        match notice {
            Notice::Target { target, hosts, services, from, to, cause, .. } => Self {
                target: Some(target.clone()),
                hosts: hosts.clone(),
                services: services.clone(),
                from: Some((*from).to_owned()),
                to: Some((*to).to_owned()),
                cause: cause.as_ref().map(ToString::to_string),
                ..base
            },
            Notice::Decision { pool, reason, moved, alarm, .. } => {
                let (served, tier) = Served::by(reason);
                Self {
                    services: vec![pool.clone()],
                    reason: Some(reason.to_string()),
                    served: Some(served),
                    tier,
                    moved: moved.as_ref().map(ToString::to_string),
                    alarm: *alarm,
                    ..base
                }
            }
            Notice::Broke { address, cause } => {
                Self { target: Some(address.to_string()), cause: Some(cause.to_string()), ..base }
            }
            Notice::Ordered(id, order) | Notice::Cleared(id, order) | Notice::Ended(id, order) => {
                Self { order: Some(OrderView::bare(*id, order)), ..base }
            }
            Notice::Certificate { whose, ended, .. } => Self { target: Some(whose.clone()), alarm: *ended, ..base },
            Notice::FailbackOrdered(service) => Self { services: vec![service.clone()], ..base },
            Notice::ReloadFailed(reason) => Self { cause: Some(reason.clone()), ..base },
            Notice::Transfer { zone, event: TransferEvent::Came(serial) } => {
                Self { zones: vec![ZoneSerial { zone: zone.clone(), serial: *serial }], ..base }
            }
            Notice::Transfer { event: TransferEvent::Failing(reason), .. } => {
                Self { cause: Some(reason.clone()), ..base }
            }
            Notice::Published { generation, zones } => {
                let serial = |(zone, serial): &(String, u32)| ZoneSerial { zone: zone.clone(), serial: *serial };
                Self { generation: Some(*generation), zones: zones.iter().map(serial).collect(), ..base }
            }
            Notice::Transfer {
                event: TransferEvent::Expired | TransferEvent::Overdue | TransferEvent::Recovered,
                ..
            }
            | Notice::Isolated(_)
            | Notice::Reloaded => base,
        }
    }
}
