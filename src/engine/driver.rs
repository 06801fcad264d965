//! The task that owns the core: it waits for events and time, and passes effects on.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::base::clock::{Clock, Now};

use super::core::{Core, Event};
use super::effect::Effect;
use super::request::{Kept, Pending, Request};

/// How many messages may wait for the engine. A sender waits when it is full: every message counts.
pub const INBOX: usize = 1_024;

/// What the engine is sent; the order of arrival is history.
#[derive(Debug)]
pub enum Message {
    /// Something happened.
    Event(Event),
    /// A client wants something, and waits for the reply.
    Request(Request),
    /// A test wants the engine to fail.
    #[cfg(test)]
    Fail,
}

/// Carries effects out, in order.
pub trait EffectHandler: Send {
    /// Carries one effect out. It must not wait for the engine.
    fn carry_out(&mut self, effect: Effect) -> impl Future<Output = ()> + Send;

    /// Returns what ends when all that was to be kept so far is on disk. It must not wait for the disk.
    fn kept(&mut self) -> Kept;

    /// Hands on what was put off, and waits for room; if nothing was, it never ends.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again.
    fn catch_up(&mut self) -> impl Future<Output = ()> + Send;

    /// Ends: what was put off is carried out now.
    fn finish(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs the core until `shutdown`, then lets it keep what the next run wants to know.
///
/// Biased: shutdown first, then time, then what waits for room, then the inbox. A reply goes out when the effects of its
/// request are carried out.
pub async fn drive<O: EffectHandler>(
    mut core: Core,
    clock: Clock,
    inbox: &mut mpsc::Receiver<Message>,
    mut handler: O,
    shutdown: CancellationToken,
) {
    let mut pending: Vec<Pending> = Vec::new();
    loop {
        while let Some(effect) = core.poll_effect() {
            handler.carry_out(effect).await;
        }
        for reply in pending.drain(..) {
            reply(handler.kept());
        }
        let due = core.poll_timeout().map(|at| clock.instant(at));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = until(due) => core.handle_timeout(clock.now()),
            () = handler.catch_up() => {}
            message = inbox.recv() => match message {
                Some(message) => {
                    pending.extend(take(&mut core, message, clock.now()));
                    // What waits already shares the next generation: of a host that died, all targets fail at once, and
                    // a second publication would have to keep its distance.
                    for message in std::iter::from_fn(|| inbox.try_recv().ok()).take(BATCH) {
                        pending.extend(take(&mut core, message, clock.now()));
                    }
                }
                None => break,
            },
        }
        if core.poll_timeout().is_some_and(|at| at <= clock.now().mono) {
            core.handle_timeout(clock.now());
        }
    }
    core.handle(Event::Stop, clock.now());
    while let Some(effect) = core.poll_effect() {
        handler.carry_out(effect).await;
    }
    handler.finish().await;
}

fn take(core: &mut Core, message: Message, now: Now) -> Option<Pending> {
    match message {
        Message::Event(event) => {
            core.handle(event, now);
            None
        }
        Message::Request(request) => request.apply(core, now),
        #[cfg(test)]
        #[expect(clippy::panic, reason = "on purpose")]
        Message::Fail => panic!("on purpose"),
    }
}

/// How many messages are taken in before what they change is published.
const BATCH: usize = 64;

/// Waits until `due`; for ever if there is nothing due.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
