//! What would change a service's answer, and when.

use std::time::Duration;

use crate::base::duration::write_short;
use crate::cli::words::counted;
use crate::engine::Core;
use crate::engine::setup::{PoolSetup, TargetSetup};
use crate::engine::status::PoolStatus;
use crate::health::Settings;
use crate::health::machine::State;
use crate::policy::{self, AllDown, Better, Reason, Waits};

/// Returns what would change the answer, the nearest first.
pub(super) fn of(core: &Core, pool: &PoolStatus) -> Vec<String> {
    if pool.members.iter().all(|member| member.targets.is_empty()) {
        return vec!["nothing: no target of this service is tested, its records are served as declared".to_owned()];
    }
    let setup = core.setup();
    let service = &setup.pools[pool.id];
    let targets: Vec<&TargetSetup> =
        pool.members.iter().flat_map(|member| &member.targets).map(|id| &setup.targets[*id]).collect();
    let mut lines = movers(core, pool);
    match &pool.decision.reason {
        Reason::Tier { tier, tally, better, .. } => {
            lines.extend(better.iter().map(|better| failback(better, service, pool)));
            lines.push(format!("tier {tier} has {tally}; {}", loss(*tier, pool, service)));
            lines.extend(
                targets.iter().find(|target| target.is_probed()).map(|target| speed(&target.settings, target.watched)),
            );
        }
        Reason::LastResort { .. } | Reason::AllDown { .. } => {
            let settings = targets.first().map(|target| &target.settings);
            lines.extend(settings.map(|settings| {
                format!(
                    "the first target that passes {} serves at once: within {} of its return",
                    counted(count(settings.rise), "probe"),
                    write_short(rising(settings))
                )
            }));
        }
    }
    if targets.iter().all(|target| !target.is_probed()) {
        lines.push("no target may be tested, so nothing changes by itself".to_owned());
    }
    lines
}

/// Tells which targets are on their way up or down.
fn movers(core: &Core, pool: &PoolStatus) -> Vec<String> {
    let targets = pool.members.iter().flat_map(|member| &member.targets);
    let line = |id| {
        let setup = &core.setup().targets[id];
        let status = core.target_status(id, crate::base::clock::Mono::START);
        match status.state {
            State::Failing { fails, .. } => {
                let left = setup.settings.fall.saturating_sub(fails);
                Some(format!("{}: {} more take it down", setup.key, counted(count(left), "failure")))
            }
            State::Recovering { passes } => {
                let left = setup.settings.rise.saturating_sub(passes);
                Some(format!("{}: {} more bring it back", setup.key, counted(count(left), "pass")))
            }
            State::Unknown | State::Up | State::Down(_) => None,
        }
    };
    targets.copied().filter_map(line).collect()
}

/// Tells when a better tier becomes active again.
fn failback(better: &Better, service: &PoolSetup, pool: &PoolStatus) -> String {
    let tier = better.tier;
    let hold = policy::hold(&service.pool.settings, pool.flaps);
    let at_once = hold.is_zero();
    let hold = write_short(hold);
    let due = pool.failback.filter(|(holding, _)| *holding == tier).map(|(_, due)| write_short(due));
    let soonest = due.map_or_else(String::new, |due| format!(", in {due} if it stays so"));
    match better.waits {
        Waits::Failed if at_once => {
            format!("tier {tier} ({}) becomes active again as soon as it holds again", better.tally)
        }
        Waits::Failed => {
            format!("tier {tier} ({}) becomes active again when it holds again, and has held for {hold}", better.tally)
        }
        Waits::Proof => {
            format!("tier {tier} becomes active again when its members are known to be up, and have held for {hold}")
        }
        Waits::Hold(_) => format!("tier {tier} is up and becomes active again when it has held for {hold}{soonest}"),
        Waits::Order => format!(
            "tier {tier} is up and waits for an order (`failback = \"manual\"`): understudy failback {}",
            service.name.trim_end_matches('.')
        ),
        Waits::Window { .. } => format!("{better}{soonest}"),
    }
}

/// Tells what follows when the serving tier no longer holds.
fn loss(tier: u16, pool: &PoolStatus, service: &PoolSetup) -> String {
    let mut others: Vec<u16> =
        pool.members.iter().filter(|m| m.priority != tier && m.verdict.serves()).map(|m| m.priority).collect();
    others.sort_unstable();
    match (others.first(), service.pool.settings.all_down) {
        (Some(next), _) => format!("when it fails, tier {next} becomes active at once"),
        (None, AllDown::Declared) => "when it fails, nobody is left: the declared set is served on".to_owned(),
        (None, AllDown::LastGood) => "when it fails, nobody is left: the last good set is served on".to_owned(),
        (None, AllDown::Closed) => {
            "when it fails, nobody is left: the service says that it is not available".to_owned()
        }
    }
}

/// Tells how soon a dead target is noticed.
fn speed(settings: &Settings, watched: bool) -> String {
    let after = settings.fall.saturating_sub(1);
    let confirmed = settings.confirm_interval * after;
    let refused = if watched { confirmed } else { settings.interval + confirmed };
    // Once it is long up, its held connection may spare it tests.
    let polled = if watched { settings.interval.max(settings.watched_interval) } else { settings.interval };
    let silent = polled + settings.timeout + settings.fast_interval.max(settings.timeout) * after;
    format!(
        "a dead target leaves after {}: within {} {}; {} if it is silent",
        counted(count(settings.fall), "failure"),
        // A test takes a moment too.
        write_short(refused.max(MOMENT)),
        if watched {
            let unwatched = write_short((settings.interval + confirmed).max(MOMENT));
            format!("while a connection to it is held, else {unwatched}")
        } else {
            "if it refuses".to_owned()
        },
        write_short(silent)
    )
}

/// Returns how long it takes at most until a target that is back is up.
fn rising(settings: &Settings) -> Duration {
    settings.down_interval + settings.fast_interval * settings.rise.saturating_sub(1)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The shortest time that is promised.
const MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Arguments;
    use crate::cli::testing::{SIP, core, now, setup};
    use crate::policy::{Need, Tally};

    #[test]
    fn every_command_that_is_named_exists() {
        let setup = setup(SIP);
        let (core, _) = core(&setup, &[]);
        let (id, service) = setup.pools.iter().next().unwrap();
        let pool = core.pool_status(id, now()).unwrap();
        let tally = Tally { up: 2, of: 2, untested: 0, by_order: 0, need: Need::Count(1), holds: true };
        for waits in [Waits::Failed, Waits::Proof, Waits::Order] {
            let line = failback(&Better { tier: 10, tally, waits }, service, &pool);
            let command = line.find("understudy ").map(|at| line[at..].split(' '));
            assert!(command.is_none_or(|words| Arguments::try_parse_from(words).is_ok()), "{line}");
        }
    }
}
