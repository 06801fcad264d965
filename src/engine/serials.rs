//! The serials of the zones' SOAs as served (RFC 1982).

use std::collections::BTreeMap;

use crate::base::table::Table;
use crate::snapshot::ZoneId;
use crate::zone::{Name, Serial};

use super::setup::ZoneSetup;

/// How far ahead of the served serial the ceiling on disk lies.
const AHEAD: u32 = 1_000;
/// The distance at which the ceiling is moved on, so that no publication ever waits for a disk.
const MARGIN: u32 = 200;

/// The serials of all zones, and of those that are gone or broken: one that comes back goes on above what it had.
#[derive(Debug)]
pub(super) struct SerialBook {
    /// Nothing for broken zones.
    rows: Table<ZoneId, Option<SerialRow>>,
    /// What zones without a row must begin above, by origin.
    floors: BTreeMap<String, Serial>,
}

#[derive(Debug)]
struct SerialRow {
    origin: String,
    /// The serial that the zone declares; it counts from the next [`SerialBook::declare`].
    declared: Serial,
    /// Whether the zone came signed: then the SOA is served as declared, as its signature says.
    signed: bool,
    serials: Serials,
}

impl SerialBook {
    /// Begins; `ceilings` are what a former run left.
    pub(super) fn new(zones: &Table<ZoneId, ZoneSetup>, ceilings: BTreeMap<String, Serial>) -> Self {
        let mut book = Self { rows: Table::new(), floors: ceilings };
        book.reload(zones);
        book
    }

    /// Takes the zones of a new setup; serials stay with the origins.
    pub(super) fn reload(&mut self, zones: &Table<ZoneId, ZoneSetup>) {
        let former = std::mem::take(&mut self.rows).into_rows().flatten();
        let mut former: BTreeMap<String, Serials> = former.map(|row| (row.origin, row.serials)).collect();
        let rows = zones.iter().map(|(_, zone)| {
            let declared = zone.zone.as_ref()?.serial();
            let origin = key(&zone.origin);
            let serials = former.remove(&origin);
            let mut serials = serials.unwrap_or_else(|| Serials::begin(declared, self.floors.remove(&origin)));
            let signed = zone.zone.as_ref()?.is_signed();
            if signed && serials.declared == declared {
                serials.current = declared;
            }
            Some(SerialRow { origin, declared, signed, serials })
        });
        self.rows = rows.collect();
        self.floors.extend(former.into_iter().map(|(origin, serials)| (origin, serials.current)));
    }

    /// Returns the serial of a zone as served; nothing if it is broken.
    pub(super) fn current(&self, zone: ZoneId) -> Option<Serial> {
        Some(self.rows.get(zone)?.as_ref()?.serials.current)
    }

    /// Walks over the zones that are not broken.
    pub(super) fn ids(&self) -> impl Iterator<Item = ZoneId> + use<> {
        let good = self.rows.iter().filter(|(_, row)| row.is_some()).map(|(id, _)| id);
        good.collect::<Vec<_>>().into_iter()
    }

    /// Walks over origins and serials.
    pub(super) fn exact(&self) -> impl Iterator<Item = (String, Serial)> {
        self.rows.iter().filter_map(|(_, row)| row.as_ref()).map(|row| (row.origin.clone(), row.serials.current))
    }

    /// Moves a zone on as its data changed.
    pub(super) fn data_changed(&mut self, zone: ZoneId) {
        if let Some(row) = self.row(zone).filter(|row| !row.signed) {
            row.serials.data_changed();
        }
    }

    /// Takes the serial that a zone declares since the last reload; tells whether the served one moved.
    pub(super) fn declare(&mut self, zone: ZoneId, data_changed: bool) -> bool {
        self.row(zone).is_some_and(|row| {
            let before = row.serials.current;
            if row.signed {
                row.serials = Serials { declared: row.declared, current: row.declared, ..row.serials };
            } else {
                row.serials.declare(row.declared, data_changed);
            }
            row.serials.current != before
        })
    }

    /// Returns the origin and the ceiling to keep on disk, if it must be moved on now.
    pub(super) fn new_ceiling(&mut self, zone: ZoneId) -> Option<(String, Serial)> {
        let row = self.row(zone)?;
        let ceiling = row.serials.new_ceiling()?;
        Some((row.origin.clone(), ceiling))
    }

    fn row(&mut self, zone: ZoneId) -> Option<&mut SerialRow> {
        self.rows.get_mut(zone)?.as_mut()
    }
}

/// Returns how a zone is named in the store.
fn key(origin: &Name) -> String {
    origin.to_lower().to_string()
}

/// The serials of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Serials {
    declared: Serial,
    current: Serial,
    ceiling: Option<Serial>,
}

impl Serials {
    /// Begins: at the declared serial, or above the ceiling that a former run left.
    fn begin(declared: Serial, ceiling: Option<Serial>) -> Self {
        let current = ceiling.map_or(declared, |ceiling| next(declared, ceiling));
        Self { declared, current, ceiling: None }
    }

    /// Moves on as other data changed: the greater of declared and current + 1.
    fn data_changed(&mut self) {
        self.current = next(self.declared, self.current);
    }

    /// Takes a newly declared serial; if no other data changed, only a serial that moved ahead counts.
    fn declare(&mut self, declared: Serial, data_changed: bool) {
        self.declared = declared;
        if data_changed {
            self.data_changed();
        } else if declared.is_after(self.current) {
            self.current = declared;
        }
    }

    /// Returns the ceiling to keep on disk, if it must be moved on now.
    fn new_ceiling(&mut self) -> Option<Serial> {
        let limit = self.current + MARGIN;
        if self.ceiling.is_some_and(|ceiling| ceiling.is_after(limit)) {
            return None;
        }
        self.ceiling = Some(self.current + AHEAD);
        self.ceiling
    }
}

/// Returns max(declared, current + 1) by RFC 1982; current + 1 where the declared one is not ahead of both: one that stands
/// opposite to the current one is ahead of the next, and yet secondaries would not take it.
fn next(declared: Serial, current: Serial) -> Serial {
    let bumped = current + 1;
    if declared.is_after(bumped) && declared.is_after(current) { declared } else { bumped }
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
            (0x8000_0005, 5, 6),
            (0x8000_0004, 5, 0x8000_0004),
        ] {
            assert_eq!(next(Serial(declared), Serial(current)), Serial(expected), "{declared} {current}");
        }
    }

    #[test]
    fn a_restart_begins_above_the_ceiling() {
        assert_eq!(Serials::begin(Serial(7), None).current, Serial(7));
        assert_eq!(Serials::begin(Serial(7), Some(Serial(1_007))).current, Serial(1_008));
        assert_eq!(Serials::begin(Serial(2_000), Some(Serial(1_007))).current, Serial(2_000));
    }

    #[test]
    fn only_a_declared_serial_that_moved_ahead_counts_without_other_changes() {
        let mut serials = Serials::begin(Serial(7), None);
        serials.data_changed();
        serials.declare(Serial(8), false);
        assert_eq!(serials.current, Serial(8));
        serials.declare(Serial(20), false);
        assert_eq!(serials.current, Serial(20));
        serials.declare(Serial(20), true);
        assert_eq!(serials.current, Serial(21));
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
        assert_eq!(serials.current, Serial(7 + AHEAD - MARGIN));
    }
}
