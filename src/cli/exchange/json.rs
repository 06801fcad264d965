//! JSON as providers and their tools print it: one text or several behind each other.

use serde_json::{Deserializer, Value};

use crate::base::finding::{Finding, Place};

/// Reads all values of a text.
///
/// # Errors
/// Where it is no JSON.
pub(super) fn values(file: &str, text: &[u8]) -> Result<Vec<Value>, Box<Finding>> {
    let stream = Deserializer::from_slice(text).into_iter::<Value>();
    stream.collect::<Result<Vec<Value>, _>>().map_err(|error| Box::new(broken(file, text, &error)))
}

fn broken(file: &str, text: &[u8], error: &serde_json::Error) -> Finding {
    // serde_json puts the place behind the message, and the finding has it in front.
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let line = text.split(|octet| *octet == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let place = Place {
        file: file.into(),
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(error.column().max(1)).unwrap_or(u32::MAX),
        width: 1,
        text: String::from_utf8_lossy(line).trim_end().into(),
    };
    Finding::error("import-json", format!("this is no JSON: {message}"))
        .at(place)
        .help("save what the provider's API or tool printed as it is, without the lines of the shell around it")
}

/// Reads a number that some tools write as a string.
pub(super) fn number<N: TryFrom<u64>>(value: &Value) -> Option<N> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    N::try_from(number).ok()
}

/// Reads a string that is not empty.
pub(super) fn string<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}
