//! Logs to standard error, as text or JSON.
//!
//! **Invariant:** no thread that logs waits for standard error; see [`writer`].

mod format;
pub mod metrics;
mod writer;

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write};
use std::panic;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::{Subscriber, error};
use tracing_appender::non_blocking::ErrorCounter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

pub use format::Format;
use format::JournalLayout;
use writer::{QUEUE, Queue, Thread};

/// What is logged, and how (`--log`, `--log-format`).
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Directives such as `info` or `warn,understudy::probe=debug`; nothing for [`DEFAULT_FILTER`].
    pub filter: Option<String>,
    /// The format; nothing for text.
    pub format: Option<Format>,
    /// Whether text has colours; nothing for what suits standard error.
    pub colour: Option<bool>,
}

/// The running log; its volume can be changed.
#[derive(Clone, Debug)]
pub struct Logging {
    handle: reload::Handle<EnvFilter, Registry>,
    filter: String,
    output: Output,
    format: Format,
    /// Ends last: what waits is written then.
    last: Arc<Last>,
}

/// Why logs cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("`{filter}` is no log filter; one is such as `info` or `warn,understudy::probe=debug`")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong.
        source: ParseError,
    },
    /// Logs were started before.
    #[error("the log is already running")]
    Running(#[from] TryInitError),
}

/// Starts the log of the process; panics are logged from then on. Lines wait until [`Logging::begin`].
///
/// # Errors
/// If the filter cannot be read, or a log was started before.
pub fn start(options: &Options) -> Result<Logging, LogError> {
    let terminal = io::stderr().is_terminal();
    let format = match options.format {
        Some(Format::Text) | None => Format::of_standard_error(),
        Some(format) => format,
    };
    let filter = whole_filter(options.filter.as_deref().unwrap_or(DEFAULT_FILTER));
    let output = Output { held: Arc::new(Mutex::new(Some(Lines::default()))), terminal, queue: Arc::default() };
    let writer = output.clone();
    let (subscriber, logging) =
        prepare(&filter, format, options.colour.unwrap_or(terminal), output, move || writer.clone())?;
    subscriber.try_init()?;
    // The hook of the standard library writes to standard error itself, and would wait for it.
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
        error!(place, "panicked: {}", message.unwrap_or("no message"));
    }));
    Ok(logging)
}

/// Returns how many lines of this process's log were dropped because standard error did not take them.
pub fn dropped() -> u64 {
    DROPPED.get().map_or(0, |dropped| u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX))
}

/// The counter of the process's only log.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

fn prepare<W>(
    filter: &str,
    format: Format,
    colour: bool,
    output: Output,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Logging), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (layer, handle) = reload::Layer::new(parse(filter)?);
    let lines = fmt::layer().with_writer(writer).with_ansi(colour);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Journal => lines.with_ansi(false).event_format(JournalLayout::new()).boxed(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).with_current_span(false).boxed(),
    };
    let last = Arc::new(Last { output: output.clone(), thread: OnceLock::new() });
    let logging = Logging { handle, filter: filter.to_owned(), output, format, last };
    Ok((tracing_subscriber::registry().with(layer).with(lines), logging))
}

impl Logging {
    /// Starts the thread that writes, and hands it what waits. A thread has the rights of who starts it, so this comes when
    /// the process has given up its own.
    pub fn begin(&self) {
        let (queue, thread) = Queue::start(io::stderr(), self.format, QUEUE);
        let dropped = queue.dropped();
        // Only the first call of the only log of a process gets further.
        if self.output.queue.set(queue).is_err() {
            return;
        }
        let (_first, _only) = (DROPPED.set(dropped), self.last.thread.set(thread));
        drop(Held(self.output.clone()));
    }

    /// Logs warnings and errors only, while the live table has the terminal; or all again.
    pub fn quieten(&self, quiet: bool) {
        // Both filters were read before, or are a constant.
        let Ok(filter) = parse(if quiet { QUIET_FILTER } else { &self.filter }) else { return };
        // It fails only when the log itself is gone.
        let _gone = self.handle.reload(filter);
    }

    /// Holds lines back while something is drawn on the terminal, for whoever draws to print them at their place.
    /// Where standard error is no terminal they go on as before.
    pub fn hold(&self) -> Held {
        if self.output.terminal {
            *self.output.lock() = Some(Lines::default());
        }
        Held(self.output.clone())
    }
}

/// Lines held back; when it is dropped, those that nobody took are printed, and the log goes on as before.
#[derive(Debug)]
pub struct Held(Output);

impl Held {
    /// Takes the lines that came since the last call, each with its end.
    pub fn take(&self) -> Vec<String> {
        let taken = self.0.lock().as_mut().map(std::mem::take);
        taken.map(Lines::tell).unwrap_or_default()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let left = self.0.lock().take().map(Lines::tell).unwrap_or_default();
        for line in left {
            // The queue takes it or counts it.
            let _queued = self.0.write_all(line.as_bytes());
        }
    }
}

/// Where lines go: to standard error, or into the hands of whoever draws there.
#[derive(Clone, Debug)]
struct Output {
    held: Arc<Mutex<Option<Lines>>>,
    terminal: bool,
    /// Nothing until the thread that writes is there: so long lines are held.
    queue: Arc<OnceLock<Queue>>,
}

