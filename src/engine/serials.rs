//! The serial of a zone's SOA as served (RFC 1982).

use crate::zone::serial::Serial;

/// How far ahead of the served serial the ceiling on disk lies.
const AHEAD: u32 = 1_000;
/// The distance at which the ceiling is moved on, so that no publication ever waits for a disk.
const MARGIN: u32 = 200;

/// The serials of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serials {
    declared: Serial,
    current: Serial,
    ceiling: Option<Serial>,
}

impl Serials {
    /// Begins: at the declared serial, or above the ceiling that a former run left.
    pub(super) fn begin(declared: Serial, ceiling: Option<Serial>) -> Self {
        let current = ceiling.map_or(declared, |ceiling| next(declared, ceiling));
        Self { declared, current, ceiling: None }
    }

    /// Returns the serial as served.
    pub(super) const fn current(&self) -> Serial {
        self.current
    }

    /// Moves on as other data changed: the greater of declared and current + 1.
    pub(super) fn data_changed(&mut self) {
        self.current = next(self.declared, self.current);
    }

    /// Takes a newly declared serial; if no other data changed, only a serial that moved ahead counts.
    pub(super) fn declare(&mut self, declared: Serial, data_changed: bool) {
        self.declared = declared;
        if data_changed {
            self.data_changed();
        } else if declared.is_after(self.current) {
            self.current = declared;
        }
    }

    /// Returns the ceiling to keep on disk, if it must be moved on now.
    pub(super) fn new_ceiling(&mut self) -> Option<Serial> {
        let limit = self.current + MARGIN;
        if self.ceiling.is_some_and(|ceiling| ceiling.is_after(limit)) {
            return None;
        }
        self.ceiling = Some(self.current + AHEAD);
        self.ceiling
    }
}

/// Returns max(declared, current + 1) by RFC 1982; current + 1 where the two are not comparable.
fn next(declared: Serial, current: Serial) -> Serial {
    let bumped = current + 1;
    if declared.is_after(bumped) { declared } else { bumped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_on_by_one_or_to_the_declared_serial() {
        for (declared, current, expected) in [
            (5, 5, 6),
            (9, 5, 9),
            (5, 9, 10),
            (0, u32::MAX, 0),
            (3, u32::MAX, 3),
            (u32::MAX, 3, 4),
            (0x8000_0006, 5, 6),
        ] {
            assert_eq!(next(Serial(declared), Serial(current)), Serial(expected), "{declared} {current}");
        }
    }

    #[test]
    fn a_restart_begins_above_the_ceiling() {
        assert_eq!(Serials::begin(Serial(7), None).current(), Serial(7));
        assert_eq!(Serials::begin(Serial(7), Some(Serial(1_007))).current(), Serial(1_008));
        assert_eq!(Serials::begin(Serial(2_000), Some(Serial(1_007))).current(), Serial(2_000));
    }

    #[test]
    fn only_a_declared_serial_that_moved_ahead_counts_without_other_changes() {
        let mut serials = Serials::begin(Serial(7), None);
        serials.data_changed();
        serials.declare(Serial(8), false);
        assert_eq!(serials.current(), Serial(8));
        serials.declare(Serial(20), false);
        assert_eq!(serials.current(), Serial(20));
        serials.declare(Serial(20), true);
        assert_eq!(serials.current(), Serial(21));
    }

    #[test]
    fn the_ceiling_moves_on_before_it_is_reached() {
        let mut serials = Serials::begin(Serial(7), None);
        assert_eq!(serials.new_ceiling(), Some(Serial(1_007)));
        for _ in 0..AHEAD {
            serials.data_changed();
            if serials.new_ceiling().is_some() {
                break;
            }
        }
        assert_eq!(serials.current(), Serial(7 + AHEAD - MARGIN));
    }
}
