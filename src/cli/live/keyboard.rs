//! The keyboard of a terminal that shows a table: raw mode, and keys that are read on a thread.

use std::io::{self, IsTerminal as _};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use tokio::sync::mpsc;

/// The terminal in raw mode, with the keys that are pressed; as it was when dropped.
#[derive(Debug)]
pub(crate) struct Keyboard {
    keys: mpsc::Receiver<Key>,
}

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// End: `q`, Escape, Ctrl-C or Ctrl-D.
    Quit,
    /// Any other character.
    Letter(char),
}

impl Keyboard {
    /// Takes the keyboard, if standard input is a terminal and this process is in its foreground: from the background
    /// the system would stop it.
    ///
    /// # Errors
    /// If the terminal cannot be put into raw mode.
    pub(crate) fn take() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !is_in_foreground() {
            return Ok(None);
        }
        terminal::enable_raw_mode()?;
        let (sender, keys) = mpsc::channel(16);
        // The terminal is read by blocking; the thread ends with the process.
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
        Ok(Some(Self { keys }))
    }

    /// Waits for a key; a keyboard that is gone presses none.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again.
    pub(crate) async fn next(&mut self) -> Key {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A terminal that is gone needs no fixing.
        let _gone = terminal::disable_raw_mode();
    }
}

fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn meaning(key: KeyEvent) -> Option<Key> {
    if key.kind != KeyEventKind::Press {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let KeyCode::Char(letter) = key.code else { return (key.code == KeyCode::Esc).then_some(Key::Quit) };
    match letter {
        'c' | 'd' if control => Some(Key::Quit),
        _ if control => None,
        'q' => Some(Key::Quit),
        letter => Some(Key::Letter(letter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_keys_end_and_others_are_letters() {
        let with = |code, modifiers| meaning(KeyEvent::new(code, modifiers));
        let plain = |letter| with(KeyCode::Char(letter), KeyModifiers::NONE);
        assert_eq!(
            [plain('1'), plain('q'), plain('c')],
            [Some(Key::Letter('1')), Some(Key::Quit), Some(Key::Letter('c'))]
        );
        assert_eq!(with(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(with(KeyCode::Char('z'), KeyModifiers::CONTROL), None);
        assert_eq!(
            (with(KeyCode::Esc, KeyModifiers::NONE), with(KeyCode::Up, KeyModifiers::NONE)),
            (Some(Key::Quit), None)
        );
    }
}
