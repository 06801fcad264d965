//! Whether a drill is safe, and what it drains. Pure.

use std::collections::BTreeSet;

use crate::admin::view::{MemberView, Served, ServiceView, StatusView};
use crate::base::finding::Finding;
use crate::cli::{offline, words};

/// What a drill does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The service, as the server names it.
    pub(super) service: String,
    /// The tier that serves now.
    pub(super) tier: u16,
    /// Its members that are in the answer.
    pub(super) active: Vec<String>,
    /// The tier that is to stand in.
    pub(super) standby: u16,
    /// Its members that may serve.
    pub(super) ready: Vec<String>,
}

impl Plan {
    /// Makes a plan.
    ///
    /// # Errors
    /// Why it would not be safe.
    pub(super) fn make(service: &str, status: &StatusView) -> Result<Self, Box<Finding>> {
        let refused = |message: String| Box::new(Finding::error("refused", message));
        let named = service.trim_end_matches('.');
        let is_it = |service: &&ServiceView| {
            service.service.split('+').any(|half| half.trim_end_matches('.').eq_ignore_ascii_case(named))
        };
        let Some(service) = status.services.iter().find(is_it) else {
            let known = status.services.iter().map(|service| service.service.trim_end_matches('.'));
            let finding = refused(format!("there is no service {named}"));
            return Err(match offline::nearest_name(named, known) {
                Some(near) => Box::new(finding.help(format!("did you mean {near}?"))),
                None => finding,
            });
        };
        let name = words::service(&service.service);
        if status.isolated {
            return Err(refused("the checker is isolated: it cannot watch the standby".to_owned()));
        }
        let Some(tier) = service.tier.filter(|_| service.served == Served::Tier) else {
            return Err(refused(format!("{name} is in trouble already: {}", service.reason)));
        };
        if service.preferred() != Some(tier) {
            return Err(refused(format!("{name} is at its standby already: {}", service.reason)));
        }
        // The standby may be listed behind it.
        let is_active = |member: &&MemberView| member.listed && member.priority == tier;
        let active: Vec<&MemberView> = service.members.iter().filter(is_active).collect();
        let is_ready = |member: &&MemberView| member.priority > tier && member.serves;
        let Some(standby) = service.members.iter().filter(is_ready).map(|member| member.priority).min() else {
            return Err(refused(format!("no member of {name} stands by: a drill would be an outage")));
        };
        let ready: Vec<&MemberView> =
            service.members.iter().filter(is_ready).filter(|m| m.priority == standby).collect();
        let is_up = |name: &String| status.targets.iter().any(|target| target.target == *name && target.state == "up");
        if let Some(member) = ready.iter().find(|member| member.targets.is_empty() || !member.targets.iter().all(is_up))
        {
            let message = format!("{} stands by, and is not known to be up", member.member);
            return Err(Box::new(refused(message).help("`understudy status` says why")));
        }
        let (covered, needed) = (labels(&active), labels(&ready));
        if let Some(both) = covered.intersection(&needed).next() {
            return Err(refused(format!("{both} is in the active tier and in the standby: draining it takes both")));
        }
        let (active, ready) = (covered.into_iter().collect(), needed.into_iter().collect());
        Ok(Self { service: service.service.clone(), tier, active, standby, ready })
    }

    /// Returns the name for people.
    pub(super) fn name(&self) -> String {
        words::service(&self.service)
    }
}

fn labels(members: &[&MemberView]) -> BTreeSet<String> {
    members.iter().map(|member| member.member.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::sip_status;

    /// The status of a server in which all is up.
    fn all_up() -> StatusView {
        sip_status()
    }

    #[test]
    fn the_active_tier_is_drained_and_the_next_that_is_up_stands_in() {
        let plan = Plan::make("_SIP._tcp.example.com", &all_up()).unwrap();
        assert_eq!((plan.tier, plan.standby), (10, 20));
        assert_eq!(plan.active, ["sip-node1.example.com:5060", "sip-node2.example.com:5060"]);
        assert_eq!(plan.ready, ["sip-dr.example.com:5060"]);
    }

    #[test]
    fn what_would_be_an_outage_is_refused() {
        type Change = fn(&mut StatusView);
        let cases: [(Change, &str); 6] = [
            (|status| status.isolated = true, "the checker is isolated"),
            (|status| status.services[0].served = Served::AllDown, "is in trouble already"),
            (|status| status.services[0].tier = Some(20), "is at its standby already"),
            (|status| status.services[0].members.retain(|member| member.priority == 10), "would be an outage"),
            (
                |status| status.targets.iter_mut().for_each(|target| target.state = "failing".to_owned()),
                "not known to be up",
            ),
            (
                |status| {
                    let label = status.services[0].members[0].member.clone();
                    status.services[0].members.iter_mut().for_each(|member| member.member = label.clone());
                },
                "draining it takes both",
            ),
        ];
        for (change, says) in cases {
            let mut status = all_up();
            change(&mut status);
            let refused = Plan::make("_sip._tcp.example.com.", &status).unwrap_err();
            assert!(refused.message.contains(says), "{says}: {}", refused.message);
        }
        let misspelt = Plan::make("_sip._tpc.example.com", &all_up()).unwrap_err();
        assert_eq!(misspelt.help.as_deref(), Some("did you mean _sip._tcp.example.com?"));
    }
}
