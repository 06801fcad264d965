//! The rules of the house that the compiler does not keep: floors, purity, who may name which crate, front pages, length.
//!
//! Sources are read as text, without comments and strings. The rules are data, at the top; a failure names file, line, rule.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each room: a room imports only rooms on lower floors.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["base"]),
    (1, &["zone", "health"]),
    (2, &["policy", "keys", "dnssec"]),
    (3, &["snapshot"]),
    (4, &["engine"]),
    (5, &["probe", "resolve", "transfer", "store", "cluster", "publish"]),
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
                "engine/driver.rs",
                "engine/handle.rs",
                "engine/history/mod.rs",
                "engine/request.rs",
                "base/connections.rs",
                "base/tasks.rs",
            ];
            file.floor() > 4 || shell.iter().any(|path| file.is(path))
        },
        rule: "tokio appears above the engine, in its shell (driver, handle, history, request) and in base/{connections,tasks}.rs",
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
            file.is("base/file.rs") || ["daemon", "config", "cli", "store"].iter().any(|room| file.within(room))
        },
        rule: "files are read and written by daemon, config, cli and store, plain files through base/file.rs",
    },
    Words {
        words: &["Instant::now", "SystemTime::now", "UNIX_EPOCH.elapsed"],
        allowed: |file| file.is("base/clock.rs"),
        rule: "only base/clock.rs reads a clock",
    },
    Words {
        words: &["std::thread", "std::process", "std::env", "UdpSocket", "TcpStream", "TcpListener", "RandomState"],
        allowed: |file| !(1..=3).contains(&file.floor()) && !file.within("engine/core"),
        rule: "floors 1 to 3 and engine/core are pure: no socket, task, environment or random source",
    },
];

/// The most lines of a file, tests not counted.
const MAX_LINES: usize = 600;

