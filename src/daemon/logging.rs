//! Logs: to standard error, text for people, JSON for machines.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people, coloured on a terminal.
    Text,
    /// A JSON object a line.
    Json,
}

/// What is logged, and how (`--log`, `--log-format`).
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Directives such as `info` or `warn,understudy::probe=debug`; nothing for [`DEFAULT_FILTER`].
    pub filter: Option<String>,
    /// The format; nothing for text if standard error is a terminal, else JSON.
    pub format: Option<Format>,
}

/// The running log; its volume can be changed.
#[derive(Clone, Debug)]
pub struct Logging {
    handle: reload::Handle<EnvFilter, Registry>,
    filter: String,
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

/// Starts the log of the process.
///
/// # Errors
/// If the filter cannot be read, or a log was started before.
pub fn start(options: &Options) -> Result<Logging, LogError> {
    let terminal = std::io::stderr().is_terminal();
    let format = options.format.unwrap_or(if terminal { Format::Text } else { Format::Json });
    let filter = options.filter.as_deref().unwrap_or(DEFAULT_FILTER);
    let (subscriber, logging) = prepare(filter, format, terminal, std::io::stderr)?;
    subscriber.try_init()?;
    Ok(logging)
}

fn prepare<W>(
    filter: &str,
    format: Format,
    colour: bool,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Logging), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (layer, handle) = reload::Layer::new(parse(filter)?);
    let lines = fmt::layer().with_writer(writer).with_ansi(colour);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).with_current_span(false).boxed(),
    };
    let logging = Logging { handle, filter: filter.to_owned() };
    Ok((tracing_subscriber::registry().with(layer).with(lines), logging))
}

impl Logging {
    /// Logs warnings and errors only, while the live table has the terminal; or all again.
    pub fn quieten(&self, quiet: bool) {
        // Both filters were read before, or are a constant.
        let Ok(filter) = parse(if quiet { QUIET_FILTER } else { &self.filter }) else { return };
        // It fails only when the log itself is gone.
        let _gone = self.handle.reload(filter);
    }
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(filter).map_err(|source| LogError::Filter { filter: filter.to_owned(), source })
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

/// What is logged unless told otherwise. hickory logs each request at info.
pub const DEFAULT_FILTER: &str = "info,hickory_server=warn,hickory_proto=warn,hickory_net=warn";
const QUIET_FILTER: &str = "warn";

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::{info, subscriber, warn};

    use super::*;

    #[test]
    fn json_has_the_fields_at_the_top() {
        let output = Output::default();
        let (log, _logging) = prepare(DEFAULT_FILTER, Format::Json, false, output.writer()).unwrap();
        subscriber::with_default(log, || info!(zone.serial = 7, "zone changed"));
        let line: serde_json::Value = serde_json::from_str(&output.text()).unwrap();
        assert_eq!((&line["zone.serial"], &line["level"]), (&7.into(), &"INFO".into()));
        assert_eq!(line["message"], "zone changed");
    }

    #[test]
    fn quiet_is_warnings_only_until_it_ends() {
        let output = Output::default();
        let (log, logging) = prepare(DEFAULT_FILTER, Format::Text, false, output.writer()).unwrap();
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
    fn a_filter_that_cannot_be_read_is_an_error() {
        let error = prepare("understudy=loud", Format::Text, false, std::io::sink).map(drop).unwrap_err();
        assert!(error.to_string().starts_with("`understudy=loud` is no log filter"));
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!("xml".parse::<Format>().is_err());
    }

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Output {
        fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
            let output = self.clone();
            move || output.clone()
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
