//! The status of a running server in the words of the API: what is written as JSON by the server, and read by clients.
//!
//! A point in time is Unix time in milliseconds (`_ms`), a length of time milliseconds.

mod event;
mod memory;
mod order;
mod reload;
mod service;
mod target;
mod time;
mod transfer;

use serde::{Deserialize, Serialize};

use crate::base::clock::Now;
use crate::base::table::RowId as _;
use crate::engine::status::{OrderStatus, Status, ZoneStatus};
use crate::health::TargetId;

pub use event::{EventView, HistoryView, ZoneSerial};
pub use memory::MemoryView;
pub use order::OrderView;
pub use reload::ReloadView;
pub use service::{FailbackView, MemberView, Served, ServiceView};
pub use target::{OutcomeView, TargetView};
pub use transfer::{InboundView, NotifiedView, SentView, TransferView};

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusView {
    /// The version of the program.
    pub version: String,
    /// The moment.
    pub now_ms: u64,
    /// Whether the server answers, and what is wrong.
    pub health: HealthView,
    /// The generation that is served.
    pub generation: u64,
    /// Whether the checker is cut off: silent failures do not count then.
    pub isolated: bool,
    /// The zones.
    pub zones: Vec<ZoneView>,
    /// The services.
    pub services: Vec<ServiceView>,
    /// The targets.
    pub targets: Vec<TargetView>,
    /// The orders that are not over.
    pub orders: Vec<OrderView>,
}

/// Whether the server is live and ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HealthView {
    /// Whether it is live: if not, a restart helps.
    pub live: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// Why it is not live or not ready, or what is wrong nevertheless.
    pub remark: Option<String>,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ZoneView {
    /// The origin.
    pub zone: String,
    /// The served serial; nothing if the zone is broken.
    pub serial: Option<u32>,
    /// The primary's serial of the version that is served; nothing if the zone is read from a file, or has not come.
    pub upstream_serial: Option<u32>,
}

impl StatusView {
    /// Makes it of a picture of the engine and its orders.
    pub fn of(status: &Status, orders: &[OrderStatus], health: HealthView, now: Now) -> Self {
        let name = |id: TargetId| status.targets.get(id.index()).map_or("", |target| &target.name);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now_ms: now.wall.as_millis(),
            health,
            generation: status.generation,
            isolated: status.isolated,
            zones: status.zones.iter().map(ZoneView::of).collect(),
            services: status.pools.iter().map(|pool| ServiceView::of(pool, |id| name(id).to_owned())).collect(),
            targets: status.targets.iter().map(|target| TargetView::of(target, now.wall)).collect(),
            orders: orders.iter().map(OrderView::of).collect(),
        }
    }
}

impl ZoneView {
    /// Makes it of a picture, which knows nothing of primaries.
    pub fn of(zone: &ZoneStatus) -> Self {
        Self { zone: zone.origin.clone(), serial: zone.serial, upstream_serial: None }
    }
}
