//! The demo with a keyboard: keys stop and start the dummy targets, the live table shows the effect.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::cli::input;
use crate::cli::line::Line;
use crate::cli::live::{Key, Keyboard, Screen};
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
    input::say(&format!("{}\n", super::service::welcome(server)));
    let Some(mut keyboard) = Keyboard::take()? else { return Ok(()) };
    let footer = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&footer);
    let screen = Screen::open(daemon, logging, move || shown.lock().unwrap_or_else(PoisonError::into_inner).clone())?;
    let mut quit = std::pin::pin!(quit);
    let mut trouble = None;
    loop {
        let answer = ask::srv(server, super::service::OWNER).await.unwrap_or_default();
        *footer.lock().unwrap_or_else(PoisonError::into_inner) =
            self::footer(stand_ins, server, &answer.lines, trouble.as_ref());
        let key = tokio::select! {
            biased;
            () = &mut quit => break,
            key = keyboard.next() => key,
            () = tokio::time::sleep(ASK) => continue,
        };
        match key {
            Key::Quit => break,
            Key::Letter(letter) => {
                trouble = toggle(stand_in_of(letter).and_then(|at| stand_ins.get_mut(at))).await.err();
            }
        }
    }
    screen.close().await;
    drop(keyboard);
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

/// Returns the place of the stand-in that a key stops and starts.
fn stand_in_of(letter: char) -> Option<usize> {
    usize::try_from(letter.to_digit(10)?).ok()?.checked_sub(1)
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

/// How often the server is asked for the answer of this moment: before the table shows what has changed.
const ASK: Duration = Duration::from_millis(40);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_is_that_of_a_stand_in() {
        assert_eq!(['0', '1', '3', 'x'].map(stand_in_of), [None, Some(0), Some(2), None]);
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
