//! Separate threads for probes and the resolver, so that no target's answer slows down the listeners.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::probe::runner::{self, Command};
use crate::probe::{CertificateBook, ProbeContext, metrics};
use crate::resolve::{self, Addresses, ResolveRequest, Resolved};

use super::descriptors;
use super::switcher::Resolver;
use super::threads::Threads;

/// The threads of probes and resolver.
#[derive(Debug)]
pub(super) struct ProbeThreads(Threads);

impl ProbeThreads {
    /// Makes the threads; tasks on them belong to `tasks`.
    pub(super) fn start(tasks: &Tasks) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Threads::start("probes", cores.min(MAX_THREADS), tasks).map(Self)
    }

    /// Starts the probes; `clients` is how many connections listeners may hold. Returns the ways to and from them.
    pub(super) fn probes(
        &self,
        clock: Clock,
        registry: &mut Registry,
        clients: u32,
        certificates: CertificateBook,
    ) -> (mpsc::Sender<Command>, mpsc::Receiver<runner::Event>) {
        let context = ProbeContext::from_system();
        if let Some(warning) = context.warning() {
            warn!("{warning}");
        }
        let metrics = metrics::Metrics::register(registry);
        let descriptors::Shares { probes: limits, held } = descriptors::share(clients);
        let deps = runner::Deps { clock, context: Arc::new(context), limits, held, metrics, certificates };
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (report, reports) = mpsc::channel(REPORTS);
        drop(runner::spawn(self.0.tasks(), deps, command_queue, report));
        (commands, reports)
    }

    /// Starts the resolver of hosts outside of the zones, with the addresses that were kept.
    pub(super) fn resolver(
        &self,
        clock: Clock,
        registry: &mut Registry,
        outside: &ResolveRequest,
        kept: &Addresses,
    ) -> Resolver {
        let metrics = resolve::Metrics::register(registry);
        let (wanted, wants) = watch::channel(outside.clone());
        let (knows, known) = watch::channel(Resolved::default());
        let tasks = self.0.tasks();
        let resolver = resolve::run(tasks.clone(), clock, kept.clone(), wants, knows, metrics);
        drop(tasks.spawn_vital("resolver", resolver));
        Resolver { wanted, known }
    }
}

/// The most threads: targets by the ten thousand need little more than one core.
const MAX_THREADS: usize = 4;
/// How many commands may wait for the probes; the engine waits when it is full.
const COMMANDS: usize = 1_024;
/// How many reports may wait for the engine; probes wait when it is full.
const REPORTS: usize = 1_024;
