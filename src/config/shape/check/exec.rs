//! `{ kind = "exec", … }`

use std::path::PathBuf;

use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::keys::values;

/// What `exec` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecShape {
    /// `program`; missing only beside a finding.
    pub program: Option<Placed<PathBuf>>,
    /// `arguments`
    pub arguments: Vec<String>,
}

impl ExecShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let program = reader.take(table, "program", |value| {
            let path = values::path(value).ok().filter(|path| path.is_absolute());
            path.ok_or_else(|| "the absolute path of a program: there is no shell, and no PATH".to_owned())
        });
        if !table.has("program") {
            reader.missing(table, "program", "name it, such as program = \"/usr/lib/nagios/plugins/check_ldap\"");
        }
        let arguments = reader.take_list(table, "arguments", |value| {
            let text = value.as_str().filter(|text| text.len() <= MOST_OCTETS && !text.contains('\0'));
            text.map(str::to_owned).ok_or_else(|| format!("texts of at most {MOST_OCTETS} octets"))
        });
        let arguments = arguments.map(|list| list.value).unwrap_or_default();
        Self { program, arguments: arguments.into_iter().map(|argument| argument.value).collect() }
    }
}

pub(super) const KEYS: &[Key] = &[Key::bare("program"), Key::bare("arguments")];
/// The longest argument, in octets.
const MOST_OCTETS: usize = 4096;
