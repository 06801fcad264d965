//! Probes against servers of our own, on loopback, of every kind that misbehaves.

mod composite;
mod dns;
mod exec;
mod flood;
mod greeting;
mod grpc;
mod http;
pub(super) mod keys;
mod replies;
mod sip;
mod tcp;
pub(super) mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{Check, ProbeContext, ProbeReport, Spec, run};
use crate::base::clock::Clock;
use crate::base::tasks::Tasks;

/// A server on loopback that lives as long as this value.
pub(super) struct Server {
    /// Where it listens.
    pub(super) address: SocketAddr,
    tasks: Tasks,
}

impl Server {
    /// Listens on 127.0.0.1 and does the same with every connection.
    pub(super) async fn start<F, D>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        Self::start_on("127.0.0.1:0", serve).await
    }

    /// Listens on an address of loopback.
    pub(super) async fn start_on<F, D>(address: &str, serve: F) -> Self
    where
        F: Fn(TcpStream) -> D + Send + 'static,
        D: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = Tasks::new();
        let owner = tasks.clone();
        drop(tasks.spawn("server", async move {
            let mut connections = owner.set("connection");
            loop {
                tokio::select! {
                    () = owner.stopped() => break,
                    accepted = listener.accept() => drop(connections.spawn(serve(accepted.unwrap().0))),
                }
            }
        }));
        Self { address, tasks }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// Probes once with a timeout that passing probes never need.
pub(super) async fn probe(address: SocketAddr, check: Check) -> ProbeReport {
    probe_within(address, check, Duration::from_secs(10)).await
}

/// Probes once.
pub(super) async fn probe_within(address: SocketAddr, check: Check, timeout: Duration) -> ProbeReport {
    let spec = Spec { address, check: Arc::new(check), timeout, watch: None };
    run(&spec, &Clock::start(), &ProbeContext::from_roots([])).await
}

/// Asserts class and cause of an outcome.
#[track_caller]
pub(super) fn assert_saw(report: &ProbeReport, class: &str, part_of_cause: &str) {
    let text = report.outcome.cause().unwrap_or("");
    assert!(report.outcome.as_str() == class && text.contains(part_of_cause), "{report:#?}");
}
