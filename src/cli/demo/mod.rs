//! `demo`: a failover on this machine, for new users. Dummy targets on loopback, the SIP zone, and a real server.

mod ask;
mod keys;
mod script;
mod service;
mod stand_in;

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::{Input, StateChoice, Workers};
use crate::daemon::logging::{self, Logging};
use crate::daemon::signals::Signals;
use crate::daemon::{Daemon, Ports};

use super::args::Demo;
use super::live::can_draw;
use super::{FINDINGS, START, input, serve};
use service::welcome;
use stand_in::StandIn;

const ZONE: &str = include_str!("demo.zone");
const CONFIG: &str = include_str!("demo.toml");

/// Runs the command.
pub(super) fn run(args: &Demo) -> ExitCode {
    // The alarm of a service that is all down is part of the play.
    let options = logging::Options {
        filter: Some("warn,understudy::daemon::effects=off".to_owned()),
        format: None,
        colour: None,
    };
    let logging = match logging::start(&options) {
        Ok(logging) => {
            logging.begin();
            logging
        }
        Err(error) => return refuse(&Finding::error("log", error.to_string())),
    };
    let runtime = match serve::runtime(Workers::Auto) {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&Finding::error("runtime", format!("no threads: {error}"))),
    };
    let folder = match Folder::make() {
        Ok(folder) => folder,
        Err(error) => return refuse(&Finding::error("demo-folder", format!("no folder for the demo: {error}"))),
    };
    runtime.block_on(show(args, &logging, &folder))
}

async fn show(args: &Demo, logging: &Logging, folder: &Folder) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return refuse(&Finding::error("signals", format!("signals cannot be heard: {error}"))),
    };
    let mut stand_ins = stand_ins();
    for stand_in in &mut stand_ins {
        if let Err(error) = stand_in.start().await {
            let finding = Finding::error("demo-port", error.to_string());
            return refuse(&finding.help("stop what listens there, such as another demo: its zone names these ports"));
        }
    }
    let from = Input {
        files: vec![folder.0.join("understudy.toml")],
        listen: vec![args.listen],
        state: Some(StateChoice::Nothing),
        ..Input::default()
    };
    let running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return code,
    };
    let read = input::reader(from, &running);
    let ports = match Ports::bind(&running.server) {
        Ok(ports) => ports,
        Err(error) => return refuse(&elsewhere(error.finding(), args)),
    };
    let daemon = match Daemon::start(running, ports, read, Clock::start()).await {
        Ok(daemon) => daemon,
        Err(error) => return refuse(&elsewhere(error.finding(), args)),
    };
    let server = daemon.addresses().first().copied().unwrap_or(args.listen);
    daemon.answering().await;
    let keyboard = !args.script && std::io::stdin().is_terminal() && can_draw();
    let played = if keyboard {
        keys::play(&daemon, logging, server, &mut stand_ins, signals.drain()).await.map(|()| true)
    } else {
        input::say(&welcome(server));
        tokio::select! {
            biased;
            () = signals.drain() => Ok(false),
            played = script::play(&daemon, server, &mut stand_ins) => played,
        }
    };
    daemon.stop().await;
    match played {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FINDINGS),
        Err(error) => refuse(&Finding::error("demo", error.to_string())),
    }
}

/// Tells with which option the demo answers somewhere else.
fn elsewhere(finding: Finding, args: &Demo) -> Finding {
    let port = args.listen.port().checked_add(1).unwrap_or(5300);
    let other = SocketAddr::new(args.listen.ip(), port);
    finding.help(format!("stop what answers there, or let the demo answer elsewhere: understudy demo --listen {other}"))
}

fn stand_ins() -> [StandIn; 3] {
    let at = |last, ports: &[u16]| {
        ports.iter().map(|port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), *port))).collect()
    };
    [
        StandIn::new("sip-node1", at(11, &[5060, 5061])),
        StandIn::new("sip-node2", at(12, &[5060])),
        StandIn::new("sip-dr", at(21, &[5060, 5061])),
    ]
}

fn refuse(finding: &Finding) -> ExitCode {
    input::tell(std::slice::from_ref(finding), Severity::Error);
    ExitCode::from(START)
}

/// The folder with the demo's config and zone; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("understudy-demo-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0)?;
        std::fs::write(folder.0.join("example.com.zone"), ZONE)?;
        std::fs::write(folder.0.join("understudy.toml"), CONFIG)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is a few hundred octets in the temporary folder.
        let _kept = std::fs::remove_dir_all(&self.0);
    }
}
