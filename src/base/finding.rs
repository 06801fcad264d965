//! What is wrong in a file, where, and what would be right: one shape for config and zones.

use std::fmt;
use std::sync::Arc;

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
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
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

    fn new(id: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { id, severity, place: None, message: message.into(), why: None, help: None, command: None }
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
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

impl fmt::Display for Finding {
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.id, self.message)?;
        let mut gutter = 1;
        if let Some(place) = &self.place {
            gutter = place.line.to_string().len();
            write!(f, "\n{:gutter$}--> {}:{}:{}", "", place.file, place.line, place.column)?;
            write!(f, "\n{:gutter$} |\n{} | ", "", place.line)?;
            // Tabs become one blank each, so that the caret stands under its column.
            f.write_str(&place.text.replace('\t', " "))?;
            let before = place.column.saturating_sub(1) as usize;
            write!(f, "\n{:gutter$} | {:before$}{}", "", "", "^".repeat(place.width.max(1) as usize))?;
        }
        for (word, text) in [("why", &self.why), ("help", &self.help), ("see", &self.command)] {
            if let Some(text) = text {
                write!(f, "\n{:gutter$} = {word}: {text}", "")?;
            }
        }
        Ok(())
    }
}

/// Returns the worst severity among findings.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
