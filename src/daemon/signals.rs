//! Signals, handled on a separate thread from the start of the process.

use std::io;

use tokio::runtime;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::mpsc::{self, error::TrySendError};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: stop accepting, drain, exit. Asked a second time, it means at once.
    Drain,
    /// SIGHUP: read config and zones again.
    Reload,
}

/// The signals of the process, from the moment this was made; before that they have their usual effect. What comes while
/// nobody waits is kept, equal ones as one.
#[derive(Debug)]
pub struct Signals {
    drains: mpsc::Receiver<()>,
    reloads: mpsc::Receiver<()>,
    jobs: mpsc::Sender<Job>,
}

/// What the thread that hears the signals shall do beside that.
type Job = Box<dyn FnOnce() + Send>;

impl Signals {
    /// Takes over the signals; needs no runtime, and works however busy one is.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> io::Result<Self> {
        let own = runtime::Builder::new_current_thread().enable_io().build()?;
        let (drain, drains) = mpsc::channel(1);
        let (reload, reloads) = mpsc::channel(1);
        let (jobs, mut wanted) = mpsc::channel::<Job>(1);
        let (mut terminate, mut interrupt, mut hangup) = {
            let _inside = own.enter();
            let hear = |kind| unix::signal(kind);
            (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?, hear(SignalKind::hangup())?)
        };
        let hear = async move {
            loop {
                let asked = tokio::select! {
                    biased;
                    () = drain.closed() => return,
                    _ = terminate.recv() => &drain,
                    _ = interrupt.recv() => &drain,
                    _ = hangup.recv() => &reload,
                    Some(job) = wanted.recv() => {
                        job();
                        continue;
                    }
                };
                // One that waits already says the same.
                if let Err(TrySendError::Closed(())) = asked.try_send(()) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || own.block_on(hear))?;
        Ok(Self { drains, reloads, jobs })
    }

    /// Runs a job on the thread that hears the signals and waits for its result; nothing if that thread has ended. Not to be
    /// called where futures run.
    pub(super) fn run_there<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        // Whoever waits is there until it comes.
        self.jobs.blocking_send(Box::new(move || drop(done.send(job())))).ok()?;
        result.recv().ok()
    }

    /// Waits for the next signal.
    ///
    /// # Cancel safety
    /// A dropped future loses no signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            () = received(&mut self.drains) => Signal::Drain,
            () = received(&mut self.reloads) => Signal::Reload,
        }
    }

    /// Waits for the wish to end; a wish to reload is kept.
    ///
    /// # Cancel safety
    /// A dropped future loses no signal.
    pub async fn drain(&mut self) {
        received(&mut self.drains).await;
    }
}

/// Waits for a signal; without the thread that hears them there is none.
async fn received(signals: &mut mpsc::Receiver<()>) {
    if signals.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal as Raised, getpid, kill_process};

    use super::*;

    #[test]
    fn a_job_runs_on_the_thread_that_hears_them() {
        let signals = Signals::listen().unwrap();
        let name = || std::thread::current().name().map(str::to_owned);
        assert_eq!(signals.run_there(name).flatten().as_deref(), Some("signals"));
        assert_eq!(signals.run_there(name).flatten().as_deref(), Some("signals"), "again");
    }

    #[tokio::test]
    async fn tells_reload_from_drain_and_keeps_what_nobody_waits_for() {
        let mut signals = Signals::listen().unwrap();
        // In one test, as signals go to the whole process.
        let raise = |signal| kill_process(getpid(), signal).unwrap();
        for (raised, expected) in
            [(Raised::HUP, Signal::Reload), (Raised::TERM, Signal::Drain), (Raised::INT, Signal::Drain)]
        {
            raise(raised);
            assert_eq!(signals.next().await, expected, "{raised:?}");
        }
        [Raised::HUP, Raised::HUP, Raised::TERM].into_iter().for_each(raise);
        signals.drain().await;
        assert_eq!(signals.next().await, Signal::Reload);
    }
}
