//! The rules of the house that the compiler does not keep: floors, purity, who may name which crate, front pages, length.
//!
//! Sources are read by `syn`, so comments, strings and tests say nothing. The rules are data, at the top; a failure names
//! file, line, rule.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/source.rs"]
mod source;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use modules::Needs;
use source::Source;

/// The floor of each room: a room imports only rooms on lower floors.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["base"]),
    (1, &["zone", "health"]),
    (2, &["policy", "keys", "dnssec"]),
    (3, &["snapshot"]),
    (4, &["engine"]),
    (5, &["probe", "resolve", "transfer", "store", "history", "cluster", "publish"]),
    (6, &["serve", "admin"]),
    (7, &["config"]),
    (8, &["daemon"]),
    (9, &["cli"]),
];

/// Where a word may stand outside tests.
struct Words {
    words: &'static [&'static str],
    allowed: fn(&Source) -> bool,
    rule: &'static str,
}

const WORDS: &[Words] = &[
    Words {
        words: &["tokio", "tokio_util", "tokio_rustls", "axum"],
        allowed: |file| {
            let shell = [
                "base/clock.rs",
                "base/connections.rs",
                "base/tasks.rs",
                "engine/driver.rs",
                "engine/handle.rs",
                "engine/history/mod.rs",
                "engine/request.rs",
            ];
            floor(file) > 4 || shell.iter().any(|path| file.is(path))
        },
        rule: "tokio appears above the engine, in its shell (driver, handle, history, request) and in base/{clock,connections,tasks}.rs",
    },
    Words {
        words: &["hickory_server"],
        allowed: |file| file.is("serve/hickory.rs"),
        rule: "hickory_server appears in serve/hickory.rs only",
    },
    Words {
        words: &["hickory_proto"],
        allowed: |file| !file.within("health") && !file.within("policy") && !file.within("engine/core"),
        rule: "health, policy and engine/core know no DNS library",
    },
    Words {
        words: &["std::fs", "fs::read", "fs::write", "File::open", "File::create"],
        allowed: |file| {
            file.is("base/file.rs")
                || file.is("probe/descendants.rs")
                || ["daemon", "config", "cli", "store", "history"].iter().any(|room| file.within(room))
        },
        rule: "files are read and written by daemon, config, cli, store and history, plain files through base/file.rs; probe/descendants.rs looks through /proc",
    },
    Words {
        words: &["Instant::now", "SystemTime::now", "UNIX_EPOCH.elapsed"],
        allowed: |file| file.is("base/clock.rs"),
        rule: "only base/clock.rs reads a clock",
    },
    Words {
        words: &["std::thread", "std::process", "std::env", "UdpSocket", "TcpStream", "TcpListener", "RandomState"],
        allowed: |file| !(1..=3).contains(&floor(file)) && !file.within("engine/core"),
        rule: "floors 1 to 3 and engine/core are pure: no socket, task, environment or random source",
    },
];

/// The most lines of a file, tests not counted.
const MAX_LINES: usize = 600;

/// A file of a room that needs another one which needs it too, over however many steps, and why that stays.
struct Backward {
    file: &'static str,
    /// The file that it needs, or a folder of such files.
    needs: &'static str,
    reason: &'static str,
}

