//! `--expect`: whether what would be served is what is wanted, for checks before a change goes in.

use crate::admin::view::Served;
use crate::base::finding::Finding;
use crate::cli::args::Expectation;
use crate::cli::words;

use super::effect::Effect;

/// Returns a finding for each expectation that is not met.
pub(super) fn unmet(effect: &Effect, expected: &[Expectation]) -> Vec<Finding> {
    expected.iter().filter_map(|expected| judge(effect, expected)).collect()
}

fn judge(effect: &Effect, expected: &Expectation) -> Option<Finding> {
    let name = expected.service.trim_end_matches('.');
    let is_it = |half: &str| half.trim_end_matches('.').eq_ignore_ascii_case(name);
    let found = effect.services.iter().map(|service| &service.view).find(|view| view.service.split('+').any(is_it));
    let Some(view) = found else {
        return Some(Finding::error(
            "expect",
            format!("there is no service {name}, and tier {} is expected", expected.tier),
        ));
    };
    let would = match view.served {
        Served::Tier => view.tier.unwrap_or_default().to_string(),
        Served::LastResort => "last-resort".to_owned(),
        Served::AllDown => "all-down".to_owned(),
    };
    (would != expected.tier).then(|| {
        let service = words::service(&view.service);
        Finding::error("expect", format!("{service} would be at {would}, and {} is expected", expected.tier))
            .why(view.reason.clone())
    })
}
