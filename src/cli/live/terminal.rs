//! Writes to the terminal from a separate thread: a stalled terminal (Ctrl-S, a stalled ssh) blocks only this thread.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::cli::input;

/// Takes pictures and writes them in their order.
pub(super) struct Terminal {
    pictures: mpsc::Sender<String>,
    /// It is dropped when the thread has written all pictures.
    ended: oneshot::Receiver<()>,
}

impl Terminal {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn open() -> io::Result<Self> {
        Self::with(|picture| input::print(&picture))
    }

    fn with(write: impl Fn(String) + Send + 'static) -> io::Result<Self> {
        let (pictures, taken) = mpsc::channel(WAITING);
        let (end, ended) = oneshot::channel();
        let work = move || write_all(taken, &write, end);
        // It ends with the sender; one that is blocked ends with the process.
        let _detached = thread::Builder::new().name("terminal".to_owned()).spawn(work)?;
        Ok(Self { pictures, ended })
    }

    /// Returns the place of the next picture, or nothing while the terminal is too slow for another. Pictures are
    /// written in the order of their places.
    pub(super) fn place(&self) -> Option<mpsc::Permit<'_, String>> {
        self.pictures.try_reserve().ok()
    }

    /// Waits until all is written, for a moment at most.
    pub(super) async fn close(self) {
        drop(self.pictures);
        // A terminal that takes nothing is left as it is.
        let _late = timeout(LAST, self.ended).await;
    }
}

fn write_all(mut pictures: mpsc::Receiver<String>, write: &impl Fn(String), end: oneshot::Sender<()>) {
    while let Some(picture) = pictures.blocking_recv() {
        write(picture);
    }
    drop(end);
}

/// How many pictures wait while one is written.
const WAITING: usize = 1;
/// How long the end of the program waits for the last picture.
const LAST: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_terminal_that_takes_nothing_stops_neither_pictures_nor_the_end() {
        let (open, gate) = channel::<()>();
        let terminal = Terminal::with(move |_| gate.recv().unwrap_or(())).unwrap();
        let shown = (0..100).filter_map(|number| terminal.place().map(|place| place.send(format!("{number}")))).count();
        assert!((1..=2).contains(&shown), "{shown}");
        terminal.close().await;
        drop(open);
    }

    #[tokio::test]
    async fn the_last_picture_is_written_before_the_end() {
        let (sender, written) = channel();
        let terminal = Terminal::with(move |picture| sender.send(picture).unwrap()).unwrap();
        terminal.place().unwrap().send("last".to_owned());
        terminal.close().await;
        assert_eq!(written.try_recv().as_deref(), Ok("last"));
    }
}
