//! The check `exec` with programs that behave and misbehave; `/bin/sh` stands for any program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{assert_saw, probe, probe_within};
use crate::probe::{Check, Exec, OnWarning, ProbeReport};

const ADDRESS: &str = "[::1]:5061";

fn check(program: &str, arguments: &[&str]) -> Exec {
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Exec {
        program: PathBuf::from(program),
        arguments,
        warning: OnWarning::Degraded,
        domain: "voice.example".to_owned(),
    }
}

fn address() -> SocketAddr {
    ADDRESS.parse().unwrap()
}

async fn script(text: &str) -> ProbeReport {
    probe(address(), Check::Exec(check("/bin/sh", &["-c", text]))).await
}

#[tokio::test]
async fn exit_codes_mean_what_they_mean_to_nagios() {
    for (code, outcome, cause) in [
        (0, "pass", ""),
        (1, "degraded", "exit code 1 (warning): slow"),
        (2, "silent", "exit code 2 (critical): slow"),
        (3, "unknown", "exit code 3: slow"),
        (77, "unknown", "exit code 77: slow"),
    ] {
        let report = script(&format!("echo 'slow | time=3s'; echo more; exit {code}")).await;
        assert_saw(&report, outcome, cause);
        assert!(report.steps[0].saw.ends_with(": slow"), "{report:?}");
    }
}

#[tokio::test]
async fn exit_code_1_is_a_failure_where_programs_know_no_warning() {
    let exec = Exec { warning: OnWarning::Down, ..check("/bin/sh", &["-c", "echo slow; exit 1"]) };
    assert_saw(&probe(address(), Check::Exec(exec)).await, "silent", "exit code 1: slow");
}

#[tokio::test]
async fn a_signal_and_a_missing_program_are_unknown() {
    assert_saw(&script("kill -9 $$").await, "unknown", "ended by a signal");
    let missing = probe(address(), Check::Exec(check("/no/such/program", &[]))).await;
    assert_saw(&missing, "unknown", "/no/such/program cannot be started");
}

#[tokio::test]
async fn the_environment_and_the_arguments_tell_what_is_tested_and_nothing_else() {
    let text = "test \"$CHECK_ADDRESS $CHECK_PORT $CHECK_DOMAIN\" = '::1 5061 voice.example' && test -z \"$HOME\" && \
                test \"$CHECK_TIMEOUT_MS\" -gt 1000 && test \"$0 $1\" = '::1:5061 -H=voice.example' && test \"$PWD\" = /";
    let arguments = ["-c", text, "{address}:{port}", "-H={domain}"];
    assert_saw(&probe(address(), Check::Exec(check("/bin/sh", &arguments))).await, "pass", "");
}

#[tokio::test]
async fn a_domain_that_could_pass_for_an_option_is_not_handed_over() {
    for domain in ["-rf.example", "a b", "$(reboot)", "a/../b"] {
        let exec = Exec { domain: domain.to_owned(), ..check("/bin/true", &[]) };
        assert_saw(&probe(address(), Check::Exec(exec)).await, "unknown", "no plain name");
    }
}

#[tokio::test]
async fn at_the_timeout_the_whole_group_ends() {
    let folder = std::env::temp_dir().join(format!("understudy-exec-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("pids");
    // The child and its own child ignore SIGTERM.
    let text = format!("trap '' TERM; sleep 60 & echo $$ $! > {}; while :; do sleep 1; done", file.display());
    let report = probe_within(address(), Check::Exec(check("/bin/sh", &["-c", &text])), Duration::from_secs(1)).await;
    assert_saw(&report, "silent", "not done within");
    assert!(report.latency < Duration::from_secs(1), "{report:?}");
    let pids = std::fs::read_to_string(&file).unwrap();
    assert_eq!(pids.split_whitespace().count(), 2, "{pids}");
    for pid in pids.split_whitespace() {
        wait_for_end(pid).await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Waits until a process is gone, or only its parent has not noticed.
#[expect(clippy::disallowed_methods, reason = "a deadline of a test")]
async fn wait_for_end(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = status.rsplit_once(')').map(|(_, rest)| rest.trim_start().chars().next());
        if matches!(state, None | Some(None | Some('Z'))) {
            return;
        }
        assert!(Instant::now() < deadline, "{pid} lives on: {status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_the_program_leaves_behind_ends_with_it() {
    let report = script("sleep 60 & echo $!; exit 0").await;
    assert_saw(&report, "pass", "");
    assert!(report.latency < Duration::from_secs(5), "the pipe that the child holds open is not waited for");
    let pid = report.steps[0].saw.rsplit(' ').next().unwrap().to_owned();
    wait_for_end(&pid).await;
}

#[tokio::test]
async fn what_has_left_the_process_group_ends_too() {
    let report = script("setsid sh -c 'sleep 60 & echo $!; exec >&-; wait' & sleep 0.3; exit 0").await;
    assert_saw(&report, "pass", "");
    let pid = report.steps[0].saw.rsplit(' ').next().unwrap().to_owned();
    assert!(pid.parse::<u32>().is_ok(), "{report:?}");
    wait_for_end(&pid).await;
}

#[tokio::test]
async fn endless_output_is_read_and_forgotten() {
    let report = script("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890; i=$((i+1)); done").await;
    assert_saw(&report, "pass", "");
    assert!(report.steps[0].saw.len() < 300, "{report:?}");
}

#[tokio::test]
async fn too_many_programs_at_once_are_our_own_fault() {
    let slow = || check("/bin/sh", &["-c", "sleep 60"]);
    let clock = crate::base::clock::Clock::start();
    let context = crate::probe::ProbeContext::from_roots([]);
    let limit = Duration::from_millis(800);
    let spec =
        crate::probe::Spec { address: address(), check: Check::Exec(slow()).into(), timeout: limit, watch: None };
    let waiting = crate::probe::Spec { timeout: limit / 2, ..spec.clone() };
    let run = |spec| crate::probe::run(spec, &clock, &context);
    let (one, two, three, four, five) = tokio::join!(run(&spec), run(&spec), run(&spec), run(&spec), run(&waiting));
    for report in [one, two, three, four] {
        assert_saw(&report, "silent", "not done within");
    }
    assert_saw(&five, "unknown", "too many programs");
}
