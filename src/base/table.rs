//! A dense table indexed by a typed id.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A typed row number; made by [`crate::row_id!`].
pub trait RowId: Copy {
    /// Makes the id of row `index`.
    fn from_index(index: usize) -> Self;
    /// Returns the row's number.
    fn index(self) -> usize;
}

/// Defines a newtype over `u32` that numbers the rows of a [`Table`].
#[macro_export]
macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $crate::base::table::RowId for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("tables hold fewer than 2^32 rows"))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

/// Rows of `V`, keyed by `I`; rows are added at the end and never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<I, V> {
    rows: Vec<V>,
    id: PhantomData<fn(I) -> I>,
}

impl<I: RowId, V> Table<I, V> {
    /// Makes an empty table.
    pub const fn new() -> Self {
        Self { rows: Vec::new(), id: PhantomData }
    }

    /// Adds a row and returns its id.
    pub fn push(&mut self, row: V) -> I {
        let id = I::from_index(self.rows.len());
        self.rows.push(row);
        id
    }

    /// Returns a row, if there is one with this id.
    pub fn get(&self, id: I) -> Option<&V> {
        self.rows.get(id.index())
    }

    /// Returns a row to change, if there is one with this id.
    pub fn get_mut(&mut self, id: I) -> Option<&mut V> {
        self.rows.get_mut(id.index())
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Walks over the rows with their ids, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (I, &V)> {
        self.rows.iter().enumerate().map(|(index, row)| (I::from_index(index), row))
    }

    /// Walks over the rows, in order, to change them.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (I, &mut V)> {
        self.rows.iter_mut().enumerate().map(|(index, row)| (I::from_index(index), row))
    }

    /// Takes the rows out, in order.
    pub fn into_rows(self) -> impl ExactSizeIterator<Item = V> {
        self.rows.into_iter()
    }

    /// Gives back the room that was kept for rows to come.
    #[must_use]
    pub fn shrunk(mut self) -> Self {
        self.rows.shrink_to_fit();
        self
    }

    /// Walks over the ids, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = I> + use<I, V> {
        (0..self.rows.len()).map(I::from_index)
    }
}

impl<I: RowId, V> Default for Table<I, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: RowId, V> FromIterator<V> for Table<I, V> {
    fn from_iter<T: IntoIterator<Item = V>>(rows: T) -> Self {
        // What is made of larger rows is collected where those stood, and keeps all of their room.
        Self { rows: rows.into_iter().collect(), id: PhantomData }.shrunk()
    }
}

impl<I: RowId, V> Index<I> for Table<I, V> {
    type Output = V;
    fn index(&self, id: I) -> &V {
        &self.rows[id.index()]
    }
}

impl<I: RowId, V> IndexMut<I> for Table<I, V> {
    fn index_mut(&mut self, id: I) -> &mut V {
        &mut self.rows[id.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Row(usize);

    impl RowId for Row {
        fn from_index(index: usize) -> Self {
            Self(index)
        }
        fn index(self) -> usize {
            self.0
        }
    }

    #[test]
    fn a_table_keeps_no_room_of_the_larger_rows_that_it_is_made_of() {
        let large: Vec<[u64; 32]> = (0..100).map(|index| [index; 32]).collect();
        let table: Table<Row, u64> = large.into_iter().map(|row| row[0]).collect();
        assert_eq!((table.len(), table.rows.capacity()), (100, 100));
    }
}
