//! A persistent vector: a copy costs nothing, a change costs one path of the tree.

use std::sync::Arc;

/// A vector whose copies share all but what was changed since: a radix tree of shared nodes.
#[derive(Clone, Debug)]
pub(super) struct Vector<T> {
    root: Arc<Branch<T>>,
    /// Digits of an index above the leaf's.
    height: u32,
    len: usize,
}

#[derive(Clone, Debug)]
enum Branch<T> {
    Inner(Vec<Arc<Self>>),
    Leaf(Vec<T>),
}

impl<T: Clone> Vector<T> {
    /// Returns an element.
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let mut branch = &*self.root;
        let mut height = self.height;
        loop {
            match branch {
                Branch::Leaf(values) if index < self.len => return values.get(digit(index, 0)),
                Branch::Leaf(_) => return None,
                Branch::Inner(children) => branch = children.get(digit(index, height))?,
            }
            height = height.checked_sub(1)?;
        }
    }

    /// Changes an element; does nothing if there is none with this index.
    pub(super) fn set(&mut self, index: usize, value: T) {
        if index >= self.len {
            return;
        }
        let mut branch = Arc::make_mut(&mut self.root);
        let mut height = self.height;
        loop {
            match branch {
                Branch::Leaf(values) => {
                    values[digit(index, 0)] = value;
                    return;
                }
                Branch::Inner(children) => branch = Arc::make_mut(&mut children[digit(index, height)]),
            }
            height -= 1;
        }
    }
}

impl<T: Clone> FromIterator<T> for Vector<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values = values.into_iter().peekable();
        let (mut level, mut len) = (Vec::new(), 0);
        while values.peek().is_some() {
            let leaf: Vec<T> = values.by_ref().take(FANOUT).collect();
            len += leaf.len();
            level.push(Arc::new(Branch::Leaf(leaf)));
        }
        let mut height = 0;
        while level.len() > 1 {
            level = level.chunks(FANOUT).map(|children| Arc::new(Branch::Inner(children.to_vec()))).collect();
            height += 1;
        }
        let root = level.pop().unwrap_or_else(|| Arc::new(Branch::Leaf(Vec::new())));
        Self { root, height, len }
    }
}

/// Returns the place at `height` on the path to `index`.
const fn digit(index: usize, height: u32) -> usize {
    (index >> (BITS * height)) % FANOUT
}

/// A change copies about `FANOUT` pointers on each level.
const FANOUT: usize = 1 << BITS;
const BITS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_made_of() {
        for len in [0, 1, 31, 32, 33, 1023, 1024, 1025, 40_000] {
            let vector: Vector<usize> = (0..len).collect();
            assert!((0..len).all(|index| vector.get(index) == Some(&index)), "{len}");
            assert_eq!(vector.get(len), None);
            assert_eq!(vector.get(usize::MAX), None);
        }
    }

    #[test]
    fn a_change_leaves_older_copies_alone() {
        let old: Vector<usize> = (0..40_000).collect();
        let mut new = old.clone();
        new.set(33_333, 7);
        new.set(40_000, 7);
        assert_eq!((old.get(33_333), new.get(33_333)), (Some(&33_333), Some(&7)));
        assert_eq!(new.get(33_332), Some(&33_332));
        assert_eq!(new.get(40_000), None);
    }
}