#[test]
fn rooms_import_only_lower_floors() {
    let mut faults = Vec::new();
    for file in sources() {
        let Some(room) = file.room.clone() else { continue };
        let Some(floor) = floor_of(&room) else {
            faults.push(format!("{}:1: room `{room}` stands on no floor: add it to FLOORS", file.path.display()));
            continue;
        };
        for (line, other) in file.imports() {
            let place = format!("{}:{line}", file.path.display());
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
fn words_stand_only_where_they_may() {
    let mut faults = Vec::new();
    for file in sources() {
        let code = file.code_without_tests();
        for rule in WORDS.iter().filter(|rule| !(rule.allowed)(&file)) {
            for word in rule.words {
                for line in lines_with_word(&code, word) {
                    faults.push(format!("{}:{line}: `{word}`: {}", file.path.display(), rule.rule));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn each_room_has_a_front_page() {
    let mut faults = Vec::new();
    for file in sources().iter().filter(|file| file.path.ends_with("mod.rs")) {
        if !file.text.starts_with("//! ") {
            faults.push(format!("{}:1: a front page begins with `//!` and a title line", file.path.display()));
        }
    }
    report(&faults);
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let mut faults = Vec::new();
    for file in sources() {
        let tests: BTreeSet<usize> = file.test_lines().collect();
        let lines = (1..=file.text.lines().count()).filter(|line| !tests.contains(line)).count();
        if lines > MAX_LINES && !file.is_test() {
            faults.push(format!("{}:1: {lines} lines without tests: split above {MAX_LINES}", file.path.display()));
        }
    }
    report(&faults);
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
fn after() { fs_read(); std::fs::read(); }
"##,
    );
    assert_eq!(source.room.as_deref(), Some("engine"));
    let edges: Vec<(usize, String)> = source.imports();
    let expected =
        [(2, "base"), (2, "health"), (2, "policy"), (6, "snapshot")].map(|(line, room)| (line, room.to_owned()));
    assert_eq!(edges, expected);
    assert_eq!(source.test_lines().collect::<Vec<_>>(), [7, 8]);
    let code = source.code_without_tests();
    assert_eq!(lines_with_word(&code, "std::fs"), [9]);
    assert_eq!(lines_with_word(&code, "fs::read"), [9]);
    assert!(source.within("engine/core") && !source.within("engine/cor"));
    assert!(Source::new("engine/core.rs", "").within("engine/core"));
}

/// One source file.
struct Source {
    path: PathBuf,
    text: String,
    /// The text with comments, strings and character literals blanked; as many lines, as many octets.
    code: String,
    /// The room it belongs to; none for lib.rs and main.rs.
    room: Option<String>,
    /// Whether a `#[cfg(test)] mod …;` declares the file, or a parent of it.
    declared_as_test: bool,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let first = Path::new(path).iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        let room = (first != "lib" && first != "main").then_some(first);
        Self { path: Path::new("src").join(path), text: text.into(), code: blank(text), room, declared_as_test: false }
    }

    fn floor(&self) -> u8 {
        self.room.as_deref().map_or(u8::MAX, |room| floor_of(room).unwrap_or(0))
    }

    fn is(&self, path: &str) -> bool {
        self.path == Path::new("src").join(path)
    }

    /// Whether it is the module or lies in it: `engine/core` is `engine/core.rs` and all in `engine/core/`.
    fn within(&self, module: &str) -> bool {
        self.is(&format!("{module}.rs")) || self.path.starts_with(Path::new("src").join(module))
    }

    fn is_test(&self) -> bool {
        self.declared_as_test || self.path.ends_with("tests.rs") || self.path.iter().any(|part| part == "tests")
    }

    /// The rooms named by `crate::room` and in `crate::{room::…, room}`, with their lines; macros and re-exports of the
    /// crate's root are no rooms.
    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for at in word_places(&self.code, "crate::") {
            let line = line_at(&self.code, at);
            let rest = &self.code[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                found.extend(top_level_words(group).into_iter().map(|word| (line, word)));
            } else {
                let word = leading_word(rest);
                if !rest[word.len()..].starts_with('!') {
                    found.push((line, word));
                }
            }
        }
        found
    }

    /// The lines of `#[cfg(test)]` items.
    fn test_lines(&self) -> impl Iterator<Item = usize> {
        let code = &self.code;
        word_places(code, "#[cfg(test)]").into_iter().flat_map(move |at| {
            let end = item_end(code, at + "#[cfg(test)]".len());
            line_at(code, at)..=line_at(code, end)
        })
    }

    fn code_without_tests(&self) -> String {
        if self.is_test() {
            return String::new();
        }
        let tests: BTreeSet<usize> = self.test_lines().collect();
        let lines = self.code.lines().enumerate();
        lines
            .map(|(index, line)| if tests.contains(&(index + 1)) { "\n".into() } else { format!("{line}\n") })
            .collect()
    }

    /// The names of the modules that a `#[cfg(test)] mod NAME;` declares.
    fn test_modules(&self) -> Vec<String> {
        let items = word_places(&self.code, "#[cfg(test)]").into_iter().map(|at| {
            let start = at + "#[cfg(test)]".len();
            &self.code[start..=item_end(&self.code, start).min(self.code.len() - 1)]
        });
        items
            .filter_map(|item| item.trim().strip_suffix(';')?.split_once("mod ").map(|(_, name)| name.trim().into()))
            .collect()
    }
}

/// Reads all files under src/, in order.
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
    let mut test_paths = Vec::new();
    for file in files.iter() {
        let folder = if file.path.ends_with("mod.rs") || file.path.ends_with("lib.rs") {
            file.path.parent().unwrap().to_owned()
        } else {
            file.path.with_extension("")
        };
        test_paths.extend(file.test_modules().into_iter().map(|name| folder.join(name)));
    }
    for file in files {
        let module = file.path.with_extension("");
        file.declared_as_test = test_paths.iter().any(|path| module.starts_with(path));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn floor_of(room: &str) -> Option<u8> {
    let floors: BTreeMap<&str, u8> =
        FLOORS.iter().flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, *floor))).collect();
    floors.get(room).copied()
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} against the rules of the house:\n{}", faults.len(), faults.join("\n"));
}

/// The names at the start of each item of a `{a::b, c::{d}, e as f}` group, whose brace is already open.
fn top_level_words(group: &str) -> Vec<String> {
    let (mut words, mut depth, mut start) = (Vec::new(), 1, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && character == ',') {
            words.push(leading_word(group[start..at].trim_start()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn leading_word(text: &str) -> String {
    text.chars().take_while(|character| is_word(*character)).collect()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    word_places(code, word).into_iter().map(|at| line_at(code, at)).collect()
}

/// Where a word stands that is no part of a longer one.
fn word_places(code: &str, word: &str) -> Vec<usize> {
    let free = |character: Option<char>| !character.is_some_and(is_word);
    let begins = word.starts_with(is_word);
    let ends = word.ends_with(is_word);
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !begins || free(code[..at].chars().next_back()))
        .filter(|&at| !ends || free(code[at + word.len()..].chars().next()))
        .collect()
}

fn line_at(code: &str, at: usize) -> usize {
    code[..at.min(code.len())].matches('\n').count() + 1
}

/// The end of the item that begins at `start`: its closing brace, or a semicolon before any brace.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, character) in code[start..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return start + at,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + at,
            _ => {}
        }
    }
    code.len()
}

/// Blanks comments, strings and character literals, and keeps the lines.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = out.ends_with(is_word);
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw_string(rest).filter(|_| !after_word) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = rest.find('"').unwrap() + 1;
            rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len())
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            0
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..skipped].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    out
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The number of hashes if a raw string begins here: `r"`, `r#"`, `br"`, `cr"`.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['b', 'c']).unwrap_or(text).strip_prefix('r')?;
    let quote = rest.find(|character| character != '#')?;
    rest[quote..].starts_with('"').then_some(quote)
}

/// The length of a quoted literal with both quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    text.len()
}

/// Whether a `'` begins a character and not a lifetime.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    match characters.next() {
        Some('\\') => true,
        Some(_) => characters.next() == Some('\''),
        None => false,
    }
}
