//! `config/example.toml` documents every key with its default, and the code agrees.

use crate::config::keys::{SECTIONS, Status};
use crate::config::load::DEFAULT_LISTEN;
use crate::config::{ServerSettings, StateSettings};
use crate::{health, policy, serve};

use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// Takes the marks off lines that hold a key: those of defaults, or those of examples too.
fn uncommented(marks: &[&str]) -> String {
    let line = |line: &'static str| {
        let bare = marks.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        let is_key = bare.split_once(" = ").is_some_and(|(key, _)| is_key_name(key)) || bare.starts_with('[');
        if is_key { bare } else { line }
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_key_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
}

#[test]
fn the_example_has_no_findings() {
    for text in [EXAMPLE.to_owned(), uncommented(&["# "])] {
        let (_, findings) = read(&Source::new("example.toml", text));
        assert_eq!(findings, []);
    }
}

#[test]
fn the_example_shows_every_key_in_its_section_with_its_default() {
    let mut shown: Vec<(String, String, bool, String)> = Vec::new();
    let mut section = String::new();
    for line in EXAMPLE.lines() {
        let bare = line.trim_start_matches('#').trim_start();
        if bare.starts_with('[') && bare.ends_with(']') && !bare.contains('"') {
            section = bare.to_owned();
        } else if let Some((key, value)) = bare.split_once(" = ").filter(|(key, _)| is_key_name(key)) {
            shown.push((section.clone(), key.to_owned(), line.starts_with("## "), value.to_owned()));
        }
    }
    for (section, keys) in SECTIONS {
        // What a service or an address takes over from elsewhere is documented there.
        let own = keys.iter().take(if section.starts_with("[[") { 1 } else { keys.len() });
        for key in own.copied().flatten() {
            let (.., is_example, value) = shown
                .iter()
                .find(|(at, name, ..)| at == section && name == key.name)
                .unwrap_or_else(|| panic!("{section} {} is not shown", key.name));
            match key.default {
                Some(default) if !section.starts_with("[[") => {
                    assert_eq!((value.as_str(), *is_example), (default, false), "{section} {}", key.name);
                }
                Some(default) => assert_eq!(value, default, "{section} {}", key.name),
                None => assert!(is_example, "{section} {} has no default", key.name),
            }
        }
    }
}

#[test]
fn the_example_names_every_kind_of_check_with_its_keys() {
    let words: Vec<&str> = EXAMPLE.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').collect();
    for (kind, keys, _) in check::KINDS {
        assert!(EXAMPLE.contains(&format!("kind = \"{kind}\"")), "{kind} is not shown");
        for key in *keys {
            assert!(words.contains(&key.name), "{} of {kind} is not shown", key.name);
        }
    }
}

#[test]
fn each_default_of_the_example_is_the_codes_default() {
    let (file, _) = read(&Source::new("example.toml", uncommented(&["# "])));
    let server = ServerSettings {
        listen: file.server.listen.unwrap(),
        listen_is_default: true,
        tls_listen: file.doors.tls_listen,
        https_listen: file.doors.https_listen,
        quic_listen: file.doors.quic_listen,
        workers: file.server.workers.unwrap(),
        tcp_limit: file.server.tcp_limit.unwrap(),
        tcp_limit_per_client: file.server.tcp_limit_per_client.unwrap(),
        tcp_idle: file.server.tcp_idle.unwrap(),
        strict_zones: file.server.strict_zones.unwrap(),
        metrics_listen: file.server.metrics_listen,
    };
    assert_eq!(server, ServerSettings::default());
    assert_eq!(server.listen, DEFAULT_LISTEN);
    let serve = serve::Settings {
        udp_size: file.server.udp_size.unwrap(),
        minimal_responses: file.server.minimal_responses.unwrap(),
        nsid: file.server.nsid,
        version: file.server.version.unwrap(),
        keepalive: file.server.tcp_idle.unwrap(),
        amplification: file.limits.amplification.unwrap(),
        rates: serve::Rates {
            rate: file.limits.rate.unwrap(),
            slip: file.limits.slip.unwrap(),
            v4: file.limits.v4.unwrap(),
            v6: file.limits.v6.unwrap(),
        },
        doors: file.limits.doors,
        zones: std::collections::HashMap::new(),
        query_log: file.server.query_log.unwrap(),
    };
    assert_eq!(serve, serve::Settings::default());
    assert_eq!(file.state.max_age, Some(StateSettings::default().max_age));
    assert_eq!(file.target.deep_interval.as_ref().unwrap().value, crate::probe::DEEP_INTERVAL);
    let renew = file.target.watch_renew.as_ref().unwrap().value;
    assert_eq!((file.target.watch.as_ref().unwrap().value, renew), (true, crate::probe::WATCH_RENEW));
    assert_eq!(file.target.verify.as_ref().unwrap().value, crate::probe::Verify::Name);

    // Laid over settings in which nothing is as by default, the keys that are set bring every default back.
    let odd = Duration::from_secs(77);
    let other = health::Settings {
        interval: odd,
        fast_interval: odd,
        down_interval: odd,
        confirm_interval: odd,
        timeout: odd,
        fall: 77,
        rise: 77,
    };
    assert_eq!(file.target.over(&other), health::Settings::default());
    let other = policy::Settings {
        ttl: 77,
        unsettled_ttl: 77,
        min_up: policy::Need::Count(77),
        standby: policy::Standby::Hidden,
        failed: policy::Failed::Demote,
        promote: policy::Promote::Renumber,
        all_down: policy::AllDown::Closed,
        failback: policy::Failback::Manual,
        hold: odd,
    };
    assert_eq!(file.policy.over(&other), policy::Settings::default());
}

#[test]
fn the_examples_to_adapt_are_refused_only_where_they_come_later() {
    let (file, findings) = read(&Source::new("example.toml", uncommented(&["## ", "# "])));
    assert_eq!((file.zones.len(), file.services.len(), file.addresses.len()), (1, 1, 2));
    for finding in findings {
        assert_eq!(finding.id, "config-key-later", "{finding}");
    }
    let later = SECTIONS.iter().flat_map(|(_, keys)| keys.iter().copied().flatten());
    assert!(later.filter(|key| key.status == Status::Later).count() > 0);
}