/// The end of a log.
#[derive(Debug)]
struct Last {
    output: Output,
    thread: OnceLock<Thread>,
}

impl Drop for Last {
    /// Writes what waits for a thread that was never started: the process ends before it was.
    fn drop(&mut self) {
        if self.thread.get().is_some() {
            return;
        }
        let left = self.output.lock().take().map(Lines::tell).unwrap_or_default();
        // There is nobody left to tell that it fails.
        let _written = io::stderr().write_all(left.concat().as_bytes());
    }
}

/// Lines that wait: at most [`MAX_HELD`], the oldest make way and are counted.
#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<String>,
    lost: usize,
}

impl Output {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Lines>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Output {
    /// Takes one line: the subscriber writes each at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(held) = &mut *self.lock() {
            held.push(String::from_utf8_lossy(bytes).into_owned());
            return Ok(bytes.len());
        }
        match self.queue.get() {
            Some(queue) => queue.clone().write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn push(&mut self, line: String) {
        if self.lines.len() == MAX_HELD {
            self.lines.pop_front();
            self.lost += 1;
        }
        self.lines.push_back(line);
    }

    fn tell(self) -> Vec<String> {
        let lost = (self.lost > 0).then(|| format!("({} lines were too many to be shown)\n", self.lost));
        lost.into_iter().chain(self.lines).collect()
    }
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(filter).map_err(|source| LogError::Filter { filter: filter.to_owned(), source })
}

/// Lets a level alone mean this program: its libraries log no more than warnings.
fn whole_filter(filter: &str) -> String {
    match filter {
        "info" | "debug" | "trace" => format!("warn,understudy={filter}"),
        other => other.to_owned(),
    }
}

/// What is logged unless told otherwise.
pub const DEFAULT_FILTER: &str = "info";
const QUIET_FILTER: &str = "warn";
/// How many lines wait for whoever draws: it takes them at least once a second.
const MAX_HELD: usize = 200;

#[cfg(test)]
mod tests {
    use tracing::{info, subscriber, warn};

    use super::*;

    #[test]
    fn json_has_the_fields_at_the_top() {
        let output = Buffer::default();
        let (log, _logging) = prepare(DEFAULT_FILTER, Format::Json, false, direct(), output.writer()).unwrap();
        subscriber::with_default(log, || info!(zone.serial = 7, "zone changed"));
        let line: serde_json::Value = serde_json::from_str(&output.text()).unwrap();
        assert_eq!((&line["zone.serial"], &line["level"]), (&7.into(), &"INFO".into()));
        assert_eq!(line["message"], "zone changed");
    }

    #[test]
    fn quiet_is_warnings_only_until_it_ends() {
        let output = Buffer::default();
        let (log, logging) = prepare(DEFAULT_FILTER, Format::Text, false, direct(), output.writer()).unwrap();
        subscriber::with_default(log, || {
            logging.quieten(true);
            info!("one");
            warn!("two");
            logging.quieten(false);
            info!("three");
        });
        let text = output.text();
        assert!(!text.contains("one") && text.contains("two") && text.contains("three"), "{text}");
    }

    #[test]
    fn lines_are_held_back_from_a_terminal_and_taken_in_their_order() {
        let output = Output { terminal: true, ..direct() };
        let mut writer = output.clone();
        let (_log, logging) = prepare(DEFAULT_FILTER, Format::Text, false, output, io::sink).unwrap();
        let held = logging.hold();
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        assert_eq!(held.take(), ["one\n", "two\n"]);
        for number in 0..=MAX_HELD {
            writer.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        let lines = held.take();
        assert_eq!((lines.len(), lines[0].as_str()), (MAX_HELD + 1, "(1 lines were too many to be shown)\n"));
        assert_eq!((lines[1].as_str(), held.take().len()), ("1\n", 0));
    }

    fn direct() -> Output {
        let queue = Arc::new(OnceLock::from(Queue::start(io::sink(), Format::Text, 1).0));
        Output { held: Arc::default(), terminal: false, queue }
    }

    #[test]
    fn the_journal_gets_priorities_and_no_times() {
        let output = Buffer::default();
        let (log, _logging) = prepare("debug", Format::Journal, true, direct(), output.writer()).unwrap();
        subscriber::with_default(log, || {
            warn!(host = "a", "down");
            info!("up");
        });
        let text = output.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("<4> WARN understudy::daemon::logging::tests: down host=\"a\""), "{text}");
        assert!(lines[1].starts_with("<6> INFO "), "{text}");
    }

    #[test]
    fn a_level_alone_is_that_of_this_program() {
        assert_eq!(whole_filter("debug"), "warn,understudy=debug");
        assert_eq!((whole_filter("error"), whole_filter("a=debug")), ("error".to_owned(), "a=debug".to_owned()));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_an_error() {
        let error = prepare("understudy=loud", Format::Text, false, direct(), io::sink).map(drop).unwrap_err();
        assert!(error.to_string().starts_with("`understudy=loud` is no log filter"));
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!("xml".parse::<Format>().is_err());
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
            let output = self.clone();
            move || output.clone()
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