const BACKWARD: &[Backward] = &[
    Backward {
        file: "probe/composite/mod.rs",
        needs: "probe/composite/logic.rs",
        reason: "the page of the check holds its rule, by which the pure part reckons",
    },
    Backward {
        file: "probe/dns/mod.rs",
        needs: "probe/dns/judge.rs",
        reason: "the page of the check holds its parameters, by which the pure part judges",
    },
    Backward {
        file: "probe/http/mod.rs",
        needs: "probe/http",
        reason: "the page of the check holds its parameters, which each version of HTTP and the pure part read",
    },
    Backward {
        file: "probe/xmpp/mod.rs",
        needs: "probe/xmpp/dialogue.rs",
        reason: "the page of the check holds its parameters and limits, which the dialogue and its lexer keep",
    },
    Backward {
        file: "probe/tls.rs",
        needs: "probe/stream.rs",
        reason: "the check opens a stream and shakes hands as all others do; what is verified there are its parameters",
    },
    Backward {
        file: "probe/watch/mod.rs",
        needs: "probe/tls.rs",
        reason: "a check says how its connection is held, and a held connection may begin with the handshake of one",
    },
    Backward {
        file: "probe/over.rs",
        needs: "probe/tls.rs",
        reason: "what goes over TLS says what is verified there, which are the parameters of the check `tls`",
    },
    Backward {
        file: "probe/kind.rs",
        needs: "probe/tls.rs",
        reason: "every kind that goes over TLS takes the parameters of the check `tls` from its settings",
    },
    Backward {
        file: "probe/kind.rs",
        needs: "probe/url.rs",
        reason: "a kind reads its own URLs, and the reader of URLs finds the kind by its scheme",
    },
    Backward {
        file: "probe/settings.rs",
        needs: "probe/tls.rs",
        reason: "what a service says for all its checks holds the parameters of TLS",
    },
    Backward {
        file: "probe/settings.rs",
        needs: "probe/stun/turn.rs",
        reason: "what a service says for all its checks holds the interval of logins, whose default is that of TURN",
    },
    Backward {
        file: "serve/listener/mod.rs",
        needs: "serve/hickory.rs",
        reason: "the frame is chosen where listeners are opened, and hickory-server takes the same rows of transports",
    },
    Backward {
        file: "serve/listener/mod.rs",
        needs: "serve/respond.rs",
        reason: "a transport is named where it is listed, and what is answered depends on it",
    },
    Backward {
        file: "probe/settings.rs",
        needs: "probe/check.rs",
        reason: "what a service says for all its checks holds limits and defaults that stand beside the list of kinds",
    },
    Backward {
        file: "probe/settings.rs",
        needs: "probe/mod.rs",
        reason: "what a service says for all its checks holds defaults that stand on the page of the room",
    },
    Backward {
        file: "serve/listener/mod.rs",
        needs: "serve/certificates.rs",
        reason: "listeners are handed the certificates, whose readings are swapped as the settings are",
    },
    Backward {
        file: "probe/url.rs",
        needs: "probe/mod.rs",
        reason: "a URL becomes a whole target, which stands on the page of the room",
    },
    Backward {
        file: "snapshot/part.rs",
        needs: "snapshot/denial.rs",
        reason: "the chain of a signed zone is found in the rows of its part, and kept in it",
    },
    Backward {
        file: "snapshot/lookup.rs",
        needs: "snapshot/denial.rs",
        reason: "a zone is asked for its chain, and the chain answers with nodes of the zone",
    },
    Backward {
        file: "zone/check/survey.rs",
        needs: "zone/check/mod.rs",
        reason: "the options of the lint stand on its page, and the survey carries them to each chapter",
    },
    Backward {
        file: "zone/check/rule.rs",
        needs: "zone/check",
        reason: "the table of all rules stands beside the type that they have",
    },
    Backward {
        file: "zone/schema/print.rs",
        needs: "zone/schema",
        reason: "fields with a structure of their own are printed by their file, which prints the fields within",
    },
    Backward {
        file: "zone/schema/read.rs",
        needs: "zone/schema",
        reason: "fields with a structure of their own are read by their file, which reads the fields within",
    },
    Backward {
        file: "zone/schema/mod.rs",
        needs: "zone/schema",
        reason: "fields with a structure of their own are checked by their file, which uses the fields of the schema",
    },
];

/// All files under src/, in order.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(sources);

#[test]
fn rooms_import_only_lower_floors() {
    let mut faults = Vec::new();
    for file in SOURCES.iter() {
        let Some(room) = file.room() else { continue };
        let Some(floor) = floor_of(room) else {
            faults.push(format!("{}: room `{room}` stands on no floor: add it to FLOORS", file.place(1)));
            continue;
        };
        for (line, other) in imports(file) {
            let place = file.place(line);
            match floor_of(&other) {
                _ if other == room => {}
                Some(lower) if lower < floor => {}
                Some(higher) => faults.push(format!(
                    "{place}: {room} (floor {floor}) imports {other} (floor {higher}): a room imports only lower floors"
                )),
                None => faults.push(format!("{place}: {room} imports {other}, which stands on no floor")),
            }
        }
    }
    report(&faults);
}

#[test]
fn files_of_a_room_need_each_other_in_one_direction() {
    let needs = Needs::of(&SOURCES);
    let is_listed = |file: &str, other: &str| {
        BACKWARD.iter().any(|backward| backward.file == file && Path::new(other).starts_with(backward.needs))
    };
    let mut faults = Vec::new();
    for circle in needs.without(is_listed).circles() {
        faults.push(format!("these need each other:\n    {}", circle.join("\n    ")));
    }
    let circles = needs.circles();
    for Backward { file, needs, reason } in BACKWARD {
        assert!(reason.len() > 20, "{file} needs {needs}: why does that stay?");
        let begin = [format!("src/{file}:"), format!(" needs {needs}")];
        if !circles.iter().flatten().any(|line| line.starts_with(&begin[0]) && line.contains(&begin[1])) {
            faults.push(format!("{file} needs {needs} in no circle: take it off BACKWARD"));
        }
    }
    report(&faults);
}

