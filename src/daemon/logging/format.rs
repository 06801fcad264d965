//! The log formats: text, or JSON.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::str::FromStr;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format as Layout, FormatEvent, FormatFields, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, format};
use tracing_subscriber::registry::LookupSpan;

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people, coloured on a terminal.
    Text,
    /// The same for the journal of systemd, which has times of its own: with a priority in front, as in `<4>`.
    Journal,
    /// A JSON object a line.
    Json,
}

impl Format {
    /// Returns the format for standard error unless told otherwise: text, with priorities if the journal reads it.
    pub fn of_standard_error() -> Self {
        if is_journal() { Self::Journal } else { Self::Text }
    }
}

/// Returns whether standard error is the journal: systemd names the stream's device and inode (systemd.exec(5)).
fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let own = std::fs::metadata("/proc/self/fd/2");
    own.is_ok_and(|own| stream == format!("{}:{}", own.dev(), own.ino()))
}

/// Writes events for the journal.
pub(super) struct JournalLayout(Layout<Full, ()>);

impl JournalLayout {
    pub(super) fn new() -> Self {
        Self(format().without_time().with_level(true).with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for JournalLayout
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// Returns the priority of syslog (RFC 5424 §6.2.1) of a level.
const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

impl FromStr for Format {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("a log format is `text` or `json`"),
        }
    }
}
