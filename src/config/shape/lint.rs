//! The keys of `[lint]`.

use crate::config::settings::LintSettings;
use crate::keys::reader::Each;
use crate::keys::statement;
use crate::keys::values;

statement! {
    /// `[lint]`
    pub struct Lint over LintSettings {
        /// Findings of `check` that are meant so, by their ids; in a zone a comment says the same: `; lint: allow srv-no-standby`
        /// on a line of its own for the whole file, at the end of a record for that line.
        allow: Vec<String> = Each(values::text), example "[\"srv-no-standby\"]";
        /// Whether private and loopback addresses, and names such as pbx.lan, are meant: a lab, or a zone for the inside of a
        /// network. `check` does not warn of them then.
        private_addresses: bool = values::boolean;
    }
}
