//! Findings: what is wrong in a file, where, and how to fix it; the same type for config and zones.

use std::fmt;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};

use super::terminal::{self, sanitize, sanitize_lines};

/// How bad a finding is; ordered, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing need be done.
    Note,
    /// Works, but not as well as its author thinks.
    Warning,
    /// Does not work, or does harm.
    Error,
}

/// A stretch of one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The first character of the stretch, from 1, counted in characters.
    pub column: u32,
    /// The number of characters, at least 1.
    pub width: u32,
    /// The whole line, without its end; lossily decoded where it is not UTF-8.
    pub text: Arc<str>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's constant name in kebab case, such as `srv-target-cname`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is, if it is at one place.
    pub place: Option<Place>,
    /// What is wrong, in one sentence that begins with a small letter and has no full stop.
    pub message: String,
    /// Why it matters.
    pub why: Option<String>,
    /// What would be right.
    pub help: Option<String>,
    /// The command with which one sees the same, such as `dig SRV _sip._tcp.example.com`.
    pub command: Option<String>,
}

impl Severity {
    /// Returns the word for it in output and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Severity {
    /// Returns the style in which a terminal shows it.
    pub const fn style(self) -> Style {
        let colour = match self {
            Self::Note => AnsiColor::Cyan,
            Self::Warning => AnsiColor::Yellow,
            Self::Error => AnsiColor::Red,
        };
        colour.on_default().bold()
    }
}

impl std::str::FromStr for Severity {
    type Err = UnknownSeverity;
    /// Reads one of the words error, warning, note.
    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        [Self::Note, Self::Warning, Self::Error]
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or(UnknownSeverity)
    }
}

/// A word that names no severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is none of error, warning, note")]
pub struct UnknownSeverity;

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Finding {
    /// Makes a finding of severity error without a place.
    pub fn error(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Error, message)
    }

    /// Makes a finding of severity warning without a place.
    pub fn warning(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Warning, message)
    }

    /// Makes a note without a place.
    pub fn note(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Note, message)
    }

    /// Makes a finding without a place.
    pub fn new(id: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { id, severity, place: None, message: message.into(), why: None, help: None, command: None }
    }

    /// Adds where it is, if that is known.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// Adds why it matters.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the command that shows the same.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }
}

impl Finding {
    /// Prints `severity[id]: message`, the place with the line and a caret, and the advice, without a final newline:
    ///
    /// ```text
    /// error[srv-target-cname]: the target sip.example.com. is an alias (CNAME)
    ///   --> zones/example.com.zone:12:34
    ///    |
    /// 12 | _sip._tcp  300 IN SRV 10 70 5060 sip
    ///    |                                  ^^^
    ///    = why: …
    ///    = help: …
    ///    = see: dig +short A sip.example.com
    /// ```
    pub fn render(&self, look: Look) -> String {
        self.render_with(&[], 0, look)
    }

    /// Prints it as [`Finding::render`] does, and below it others of the same rule: so many with a line each, the rest as
    /// "and 19 more".
    pub fn render_with(&self, others: &[&Self], most: usize, look: Look) -> String {
        let paint = |style: Style, text: &str| terminal::paint(style, look.colour, text);
        let tone = self.severity.style();
        let head = format!("{}[{}]", self.severity, self.id);
        let mut text = format!("{}{}", paint(tone, &head), paint(BOLD, &format!(": {}", sanitize(&self.message))));
        let mut gutter = 1;
        let bar = paint(FRAME, "|");
        if let Some(place) = &self.place {
            let number = place.line.to_string();
            // The caret stands under its column: a tab is one character as well.
            let line = sanitize(&place.text.replace('\t', " "));
            gutter = number.len();
            let room = look.width.map(|width| width.saturating_sub(gutter + 3));
            let (line, before, carets) = excerpt(&line, place, room);
            text += &format!(
                "\n{:gutter$}{} {}:{}:{}",
                "",
                paint(FRAME, "-->"),
                sanitize(&place.file),
                place.line,
                place.column
            );
            text += &format!("\n{:gutter$} {bar}\n{} {bar} {line}", "", paint(FRAME, &number));
            text += &format!("\n{:gutter$} {bar} {:before$}{}", "", "", paint(tone, &"^".repeat(carets)));
        }
        let why = self.why.as_ref().filter(|_| look.why);
        for (word, advice) in [("why", why), ("help", self.help.as_ref()), ("see", self.command.as_ref())] {
            if let Some(advice) = advice {
                text += &format!(
                    "\n{:gutter$} {} {}: {}",
                    "",
                    paint(FRAME, "="),
                    paint(BOLD, word),
                    sanitize_lines(advice)
                );
            }
        }
        let shown = others.len().min(most);
        for other in others.iter().take(shown) {
            let at = other
                .place
                .as_ref()
                .map_or_else(String::new, |at| format!("{}:{}:{}: ", sanitize(&at.file), at.line, at.column));
            let also = paint(BOLD, "also");
            text += &format!("\n{:gutter$} {} {also}: {at}{}", "", paint(FRAME, "="), sanitize(&other.message));
        }
        if others.len() > shown {
            text += &format!("\n{:gutter$} {} and {} more", "", paint(FRAME, "="), others.len() - shown);
        }
        text
    }
}

