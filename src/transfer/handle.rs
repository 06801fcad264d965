//! The transfers as their clients see them: the status of each zone, and two orders.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

use crate::zone::Name;

use super::ledger::{Ledger, ZoneTransfers};

/// Reads the status of transfers and gives orders to those who ask primaries; clones are the same.
#[derive(Clone, Debug)]
pub struct TransferHandle {
    ledger: Ledger,
    orders: mpsc::Sender<TransferOrder>,
}

/// An order about a zone from primaries.
#[derive(Debug)]
pub struct TransferOrder {
    pub(super) origin: Name,
    pub(super) kind: OrderKind,
    /// Gets whether there is such a zone.
    pub(super) reply: oneshot::Sender<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderKind {
    /// Ask for the newest version.
    Refresh,
    /// Take the whole zone as the primary has it, newer or not.
    Retransfer,
}

/// Why an order about a zone is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferRefusal {
    /// It is no zone, or one that is read from a file.
    #[error("{0} is no zone that comes from primaries")]
    NotFromPrimaries(Name),
    /// Nobody takes orders any more.
    #[error("the server stops")]
    Stopped,
}

impl TransferHandle {
    /// Makes a handle of the status and the way to the task that asks primaries.
    pub const fn new(ledger: Ledger, orders: mpsc::Sender<TransferOrder>) -> Self {
        Self { ledger, orders }
    }

    /// Returns the transfers of every zone that has any.
    pub fn status(&self) -> BTreeMap<Name, ZoneTransfers> {
        self.ledger.read()
    }

    /// Has the primaries of a zone asked for a newer version at once. It returns when that is due, and the status tells
    /// what comes of it.
    ///
    /// # Errors
    /// The zone comes from no primary, or the server stops.
    pub async fn refresh(&self, origin: &Name) -> Result<(), TransferRefusal> {
        self.give(origin, OrderKind::Refresh).await
    }

    /// Has the whole zone transferred at once, and taken even if its serial is not newer: after a primary was set up anew.
    /// Until it has come, the zone stays as it is.
    ///
    /// # Errors
    /// The zone comes from no primary, or the server stops.
    pub async fn retransfer(&self, origin: &Name) -> Result<(), TransferRefusal> {
        self.give(origin, OrderKind::Retransfer).await
    }

    /// Has the whole zone transferred as [`TransferHandle::retransfer`] does, without a word about it. If too many orders
    /// wait, the zone is left to its next refresh.
    pub fn retransfer_soon(&self, origin: &Name) {
        let (reply, _) = oneshot::channel();
        drop(self.orders.try_send(TransferOrder { origin: origin.clone(), kind: OrderKind::Retransfer, reply }));
    }

    async fn give(&self, origin: &Name, kind: OrderKind) -> Result<(), TransferRefusal> {
        let (reply, known) = oneshot::channel();
        let order = TransferOrder { origin: origin.clone(), kind, reply };
        self.orders.send(order).await.map_err(|_| TransferRefusal::Stopped)?;
        match known.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(TransferRefusal::NotFromPrimaries(origin.clone())),
            Err(_) => Err(TransferRefusal::Stopped),
        }
    }
}
