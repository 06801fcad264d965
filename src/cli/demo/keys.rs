//! The demo with a keyboard: keys stop and start the stand-ins, the live table shows what follows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use tokio::sync::mpsc;

use crate::cli::input;
use crate::cli::paint::Paint;
use crate::cli::screen::Screen;
use crate::daemon::Daemon;

use super::stand_in::StandIn;

/// Runs until `q`.
///
/// # Errors
/// If the terminal cannot be read or a stand-in cannot start.
pub(super) async fn play(daemon: &Daemon, server: SocketAddr, mut stand_ins: [StandIn; 3]) -> std::io::Result<()> {
    input::print(&format!("{}\n", super::welcome(server)));
    let raw = Raw::enter()?;
    let footer = Arc::new(Mutex::new(footer(&stand_ins, None)));
    let shown = Arc::clone(&footer);
    let screen = Screen::open(daemon, move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let mut keys = read_keys();
    while let Some(key) = keys.recv().await {
        let mut trouble = None;
        match key {
            Key::Quit => break,
            Key::Toggle(number) => {
                if let Some(stand_in) = stand_ins.get_mut(number) {
                    if stand_in.is_running() {
                        stand_in.stop();
                    } else {
                        trouble = stand_in.start().await.err();
                    }
                }
            }
        }
        *footer.lock().unwrap_or_else(PoisonError::into_inner) = self::footer(&stand_ins, trouble);
    }
    screen.close().await;
    drop(raw);
    Ok(())
}

enum Key {
    Toggle(usize),
    Quit,
}

/// Reads keys on a thread of its own, as the terminal is read by blocking.
fn read_keys() -> mpsc::Receiver<Key> {
    let (sender, keys) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let Event::Key(key) = event else { continue };
            if key.kind != KeyEventKind::Press {
                continue;
            }
            let quits = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
            let key = match key.code {
                _ if quits => Key::Quit,
                KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
                KeyCode::Char('1') => Key::Toggle(0),
                KeyCode::Char('2') => Key::Toggle(1),
                KeyCode::Char('3') => Key::Toggle(2),
                _ => continue,
            };
            if sender.blocking_send(key).is_err() {
                return;
            }
        }
    });
    keys
}

fn footer(stand_ins: &[StandIn; 3], trouble: Option<std::io::Error>) -> Vec<String> {
    let paint = Paint::stdout();
    let key = |(number, stand_in): (usize, &StandIn)| {
        let (verb, name) = (if stand_in.is_running() { "stop" } else { "start" }, stand_in.name);
        format!("{} {verb} {name}", paint.bold(format!("[{}]", number + 1)))
    };
    let mut keys: Vec<String> = stand_ins.iter().enumerate().map(key).collect();
    keys.push(format!("{} quit", paint.bold("[q]")));
    let mut lines = vec![String::new(), keys.join("   ")];
    lines.extend(trouble.map(|error| paint.bad(error)));
    lines
}

/// The terminal in raw mode; as it was when dropped.
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Self> {
        terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _gone = terminal::disable_raw_mode();
    }
}
