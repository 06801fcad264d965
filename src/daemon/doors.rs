//! The doors: our own for datagrams, hickory's listeners for streams.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::base::error::Chain;
use crate::base::tasks::Tasks;
use crate::serve::{Responder, hickory, udp};

use super::sockets::Door;

/// Open doors, which answer until they are closed.
#[derive(Debug)]
pub(super) struct Doors {
    datagrams: CancellationToken,
    streams: hickory::Running,
    addresses: Vec<SocketAddr>,
}

impl Doors {
    /// Opens the doors; `tcp_idle` ends connections that send nothing whole for so long.
    ///
    /// # Errors
    /// If a socket cannot be handed to the runtime.
    pub(super) fn open(
        tasks: &Tasks,
        responder: &Responder,
        sockets: Vec<Door>,
        tcp_idle: Duration,
    ) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = sockets.iter().map(|door| door.address).collect();
        let (udp, tcp): (Vec<_>, _) = sockets.into_iter().map(|door| (door.udp, door.tcp)).unzip();
        let datagrams = tasks.token().child_token();
        for socket in udp {
            let door = udp::Door::new(responder.clone(), socket)?;
            drop(tasks.spawn("datagrams", door.run(datagrams.clone())));
        }
        let streams = hickory::serve(responder, Vec::new(), tcp, tcp_idle)?;
        for address in &addresses {
            info!(listen = %address, "listening on UDP and TCP");
        }
        Ok(Self { datagrams, streams, addresses })
    }

    /// Returns where questions are answered.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Closes the doors; what has come in as datagrams is answered.
    pub(super) async fn close(self) {
        self.datagrams.cancel();
        if let Err(failed) = self.streams.shutdown().await {
            warn!(error = %Chain(&failed), "the doors did not close in order");
        }
    }
}
