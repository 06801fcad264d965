//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::finding::Finding;

/// Lets the process open as many files as `connections` need, as far as the system allows; says so if that is too few.
pub(super) fn raise(connections: u32) -> Option<Finding> {
    let wanted = u64::from(connections).saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    // No limit is as good as any.
    let (now, most) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    if now >= wanted {
        return None;
    }
    let reached = wanted.min(most);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(reached), maximum: limit.maximum });
    let reached = if raised.is_ok() { reached } else { now };
    (reached < wanted).then(|| {
        let message = format!("the system allows {reached} open files, and `tcp-limit` may need {wanted}");
        Finding::warning("open-files", message)
            .why("beyond them, idle connections make room earlier and probes cannot tell who is up")
            .help("in a systemd unit `LimitNOFILE=`, else `ulimit -n`; or a lower `tcp-limit`")
    })
}

/// Files beside connections from clients: listeners, probes, the state.
const OTHERS: u64 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_is_told() {
        assert_eq!(raise(1), None);
        if getrlimit(Resource::Nofile).maximum.is_some_and(|most| most < u64::from(u32::MAX)) {
            assert!(raise(u32::MAX).unwrap().message.contains("open files"));
        }
    }
}
