//! Why an event was not taken, and whether another attempt may help.

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) text: String,
    pub(super) may_help_again: bool,
}

impl Failure {
    pub(super) const fn again(text: String) -> Self {
        Self { text, may_help_again: true }
    }

    pub(super) const fn for_good(text: String) -> Self {
        Self { text, may_help_again: false }
    }
}
