//! bash, zsh and fish complete the names that a running server has.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Server, ZONE};

const CONFIG: &str = "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nadmin-listen = \"127.0.0.1:0\"\n\
                      admin-token-file = \"token\"\n[[zone]]\nfile = \"example.com.zone\"\n";

/// A shell by its name, with its options and what it runs.
type Shell = (&'static str, &'static [&'static str], &'static str);

/// What a shell runs to print what it would complete; `$1` is the script, the words are put in the place of WORDS.
const SHELLS: [Shell; 3] = [
    (
        "bash",
        &["--norc", "-c"],
        "source \"$0\"; COMP_WORDS=(WORDS); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_TYPE=9\n\
         _clap_complete_understudy understudy \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"",
    ),
    (
        "zsh",
        &["-f", "-c"],
        "compdef() { :; }; _describe() { print -rl -- \"${(@P)${@[-1]}}\"; }\nsource \"$0\"; words=(WORDS); CURRENT=${#words}\n\
         _clap_dynamic_completer_understudy",
    ),
    ("fish", &["--no-config", "-c"], "source $argv[1]; complete --do-complete 'TYPED'"),
];

/// What a shell offers after these words; the last one may be begun.
fn offered((name, arguments, script): Shell, folder: &Path, words: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_understudy"));
    let registered = folder.join(format!("completions.{name}"));
    if !registered.exists() {
        let output = Command::new(program).args(["completions", name]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{name}");
        std::fs::write(&registered, output.stdout).unwrap();
    }
    let quoted: Vec<String> = words.split(' ').map(|word| format!("'{word}'")).collect();
    let script = script.replace("WORDS", &quoted.join(" ")).replace("TYPED", words);
    let output = Command::new(name)
        .args(arguments)
        .args([script.as_str(), registered.to_str().unwrap()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("PATH", format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap()))
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    // zsh and fish tell something of each name behind it.
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().flat_map(|line| line.split('\u{b}')).map(|line| line.replace('\\', ""));
    let name_alone = |line: String| line.split(['\t', ':']).next().unwrap_or_default().trim_end().to_owned();
    lines.map(name_alone).filter(|line| !line.is_empty()).collect()
}

/// A busy machine may take longer than who types would wait: then there are no names, and it is asked again.
#[track_caller]
fn wait_for(shell: Shell, folder: &Path, words: &str, wanted: &[&str]) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let found = offered(shell, folder, words);
        if found == wanted {
            return;
        }
        assert!(Instant::now() < end, "{}: {words}: {found:?}", shell.0);
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn shells_complete_services_hosts_orders_and_commands() {
    let server = Server::run("completion", CONFIG, ZONE, "http");
    let folder = server.folder();
    let call = |words: &[&str]| {
        let program = env!("CARGO_BIN_EXE_understudy");
        Command::new(program).args(words).args(["--state", "state"]).current_dir(folder).output().unwrap()
    };
    assert!(call(&["force", "up", "sip-dr.example.com", "--reason", "a test"]).status.success());
    for shell in SHELLS {
        wait_for(shell, folder, "understudy drain --state state s", &["sip-dr.example.com", "sip-node1.example.com"]);
        wait_for(shell, folder, "understudy force down --state=state sip-n", &["sip-node1.example.com"]);
        wait_for(shell, folder, "understudy status --state state _s", &["_sip._tcp.example.com."]);
        wait_for(shell, folder, "understudy clear --state state 1", &["1"]);
        wait_for(shell, folder, "understudy retran", &["retransfer"]);
        // No server: nothing, and no word about it.
        assert_eq!(offered(shell, folder, "understudy drain --state elsewhere sip"), [""; 0], "{}", shell.0);
    }
}
