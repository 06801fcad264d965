//! Text for terminals: coloured, wrapped, and safe to print whatever its source.

use std::fmt::Display;

use anstyle::Style;

/// Paints a text, if there are to be colours.
pub fn paint(style: Style, colour: bool, text: impl Display) -> String {
    if colour { format!("{style}{text}{style:#}") } else { text.to_string() }
}

/// Breaks lines that are wider than so many columns at their blanks; what goes on stands under the text, not under its mark
/// or key. A word that is too long stays whole.
pub fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if columns(line) <= width {
            wrapped.push_str(line);
        } else {
            wrap_line(line, width, &mut wrapped);
        }
    }
    wrapped
}

fn wrap_line(line: &str, width: usize, wrapped: &mut String) {
    let hang = hang(line).min(width / 2);
    let (mut rest, mut column) = (line, 0);
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let (before, behind) = rest.split_at(blanks);
        let (word, next) = behind.split_at(behind.find(' ').unwrap_or(behind.len()));
        if column > hang && column + blanks + columns(word) > width {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(hang));
            column = hang;
        } else {
            wrapped.push_str(before);
            column += blanks;
        }
        wrapped.push_str(word);
        column += columns(word);
        rest = next;
    }
}

/// Returns the column where the text of a line begins: behind its mark, as in `  next  text` and `   = why: text`.
fn hang(line: &str) -> usize {
    let plain: String = visible(line).collect();
    let blanks = plain.len() - plain.trim_start_matches(' ').len();
    let head: String = plain.chars().skip(blanks).take(HEAD).collect();
    let mark = ["  ", ": "].iter().filter_map(|end| head.find(end)).min();
    mark.map_or(blanks + 2, |mark| {
        let behind = head.split_at(mark).1.trim_start_matches([':', ' ']);
        columns(&plain[..blanks]) + columns(head.strip_suffix(behind).unwrap_or(&head))
    })
}

/// Returns the columns that a text takes, at most: too many only break a line too early, too few would let it run over.
/// Colours take none.
pub fn columns(text: &str) -> usize {
    visible(text).map(columns_of).sum()
}

/// Returns the columns that a character takes, at most.
pub fn columns_of(c: char) -> usize {
    if c == '\n' {
        0
    } else if c.is_ascii() || OWN.contains(c) || c < FIRST_WIDE {
        1
    } else {
        2
    }
}

/// Returns the characters of a text without its colours (CSI … m).
fn visible(text: &str) -> impl Iterator<Item = char> {
    let mut in_colour = false;
    text.chars().filter(move |c| {
        let was = in_colour;
        in_colour = *c == '\u{1b}' || (was && *c != 'm');
        !was && !in_colour
    })
}

/// The marks that this program prints itself, one column each.
const OWN: &str = "●◐○×→…─";
/// The first character that some terminal shows two columns wide (Hangul Jamo).
const FIRST_WIDE: char = '\u{1100}';
/// How far from its begin a line's mark ends.
const HEAD: usize = 14;

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
    fn long_lines_are_broken_at_blanks_and_go_on_under_their_text() {
        let wrapped = |text| wrap(text, 20);
        assert_eq!(wrapped("short\n"), "short\n");
        assert_eq!(wrapped("one two three four five\nsix\n"), "one two three four\n  five\nsix\n");
        assert_eq!(wrapped("  next  tier 10 becomes active"), "  next  tier 10\n        becomes\n        active");
        assert_eq!(wrapped("   = why: clients of the"), "   = why: clients of\n          the");
        assert_eq!(wrapped("a-word-that-is-longer-than-all and more"), "a-word-that-is-longer-than-all\n  and more");
        assert_eq!(wrapped("\x1b[1m   =\x1b[0m a b c d e f g h i"), "\x1b[1m   =\x1b[0m a b c d e f g h\n     i");
        assert_eq!(wrapped("  ○ tier 10    weight 70    up"), "  ○ tier 10\n          weight 70\n          up");
        assert_eq!((columns("漢●\x1b[31m!\x1b[0m\n"), columns("")), (4, 0));
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
