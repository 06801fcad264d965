//! `serve`: runs the server until SIGTERM.

use std::process::ExitCode;

use tracing::{info, warn};

use crate::admin::api::ReloadRequest;
use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::{Input, Running, SocketChoice, Workers};
use crate::daemon::logging::{self, Format, Logging};
use crate::daemon::signals::{Signal, Signals};
use crate::daemon::{Daemon, Ports, privileges};

use super::args::{LogFormat, Serve};
use super::line::Line;
use super::live::{Key, Keyboard, Screen, can_draw};
use super::paint::Tone;
use super::{START, USAGE, input, paint};

/// Runs the command.
pub(super) fn run(args: &Serve) -> ExitCode {
    let format = args.log_format.map(|format| match format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    });
    let logging = match logging::start(&logging::Options { filter: args.log.clone(), format, colour: paint::chosen() })
    {
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
        admin_socket: args.admin_socket.clone().map(SocketChoice::from),
        fixed: args.fixed,
        ..Input::default()
    };
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            input::tell(&[Finding::error("signals", format!("signals cannot be heard: {error}"))], Severity::Error);
            return ExitCode::from(START);
        }
    };
    let (running, ports) = match prepare(from.clone(), &mut signals) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    logging.begin();
    let runtime = match runtime(running.server.workers) {
        Ok(runtime) => runtime,
        Err(error) => return no_threads(&error),
    };
    let table = !args.no_table && can_draw();
    if table {
        logging.quieten(true);
    }
    let code = runtime.block_on(serve((running, ports), from, &mut signals, &logging, table));
    // A file that is still being read for a reload holds nothing up.
    runtime.shutdown_background();
    code
}

/// Makes the runtime on which everything runs.
pub(super) fn runtime(workers: Workers) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers.count().get());
    builder.enable_all().thread_name("understudy").build()
}

/// Does what only a privileged user may do, and becomes the one that the config names. The threads that the rest runs on are
/// started after that.
fn prepare(from: Input, signals: &mut Signals) -> Result<(Running, Ports), ExitCode> {
    let refuse = |finding: &Finding| {
        input::tell(std::slice::from_ref(finding), Severity::Error);
        ExitCode::from(START)
    };
    let running = load(from, signals)?;
    let ports = Ports::bind(&running.server).map_err(|error| refuse(&error.finding()))?;
    privileges::give_up(&running, signals).map_err(|error| refuse(&error.finding()))?;
    Ok((running, ports))
}

/// Reads config and zones, unless it is asked to end before.
fn load(from: Input, signals: &mut Signals) -> Result<Running, ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| no_threads(&error))?;
    let running = runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.drain() => Err(ended_early()),
            running = tokio::task::spawn_blocking(move || input::load(&from)) => {
                running.unwrap_or_else(|_| Err(ExitCode::from(START)))
            }
        }
    });
    match running {
        // Its thread is idle: it ends before the process gives up its rights, which each thread has to.
        Ok(_) => runtime.shutdown_timeout(THREAD_TIMEOUT),
        // A file that is still being read holds nothing up.
        Err(_) => runtime.shutdown_background(),
    }
    running
}

fn no_threads(error: &std::io::Error) -> ExitCode {
    input::tell(&[Finding::error("runtime", format!("no threads: {error}"))], Severity::Error);
    ExitCode::from(START)
}

fn ended_early() -> ExitCode {
    info!("asked to end before it was started");
    ExitCode::SUCCESS
}

async fn serve(
    (running, ports): (Running, Ports),
    from: Input,
    signals: &mut Signals,
    logging: &Logging,
    table: bool,
) -> ExitCode {
    let clock = Clock::start();
    let read = input::reader(from, &running);
    let started = tokio::select! {
        biased;
        () = signals.drain() => return ended_early(),
        started = Daemon::start(running, ports, read.clone(), clock) => started,
    };
    let daemon = match started {
        Ok(daemon) => daemon,
        Err(error) => {
            input::tell(&[error.finding()], Severity::Error);
            return ExitCode::from(START);
        }
    };
    let mut keyboard = table.then(Keyboard::take).transpose().ok().flatten().flatten();
    let footer = keyboard.as_ref().map(|_| Line::of(Tone::Bold, "[q]").plain(" quit"));
    let screen =
        match table.then(|| Screen::open(&daemon, logging, move || footer.iter().cloned().collect())).transpose() {
            Ok(screen) => screen,
            Err(error) => {
                logging.quieten(false);
                warn!(%error, "no thread for the table");
                None
            }
        };
    while let Some(wanted) = next(&daemon, signals, keyboard.as_mut()).await {
        tokio::select! {
            biased;
            () = signals.drain() => break,
            result = daemon.reload(&read) => {
                if let Wanted::ByApi(ReloadRequest(reply)) = wanted {
                    // Who asked may be gone.
                    drop(reply.send(result));
                }
            }
        }
    }
    info!("draining");
    if let Some(screen) = screen {
        screen.close().await;
    }
    drop(keyboard);
    tokio::select! {
        biased;
        () = daemon.stop() => ExitCode::SUCCESS,
        () = signals.drain() => { info!("asked again: ending at once"); ExitCode::SUCCESS }
    }
}

/// Who wants a reload.
enum Wanted {
    /// A signal, or a zone that came from a primary.
    Anyway,
    /// A client of the API, who waits for the result.
    ByApi(ReloadRequest),
}

/// Waits for a signal, a key, a zone from a primary or a client of the API; nothing: the end is wanted.
async fn next(daemon: &Daemon, signals: &mut Signals, keyboard: Option<&mut Keyboard>) -> Option<Wanted> {
    let quit = async {
        match keyboard {
            Some(keyboard) => while keyboard.next().await != Key::Quit {},
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        signal = signals.next() => (signal == Signal::Reload).then_some(Wanted::Anyway),
        () = quit => None,
        () = daemon.zones_came() => Some(Wanted::Anyway),
        request = daemon.reload_wanted() => Some(Wanted::ByApi(request)),
    }
}

/// How long the thread that has read the files may take to end.
const THREAD_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
