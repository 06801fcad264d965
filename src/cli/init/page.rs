//! The text of the config: what is there already, why it is so, and what an operator may want to change. Pure.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::Running;
use crate::engine::setup::{PoolSetup, Setup};
use crate::health::NO_TRANSPORT;
use crate::keys::values::quoted;

/// Writes the config of zones.
pub(super) fn write(running: &Running, zones: &[PathBuf]) -> String {
    let setup = &running.setup;
    let mut text = HEAD.to_owned();
    text += &barred(setup);
    text += POLICY;
    for zone in zones {
        text += &format!("\n[[zone]]\nfile = {}\n", quoted(zone.display()));
    }
    if setup.pools.iter().next().is_some() {
        text += SERVICES;
    }
    for (_, pool) in setup.pools.iter() {
        text += &service(setup, pool);
    }
    text
}

/// Says which targets may not be tested as it is, and what would let them.
fn barred(setup: &Setup) -> String {
    let barred = setup.targets.iter().filter(|(_, target)| !target.is_probed());
    let addresses: BTreeSet<String> = barred.map(|(_, target)| target.key.address.to_string()).collect();
    if addresses.is_empty() {
        return String::new();
    }
    let list = addresses.iter().take(MOST).map(quoted).collect::<Vec<_>>().join(", ");
    format!(
        "\n# These addresses are for documents and tests, or must not be tested for another reason. If they are meant:\n\
         # probe-allow = [{list}]\n"
    )
}

/// Tells of one service: its tiers, what tests them, and what may be said of it.
fn service(setup: &Setup, pool: &PoolSetup) -> String {
    let name = pool.name.split('+').next().unwrap_or_default().trim_end_matches('.');
    let mut text = format!("\n# {}\n", pool.name.replace('+', " and ").replace(". ", " ").trim_end_matches('.'));
    let tiers: BTreeSet<u16> = pool.pool.members.iter().map(|member| member.priority).collect();
    for tier in &tiers {
        let members = pool.members.iter().zip(&pool.pool.members).filter(|(_, member)| member.priority == *tier);
        let labels: BTreeSet<&str> = members.map(|(row, _)| row.label.as_str()).collect();
        text += &format!("#   tier {tier}: {}\n", labels.into_iter().collect::<Vec<_>>().join(", "));
    }
    let kinds: BTreeSet<String> =
        pool.targets().map(|id| kind(setup.targets[*id].key.kind, setup.targets[*id].key.transport)).collect();
    match (kinds.is_empty(), tiers.len()) {
        (true, _) => text += "#   not tested: no check is known for it, so it is served as declared\n",
        (false, 1) => text += &format!("#   tested by {}; it has one tier, so nobody stands by\n", join(&kinds)),
        (false, _) => text += &format!("#   tested by {}\n", join(&kinds)),
    }
    if !pool.name.starts_with('_') {
        return text;
    }
    text += &format!("# [[service]]\n# match = {}\n", quoted(name));
    text += "# hold = \"2m\"                  # how long its better tier must be well before it serves again\n";
    text += "# check = { kind = \"tcp\" }     # another test; { kind = \"none\" } serves it as declared\n";
    text
}

fn kind(kind: &str, transport: &str) -> String {
    if kind == transport || transport == NO_TRANSPORT {
        kind.to_owned()
    } else {
        format!("{kind} over {}", transport.to_uppercase())
    }
}

fn join(kinds: &BTreeSet<String>) -> String {
    kinds.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The most addresses that are named.
const MOST: usize = 20;

const HEAD: &str = "\
# The config of understudy. What stands behind a `#` is a suggestion; all keys, with their defaults:
# understudy man understudy.toml
version = 1

[server]
# Where questions are answered. Without `listen` it is loopback at port 5300: to try it, that is enough.
# listen = [\"0.0.0.0:53\", \"[::]:53\"]
# Metrics for Prometheus, and /readyz.
# metrics-listen = \"127.0.0.1:9153\"

[health]
# How soon a death is noticed: from test to test, the time of a test, and how many failures it takes.
# interval = \"5s\"
# timeout = \"2s\"
# fall = 3
";

const POLICY: &str = "
[policy]
# How long a better tier must be well again before it serves again; \"manual\" waits for `understudy failback`.
# hold = \"1m\"
# failback = \"auto\"
# The longest TTL of sets that follow health: for so long clients may hold an old answer.
# ttl = 30
";

const SERVICES: &str = "
# ── Services ────────────────────────────────────────────────────────────────────────────────────────────────────────────
#
# These were found in the zones. They are tested and fail over as they are; take the marks off where you want it otherwise.
";
