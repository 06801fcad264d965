//! The demo with a keyboard: keys stop and start the dummy targets, the live table shows the effect.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use tokio::sync::mpsc;

use crate::cli::input;
use crate::cli::line::Line;
use crate::cli::live::Screen;
use crate::cli::paint::Tone;
use crate::daemon::Daemon;
use crate::daemon::logging::Logging;

use super::ask;
use super::stand_in::StandIn;

/// Runs until `q`; whoever drops it leaves the terminal as it was.
///
/// # Errors
/// If the terminal cannot be read.
pub(super) async fn play(
    daemon: &Daemon,
    logging: &Logging,
    server: SocketAddr,
    stand_ins: &mut [StandIn; 3],
    quit: impl Future<Output = ()>,
) -> std::io::Result<()> {
    input::print(&format!("{}\n", super::service::welcome(server)));
    let raw = Raw::enter()?;
    let footer = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&footer);
    let screen = Screen::open(daemon, logging, move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
    let mut keys = read_keys();
    let mut quit = std::pin::pin!(quit);
    let mut trouble = None;
    loop {
        let answer = ask::srv(server, super::service::OWNER).await.unwrap_or_default();
        *footer.lock().unwrap_or_else(PoisonError::into_inner) =
            self::footer(stand_ins, server, &answer.lines, trouble.as_ref());
        let key = tokio::select! {
            biased;
            () = &mut quit => break,
            key = keys.recv() => key,
            () = tokio::time::sleep(ASK) => continue,
        };
        match key {
            None | Some(Key::Quit) => break,
            Some(Key::Toggle(number)) => trouble = toggle(stand_ins.get_mut(number)).await.err(),
        }
    }
    screen.close().await;
    drop(raw);
    Ok(())
}

async fn toggle(stand_in: Option<&mut StandIn>) -> std::io::Result<()> {
    match stand_in {
        Some(stand_in) if stand_in.is_running() => {
            stand_in.stop().await;
            Ok(())
        }
        Some(stand_in) => stand_in.start().await,
        None => Ok(()),
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Stop this stand-in if it runs, else start it.
    Toggle(usize),
    /// End.
    Quit,
}

/// Reads keys on a thread of its own, as the terminal is read by blocking.
fn read_keys() -> mpsc::Receiver<Key> {
    let (sender, keys) = mpsc::channel(16);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let Event::Key(key) = event else { continue };
            if let Some(key) = meaning(key)
                && sender.blocking_send(key).is_err()
            {
                return;
            }
        }
    });
    keys
}

fn meaning(key: KeyEvent) -> Option<Key> {
    if key.kind != KeyEventKind::Press {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let KeyCode::Char(letter) = key.code else { return (key.code == KeyCode::Esc).then_some(Key::Quit) };
    match letter {
        'c' | 'd' if control => Some(Key::Quit),
        'q' => Some(Key::Quit),
        '1' => Some(Key::Toggle(0)),
        '2' => Some(Key::Toggle(1)),
        '3' => Some(Key::Toggle(2)),
        _ => None,
    }
}

/// Draws the answer of this moment, and the keys.
fn footer(
    stand_ins: &[StandIn; 3],
    server: SocketAddr,
    answer: &[String],
    trouble: Option<&std::io::Error>,
) -> Vec<Line> {
    let mut lines =
        vec![Line::default(), Line::of(Tone::Dim, format!("$ {} +noall +answer", super::service::dig(server)))];
    lines.extend(answer.iter().map(|record| Line::default().plain(record)));
    let mut keys = Line::default();
    for (number, stand_in) in stand_ins.iter().enumerate() {
        let verb = if stand_in.is_running() { "stop" } else { "start" };
        keys = keys.put(Tone::Bold, format!("[{}]", number + 1)).plain(format!(" {verb} {}   ", stand_in.name));
    }
    lines.push(Line::default());
    lines.push(keys.put(Tone::Bold, "[q]").plain(" quit"));
    lines.extend(trouble.map(|error| Line::of(Tone::Bad, error.to_string())));
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
        // A terminal that is gone needs no fixing.
        let _gone = terminal::disable_raw_mode();
    }
}

/// How often the server is asked for the answer of this moment.
const ASK: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_toggle_and_quit() {
        let plain = |c| meaning(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        assert_eq!(
            [plain('1'), plain('3'), plain('q'), plain('c')],
            [Some(Key::Toggle(0)), Some(Key::Toggle(2)), Some(Key::Quit), None]
        );
        assert_eq!(meaning(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Key::Quit));
    }

    #[test]
    fn the_footer_tells_what_each_key_does() {
        let stand_ins = ["a", "b", "c"].map(|name| StandIn::new(name, Vec::new()));
        let lines = footer(&stand_ins, "127.0.0.1:5300".parse().unwrap(), &["x IN SRV".to_owned()], None);
        let text = crate::cli::line::text(&lines, crate::cli::paint::Paint::new(false));
        assert!(
            text.contains("$ dig @127.0.0.1 -p 5300 SRV _sip._tcp.example.com +noall +answer\nx IN SRV\n"),
            "{text}"
        );
        assert!(text.ends_with("[1] start a   [2] start b   [3] start c   [q] quit\n"), "{text}");
    }
}
