//! What the system asks of the process.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: stop accepting, drain, exit. Asked a second time, it means at once.
    Drain,
    /// SIGHUP: read config and zones again.
    Reload,
}

/// The signals of the process, from the moment this was made; before that they have their usual effect.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// Takes over the signals; needs a runtime.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal; several equal ones may come as one.
    ///
    /// # Cancel safety
    /// A dropped future loses no signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Drain,
            _ = self.interrupt.recv() => Signal::Drain,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_reload_from_drain() {
        let mut signals = Signals::listen().unwrap();
        // In one test, as signals go to the whole process.
        for (name, expected) in [("HUP", Signal::Reload), ("TERM", Signal::Drain), ("INT", Signal::Drain)] {
            let pid = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
            assert_eq!(signals.next().await, expected, "{name}");
        }
    }
}
