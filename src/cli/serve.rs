//! `serve`: runs the server until SIGTERM.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing::{info, warn};

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::{Input, Running, Workers};
use crate::daemon::Daemon;
use crate::daemon::logging::{self, Format, Logging};
use crate::daemon::signals::{Signal, Signals};

use super::args::{LogFormat, Serve};
use super::live::Screen;
use super::{START, USAGE, input};

/// Runs the command.
pub(super) fn run(args: &Serve) -> ExitCode {
    let format = args.log_format.map(|format| match format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    });
    let logging = match logging::start(&logging::Options { filter: args.log.clone(), format }) {
        Ok(logging) => logging,
        Err(error) => {
            input::tell(&[Finding::error("log", error.to_string())], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let from = Input {
        files: args.sources.files.clone(),
        listen: args.listen.clone(),
        state: input::state_choice(args.state.state.as_ref()),
        fixed: args.fixed,
        ..Input::default()
    };
    let running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return code,
    };
    let runtime = match runtime(running.server.workers) {
        Ok(runtime) => runtime,
        Err(error) => {
            input::tell(&[Finding::error("runtime", format!("no threads: {error}"))], Severity::Error);
            return ExitCode::from(START);
        }
    };
    let table = !args.no_table && std::io::stdout().is_terminal();
    if table {
        logging.quieten(true);
    }
    runtime.block_on(serve(running, from, &logging, table))
}

/// Makes the runtime on which everything runs.
pub(super) fn runtime(workers: Workers) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Workers::Count(count) = workers {
        builder.worker_threads(count.get());
    }
    builder.enable_all().thread_name("understudy").build()
}

async fn serve(running: Running, from: Input, logging: &Logging, table: bool) -> ExitCode {
    let clock = Clock::start();
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            input::tell(&[Finding::error("signals", format!("signals cannot be heard: {error}"))], Severity::Error);
            return ExitCode::from(START);
        }
    };
    let read = input::reader(from, &running);
    let daemon = match Daemon::start(running, read.clone(), clock).await {
        Ok(daemon) => daemon,
        Err(error) => {
            input::tell(&[error.finding()], Severity::Error);
            return ExitCode::from(START);
        }
    };
    let screen = match table.then(|| Screen::open(&daemon, logging, Vec::new)).transpose() {
        Ok(screen) => screen,
        Err(error) => {
            logging.quieten(false);
            warn!(%error, "no thread for the table");
            None
        }
    };
    while signals.next().await == Signal::Reload {
        daemon.reload(&read).await;
    }
    info!("draining");
    if let Some(screen) = screen {
        screen.close().await;
    }
    tokio::select! {
        biased;
        () = daemon.stop() => ExitCode::SUCCESS,
        signal = again(&mut signals) => { info!(?signal, "asked again: ending at once"); ExitCode::SUCCESS }
    }
}

/// Waits for a second wish to end.
async fn again(signals: &mut Signals) -> Signal {
    loop {
        let signal = signals.next().await;
        if signal == Signal::Drain {
            return signal;
        }
    }
}
