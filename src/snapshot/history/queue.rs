//! A short queue whose copies share what they have in common: a change copies a few pointers, not the queue.

use std::sync::Arc;

/// A queue in blocks of at most [`BLOCK`] elements, none of them empty.
#[derive(Clone, Debug)]
pub(super) struct SharedQueue<T> {
    blocks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T: Clone> SharedQueue<T> {
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn front(&self) -> Option<&T> {
        self.blocks.first()?.first()
    }

    pub(super) fn back(&self) -> Option<&T> {
        self.blocks.last()?.last()
    }

    pub(super) fn push_back(&mut self, value: T) {
        match self.blocks.last_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => Arc::make_mut(block).push(value),
            None => self.blocks.push(Arc::new(vec![value])),
        }
        self.len += 1;
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        let first = self.blocks.first_mut()?;
        let popped = if first.len() == 1 {
            self.blocks.remove(0).first().cloned()
        } else {
            Some(Arc::make_mut(first).remove(0))
        };
        self.len -= 1;
        popped
    }

    /// Walks over the elements, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.blocks.iter().flat_map(|block| block.iter())
    }
}

impl<T: Clone + PartialEq> PartialEq for SharedQueue<T> {
    /// Compares the elements, however they stand in blocks.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Clone + Eq> Eq for SharedQueue<T> {}

/// About the square root of how many elements there are: so copies of blocks and of their list cost the same.
const BLOCK: usize = 10;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn does_what_a_queue_does_and_leaves_copies_alone(pushes in proptest::collection::vec(any::<bool>(), 0..200)) {
            let (mut queue, mut model) = (SharedQueue::new(), VecDeque::new());
            let mut copies = Vec::new();
            for (number, push) in pushes.into_iter().enumerate() {
                copies.push((queue.clone(), model.clone()));
                if push {
                    queue.push_back(number);
                    model.push_back(number);
                } else {
                    prop_assert_eq!(queue.pop_front(), model.pop_front());
                }
            }
            copies.push((queue, model));
            for (queue, model) in &copies {
                prop_assert_eq!(queue.iter().collect::<Vec<_>>(), model.iter().collect::<Vec<_>>());
                prop_assert_eq!(queue.iter().next_back(), model.back());
                prop_assert_eq!((queue.len(), queue.front(), queue.back()), (model.len(), model.front(), model.back()));
            }
            prop_assert!(copies.windows(2).all(|pair| (pair[0].0 == pair[1].0) == (pair[0].1 == pair[1].1)));
        }
    }
}
