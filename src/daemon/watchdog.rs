//! The watchdog: a vital task that has ended, or an engine that does not reply, makes the server not ready; the service
//! manager gets keepalives as long as the engine replies.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tracing::{debug, error, info};

use crate::base::tasks::Tasks;
use crate::engine::EngineHandle;

use super::metrics::Metrics;
use super::readiness::ReadinessState;

/// Watches over the tasks of a process and its engine.
pub(super) struct Watchdog {
    tasks: Tasks,
    engine: EngineHandle,
    readiness_state: ReadinessState,
    lost: watch::Receiver<Vec<&'static str>>,
    metrics: Metrics,
}

impl Watchdog {
    /// Watches over the tasks of this owner.
    pub(super) fn new(tasks: &Tasks, engine: EngineHandle, readiness_state: ReadinessState, metrics: Metrics) -> Self {
        Self { tasks: tasks.clone(), engine, readiness_state, lost: tasks.lost(), metrics }
    }

    /// Watches until the process drains.
    pub(super) async fn run(mut self) {
        // A third, so that one late beat does not end a healthy service.
        let period = sd_notify::watchdog_enabled().map_or(PERIOD, |limit| PERIOD.min(limit / 3));
        loop {
            tokio::select! {
                biased;
                () = self.tasks.stopped() => return,
                Ok(()) = self.lost.changed() => self.tell_lost(),
                () = tokio::time::sleep(period) => {
                    if !self.beat().await {
                        return;
                    }
                }
            }
        }
    }

    fn tell_lost(&mut self) {
        let lost = self.lost.borrow_and_update().clone();
        self.metrics.tasks_lost.set(i64::try_from(lost.len()).unwrap_or(i64::MAX));
        let names = lost.join(", ");
        error!(tasks = %names, "tasks have ended that must run: restart the server");
        self.readiness_state.set(|parts| parts.tasks = Some(format!("tasks have ended that must run: {names}")));
    }

    /// Waits for one reply of the engine, for ever if need be; returns whether the process goes on.
    async fn beat(&self) -> bool {
        let mut reply = std::pin::pin!(self.engine.beat());
        let limit = LIMIT.as_secs();
        let replied = tokio::select! {
            biased;
            () = self.tasks.stopped() => return false,
            replied = &mut reply => replied.is_ok(),
            () = tokio::time::sleep(LIMIT) => {
                error!("the engine has not replied for {limit} s: answers stay as they are");
                self.metrics.engine_hung.set(1);
                let fault = format!("the engine has not replied for {limit} s");
                self.readiness_state.set(|parts| parts.hung = Some(fault));
                let replied = tokio::select! {
                    biased;
                    () = self.tasks.stopped() => return false,
                    replied = reply => replied.is_ok(),
                };
                info!("the engine replies again");
                self.metrics.engine_hung.set(0);
                self.readiness_state.set(|parts| parts.hung = None);
                replied
            }
        };
        // Without an engine the last snapshot is served: whoever watches over it reports that.
        if replied {
            notify(&[NotifyState::Watchdog]).await;
        }
        true
    }
}

/// Tells the service manager that queries are answered.
pub(super) async fn notify_ready() {
    notify(&[NotifyState::Ready]).await;
}

/// Tells the service manager that the process drains.
pub(super) async fn notify_stopping() {
    notify(&[NotifyState::Stopping]).await;
}

/// Tells the service manager something, if there is one: off the tasks that answer, as its socket may be full.
async fn notify(states: &'static [NotifyState<'static>]) {
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || sd_notify::notify(states)).await {
        debug!(%error, "the service manager was not reached");
    }
}

/// How often the engine is asked whether it lives, at least.
const PERIOD: Duration = Duration::from_secs(1);
/// After how long without a reply it counts as hung.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use tokio::sync::mpsc;

    use super::*;
    use crate::base::clock::Clock;
    use crate::engine::Request;
    use crate::engine::driver::Message;
    use crate::engine::history::history;

    /// A process whose engine is the other end of the queue.
    fn watched() -> (Tasks, mpsc::Receiver<Message>, ReadinessState, Registry) {
        let tasks = Tasks::new();
        let (inbox, messages) = mpsc::channel(1);
        let (_recorder, history, _keeping) = history(1, Clock::start().now().wall);
        let readiness_state = ReadinessState::default();
        readiness_state.set(|parts| parts.answering = true);
        let mut registry = Registry::default();
        let engine = EngineHandle::new(inbox, history);
        drop(tasks.spawn(
            "watchdog",
            Watchdog::new(&tasks, engine, readiness_state.clone(), Metrics::register(&mut registry)).run(),
        ));
        (tasks, messages, readiness_state, registry)
    }

    fn metric(registry: &Registry, name: &str) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    }

    fn reply(message: Option<Message>) {
        match message {
            Some(Message::Request(Request::Beat(reply))) => reply.send(()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_does_not_reply_turns_readiness_red_until_it_does() {
        let (_tasks, mut messages, readiness_state, registry) = watched();
        let fault = || readiness_state.readiness().load().fault.clone();
        reply(messages.recv().await);
        let late = messages.recv().await;
        tokio::time::sleep(LIMIT - Duration::from_millis(1)).await;
        assert_eq!(fault(), None);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(fault().unwrap(), "the engine has not replied for 5 s");
        assert_eq!(metric(&registry, "engine_hung "), "1");
        reply(late);
        reply(messages.recv().await);
        assert_eq!((fault(), metric(&registry, "engine_hung ")), (None, "0".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_vital_task_that_panics_turns_readiness_red() {
        let (tasks, _messages, readiness_state, registry) = watched();
        tasks.spawn_vital("prober", async { panic!("on purpose") }).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let fault = readiness_state.readiness().load().fault.clone();
        assert_eq!(fault.unwrap(), "tasks have ended that must run: prober");
        assert_eq!(metric(&registry, "tasks_lost "), "1");
    }
}
