//! One line of terminal output: coloured words in columns, cut at the terminal's width.

use super::paint::{Paint, Tone};
use crate::base::terminal::{columns, columns_of, sanitize};

/// A line without its end. It holds no control character, whatever it was made from.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// Makes a line of one stretch.
    pub(super) fn of(tone: Tone, text: impl AsRef<str>) -> Self {
        Self::default().put(tone, text)
    }

    /// Adds a stretch.
    #[must_use]
    pub(super) fn put(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.0.push((tone, sanitize(text.as_ref())));
        self
    }

    /// Adds a plain stretch.
    #[must_use]
    pub(super) fn plain(self, text: impl AsRef<str>) -> Self {
        self.put(Tone::Plain, text)
    }

    /// Adds all of another line.
    #[must_use]
    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds blanks up to a column, counted from 0.
    #[must_use]
    pub(super) fn to(self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.columns());
        self.plain(" ".repeat(blanks))
    }

    /// Returns whether a stretch of it has this tone.
    pub(super) fn is(&self, tone: Tone) -> bool {
        self.0.iter().any(|(own, _)| *own == tone)
    }

    /// Returns how many columns of a terminal it takes, at most.
    pub(super) fn columns(&self) -> usize {
        self.0.iter().map(|(_, text)| columns(text)).sum()
    }

    /// Prints it whole.
    pub(super) fn print(&self, paint: Paint) -> String {
        self.0
            .iter()
            .map(|(tone, text)| if text.is_empty() { String::new() } else { paint.paint(*tone, text) })
            .collect()
    }

    /// Returns it cut to a width in columns; `…` says that something is missing.
    #[must_use]
    pub(super) fn cut(self, width: usize) -> Self {
        if self.columns() <= width {
            return self;
        }
        let mut room = width.saturating_sub(1);
        let mut cut = Vec::new();
        for (tone, text) in self.0 {
            let whole = text.chars().count();
            let kept: String = text
                .chars()
                .take_while(|c| {
                    let fits = columns_of(*c) <= room;
                    room = if fits { room - columns_of(*c) } else { 0 };
                    fits
                })
                .collect();
            let done = kept.chars().count() < whole;
            cut.push((tone, kept));
            if done {
                break;
            }
        }
        if width > 0 {
            cut.push((Tone::Dim, "…".to_owned()));
        }
        Self(cut)
    }
}

/// Prints lines, each with its end.
pub(super) fn text(lines: &[Line], paint: Paint) -> String {
    lines.iter().map(|line| line.print(paint) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_its_colours() {
        let line = Line::of(Tone::Good, "abc").put(Tone::Bad, "defg").plain("h");
        assert_eq!(line.clone().cut(8).print(Paint::new(false)), "abcdefgh");
        assert_eq!(line.clone().cut(5).print(Paint::new(false)), "abcd…");
        assert_eq!(line.clone().cut(5).print(Paint::new(true)), "\x1b[32mabc\x1b[0m\x1b[31md\x1b[0m\x1b[2m…\x1b[0m");
        assert_eq!(line.clone().cut(3).print(Paint::new(false)), "ab…");
        assert_eq!(line.cut(0).print(Paint::new(false)), "");
    }

    #[test]
    fn wide_characters_count_twice_and_controls_are_no_more() {
        let line = Line::of(Tone::Plain, "漢字\x1b[2J\t");
        assert_eq!(line.columns(), 4 + 2 + 3 + 2);
        assert_eq!(line.clone().cut(4).print(Paint::new(false)), "漢…");
        assert!(!line.print(Paint::new(false)).contains(char::is_control));
    }

    #[test]
    fn columns_are_filled_with_blanks() {
        assert_eq!(Line::of(Tone::Bold, "● a").to(6).plain("b").print(Paint::new(false)), "● a   b");
        assert_eq!(Line::of(Tone::Bold, "abc").to(2).plain("d").print(Paint::new(false)), "abcd");
    }
}
