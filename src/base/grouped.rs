//! Many values for each of many keys, in one piece of memory: most keys have one or two.

/// The values of each key, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Grouped<K, V> {
    /// Sorted by key.
    rows: Box<[(K, V)]>,
}

impl<K: Ord, V> Grouped<K, V> {
    /// Walks over the values of a key.
    pub fn of<'a>(&'a self, key: &K) -> impl Iterator<Item = &'a V> + use<'a, K, V> {
        let begin = self.rows.partition_point(|(known, _)| known < key);
        let rows = self.rows.get(begin..).unwrap_or_default();
        let end = rows.partition_point(|(known, _)| known <= key);
        rows.get(..end).unwrap_or_default().iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V: PartialEq> FromIterator<(K, V)> for Grouped<K, V> {
    /// A value that comes twice in a row for a key is one.
    fn from_iter<T: IntoIterator<Item = (K, V)>>(rows: T) -> Self {
        let mut rows: Vec<(K, V)> = rows.into_iter().collect();
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        rows.dedup();
        Self { rows: rows.into_boxed_slice() }
    }
}

impl<K, V> Default for Grouped<K, V> {
    fn default() -> Self {
        Self { rows: Box::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_values_in_the_order_in_which_they_came() {
        let rows = [(2, 'x'), (1, 'b'), (2, 'a'), (1, 'a'), (2, 'a'), (1, 'b')];
        let grouped: Grouped<u8, char> = rows.into_iter().collect();
        let of = |key: u8| grouped.of(&key).copied().collect::<String>();
        assert_eq!([of(0), of(1), of(2), of(3)], ["", "bab", "xa", ""]);
        assert_eq!(Grouped::<u8, char>::default().of(&1).count(), 0);
    }
}
