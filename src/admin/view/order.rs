//! One order.

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixTime;
use crate::engine::OrderId;
use crate::engine::status::OrderStatus;
use crate::health::orders::Order;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OrderView {
    /// Its number.
    pub id: OrderId,
    /// What it makes of what it covers: `down`, `drained` or `up`.
    pub force: String,
    /// What it covers: a host or an address, or one port of it.
    pub on: String,
    /// When it begins; nothing is at once.
    pub from_ms: Option<u64>,
    /// When it ends by itself.
    pub until_ms: Option<u64>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who gave it.
    pub author: String,
    /// Whether its time has come; nothing where only the order is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether it covers nothing that there is; nothing where only the order is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<bool>,
}

impl OrderView {
    /// Makes it of a picture.
    pub fn of(status: &OrderStatus) -> Self {
        let (active, idle) = (Some(status.active), Some(status.idle));
        Self { active, idle, ..Self::bare(status.id, &status.order) }
    }

    /// Makes it of an order alone.
    pub fn bare(id: OrderId, order: &Order) -> Self {
        Self {
            id,
            force: order.force.as_str().to_owned(),
            on: order.scope.to_string(),
            from_ms: order.from.map(UnixTime::as_millis),
            until_ms: order.until.map(UnixTime::as_millis),
            reason: order.reason.clone(),
            author: order.author.clone(),
            active: None,
            idle: None,
        }
    }
}
