//! The log formats: text, or JSON.

use std::str::FromStr;

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people, coloured on a terminal.
    Text,
    /// A JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("a log format is `text` or `json`"),
        }
    }
}
