//! How much one zone's files may have.

/// The limits of one zone, over all of its files; the number of files is that of a `u16`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Octets of text.
    pub(super) text: usize,
    /// Records that `$GENERATE` makes.
    pub(super) generated: u32,
    /// Files open within each other.
    pub(super) depth: usize,
}

impl Limits {
    /// Those of every zone that is read: 1 GiB of text, a million made records, files ten deep.
    pub(super) const OF_ZONE: Self = Self { text: 1 << 30, generated: 1_000_000, depth: 10 };
}
