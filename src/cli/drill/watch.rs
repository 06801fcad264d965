//! The watch over the standby while it serves: the first doubt ends the drill.

use std::fmt;
use std::time::Duration;

use crate::admin::view::{Served, ServiceView, StatusView, TargetView};
use crate::base::clock::Clock;
use crate::base::duration::write_short;
use crate::cli::remote::Remote;

use super::plan::Plan;
use super::report::Report;

/// Why a drill ends before its time, or badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The standby did not take over in time.
    NotTaken(String),
    /// The service is no longer at the standby.
    Left(String),
    /// A target of the standby is not plainly up.
    Target(String),
    /// The checker is cut off: what it says of the standby does not count.
    Isolated,
    /// The server does not answer.
    Silent(String),
    /// The operator has had enough.
    Interrupted,
    /// The service has not returned to its tier.
    NotBack {
        /// The tier.
        tier: u16,
        /// For how long it was waited.
        within: Duration,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTaken(reason) => write!(f, "the standby has not taken over: {reason}"),
            Self::Left(reason) => write!(f, "the service has left the standby: {reason}"),
            Self::Target(what) => write!(f, "a target of the standby is not well: {what}"),
            Self::Isolated => f.write_str("the checker is isolated"),
            Self::Silent(why) => write!(f, "the server does not answer: {why}"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::NotBack { tier, within } => {
                write!(f, "not at tier {tier} again within {}: `understudy status` says why", write_short(*within))
            }
        }
    }
}

/// Watches until the time is over; returns what is doubtful before that.
pub(super) fn watch(remote: &Remote, plan: &Plan, lasts: Duration, report: &mut Report) -> Option<Doubt> {
    let clock = Clock::start();
    let begun = clock.now().mono;
    let mut has_taken = false;
    loop {
        let status: StatusView = match remote.get("/v1/status") {
            Ok(status) => status,
            Err(failed) => return Some(Doubt::Silent(failed.to_string())),
        };
        let elapsed = clock.now().mono.since(begun);
        match judge(plan, &status) {
            Ok(true) => {
                if !has_taken {
                    has_taken = true;
                    report.step(format!("tier {} serves", plan.standby));
                }
                report.look(targets(plan, &status).into_iter().filter_map(|target| target.last.as_ref()));
            }
            Ok(false) if has_taken => return Some(Doubt::Left(reason(plan, &status))),
            Ok(false) if elapsed > TAKES_OVER => return Some(Doubt::NotTaken(reason(plan, &status))),
            Ok(false) => {}
            Err(doubt) => return Some(doubt),
        }
        let Some(left) = lasts.checked_sub(elapsed).filter(|left| !left.is_zero()) else {
            return (!has_taken).then(|| Doubt::NotTaken(reason(plan, &status)));
        };
        if remote.is_interrupted_within(LOOK.min(left)) {
            return Some(Doubt::Interrupted);
        }
    }
}

/// Returns whether the standby serves.
///
/// # Errors
/// What is doubtful.
fn judge(plan: &Plan, status: &StatusView) -> Result<bool, Doubt> {
    if status.isolated {
        return Err(Doubt::Isolated);
    }
    let ill = targets(plan, status).into_iter().find(|target| target.state != "up" || target.degraded);
    if let Some(target) = ill {
        let cause = target.cause.as_deref().unwrap_or("no cause is known");
        return Err(Doubt::Target(format!("{} is {} ({cause})", target.target, target.state)));
    }
    let Some(service) = find(plan, status) else { return Err(Doubt::Left("a reload has removed it".to_owned())) };
    let members = || service.members.iter().filter(|member| plan.ready.contains(&member.member));
    Ok(service.served == Served::Tier
        && service.tier == Some(plan.standby)
        && members().count() > 0
        && members().all(|member| member.listed))
}

fn find<'s>(plan: &Plan, status: &'s StatusView) -> Option<&'s ServiceView> {
    status.services.iter().find(|service| service.service == plan.service)
}

fn reason(plan: &Plan, status: &StatusView) -> String {
    find(plan, status).map_or_else(|| "it is gone".to_owned(), |service| service.reason.clone())
}

/// Returns the targets of the standby.
fn targets<'s>(plan: &Plan, status: &'s StatusView) -> Vec<&'s TargetView> {
    let members = find(plan, status).into_iter().flat_map(|service| &service.members);
    let ready = members.filter(|member| plan.ready.contains(&member.member));
    let names: Vec<&String> = ready.flat_map(|member| &member.targets).collect();
    status.targets.iter().filter(|target| names.contains(&&target.target)).collect()
}

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
/// How long the takeover may take.
const TAKES_OVER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::sip_status;

    #[test]
    fn the_standby_serves_when_all_of_it_is_in_the_answer_and_up() {
        let before = sip_status();
        let plan = Plan::make("_sip._tcp.example.com", &before).unwrap();
        assert_eq!(judge(&plan, &before), Ok(false));
        let mut taken = before;
        taken.services[0].tier = Some(20);
        taken.services[0].members.iter_mut().for_each(|member| member.listed = member.priority == 20);
        assert_eq!(judge(&plan, &taken), Ok(true));
        let doubt = |change: fn(&mut StatusView)| {
            let mut status = taken.clone();
            change(&mut status);
            judge(&plan, &status)
        };
        assert_eq!(doubt(|status| status.isolated = true), Err(Doubt::Isolated));
        assert!(matches!(
            doubt(|status| status.targets.iter_mut().for_each(|t| t.state = "failing".into())),
            Err(Doubt::Target(_))
        ));
        assert!(matches!(
            doubt(|status| status.targets.iter_mut().for_each(|t| t.degraded = true)),
            Err(Doubt::Target(_))
        ));
        assert!(matches!(doubt(|status| status.services.clear()), Err(Doubt::Left(_))));
        assert_eq!(doubt(|status| status.services[0].served = Served::LastResort), Ok(false));
    }
}