/// Returns the part of a line around its place that has room, how far in it the place is, and how wide.
fn excerpt(line: &str, place: &Place, room: Option<usize>) -> (String, usize, usize) {
    let (before, carets) = (place.column.saturating_sub(1) as usize, place.width.max(1) as usize);
    let length = line.chars().count();
    let Some(room) = room.filter(|room| length.max(before + carets) > *room) else {
        return (line.to_owned(), before, carets);
    };
    // The place ends at the right edge at the latest, or begins at the left one.
    let first = (before + carets + 1).saturating_sub(room).min(before.saturating_sub(1));
    let mut shown: String = line.chars().skip(first).take(room).collect();
    if first > 0 {
        shown = format!("…{}", shown.chars().skip(1).collect::<String>());
    }
    if first + room < length {
        shown.pop();
        shown.push('…');
    }
    (shown, before - first, carets.min(room.saturating_sub(before - first)).max(1))
}

impl fmt::Display for Finding {
    /// Prints it as [`Finding::render`] does, plain and whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Look::default()))
    }
}

/// How a finding is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether with colours, for a terminal.
    pub colour: bool,
    /// Whether with the reason why it matters.
    pub why: bool,
    /// How many columns the line of the file may take with its frame, so that the caret stays below its place.
    pub width: Option<usize>,
}

impl Default for Look {
    fn default() -> Self {
        Self { colour: false, why: true, width: None }
    }
}

/// Bold; the default colour.
const BOLD: Style = Style::new().bold();
/// Bold blue, of the lines around the text.
const FRAME: Style = AnsiColor::Blue.on_default().bold();

/// Returns the worst severity among findings.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_wider_than_the_terminal_is_shown_around_its_place() {
        let text = "_sip._tcp.example.com. 300 IN SRV 10 70 5060 sip-node1.example.com.";
        let finding = |column, width| {
            Finding::error("x", "y").at(Place { file: "z".into(), line: 12, column, width, text: text.into() })
        };
        let shown = |finding: Finding, width| -> Vec<String> {
            let text = finding.render(Look { width: Some(width), ..Look::default() });
            text.lines().skip(3).map(str::to_owned).collect()
        };
        assert_eq!(shown(finding(1, 9), 30), ["12 | _sip._tcp.example.com. 3…", "   | ^^^^^^^^^"]);
        assert_eq!(shown(finding(46, 9), 30), ["12 | …RV 10 70 5060 sip-node1…", "   |                ^^^^^^^^^"]);
        assert_eq!(shown(finding(46, 22), 30), ["12 | … sip-node1.example.com.", "   |   ^^^^^^^^^^^^^^^^^^^^^^"]);
        assert_eq!(shown(finding(1, 67), 30), ["12 | _sip._tcp.example.com. 3…", "   | ^^^^^^^^^^^^^^^^^^^^^^^^^"]);
        assert_eq!(shown(finding(1, 9), 72)[0].chars().count(), 72);
        assert_eq!(shown(finding(46, 22), 30).iter().map(|line| line.chars().count()).max(), Some(29));
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        let finding = Finding::error("srv-target-address", "the target 192.0.2.1 is an address")
            .at(Place { file: "a.zone".into(), line: 12, column: 3, width: 4, text: "\tabcdefg".into() })
            .help("name a host");
        assert_eq!(
            finding.to_string(),
            "error[srv-target-address]: the target 192.0.2.1 is an address\n  --> a.zone:12:3\n   |\n12 |  abcdefg\n   |   ^^^^\n   = help: name a host"
        );
    }

    #[test]
    fn a_file_cannot_play_with_the_terminal() {
        let place = Place { file: "a.zone".into(), line: 1, column: 1, width: 1, text: "a\x1b[2Jb".into() };
        assert!(!Finding::note("x", "y").at(place).to_string().contains('\x1b'));
        // A name of a zone, a banner, a path: what turns text around could show another command than is copied.
        let evil = "rm \u{202e}x\x1b[2J\u{2066}";
        let file = Place { file: evil.into(), line: 1, column: 1, width: 1, text: evil.into() };
        let finding = Finding::note("x", evil).at(file).why(evil).help(evil).command(evil);
        let text = finding.render_with(&[&finding], 1, Look::default());
        assert!(!text.contains(['\x1b', '\u{202e}', '\u{2066}']), "{text:?}");
    }

    #[test]
    fn colour_changes_no_letter() {
        let place = Place { file: "a.zone".into(), line: 7, column: 2, width: 3, text: "abcde".into() };
        let finding = Finding::warning("rule", "wrong").at(place).why("so").help("fix");
        let painted = finding.render(Look { colour: true, ..Look::default() });
        let plain: String = painted
            .split('\x1b')
            .map(|part| part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |(_, rest)| rest))
            .collect();
        assert!(painted.contains("\x1b[1m\x1b[33mwarning[rule]\x1b[0m"));
        assert_eq!(plain, finding.to_string());
    }
}
