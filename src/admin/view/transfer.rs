//! The transfers of a zone: how it comes from primaries, and how it goes to secondaries.

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixTime;
use crate::transfer::{InboundStatus, NotifyState, NotifyStatus, SentStatus, ZoneTransfers};
use crate::zone::{Name, Serial};

/// The transfers of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransferView {
    /// The zone.
    pub zone: String,
    /// The served serial; nothing if nothing is served.
    pub serial: Option<u32>,
    /// How it comes; nothing if it is read from a file.
    pub inbound: Option<InboundView>,
    /// Who is told of new versions, and what came of it.
    pub notified: Vec<NotifiedView>,
    /// The last transfer to each client.
    pub sent: Vec<SentView>,
}

/// How a zone from primaries stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InboundView {
    /// The primaries, in the order in which they are asked.
    pub primaries: Vec<String>,
    /// The primary's serial of the version that came last.
    pub serial: Option<u32>,
    /// When that version came; nothing if a former run took it.
    pub transferred_ms: Option<u64>,
    /// When a primary last said which version is the newest.
    pub refreshed_ms: Option<u64>,
    /// When the primaries are asked next; nothing while they are.
    pub next_ms: Option<u64>,
    /// When the zone expires if no primary answers.
    pub expires_ms: Option<u64>,
    /// Whether it has expired.
    pub expired: bool,
    /// How many times in a row no primary gave what is of use.
    pub failures: u32,
    /// When that was last so.
    pub failed_ms: Option<u64>,
    /// Why it was so.
    pub failure: Option<String>,
}

/// What a secondary makes of NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NotifiedView {
    /// Where it is told.
    pub secondary: String,
    /// The serial that it was told last.
    pub serial: u32,
    /// When it was told, or when its answer came.
    pub at_ms: u64,
    /// `waiting`, `acknowledged`, `refused` or `unanswered`.
    pub state: String,
    /// The code of its answer, if that is a refusal.
    pub rcode: Option<u8>,
}

/// A transfer to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SentView {
    /// The client.
    pub client: String,
    /// When it asked.
    pub at_ms: u64,
    /// The serial that it has by it.
    pub serial: Option<u32>,
    /// What was sent: `axfr` or `ixfr`.
    pub kind: String,
    /// How many records that is.
    pub records: u64,
    /// Whether it took all of it.
    pub whole: bool,
}

impl TransferView {
    /// Makes it of what is known of a zone, and of the serial that is served.
    pub fn of(origin: &Name, transfers: &ZoneTransfers, serial: Option<u32>) -> Self {
        Self {
            zone: origin.to_string(),
            serial,
            inbound: transfers.inbound.as_ref().map(InboundView::of),
            notified: transfers.notified.iter().map(|(at, status)| NotifiedView::of(at.to_string(), status)).collect(),
            sent: transfers.sent.iter().map(|(client, status)| SentView::of(client.to_string(), status)).collect(),
        }
    }
}

impl InboundView {
    fn of(status: &InboundStatus) -> Self {
        let millis = |at: Option<UnixTime>| at.map(UnixTime::as_millis);
        let (failed, failure) = status.failed.clone().unzip();
        Self {
            primaries: status.primaries.iter().map(ToString::to_string).collect(),
            serial: status.serial.map(number),
            transferred_ms: millis(status.transferred),
            refreshed_ms: millis(status.refreshed),
            next_ms: millis(status.next),
            expires_ms: millis(status.expires),
            expired: status.is_expired,
            failures: status.failures,
            failed_ms: millis(failed),
            failure,
        }
    }
}

impl NotifiedView {
    fn of(secondary: String, status: &NotifyStatus) -> Self {
        let (state, rcode) = match status.state {
            NotifyState::Waiting => ("waiting", None),
            NotifyState::Acknowledged => ("acknowledged", None),
            NotifyState::Refused(rcode) => ("refused", Some(rcode)),
            NotifyState::Unanswered => ("unanswered", None),
        };
        Self { secondary, serial: number(status.serial), at_ms: status.at.as_millis(), state: state.to_owned(), rcode }
    }
}

impl SentView {
    fn of(client: String, status: &SentStatus) -> Self {
        Self {
            client,
            at_ms: status.at.as_millis(),
            serial: status.serial.map(number),
            kind: status.kind.to_owned(),
            records: u64::try_from(status.records).unwrap_or(u64::MAX),
            whole: status.is_whole,
        }
    }
}

const fn number(serial: Serial) -> u32 {
    serial.0
}
