//! README, ARCHITECTURE and docs/ say what is so: links resolve, files exist, commands run and print what is shown, names of
//! keys, rules, tests and metrics are those of the code.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "documents/page.rs"]
mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{CommandFactory, Parser};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use understudy::cli::args::Arguments;
use understudy::config::shape::SECTIONS;
use understudy::probe::check_keys;
use understudy::zone::check::{RULES, find};
use understudy::zone::reference_identity::{self, ReferenceIdentity};

use page::{Page, read, root};

/// What stands in code with hyphens and is not ours: hosts of examples, settings and programs of others.
const OTHERS: &[&str] = &[
    "cache-min-ttl",
    "docker-compose",
    "min-cache-ttl",
    "mysqld-auth",
    "python3-yaml",
    "sip-node1",
    "sip-node2",
    "xfrd-reload-timeout",
];

/// Settings of coturn.
const COTURN: &[&str] =
    &["no-stun", "secure-stun", "total-quota", "unauthorized-ratelimit", "use-auth-secret", "user-quota"];

#[test]
fn every_page_is_looked_at() {
    let listed: BTreeSet<String> = Page::all().iter().map(|page| page.path.to_owned()).collect();
    let found = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    for name in found.map(|name| format!("docs/{}", name.to_string_lossy())).filter(|name| name.ends_with(".md")) {
        assert!(listed.contains(&name), "add {name} to Page::all");
    }
}

#[test]
fn the_book_has_every_page_of_docs_and_leads_to_nothing_else() {
    let linked: BTreeSet<String> = Page::read("docs/SUMMARY.md").links().into_iter().collect();
    let book_pages = || Page::all().into_iter().filter(|page| page.path.starts_with("docs/"));
    for page in book_pages() {
        let outside: Vec<String> = page.links().into_iter().filter(|link| link.starts_with("../")).collect();
        assert_eq!(
            outside,
            Vec::<String>::new(),
            "{}: the book ends at docs/, so name the file without a link",
            page.path
        );
    }
    let pages = book_pages().filter_map(|page| page.path.strip_prefix("docs/").map(str::to_owned));
    let missing: Vec<String> = pages.filter(|page| page != "SUMMARY.md" && !linked.contains(page)).collect();
    assert_eq!(missing, Vec::<String>::new(), "docs/SUMMARY.md lacks them");
    let book = read("book.toml").parse::<toml::Table>().unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"), "the book is made of docs/");
}

/// The build of the image sees only what .dockerignore lets in.
#[test]
fn the_image_is_built_of_every_file_that_the_program_includes() {
    let ignore = read(".dockerignore");
    let kept: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let mut included = 0;
    for source in sources_list("src") {
        let text = fs::read_to_string(&source).unwrap();
        for rest in text.split("include_str!(\"").skip(1) {
            let path = plain(&source.parent().unwrap().join(rest.split('"').next().unwrap()));
            let path = path.strip_prefix(root()).unwrap();
            assert!(kept.iter().any(|kept| path.starts_with(kept)), "add {} to .dockerignore", path.display());
            included += 1;
        }
    }
    assert!(included > 3, "only {included} files were found to be included");
}

#[test]
fn every_relative_link_resolves() {
    for page in Page::all() {
        let folder = Path::new(page.path).parent().unwrap();
        for link in page.links().into_iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { PathBuf::from(page.path) } else { plain(&folder.join(path)) };
            assert!(root().join(&target).exists(), "{}: {link} leads nowhere", page.path);
            if !anchor.is_empty() {
                let other = Page { path: page.path, text: read(target.to_str().unwrap()) };
                assert!(other.anchors().contains(anchor), "{}: {link} has no such heading", page.path);
            }
        }
    }
}

#[test]
fn the_table_of_names_in_certificates_is_that_of_the_code() {
    let page = Page::read("docs/behaviour.md");
    for rule in reference_identity::RULES {
        let labels: Vec<String> = rule.labels.iter().map(|label| format!("`{label}`")).collect();
        let whose = match rule.identity {
            ReferenceIdentity::Domain => "the domain",
            ReferenceIdentity::Host => "the host, or the domain",
        };
        let row = format!("| {} | {whose} | {} |", labels.join(", "), rule.source);
        assert!(page.text.lines().any(|line| line == row), "docs/behaviour.md lacks {row}");
    }
}

#[test]
fn architecture_names_every_room_and_files_that_are_there() {
    let page = Page::read("ARCHITECTURE.md");
    let mut rooms = BTreeSet::new();
    for row in page.text.lines().filter(|line| line.starts_with("| [`crate::")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let room = cells[1].trim_start_matches("[`crate::").trim_end_matches("`]").to_owned();
        let folder = room.split("::").next().unwrap().to_owned();
        for file in cells[3].split('`').skip(1).step_by(2) {
            let path = format!("src/{folder}/{file}");
            assert!(root().join(&path).is_file(), "ARCHITECTURE.md names {path}");
        }
        rooms.insert(folder);
    }
    let library = read("src/lib.rs");
    let declared = library.lines().filter_map(|line| line.strip_prefix("pub mod ")).map(|name| name.replace(';', ""));
    assert_eq!(rooms, declared.collect());
}