#[test]
fn words_stand_only_where_they_may() {
    let mut faults = Vec::new();
    for file in SOURCES.iter().filter(|file| !file.is_test()) {
        for rule in WORDS.iter().filter(|rule| !(rule.allowed)(file)) {
            for word in rule.words {
                for line in file.lines_with(word) {
                    faults.push(format!("{}: `{word}`: {}", file.place(line), rule.rule));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn each_room_has_a_front_page() {
    let mut faults = Vec::new();
    for file in SOURCES.iter().filter(|file| file.path.ends_with("mod.rs")) {
        if !file.text.starts_with("//! ") {
            faults.push(format!("{}: a front page begins with `//!` and a title line", file.place(1)));
        }
    }
    report(&faults);
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let long = SOURCES.iter().filter(|file| !file.is_test() && file.lines() > MAX_LINES);
    let fault =
        |file: &Source| format!("{}: {} lines without tests: split above {MAX_LINES}", file.place(1), file.lines());
    report(&long.map(fault).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(
        manifest.lines().any(|line| line.trim() == r#"unsafe_code = "forbid""#),
        "Cargo.toml: [lints.rust] has `unsafe_code = \"forbid\"`"
    );
}

#[test]
fn the_rules_see_through_comments_strings_and_tests() {
    let source = Source::new(
        "engine/core/mod.rs",
        r##"//! `crate::cli` and "
use crate::{base::clock::Now, health::{self, TargetId}, policy as p};
/* crate::serve /* nested */ crate::daemon */
const A: &str = "crate::config"; const B: char = '"'; const C: &str = r#"crate::admin "# ;
fn life<'a>(x: &'a str) -> char { '\'' } // crate::store
fn edge() { crate::snapshot::compile(); crate::row_id! { X } }
#[cfg(test)]
mod tests { use std::fs; fn f() { if true {} } }
fn after() { fs_read(); std::fs::read(); debug!(at = super::super::zone::now()); UNIX_EPOCH.elapsed(); }
use std::{fs::File, sync::Arc};
"##,
    );
    assert_eq!(source.room(), Some("engine"));
    let expected = [(2, "base"), (2, "health"), (2, "policy"), (6, "snapshot"), (9, "zone")];
    assert_eq!(imports(&source), expected.map(|(line, room)| (line, room.to_owned())));
    assert_eq!(source.test_lines.iter().copied().collect::<Vec<_>>(), [7, 8]);
    assert_eq!(
        (source.lines(), source.lines_with("std::fs"), source.lines_with("fs::read")),
        (8, vec![9, 10], vec![9])
    );
    assert_eq!((source.lines_with("UNIX_EPOCH.elapsed"), source.lines_with("sync::Arc")), (vec![9], vec![10]));
    assert!(source.within("engine/core") && !source.within("engine/cor"));
    assert!(Source::new("engine/core.rs", "").within("engine/core"));
}

#[test]
fn circles_are_seen_through_imports_and_front_pages() {
    let files = [
        // The front page passes names on, and needs none of its files by that.
        (
            "zone/mod.rs",
            "mod name; mod ring; mod rows; pub use name::Name; pub(crate) use self::ring::*; pub struct Zone;",
        ),
        ("zone/name.rs", "pub struct Name; #[cfg(test)] mod tests { use super::super::rows::Row; }"),
        ("zone/ring.rs", "use super::rows; pub fn ring() -> rows::Row { rows::Row }"),
        ("zone/rows.rs", "use crate::zone::{Name, Zone}; pub struct Row; fn row() { vec![super::ring()] }"),
        // Of one floor and of others: no circle within a room.
        ("health/mod.rs", "use crate::zone::Zone; crate::row_id! { TargetId }"),
    ];
    let files = files.map(|(path, text)| Source::new(path, text));
    let needs = Needs::of(&files);
    let circle = ["src/zone/ring.rs:1 needs zone/rows.rs", "src/zone/rows.rs:1 needs zone/ring.rs"];
    assert_eq!(needs.circles(), [circle]);
    let rest = needs.without(|file, other| (file, other) == ("zone/rows.rs", "zone/ring.rs"));
    assert!(rest.circles().is_empty());
}

/// The rooms that a file names by a path from the root, with their lines; macros of the crate's root are no rooms.
fn imports(file: &Source) -> Vec<(usize, String)> {
    let room = |reference: &source::Reference| {
        let parents = reference.path.iter().take_while(|segment| *segment == "super").count();
        let from_root = if reference.path.first().is_some_and(|first| first == "crate") {
            1
        } else {
            (parents > 0 && parents == reference.module.len()).then_some(parents)?
        };
        let room = reference.path.get(from_root)?;
        (room != "row_id").then(|| (reference.line, room.clone()))
    };
    let mut found: Vec<_> = file.references.iter().filter_map(room).collect();
    found.dedup();
    found
}

/// Reads all files under src/.
fn sources() -> Vec<Source> {
    let root = root().join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                files.push(Source::new(&name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    mark_tests(&mut files);
    assert!(files.len() > 10, "the sources are found");
    files
}

fn mark_tests(files: &mut [Source]) {
    let declared = |file: &Source| {
        let module = file.module().to_vec();
        file.test_modules
            .iter()
            .map(move |name| [module.as_slice(), std::slice::from_ref(name)].concat())
            .collect::<Vec<_>>()
    };
    let tests: Vec<Vec<String>> = files.iter().flat_map(declared).collect();
    for file in files {
        file.declared_as_test = tests.iter().any(|path| file.module().starts_with(path));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The floor of a file's room; those without a room stand over all.
fn floor(file: &Source) -> u8 {
    file.room().map_or(u8::MAX, |room| floor_of(room).unwrap_or(0))
}

fn floor_of(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(floor, _)| *floor)
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} against the rules of the house:\n{}", faults.len(), faults.join("\n"));
}
