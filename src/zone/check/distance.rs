//! "Did you mean": how far two labels are apart.

/// Returns the candidate nearest to `word`, if it is at most `limit` slips of the finger away and not the word itself.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>, limit: usize) -> Option<&'a str> {
    candidates
        .map(|candidate| (slips(word, candidate), candidate))
        .filter(|(slips, _)| (1..=limit).contains(slips))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Counts the letters added, lost, changed or swapped with their neighbour between two words.
fn slips(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_slip() {
        assert_eq!(slips("_tpc", "_tcp"), 1);
        assert_eq!(slips("_xmpp-clinet", "_xmpp-client"), 1);
        assert_eq!(slips("_sip", "_sip"), 0);
        assert_eq!(slips("", "_sip"), 4);
    }

    #[test]
    fn the_nearest_other_word_is_meant() {
        assert_eq!(nearest("_tpc", ["_udp", "_tcp"].into_iter(), 1), Some("_tcp"));
        assert_eq!(nearest("_tcp", ["_udp", "_tcp"].into_iter(), 1), None);
    }
}