#[test]
fn every_path_in_code_exists() {
    const FOLDERS: &[&str] = &["src/", "tests/", "docs/", "config/", "zones/", "benches/", "fuzz/", "lab/", ".ci/"];
    for page in Page::all() {
        for word in page.code().iter().filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))) {
            assert!(root().join(word).exists(), "{}: there is no {word}", page.path);
        }
    }
}

#[test]
fn every_test_that_architecture_names_is_one() {
    let sources = sources("src") + &sources("tests");
    let page = Page::read("ARCHITECTURE.md");
    let (_, section) = page.text.split_once("\n## Invariants").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let mut named = 0;
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for test in last.split('`').skip(1).step_by(2).filter(|word| !word.contains('/')) {
            assert!(sources.contains(&format!("fn {test}(")), "ARCHITECTURE.md: there is no test {test}");
            named += 1;
        }
    }
    assert!(named > 50, "the tables of invariants and limits were not found");
}

#[test]
fn the_test_command_is_that_of_continuous_integration() {
    let page = Page::read("README.md");
    let shown: Vec<String> = page.commands().into_iter().filter(|line| line.starts_with("cargo test")).collect();
    let ci = read(".ci/run");
    let runs = ci.lines().find_map(|line| line.trim().strip_suffix(" 2>&1 | tee \"$log\"")).unwrap();
    assert_eq!(shown, [runs]);
}

#[test]
fn the_oldest_compiler_is_that_of_the_manifest() {
    let manifest = read("Cargo.toml").parse::<toml::Table>().unwrap();
    let oldest = manifest["package"]["rust-version"].as_str().unwrap().to_owned();
    assert!(read("README.md").contains(&format!("Rust {oldest} or later")), "Cargo.toml says {oldest}");
}

#[test]
fn every_command_can_be_read() {
    let mut read = 0;
    for page in Page::all() {
        for line in page.commands().iter().chain(&page.code()) {
            let rest = line.strip_prefix("understudy ").or_else(|| line.strip_prefix("cargo run --release -- "));
            let Some(rest) = rest else { continue };
            // A command's bare name needs no arguments.
            let bare = Arguments::command().get_subcommands().any(|command| command.get_name() == rest);
            let parsed = Arguments::try_parse_from(std::iter::once("understudy").chain(rest.split_whitespace()));
            assert!(bare || parsed.is_ok(), "{}: `{line}`: {}", page.path, parsed.err().unwrap());
            read += 1;
        }
    }
    assert!(read > 10, "the commands were not found");
}

#[test]
fn every_option_exists() {
    let program = Arguments::command();
    let commands = std::iter::once(&program).chain(program.get_subcommands());
    let options = commands.flat_map(|command| command.get_arguments());
    let known: BTreeSet<&str> = options.filter_map(|option| option.get_long()).collect();
    for page in Page::all() {
        for option in page.code().iter().filter_map(|code| code.strip_prefix("--")) {
            assert!(known.contains(first_word(option)), "{}: there is no --{option}", page.path);
        }
    }
}

#[test]
fn what_commands_print_is_what_is_shown() {
    let mut compared = 0;
    for page in Page::all() {
        let blocks = page.blocks();
        for pair in blocks.windows(2) {
            let [command, shown] = pair else { continue };
            let Some(words) = command.text.strip_prefix("understudy ") else { continue };
            let offline = ["check ", "simulate ", "explain "].iter().any(|word| words.starts_with(word));
            if !offline || shown.language != "text" || shown.line > command.line + 5 {
                continue;
            }
            let printed = String::from_utf8(run(words).stdout).unwrap();
            let place = format!("{}:{}", page.path, shown.line);
            assert!(printed.contains(&shown.text), "{place} differs from what is printed:\n{printed}");
            compared += 1;
        }
    }
    assert!(compared > 5, "the outputs were not found");
}

