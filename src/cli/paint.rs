//! Colours, where the output is a terminal.

use std::fmt::Display;
use std::io::IsTerminal;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(bool);

impl Paint {
    /// Colours if standard output is a terminal and the environment does not refuse it (`NO_COLOR`, `TERM=dumb`).
    pub(super) fn stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(std::io::stdout().is_terminal() && !refused)
    }

    /// Never colours.
    pub(super) const fn plain() -> Self {
        Self(false)
    }

    /// Returns whether it colours.
    pub(super) const fn colours(self) -> bool {
        self.0
    }

    /// Paints what is well.
    pub(super) fn good(self, text: impl Display) -> String {
        self.wrap("32", text)
    }

    /// Paints what is neither.
    pub(super) fn soso(self, text: impl Display) -> String {
        self.wrap("33", text)
    }

    /// Paints what is wrong.
    pub(super) fn bad(self, text: impl Display) -> String {
        self.wrap("31", text)
    }

    /// Paints what matters most.
    pub(super) fn bold(self, text: impl Display) -> String {
        self.wrap("1", text)
    }

    /// Paints what matters least.
    pub(super) fn dim(self, text: impl Display) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: impl Display) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}
