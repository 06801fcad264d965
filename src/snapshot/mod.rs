//! What is served: an immutable image of all effective zones, and how the next one is derived from it.
//!
//! ```text
//! zone, its slots ─▶ ZonePart ─┐            values of the slots ─┐
//! zone, its slots ─▶ ZonePart ─┴─▶ Image ────────────────────────┴─▶ Snapshot ──next(changes)──▶ Snapshot ──▶ Publisher ─▶ SnapshotReader
//! ```
//!
//! The image holds every owner name of every zone, a part for each zone; it changes with a reload only, and then shares
//! the parts of the zones that stay the same. A set that follows decisions (and the SOA, whose serial follows them) is
//! a slot: its place is in the image, its value in the snapshot. So the cost of the next snapshot depends on what
//! changes, not on the size of the zones.
//!
//! **Invariant:** this room knows no health, no packet and no clock. A snapshot never changes after it was made; beside
//! the values only it is noted until when what was told of them may be cached ([`Served`]).

mod compare;
mod denial;
mod digest;
pub mod history;
mod image;
mod index;
mod lookup;
mod note;
mod part;
mod publish;
mod served;
mod slot;
mod sought;
mod vector;
mod weighted;

pub use denial::{Denial, Nsec3Chain, NsecChain};
pub use digest::ContentDigest;
pub use history::{Difference, History, HistoryView};
pub use image::Image;
pub use lookup::{Held, Lookup, Node, ZoneView};
pub use note::{Hold, Note, NoteView};
pub use part::{ZoneInput, ZonePart};
pub use publish::{Publisher, SnapshotReader};
pub use served::Served;
pub use slot::{SlotId, SlotKey, SlotValue, ZoneId};
pub use weighted::{Draw, Pick, WeightedSet};

use std::fmt;
use std::sync::Arc;

use crate::base::table::RowId;
use crate::zone::{Name, Rrset};
use vector::Vector;

/// An immutable picture of all effective zones.
#[derive(Clone)]
pub struct Snapshot {
    generation: u64,
    image: Arc<Image>,
    values: Vector<Arc<Served>>,
    notes: Vector<Option<Note>>,
    /// By zone.
    histories: Vector<Option<HistoryView>>,
}

impl Snapshot {
    /// Makes a snapshot from an image and a value for each of its slots, in the order of their ids.
    ///
    /// # Panics
    /// If there are not as many values as slots.
    pub fn first(image: Arc<Image>, values: Vec<SlotValue>, generation: u64) -> Self {
        assert_eq!(values.len(), image.slot_count(), "every slot has a value");
        let notes = values.iter().map(|_| None).collect();
        let histories = (0..image.zone_count()).map(|_| None).collect();
        Self { generation, image, values: values.into_iter().map(served).collect(), notes, histories }
    }

    /// Makes the next generation: the same but for `changes`. Ids of no slot are passed over.
    #[must_use]
    pub fn next(&self, changes: impl IntoIterator<Item = (SlotId, SlotValue)>) -> Self {
        let mut values = self.values.clone();
        for (slot, value) in changes {
            values.set(slot.index(), served(value));
        }
        Self { generation: self.generation + 1, values, ..self.clone() }
    }

    /// Says of slots why they hold what they hold; nothing where it needs no words. Ids of no slot are passed over.
    #[must_use]
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = (SlotId, Option<Note>)>) -> Self {
        for (slot, note) in notes {
            if self.notes.get(slot.index()).is_some_and(|known| *known != note) {
                self.notes.set(slot.index(), note);
            }
        }
        self
    }

    /// Returns why a slot holds what it holds, if that needs words.
    pub fn slot_note(&self, slot: SlotId) -> Option<&Note> {
        self.notes.get(slot.index())?.as_ref()
    }

    /// Says how zones came to be as they are. Ids of no zone are passed over.
    #[must_use]
    pub fn with_histories(mut self, histories: impl IntoIterator<Item = (ZoneId, HistoryView)>) -> Self {
        for (zone, history) in histories {
            self.histories.set(zone.index(), Some(history));
        }
        self
    }

    /// Returns the differences of late of a zone, if they are known.
    pub fn history(&self, zone: ZoneId) -> Option<&HistoryView> {
        self.histories.get(zone.index())?.as_ref()
    }

    /// Returns the number of this snapshot; it grows with each publication.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the image that the snapshot lies upon.
    pub const fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Returns what a slot holds; nothing if there is no such slot.
    pub fn slot(&self, slot: SlotId) -> Option<&SlotValue> {
        self.served(slot).map(|served| served.value())
    }

    /// Returns what a slot holds, with what is noted of the answers from it.
    pub fn served(&self, slot: SlotId) -> Option<&Arc<Served>> {
        self.values.get(slot.index())
    }

    /// Walks over the effective sets of a zone with their owners, in canonical order (RFC 4034 §6.1), those at and
    /// below cuts included; nothing if the zone is broken.
    pub fn records(&self, zone: ZoneId) -> impl Iterator<Item = (&Name, &Arc<Rrset>)> {
        self.nodes(zone).flat_map(|node| node.sets().map(move |set| (node.owner(), set)))
    }
}

fn served(value: SlotValue) -> Arc<Served> {
    Arc::new(Served::new(value))
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot {} of {:?}", self.generation, self.image)
    }
}

#[cfg(test)]
mod tests;