#[test]
fn zones_that_are_shown_have_no_error() {
    let folder = scratch("zones");
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.language == "zone") {
            let file = folder.join(format!("{}.zone", block.line));
            fs::write(&file, &block.text).unwrap();
            let output = run(&format!("check {}", file.display()));
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}:{}: {told}", page.path, block.line);
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn keys_of_configs_that_are_shown_exist() {
    let mut seen = 0;
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.language == "toml") {
            block.text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{}:{}: {error}", page.path, block.line));
            let mut section = String::new();
            for line in block.text.lines() {
                if line.starts_with('[') {
                    section = line.to_owned();
                } else if let Some((key, _)) = line.split_once(" = ") {
                    let known = key == "version" || keys(&section).contains(key);
                    assert!(known, "{}:{}: {section} has no {key}", page.path, block.line);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 5, "the configs were not found");
}

#[test]
fn words_in_code_are_keys_rules_or_known() {
    let mut known: BTreeSet<&str> = OTHERS.iter().chain(COTURN).copied().collect();
    known.extend(SECTIONS.iter().flat_map(|(_, lists)| lists.iter().copied().flatten()).map(|key| key.name));
    known.extend(check_keys());
    known.extend(RULES.iter().map(|rule| rule.id));
    let sources = sources("src");
    for page in Page::all().into_iter().filter(|page| page.path != "docs/lint.md") {
        for code in page.code() {
            if let Some((key, _)) = code.split_once(" = ") {
                assert!(known.contains(key), "{}: `{code}`: there is no key {key}", page.path);
            } else if is_hyphenated(code.trim_matches('"')) {
                // Values and ids of findings stand in the code as they are.
                let word = code.trim_matches('"');
                let found = known.contains(word) || sources.contains(&format!("\"{word}\""));
                assert!(found, "{}: `{code}` is no key, rule, value or finding", page.path);
            }
        }
    }
}

#[test]
fn every_rule_that_is_shown_exists() {
    for page in Page::all() {
        for id in page.text.split(&['[', ']'][..]).filter(|word| word.starts_with("srv-") || word.starts_with("ttl-")) {
            assert!(find(id).is_some(), "{}: there is no rule {id}", page.path);
        }
    }
}

#[test]
fn metrics_are_those_of_the_code() {
    let mut registry = Registry::with_prefix("understudy");
    let probes = understudy::probe::metrics::Metrics::register(&mut registry);
    let serve = understudy::serve::Metrics::register(&mut registry);
    let resolve = understudy::resolve::Metrics::register(&mut registry);
    let store = understudy::store::Metrics::register(&mut registry);
    let history = understudy::history::Metrics::register(&mut registry);
    understudy::daemon::logging::metrics::register(&mut registry);
    let transfer = understudy::transfer::Metrics::register(&mut registry);
    let process = understudy::daemon::metrics::Metrics::register(&mut registry);
    let hooks = understudy::admin::hooks::Metrics::register(&mut registry);
    drop((probes, serve, resolve, store, history, transfer, process, hooks));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let mut told: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|rest| first_word(rest).to_owned()).collect();
    // What has no value yet is not told.
    let empty = [
        "understudy_dns_zone_responses",
        "understudy_hook_events",
        "understudy_probe_latency_seconds",
        "understudy_probe_outcomes",
        "understudy_resolve_lookups",
        "understudy_transfer_inbound",
        "understudy_transfer_notify",
        "understudy_transfer_outbound",
        "understudy_transfer_zone_expires_seconds",
        "understudy_transfer_zone_failures",
        "understudy_transfer_zone_refreshed_seconds",
        "understudy_transfer_zone_serial",
        "understudy_watch_ends",
    ];
    told.extend(empty.map(str::to_owned));
    let page = Page::read("docs/metrics.md");
    let rows = page.text.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `/"));
    let documented: BTreeSet<String> = rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(documented, told);
    let rooms = sources_list("src").into_iter().filter(|path| path.ends_with("metrics.rs"));
    let registering = rooms.filter(|path| fs::read_to_string(path).unwrap().contains("fn register("));
    assert_eq!(registering.count(), 9, "another room has metrics: register them here, and write them down");
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_are_documented() {
    let page = Page::read("docs/metrics.md");
    let rows = page.text.lines().filter(|line| line.starts_with("| `understudy_"));
    let documented: BTreeSet<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    for path in ["docs/prometheus-rules.yml", "docs/grafana-dashboard.json"] {
        let text = read(path);
        let names = text.split(|c: char| !c.is_ascii_lowercase() && c != '_');
        let mut asked = 0;
        for name in names.filter(|name| name.starts_with("understudy_")) {
            let bare = ["_total", "_bucket"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(documented.contains(bare), "{path}: there is no metric {name}");
            asked += 1;
        }
        assert!(asked > 10, "{path}: the metrics were not found");
    }
}

fn keys(section: &str) -> BTreeSet<&'static str> {
    let lists = SECTIONS.iter().filter(|(name, _)| *name == section);
    lists.flat_map(|(_, lists)| lists.iter().copied().flatten()).map(|key| key.name).collect()
}

fn run(words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    command.args(words.split_whitespace()).current_dir(root()).env("NO_COLOR", "1").output().unwrap()
}

/// Whether this is a name of lower-case words joined by hyphens.
fn is_hyphenated(word: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    word.contains('-') && word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(fits)
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap()
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("documents-{name}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        if part.as_os_str() == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

fn sources(folder: &str) -> String {
    sources_list(folder).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn sources_list(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}
