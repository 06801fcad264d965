//! Writes to standard error from a separate thread, behind a bounded queue: logging never blocks on the reader.
//!
//! ```text
//!  a thread that logs ── line ──▶ queue of QUEUE lines ──▶ writer's thread ──▶ standard error
//!                          └─ full: dropped and counted; told as soon as a line gets through again
//! ```

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer as Text;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use super::Format;

/// The queue's end that takes lines; writing to it never blocks. Clones share the queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lines: NonBlocking,
}

/// The thread that writes; dropping this waits until it has written what waits, for a second at most.
#[derive(Debug)]
pub(super) struct Thread {
    _guard: WorkerGuard,
}

impl Queue {
    /// Starts the thread that writes to `sink`, at most `length` lines behind.
    pub(super) fn start(sink: impl Write + Send + 'static, format: Format, length: usize) -> (Self, Thread) {
        let dropped = Arc::new(OnceLock::new());
        let writer = Writer { sink, format, dropped: Arc::clone(&dropped), told: 0 };
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(length).thread_name("log");
        let (lines, thread) = builder.finish(writer);
        // It is empty: nobody else sets it.
        let _first = dropped.set(lines.error_counter());
        (Self { lines }, Thread { _guard: thread })
    }

    /// Returns the counter of lines that were dropped because the queue was full.
    pub(super) fn dropped(&self) -> ErrorCounter {
        self.lines.error_counter()
    }
}

impl Write for Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

/// What the thread writes with: it says how many lines were dropped before the next one.
struct Writer<W> {
    sink: W,
    format: Format,
    dropped: Arc<OnceLock<ErrorCounter>>,
    told: usize,
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if dropped > self.told {
            let line = gap(self.format, dropped - self.told);
            self.told = dropped;
            self.sink.write_all(line.as_bytes())?;
        }
        self.sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Makes the line that stands where `lines` are missing.
fn gap(format: Format, lines: usize) -> String {
    let mut time = String::new();
    // A time that cannot be written is left out.
    let _unwritten = SystemTime.format_time(&mut Text::new(&mut time));
    match format {
        Format::Journal => format!("<4> WARN understudy::daemon::logging: log lines dropped lines={lines}\n"),
        Format::Text => format!("{time}  WARN understudy::daemon::logging: log lines dropped lines={lines}\n"),
        Format::Json => {
            let line = serde_json::json!({
                "timestamp": time, "level": "WARN", "message": "log lines dropped", "lines": lines,
                "target": "understudy::daemon::logging",
            });
            format!("{line}\n")
        }
    }
}

/// How many lines wait for standard error: some megabytes at most, a second of a busy query log.
pub(super) const QUEUE: usize = 8_192;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    #[test]
    fn a_sink_that_blocks_costs_lines_never_time_and_the_loss_is_told() {
        let (sink, gate, lines) = Gated::new();
        let (mut queue, thread) = Queue::start(sink, Format::Text, 4);
        // Four wait, and one more if the thread has taken the first already; the rest is dropped.
        for number in 0..100 {
            queue.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        let dropped = queue.dropped().dropped_lines();
        assert!((95..=96).contains(&dropped), "{dropped}");
        drop((gate, queue, thread));
        let (told, written): (Vec<String>, Vec<String>) =
            lines.iter().partition(|line| line.contains("log lines dropped"));
        // If the thread begins while lines are being lost, it tells of them in two pieces.
        let told = told.iter().map(|line| line.trim_end().rsplit('=').next().unwrap().parse::<usize>().unwrap());
        assert_eq!((told.sum::<usize>(), written.len()), (dropped, 100 - dropped), "{written:?}");
    }

    #[test]
    fn what_waits_is_written_when_the_log_ends() {
        let (sink, gate, lines) = Gated::new();
        let (mut queue, thread) = Queue::start(sink, Format::Text, 4);
        let _in_the_subscriber = queue.clone();
        queue.write_all(b"one\n").unwrap();
        queue.write_all(b"two\n").unwrap();
        drop(gate);
        drop(thread);
        assert_eq!(lines.try_iter().collect::<String>(), "one\ntwo\n");
    }

    #[test]
    fn the_line_about_a_gap_has_the_format_of_the_log() {
        assert!(gap(Format::Text, 3).ends_with("WARN understudy::daemon::logging: log lines dropped lines=3\n"));
        let line: serde_json::Value = serde_json::from_str(&gap(Format::Json, 3)).unwrap();
        assert_eq!((&line["lines"], &line["level"]), (&3.into(), &"WARN".into()));
    }

    /// A sink that blocks until the gate is dropped.
    struct Gated {
        gate: Receiver<()>,
        lines: Sender<String>,
    }

    impl Gated {
        fn new() -> (Self, Sender<()>, Receiver<String>) {
            let (open, gate) = channel();
            let (lines, taken) = channel();
            (Self { gate, lines }, open, taken)
        }
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // It ends with the sender: nothing is ever sent.
            let _open = self.gate.recv();
            // A test that has ended reads no more.
            let _gone = self.lines.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
