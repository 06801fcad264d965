//! The text of a config file, and positions in it.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::base::finding::Place;

/// A text with the begins of its lines.
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<str>,
    text: String,
    /// The byte at which each line begins.
    starts: Vec<usize>,
    last: RefCell<Option<Last>>,
}

/// The place that was asked for last: the next one is often on the same line, which may be a long one.
#[derive(Clone, Debug)]
struct Last {
    row: usize,
    line: Arc<str>,
    begin: usize,
    /// The characters of the line before `begin`.
    before: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// A list that stands somewhere, as do its elements.
pub type List<T> = Placed<Vec<Placed<T>>>;

impl Source {
    /// Takes a text; `file` is the name that findings show.
    pub fn new(file: &str, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, octet)| *octet == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        Self { file: file.into(), text, starts, last: RefCell::default() }
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text of a stretch of bytes.
    pub fn slice(&self, span: Range<usize>) -> &str {
        self.text.get(span).unwrap_or_default()
    }

    /// Translates a stretch of bytes; one over several lines is cut at the end of the first.
    pub fn place(&self, span: Range<usize>) -> Place {
        let row = self.starts.partition_point(|start| *start <= span.start).saturating_sub(1);
        let start = self.starts.get(row).copied().unwrap_or(0);
        let end = self.starts.get(row + 1).copied().unwrap_or(self.text.len());
        let known = self.last.take().filter(|last| last.row == row);
        let line = match &known {
            Some(last) => Arc::clone(&last.line),
            None => self.slice(start..end).trim_end_matches(['\n', '\r']).into(),
        };
        let begin = span.start.clamp(start, start + line.len());
        let (counted, characters) =
            known.filter(|last| last.begin <= begin).map_or((start, 0), |last| (last.begin, last.before));
        let before = characters + self.slice(counted..begin).chars().count();
        self.last.replace(Some(Last { row, line: Arc::clone(&line), begin, before }));
        let within = self.slice(span.start..span.end.min(start + line.len()).max(span.start)).chars().count();
        Place {
            file: Arc::clone(&self.file),
            line: number(row + 1),
            column: number(before + 1),
            width: number(within.max(1)),
            text: line,
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_and_stay_on_one_line() {
        let source = Source::new("a.toml", "ä = 1\r\nbc = \"x\ny\"\n".to_owned());
        let place = |span| {
            let place = source.place(span);
            (place.line, place.column, place.width, place.text.to_string())
        };
        assert_eq!(place(5..6), (1, 5, 1, "ä = 1".to_owned()));
        assert_eq!(place(13..17), (2, 6, 2, "bc = \"x".to_owned()));
        assert_eq!(place(19..19), (4, 1, 1, String::new()));
        assert_eq!(place(14..15), (2, 7, 1, "bc = \"x".to_owned()));
        assert_eq!(place(12..13), (2, 5, 1, "bc = \"x".to_owned()));
    }

    #[test]
    fn all_places_of_one_line_share_its_text() {
        let source = Source::new("a.toml", "allow = [1, 2, 3]\n".to_owned());
        let [first, second] = [9..10, 15..16].map(|span| source.place(span).text);
        assert!(Arc::ptr_eq(&first, &second));
    }
}
