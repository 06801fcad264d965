//! `config/example.toml` documents every key with its default; a test keeps it equal to the code.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::config::settings::{ServerSettings, StateSettings, Workers};
use crate::keys::{Key, Value};
use crate::probe::{CertificateName, CheckKind, TargetSettings, Verify};
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

/// Writes the sections whose keys are all said by their statements: all but those of single services and names.
fn stated() -> String {
    let mut lines = Vec::new();
    for (section, title) in TITLES {
        let (_, keys) = SECTIONS.iter().find(|(name, _)| *name == section).unwrap();
        if !title.is_empty() {
            lines.extend([String::new(), String::new(), ruled(title), String::new()]);
        }
        let is_one = !section.starts_with("[[");
        let mark = if is_one { "" } else { "## " };
        let mut heading = Some(format!("{mark}{section}"));
        lines.extend(is_one.then(|| heading.take()).flatten());
        let is_first = |key: &Key| keys.iter().copied().flatten().next().is_some_and(|first| first.name == key.name);
        for key in keys.iter().copied().flatten() {
            lines.extend((!key.text.is_empty() && !is_first(key)).then(String::new));
            lines.extend(key.text.iter().map(|line| format!("#{line}")));
            if let Some(heading) = heading.take() {
                lines.extend(key.text.is_empty().then(|| "##".to_owned()).into_iter().chain([heading]));
            }
            let (mark, value) = match key.value {
                Value::Default(write) => (if is_one { "# " } else { "## " }, write()),
                Value::Example(value) => ("## ", value.to_owned()),
                Value::Unsaid => panic!("{section} {} is not shown", key.name),
            };
            lines.push(format!("{mark}{} = {value}", key.name));
        }
    }
    lines.join("\n")
}

/// Writes what each kind of check says of itself.
fn kinds() -> String {
    let lines = CheckKind::EXAMPLES.iter().map(|example| format!("# {}", example.replace('\n', "\n#   ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes a title with a rule to the end of the line.
fn ruled(title: &str) -> String {
    let written = format!("# ── {title} ");
    let rest = 120usize.saturating_sub(written.chars().count());
    written + &"─".repeat(rest)
}

/// The sections that are written from their statements, each with its title; nothing: the one before holds.
const TITLES: [(&str, &str); 9] = [
    ("[server]", "Where and how questions are answered"),
    ("[state]", "What outlives a restart"),
    ("[health]", "How targets are tested"),
    ("[policy]", "What is answered, given who is up"),
    ("[limits]", "Limits against abuse"),
    ("[lint]", "What `check` says"),
    ("[[zone]]", "Zones"),
    ("[[key]]", "Keys of transfers"),
    ("[[hook]]", "Who is told"),
];

#[test]
fn the_example_is_what_the_keys_say() {
    let (before, after) = ("version = 1\n", "\n\n\n# ── Single services");
    let (head, rest) = EXAMPLE.split_once(before).unwrap();
    let (_, rest) = rest.split_once(after).unwrap();
    let (checks, check_end) = ("to serve as declared:\n", "\n## [[service]]");
    let (title, rest) = rest.split_once(checks).unwrap();
    let (_, tail) = rest.split_once(check_end).unwrap();
    let whole = [head, before, &stated(), after, title, checks, &kinds(), check_end, tail].concat();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write("config/example.toml", whole).unwrap();
        return;
    }
    let mut lines = EXAMPLE.lines().zip(whole.lines());
    assert_eq!(lines.find(|(shown, stated)| shown != stated), None, "run this test with UPDATE_DOCS=1");
    assert_eq!(EXAMPLE.len(), whole.len(), "run this test with UPDATE_DOCS=1");
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
            match key.default() {
                Some(default) if !section.starts_with("[[") => {
                    assert_eq!((value, *is_example), (&default, false), "{section} {}", key.name);
                }
                Some(default) => assert_eq!(*value, default, "{section} {}", key.name),
                None => assert!(is_example, "{section} {} has no default", key.name),
            }
        }
    }
}

#[test]
fn each_default_of_the_example_is_the_codes_default() {
    let (file, _) = read(&Source::new("example.toml", uncommented(&["# "])));
    // Laid over settings in which nothing is as by default, the keys that are set bring every default back.
    let odd = Duration::from_secs(77);
    let other = ServerSettings {
        listen: Vec::new(),
        frame: serve::Frame::Hickory,
        workers: Workers::Count(NonZeroUsize::MIN),
        udp_receive_buffer: 77,
        udp_send_buffer: 77,
        udp_busy_poll: 77,
        tcp_limit: 77,
        tcp_limit_per_client: 77,
        tcp_idle: odd,
        strict_zones: true,
        ..ServerSettings::default()
    };
    assert_eq!(file.server.over(&file.listen.over(&other)), ServerSettings::default());
    let other = serve::Settings {
        udp_size: 777,
        minimal_responses: true,
        weighted_order: true,
        version: Some("other".to_owned()),
        amplification: false,
        rates: serve::Rates { rate: 77, slip: 77, v4: 30, v6: 77 },
        query_log: 77,
        ..serve::Settings::default()
    };
    assert_eq!(file.limits.over(&file.answers.over(&other)), serve::Settings::default());
    let other = StateSettings { max_age: odd, history_size: 7 << 20, ..StateSettings::default() };
    assert_eq!(file.state.over(&other), StateSettings::default());
    let health = health::Settings {
        interval: odd,
        watched_interval: odd,
        fast_interval: odd,
        down_interval: odd,
        confirm_interval: odd,
        timeout: odd,
        fall: 77,
        rise: 77,
    };
    let other = TargetSettings {
        health,
        verify: Verify::Off,
        certificate_name: CertificateName::Host,
        credentials_interval: odd,
        authority: None,
        client_certificate: None,
        deep_interval: odd,
        watch: false,
        watch_renew: odd,
    };
    assert_eq!(file.target.over(&other), TargetSettings::default());
    let other = policy::Settings {
        ttl: 77,
        unsettled_ttl: 77,
        min_up: policy::Need::Count(77),
        standby: policy::Standby::Hidden,
        failed: policy::Failed::Demote,
        promote: policy::Promote::Renumber,
        below_min_up: policy::BelowMinUp::All,
        all_down: policy::AllDown::Closed,
        failback: policy::Failback::Manual,
        hold: odd,
        keeps_ttl: false,
    };
    assert_eq!(file.policy.over(&other), policy::Settings::default());
}

#[test]
fn the_examples_to_adapt_have_no_findings_but_that_they_exclude_each_other() {
    let (file, findings) = read(&Source::new("example.toml", uncommented(&["## ", "# "])));
    assert_eq!((file.services.len(), file.addresses.len(), file.keys.len()), (1, 4, 1));
    let ids: Vec<&str> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["zone-source"], "a zone is a file or comes from primaries");
}
