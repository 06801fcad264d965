//! Merges two sorted iterators.

use std::cmp::Ordering;

/// Walks over two lists that are sorted alike: what `compare` holds for equal comes together, all else alone.
///
/// ```
/// use understudy::base::merge::side_by_side;
///
/// let pairs = side_by_side([1, 2], [2, 3], |a, b| a.cmp(b));
/// assert_eq!(pairs.collect::<Vec<_>>(), [(Some(1), None), (Some(2), Some(2)), (None, Some(3))]);
/// ```
pub fn side_by_side<A, B>(
    left: impl IntoIterator<Item = A>,
    right: impl IntoIterator<Item = B>,
    compare: impl Fn(&A, &B) -> Ordering,
) -> impl Iterator<Item = (Option<A>, Option<B>)> {
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => compare(left, right),
        };
        let from_left = if order.is_le() { left.next() } else { None };
        let from_right = if order.is_ge() { right.next() } else { None };
        Some((from_left, from_right))
    })
}
