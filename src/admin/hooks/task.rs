//! The task of one hook: reads the history, and tells of each event until it is taken or given up.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::base::clock::Clock;
use crate::engine::history::{Follower, Record};

use super::failure::Failure;
use super::message::Message;
use super::metrics::Metrics;
use super::webhook::Post;
use super::{Action, Hook};

/// What all hooks work with; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    /// The name of this machine.
    pub(super) server: String,
}

/// Tells of what happens until the history ends, or the hook is stopped.
pub(super) async fn run(hook: Hook, mut follower: Follower, means: Means, stop: CancellationToken) {
    let tell = async {
        while let Some(page) = follower.next().await {
            if page.lost > 0 {
                warn!(hook = hook.name, events = page.lost, "a hook was too slow: events were not told");
                means.metrics.count(&hook.name, "lost", page.lost);
            }
            for record in page.records.iter().filter(|record| hook.wants(record)) {
                hook.tell(record, page.next.run, &means).await;
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = tell => {}
    }
}

impl Hook {
    fn wants(&self, record: &Record) -> bool {
        self.events.contains(&record.event.notice.kind())
    }

    async fn tell(&self, record: &Record, run: u64, means: &Means) {
        let message = Message::of(record, &means.server);
        let delivery = format!("{run}.{}", record.sequence);
        let result = match self.post(&message, delivery) {
            Ok(post) => self.deliver(&message, &post, means).await,
            Err(failure) => Err(failure),
        };
        match result {
            Ok(()) => {
                debug!(hook = self.name, event.kind = message.event.kind, "told");
                means.metrics.count(&self.name, "delivered", 1);
            }
            Err(failure) => {
                let (kind, text) = (&message.event.kind, &message.event.text);
                warn!(
                    hook = self.name,
                    event.kind = kind,
                    event.text = text,
                    reason = failure.text,
                    "an event was not told"
                );
                means.metrics.count(&self.name, "failed", 1);
            }
        }
    }

    fn post(&self, message: &Message, delivery: String) -> Result<Post, Failure> {
        let body = match &self.action {
            Action::Web(web) => web.body.as_ref().map(|body| body.render(message)),
            Action::Run(_) => None,
        };
        let body = body.unwrap_or_else(|| Ok(message.json()));
        let body = body.map_err(|error| Failure::for_good(format!("its body cannot be made: {error}")))?;
        Ok(Post { body, delivery })
    }

    async fn deliver(&self, message: &Message, post: &Post, means: &Means) -> Result<(), Failure> {
        let patience = self.patience;
        let mut pause = patience.pause;
        for attempt in 1.. {
            let once = async {
                match &self.action {
                    Action::Web(web) => web.send(post, means.clock.now().wall).await,
                    Action::Run(program) => program.run(message).await,
                }
            };
            let ended = tokio::time::timeout(patience.timeout, once).await;
            let failure = match (ended, &self.action) {
                (Ok(Ok(())), _) => return Ok(()),
                (Ok(Err(failure)), _) => failure,
                (Err(_late), Action::Web(_)) => Failure::again(late(patience.timeout)),
                (Err(_late), Action::Run(_)) => Failure::for_good(late(patience.timeout)),
            };
            if !failure.may_help_again || attempt >= patience.attempts {
                return Err(failure);
            }
            debug!(hook = self.name, reason = failure.text, attempt, "an event is told again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }
}

fn late(timeout: Duration) -> String {
    format!("not done within {} s", timeout.as_secs_f64())
}
