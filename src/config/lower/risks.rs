//! Names what testing some services may come to: servers that lock out who connects and does not log in.

use std::collections::BTreeMap;

use crate::base::finding::{Finding, Place};
use crate::config::shape::ServiceEntry;
use crate::probe::{self, CheckKind};
use crate::zone::Name;
use crate::zone::services::{self, Risk};

/// The services with a risk: by the place of a bare connect that is written, if one is, and by what may happen, how many
/// they are, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Risks(BTreeMap<(Option<u32>, &'static str), Found>);

#[derive(Debug)]
struct Found {
    risk: Risk,
    place: Option<Place>,
    first: Name,
    count: usize,
}

impl Risks {
    /// Takes down a service; with an entry whose check is a bare connect the risk is a warning.
    pub(super) fn take_down(&mut self, owner: &Name, entry: Option<&ServiceEntry>) {
        let [label, protocol] = probe::first_labels(owner);
        let Some(risk) = services::find(&label, &protocol).and_then(|service| service.application.risk()) else {
            return;
        };
        let written = entry.and_then(|entry| entry.check.as_ref()?.kind.as_ref());
        let place = match (entry, written) {
            (None, _) => None,
            (Some(entry), Some(kind)) if CheckKind::is_bare_connect(kind) => Some(entry.matches.place.clone()),
            // A check that somebody chose, and that is no connect alone.
            (Some(_), _) => return,
        };
        let key = (place.as_ref().map(|place| place.line), risk.harm);
        self.0.entry(key).or_insert_with(|| Found { risk, place, first: owner.clone(), count: 0 }).count += 1;
    }

    /// Returns one finding for each.
    pub(super) fn findings(self) -> impl Iterator<Item = Finding> {
        self.0.into_values().map(|Found { risk, place, first, count }| {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let message = format!("{first}{more}: {}", risk.harm);
            match place {
                None => Finding::note("check-risk", message).why(risk.care),
                Some(place) => Finding::warning("check-risk", message)
                    .at(place)
                    .why("the check of this service is a bare connect, and is counted")
                    .help("leave `check` out, or set `watch = false` and an `interval` of 15 s or more"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::lower_one;
    use crate::base::finding::Severity;

    const ZONE: &str = "
        _mysql._tcp SRV 10 0 3306 node1
        _rfb._tcp SRV 10 0 5900 node1
        _imap._tcp SRV 10 0 143 node1
        node1 A 127.0.1.1
    ";

    fn risks(config: &str) -> Vec<(Severity, String)> {
        let lowered = lower_one(config, ZONE);
        let risks = lowered.findings.into_iter().filter(|finding| finding.id == "check-risk");
        risks.map(|finding| (finding.severity, finding.message)).collect()
    }

    #[test]
    fn a_risk_is_noted_and_a_bare_connect_in_spite_of_it_warned_of() {
        let noted = risks("");
        assert!(noted.iter().all(|(severity, _)| *severity == Severity::Note), "{noted:?}");
        assert_eq!(noted.len(), 2, "{noted:?}");
        let bare = "[[service]]\nmatch = \"_mysql._tcp.example.com\"\ncheck = { kind = \"tcp\" }\n";
        let warned = risks(bare);
        assert!(
            warned.iter().any(|(severity, text)| *severity == Severity::Warning && text.contains("max_connect_errors"))
        );
        let chosen = "[[service]]\nmatch = \"_mysql._tcp.example.com\"\ncheck = { kind = \"mysql\" }\n";
        assert_eq!(risks(chosen).len(), 1);
    }

    #[test]
    fn slow_protocols_have_their_own_time_unless_something_is_said() {
        let zone = "
            _smtp._tcp SRV 10 0 25 node1
            _http._tcp SRV 10 0 80 node1
            _imap._tcp SRV 10 0 143 node1
            _mysql._tcp SRV 10 0 3306 node1
            node1 A 127.0.1.1
        ";
        let times = |config: &str| -> Vec<(u16, u64, u64)> {
            let lowered = lower_one(config, zone);
            let targets = lowered.setup.targets.iter().map(|(_, target)| target);
            let mut times: Vec<_> = targets
                .map(|target| (target.key.port, target.settings.timeout.as_secs(), target.settings.interval.as_secs()))
                .collect();
            times.sort_unstable();
            times
        };
        assert_eq!(times(""), [(25, 10, 5), (80, 5, 5), (143, 5, 5), (3306, 10, 15)]);
        let health = "[health]\ntimeout = \"3s\"\n";
        assert_eq!(times(health), [(25, 3, 5), (80, 3, 5), (143, 3, 5), (3306, 3, 15)]);
        let service = "[[service]]\nmatch = \"_smtp._tcp.example.com\"\ntimeout = \"4s\"\n";
        assert_eq!(times(service)[0], (25, 4, 5));
    }
}
