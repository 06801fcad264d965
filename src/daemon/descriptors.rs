//! How many file descriptors this process may have, and how many of them connections that are held open may take.

use tracing::warn;

/// Returns how many connections may be held open beside the probes: what probes and doors leave of the descriptors.
pub(super) fn held() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let held = share(soft_limit(&limits).unwrap_or(USUAL));
    if held == 0 {
        warn!("too few file descriptors to hold connections open: targets are only probed (raise `ulimit -n`)");
    }
    held
}

/// Reads the soft limit of open files from the text of `/proc/self/limits` (proc(5)); nothing if there is none.
fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(usize::MAX) } else { soft.parse().ok() }
}

/// Returns the share of held connections: a quarter of few, all but what the others need of many.
fn share(limit: usize) -> usize {
    // While one is renewed it takes two.
    let rest = limit.saturating_sub(OTHERS) / 10 * 9;
    rest.max(limit / 4).min(MOST)
}

/// What else is open at most: 1,000 probes, 1,000 connections of clients, files and listeners.
const OTHERS: usize = 2_100;
/// The most connections that are held.
const MOST: usize = 10_000;
/// The soft limit that most systems set.
const USUAL: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read_as_the_kernel_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             63432                63432                processes \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(text), Some(1_024));
        assert_eq!(soft_limit(&text.replace("1024  ", "unlimited")), Some(usize::MAX));
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn probes_and_doors_keep_their_descriptors() {
        for (limit, held) in [(0, 0), (64, 16), (1_024, 256), (4_096, 1_791), (65_536, 10_000), (usize::MAX, 10_000)] {
            assert_eq!(share(limit), held, "{limit}");
        }
    }
}
