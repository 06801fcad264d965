//! Stand-in targets: listeners on loopback that take connections and close them.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::base::tasks::Tasks;

/// One host of the demo.
#[derive(Debug)]
pub(super) struct StandIn {
    /// Its first label.
    pub(super) name: &'static str,
    addresses: Vec<SocketAddr>,
    running: Option<Tasks>,
}

impl StandIn {
    pub(super) fn new(name: &'static str, addresses: Vec<SocketAddr>) -> Self {
        Self { name, addresses, running: None }
    }

    /// Opens its ports; does nothing if they are open.
    ///
    /// # Errors
    /// If a port is taken.
    pub(super) async fn start(&mut self) -> std::io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let tasks = Tasks::new();
        for address in &self.addresses {
            let listener = TcpListener::bind(address).await.map_err(|error| {
                std::io::Error::new(
                    error.kind(),
                    format!("the stand-in {} cannot listen on {address}: {error}", self.name),
                )
            })?;
            let stop = tasks.token().clone();
            drop(tasks.spawn("stand-in", async move {
                loop {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        // Taken and closed: that is all that a TCP check wants.
                        taken = listener.accept() => drop(taken),
                    }
                }
            }));
        }
        self.running = Some(tasks);
        Ok(())
    }

    /// Closes its ports: from now on connections are refused.
    pub(super) fn stop(&mut self) {
        if let Some(tasks) = self.running.take() {
            tasks.stop();
        }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }
}
