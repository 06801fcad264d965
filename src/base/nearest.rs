//! "Did you mean": the known word closest to an unknown one.

/// Returns the candidate with the fewest letters added, lost, changed or swapped with their neighbour, if those are at
/// most `limit`; of several the first by the alphabet.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>, limit: usize) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(letters, _)| *letters <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns how many letters of a word may be wrong: a third of them, and at most three.
pub fn tolerance(word: &str) -> usize {
    word.chars().count().div_ceil(3).min(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_counts_as_one_letter() {
        for (word, candidate, letters) in [
            ("_tpc", "_tcp", 1),
            ("_xmpp-clinet", "_xmpp-client", 1),
            ("_sip", "_sip", 0),
            ("", "_sip", 4),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(nearest(word, [candidate].into_iter(), letters), Some(candidate), "{word}");
            if let Some(fewer) = letters.checked_sub(1) {
                assert_eq!(nearest(word, [candidate].into_iter(), fewer), None, "{word}");
            }
        }
    }

    #[test]
    fn the_nearest_is_meant_and_of_two_the_first_by_the_alphabet() {
        assert_eq!(nearest("_tpc", ["_udp", "_tcp"].into_iter(), 2), Some("_tcp"));
        assert_eq!(nearest("_xcp", ["_ycp", "_tcp"].into_iter(), 1), Some("_tcp"));
    }
}
