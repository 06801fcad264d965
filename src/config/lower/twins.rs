//! Services over UDP without a check follow the same service over TCP or TLS, on the same address and port.

use std::collections::HashMap;

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::engine::setup::{MemberData, PoolSetup};
use crate::health::TargetId;
use crate::policy::PoolId;
use crate::probe;
use crate::zone::Name;

/// Which services follow which.
#[derive(Debug, Default)]
pub(super) struct Twins(Vec<(Name, Name)>);

impl Twins {
    /// Has the members of untested services follow those of a tested twin; what follows as a whole is untested no longer.
    pub(super) fn follow(
        &mut self,
        unprobed: &mut Vec<(PoolId, Name)>,
        by_owner: &HashMap<Name, PoolId>,
        pools: &mut Table<PoolId, PoolSetup>,
    ) {
        unprobed.retain(|(pool, owner)| {
            let twin = twins(owner).into_iter().find(|twin| {
                let twin = by_owner.get(twin).and_then(|twin| pools.get(*twin)).map(tested);
                twin.is_some_and(|tested| pools.get_mut(*pool).is_some_and(|pool| follow(pool, &tested)))
            });
            self.0.extend(twin.map(|twin| (owner.clone(), twin)));
            pools.get(*pool).is_none_or(|pool| pool.members.iter().any(|member| member.unprobed))
        });
    }

    /// Tells in one note who follows whom.
    pub(super) fn note(&self) -> Option<Finding> {
        let named = |(owner, twin): &(Name, Name)| format!("{owner} follows {twin}");
        let which: Vec<String> = self.0.iter().take(MOST_NAMED).map(named).collect();
        let rest = match self.0.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        let note = Finding::note("check-twin", format!("not tested themselves: {}{rest}", which.join(", ")));
        let why = "no check is known for them over UDP; on the same host and port the same service is tested over TCP";
        (!which.is_empty()).then(|| note.why(why).help("set a `check` in a [[service]] of their own, if they differ"))
    }
}

/// The targets of a pool's members, by host and port.
type Tested = HashMap<(Name, u16), Vec<TargetId>>;

/// Returns the targets of a pool.
fn tested(pool: &PoolSetup) -> Tested {
    let tested = pool.members.iter().filter(|member| !member.targets.is_empty());
    tested.filter_map(|member| Some((place(&member.data)?, member.targets.clone()))).collect()
}

/// Gives the members of a pool the targets on the same host and port; returns whether one has got some.
fn follow(pool: &mut PoolSetup, tested: &Tested) -> bool {
    let mut follows = false;
    for member in &mut pool.members {
        if let Some(targets) = place(&member.data).and_then(|place| tested.get(&place)) {
            (member.targets, member.unprobed) = (targets.clone(), false);
            follows = true;
        }
    }
    follows
}

fn place(data: &MemberData) -> Option<(Name, u16)> {
    match data {
        MemberData::Srv { port, host } => Some((host.clone(), *port)),
        MemberData::Address(_) | MemberData::Alias(_) => None,
    }
}

/// Returns the owner names of the same service over TCP and TLS, if this one is over UDP.
fn twins(owner: &Name) -> Vec<Name> {
    let [label, protocol] = probe::first_labels(owner);
    let domain = owner.parent().and_then(|name| name.parent()).filter(|_| protocol == "_udp");
    let named = |protocol: &str| domain.as_ref()?.child(protocol.as_bytes()).ok()?.child(label.as_bytes()).ok();
    ["_tcp", "_tls"].into_iter().filter_map(named).collect()
}

/// The most services that the note names.
const MOST_NAMED: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::tests::lower_one;

    const ZONE: &str = "
        _game._udp SRV 10 0 7000 node1
        _game._udp SRV 20 0 7000 node2
        _game._udp SRV 30 0 7001 node2
        _game._tcp SRV 10 0 7000 node1
        _game._tcp SRV 10 0 7000 node2
        _chat._udp SRV 10 0 7000 node1
        node1 A 127.0.1.1
        node2 A 127.0.1.2
    ";

    #[test]
    fn a_service_over_udp_follows_its_twin_on_the_same_host_and_port_alone() {
        let lowered = lower_one("", ZONE);
        let pool = |owner: &str| lowered.setup.pools.iter().find(|(_, pool)| pool.name.starts_with(owner)).unwrap().1;
        let targets = |owner: &str| pool(owner).members.iter().map(|member| member.targets.clone()).collect::<Vec<_>>();
        let (udp, tcp) = (targets("_game._udp"), targets("_game._tcp"));
        assert_eq!((&udp[..2], udp[2].len()), (&tcp[..], 0));
        let unprobed: Vec<bool> = pool("_game._udp").members.iter().map(|member| member.unprobed).collect();
        assert_eq!(unprobed, [false, false, true]);
        assert!(pool("_chat._udp").members.iter().all(|member| member.unprobed), "another service on the same port");
        let note = lowered.findings.iter().find(|finding| finding.id == "check-twin").unwrap();
        assert!(note.message.contains("_game._udp.example.com. follows _game._tcp.example.com."), "{note}");
        let none = lowered.findings.iter().find(|finding| finding.id == "check-none").unwrap();
        assert!(none.message.contains("_chat._udp") && none.message.contains("_game._udp"), "{none}");
    }

    #[test]
    fn who_says_that_nothing_is_tested_follows_nobody() {
        let config = "[[service]]\nmatch = \"_game._udp.example.com\"\ncheck = { kind = \"none\" }\n";
        let lowered = lower_one(config, ZONE);
        let (_, pool) = lowered.setup.pools.iter().find(|(_, pool)| pool.name.starts_with("_game._udp")).unwrap();
        assert!(pool.members.iter().all(|member| member.targets.is_empty()));
    }
}
