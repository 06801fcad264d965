//! The text of a config file, and where in it something stands.

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
        Self { file: file.into(), text, starts }
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
        let line = self.slice(start..end).trim_end_matches(['\n', '\r']);
        let before = self.slice(start..span.start.clamp(start, start + line.len())).chars().count();
        let within = self.slice(span.start..span.end.min(start + line.len()).max(span.start)).chars().count();
        Place {
            file: Arc::clone(&self.file),
            line: number(row + 1),
            column: number(before + 1),
            width: number(within.max(1)),
            text: line.into(),
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
    }
}
