//! Text for terminals: coloured, and safe to print whatever its source.

use std::fmt::Display;

use anstyle::Style;

/// Paints a text, if there are to be colours.
pub fn paint(style: Style, colour: bool, text: impl Display) -> String {
    if colour { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// Makes each control character one that is none, so that columns stay and no text plays with the terminal.
pub fn sanitize(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Escapes control characters, as in `\u{1b}`, and cuts what is longer than so many octets; `…` says that something is
/// missing.
pub fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if escaped.len() >= most {
            escaped.push('…');
            break;
        }
        if letter.is_control() { escaped.extend(letter.escape_default()) } else { escaped.push(letter) }
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
        assert_eq!(escape("a\x1b[2J\t漢", usize::MAX), "a\\u{1b}[2J\\t漢");
    }

    #[test]
    fn what_is_too_long_is_cut_with_a_mark() {
        assert_eq!((escape("abc", 3), escape("abcd", 3)), ("abc".to_owned(), "abc…".to_owned()));
    }
}
