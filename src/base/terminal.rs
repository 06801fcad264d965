//! Text for terminals: coloured, and safe to print whatever its source.

use std::fmt::Display;

use anstyle::Style;

/// Paints a text, if there are to be colours.
pub fn paint(style: Style, colour: bool, text: impl Display) -> String {
    if colour { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// Makes each control character one that is none, so that columns stay and no text plays with the terminal.
pub fn sanitize(text: &str) -> String {
    text.chars().map(|c| if plays(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for text of several lines, whose ends stay.
pub fn sanitize_lines(text: &str) -> String {
    text.chars().map(|c| if plays(c) && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Returns whether a character does something else than stand there: controls, marks that turn the direction of what follows
/// (as in CVE-2021-42574), those that cannot be seen, and ends of lines in Unicode's sense.
fn plays(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Escapes control characters and those that turn text around, as in `\u{1b}`, and cuts what is longer than so many octets; `…` says that something is
/// missing.
pub fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if escaped.len() >= most {
            escaped.push('…');
            break;
        }
        if letter.is_control() {
            escaped.extend(letter.escape_default());
        } else if plays(letter) {
            escaped.extend(letter.escape_unicode());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    #[test]
    fn colours_are_put_around_a_text_and_only_if_wanted() {
        let style = Style::new().fg_color(Some(AnsiColor::Red.into()));
        assert_eq!(paint(style, true, "a"), "\x1b[31ma\x1b[0m");
        assert_eq!(paint(style, false, "a"), "a");
        assert_eq!(paint(Style::new(), true, "a"), "a");
    }

    #[test]
    fn no_text_plays_with_the_terminal() {
        assert_eq!(sanitize("a\x1b[2J\tb"), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(escape("a\x1b[2J\t漢\u{202e}", usize::MAX), "a\\u{1b}[2J\\t漢\\u{202e}");
        assert_eq!(sanitize("a\u{202e}b\u{2066}c\u{200b}\u{9b}d\ne"), "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}d\u{fffd}e");
        assert_eq!(sanitize_lines("a\u{202e}\nb\x1b"), "a\u{fffd}\nb\u{fffd}");
    }

    #[test]
    fn what_is_too_long_is_cut_with_a_mark() {
        assert_eq!((escape("abc", 3), escape("abcd", 3)), ("abc".to_owned(), "abc…".to_owned()));
    }
}
