//! Colours, where the output is a terminal.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

use crate::base::terminal;

use super::args::Color;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(bool);

/// What a stretch of text says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// All is well.
    Good,
    /// Neither well nor wrong.
    Soso,
    /// Something is wrong.
    Bad,
    /// This matters most.
    Bold,
    /// This matters least.
    Dim,
}

/// What `--color` says; nothing before the command line is read.
static CHOICE: OnceLock<Color> = OnceLock::new();

/// Takes `--color` over, for all that this process prints.
pub(super) fn choose(color: Color) {
    // A process has one command line.
    let _first = CHOICE.set(color);
}

/// Returns whether colours are asked for or refused: by `--color`, else by the environment (`NO_COLOR`, `TERM=dumb`). Else
/// they suit terminals.
pub(super) fn chosen() -> Option<bool> {
    let refused = || {
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    };
    match CHOICE.get() {
        Some(Color::Always) => Some(true),
        Some(Color::Never) => Some(false),
        Some(Color::Auto) | None => refused().then_some(false),
    }
}

impl Paint {
    /// Colours as [`chosen`] says, else if standard output is a terminal.
    pub(super) fn stdout() -> Self {
        Self(chosen().unwrap_or_else(|| std::io::stdout().is_terminal()))
    }

    /// Colours if it is told so.
    #[cfg(test)]
    pub(super) const fn new(colours: bool) -> Self {
        Self(colours)
    }

    /// Returns whether it colours.
    pub(super) const fn colours(self) -> bool {
        self.0
    }

    /// Paints a text.
    pub(super) fn paint(self, tone: Tone, text: impl Display) -> String {
        terminal::paint(tone.style(), self.0, text)
    }
}

impl Tone {
    /// Returns how a terminal shows it.
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Soso => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Bold => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}
