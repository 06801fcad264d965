//! Pings within a network namespace, whose sysctl and links are its own.

use std::process::Command;

use crate::probe::{Probed, run};

/// Probes within a new namespace after `setup`.
#[track_caller]
fn probe_inside(setup: &str, url: &str) -> Probed {
    let script = format!("{setup} && exec \"$0\" probe \"$1\" --json --timeout 0.5");
    let words = ["--user", "--map-root-user", "--net", "sh", "-c", &script];
    run(Command::new("unshare").args(words).args([env!("CARGO_BIN_EXE_understudy"), url]))
}

const ALLOW: &str = "echo '0 0' >/proc/sys/net/ipv4/ping_group_range && ip link set lo up";

#[test]
fn a_host_that_is_there_replies_in_both_families() {
    for url in ["icmp://127.0.0.1", "icmp://::1"] {
        probe_inside(ALLOW, url).saw("pass", "").step("echo", "replied");
    }
}

#[test]
fn a_refused_permission_is_unknown_and_tells_the_mend() {
    // The kernel's own default lets nobody.
    probe_inside("ip link set lo up", "icmp://127.0.0.1").saw("unknown", "net.ipv4.ping_group_range");
}

#[test]
fn a_host_that_does_not_reply_is_silent_and_a_missing_route_our_own_fault() {
    let deaf = "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all";
    probe_inside(&format!("{ALLOW} && {deaf}"), "icmp://127.0.0.1").saw("silent", "no answer within");
    probe_inside(ALLOW, "icmp://10.9.9.2").saw("unknown", "no route");
}
