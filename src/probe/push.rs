//! The check `push`: reads an externally reported state. It sends nothing.

use std::time::Duration;

use toml::de::DeValue;

use super::attempt::{Attempt, Ending, Probe};
use super::kind::{CheckContext, KindKeys};
use crate::health::Outcome;
use crate::health::push::{Expired, TTL_MAX, TTL_MIN};
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};

statement! {
    /// What `{ kind = "push", … }` may say.
    pub struct PushKeys of a check {
        /// The name that it is posted under; missing only beside a finding.
        name: String = name;
        /// How long nothing may come, from the start of the server on.
        patience: Duration = values::duration(TTL_MIN, TTL_MAX);
        /// What a state that has run out means.
        expired: Expired = values::choice(&[("down", Expired::Down), ("unknown", Expired::Unknown)]);
    }
}

impl KindKeys for PushKeys {
    type Check = Push;

    const FORMS: &'static [Listed] = &[(Push::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"push\", name = \"…\" } reads what is posted; it may say patience = \"60s\", expired = \"down\" or \"unknown\".";

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        if !table.has("name") {
            reader.missing(table, "name", "name it, such as name = \"sip-node1\": its state is posted under this name");
        }
        Self::read_keys(reader, table)
    }

    fn lower(&self, _context: &CheckContext<'_>) -> Option<Push> {
        Some(Push {
            name: self.name.clone()?,
            patience: self.patience.unwrap_or(PATIENCE),
            expired: self.expired.unwrap_or(Expired::Down),
        })
    }

    fn needs_port(&self) -> bool {
        false
    }
}

fn name(value: &DeValue<'_>) -> Read<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let text = value.as_str().filter(|text| (1..=NAME_MAX).contains(&text.len()) && text.chars().all(plain));
    let wanted = || format!("a name of 1 to {NAME_MAX} letters, digits, hyphens, dots and underscores");
    text.map(str::to_owned).ok_or_else(wanted)
}

/// Parameters of [`Check::Push`](super::Check::Push).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The name that it is posted under.
    pub name: String,
    /// How long nothing may come, from the start of the server on.
    pub patience: Duration,
    /// What a state that has run out means.
    pub expired: Expired,
}

impl Probe for Push {
    const KIND: &'static str = "push";

    fn transport(&self) -> &'static str {
        crate::health::NO_TRANSPORT
    }

    fn parameters(&self) -> String {
        let expired = match self.expired {
            Expired::Down => "",
            Expired::Unknown => " expired=unknown",
        };
        format!("name=\"{}\" patience={:?}{expired}", self.name.escape_default(), self.patience)
    }

    fn has_port(&self) -> bool {
        false
    }

    fn is_final(&self) -> bool {
        true
    }

    fn posts(&self) -> Vec<(&str, Duration)> {
        vec![(&self.name, self.patience)]
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        attempt.begin("read");
        let now = attempt.clock.now().mono;
        match attempt.context.push_store().outcome(&self.name, self.patience, self.expired, now) {
            Outcome::Pass => {
                attempt.saw("posted up");
                Ok(())
            }
            other @ (Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } | Outcome::Unknown(_)) => {
                Err(attempt.fails(other))
            }
        }
    }
}

/// The longest name, in octets.
const NAME_MAX: usize = 64;
/// How long nothing may be posted after a start, unless the check says it.
const PATIENCE: Duration = Duration::from_secs(60);
