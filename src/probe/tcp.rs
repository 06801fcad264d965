//! The check `tcp`: connects; may send bytes and expect others.

use super::attempt::{Attempt, Conduct, Ending};

/// Parameters of [`Check::Tcp`](super::Check::Tcp).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    /// Sent after the connection stands.
    pub send: Option<Vec<u8>>,
    /// Must be found in the first 4 KiB of the answer.
    pub expect: Option<Vec<u8>>,
}

impl Conduct for Tcp {
    const KIND: &'static str = "tcp";

    fn transport(&self) -> &'static str {
        "tcp"
    }

    fn parameters(&self) -> String {
        String::new()
    }

    async fn conduct(&self, _attempt: &mut Attempt<'_>) -> Ending {
        Ok(())
    }
}
