//! Dummy targets: listeners on loopback that accept connections and close them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

    /// Opens its ports, all or none; does nothing if they are open.
    ///
    /// # Errors
    /// If a port is taken.
    pub(super) async fn start(&mut self) -> std::io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let mut listeners = Vec::new();
        for address in &self.addresses {
            listeners.push(TcpListener::bind(address).await.map_err(|error| self.refused(*address, &error))?);
        }
        let tasks = Tasks::new();
        for listener in listeners {
            drop(tasks.spawn("stand-in", take_and_close(listener, tasks.token().clone())));
        }
        self.running = Some(tasks);
        Ok(())
    }

    /// Closes its ports; when this has ended, connections are refused.
    pub(super) async fn stop(&mut self) {
        if let Some(tasks) = self.running.take() {
            tasks.stop();
            // The tasks wait for nothing but this.
            let _late = tasks.finished(TIMEOUT).await;
        }
    }

    fn refused(&self, address: SocketAddr, error: &std::io::Error) -> std::io::Error {
        let message = format!("the stand-in {} cannot listen on {address}: {error}", self.name);
        std::io::Error::new(error.kind(), message)
    }

    /// Returns whether its ports are open.
    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

/// Takes connections and closes them: that is all that a TCP check wants.
async fn take_and_close(listener: TcpListener, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            taken = listener.accept() => drop(taken),
        }
    }
}

/// How long ports may take to close.
const TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stand_in_that_stopped_can_start_at_once() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut stand_in = StandIn::new("one", vec![free]);
        for _ in 0..20 {
            stand_in.start().await.unwrap();
            assert!(stand_in.is_running() && tokio::net::TcpStream::connect(free).await.is_ok());
            stand_in.stop().await;
            assert!(!stand_in.is_running() && tokio::net::TcpStream::connect(free).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_named_and_leaves_no_other_open() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let address = taken.local_addr().unwrap();
        let error = StandIn::new("one", vec![free, address]).start().await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("the stand-in one cannot listen on {address}: ")), "{error}");
        assert!(tokio::net::TcpStream::connect(free).await.is_err());
    }
}
