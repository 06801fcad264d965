//! The table of product rule "From outcome to health", row by row and column by column.

use super::*;

const T0: Mono = Mono::START;

fn at(secs: u64) -> Mono {
    T0 + Duration::from_secs(secs)
}

fn step_at(health: &mut Health, outcome: Outcome, settings: &Settings, guard: Guard, now: Mono) {
    health.step(&Report { outcome, began: now, latency: Duration::ZERO }, settings, guard, now);
}

/// Runs a word of outcomes: `.` pass, `c` conclusive, `s` silent, `d` drain, `o` degraded, `?` unknown; one a second.
fn run(word: &str, settings: &Settings) -> Health {
    let mut health = Health::unknown(T0);
    for (second, letter) in (0..).zip(word.chars()) {
        step_at(&mut health, outcome(letter), settings, Guard::Off, at(second));
    }
    health
}

fn outcome(letter: char) -> Outcome {
    let fail = |kind| Outcome::Fail { kind, cause: letter.to_string().into() };
    match letter {
        '.' => Outcome::Pass,
        'c' => fail(FailKind::Conclusive),
        's' => fail(FailKind::Silent),
        'd' => Outcome::Drain { cause: "leaving".into(), retry_after: None },
        'o' => Outcome::Degraded("full".into()),
        '?' => Outcome::Unknown("no descriptors".into()),
        other => unreachable!("{other}"),
    }
}

fn failing(passes: u32, fails: u32) -> State {
    State::Failing { passes, fails }
}

#[test]
fn the_transition_table_holds_for_the_default_thresholds() {
    let down = State::Down;
    for (word, state) in [
        ("", State::Unknown),
        ("?", State::Unknown),
        (".", State::Up),
        ("o", State::Up),
        ("c", failing(0, 1)),
        ("d", down(Down::Leaving)),
        ("..", State::Up),
        (".c", failing(0, 1)),
        (".d", down(Down::Leaving)),
        (".c.", failing(1, 1)),
        (".c..", State::Up),
        (".c..c", failing(0, 1)),
        (".c.c", failing(0, 2)),
        (".c.c.c", down(Down::Conclusive)),
        (".s.c.s", down(Down::Silent)),
        (".cd", down(Down::Leaving)),
        ("ccc", down(Down::Conclusive)),
        ("sss", down(Down::Silent)),
        ("ssss", down(Down::Silent)),
        ("cccs", down(Down::Silent)),
        ("dc", down(Down::Conclusive)),
        ("cccd", down(Down::Leaving)),
        ("ccc.", State::Recovering { passes: 1 }),
        ("ccc?.", State::Recovering { passes: 1 }),
        ("ccc.?.", State::Up),
        ("ccc..", State::Up),
        ("ccc.c", down(Down::Conclusive)),
        ("ccc.c.", State::Recovering { passes: 1 }),
        ("ccc.d", down(Down::Leaving)),
        ("ccc..c", failing(0, 1)),
        (".c?c?c", down(Down::Conclusive)),
    ] {
        assert_eq!(*run(word, &Settings::default()).state(), state, "{word:?}");
    }
}

#[test]
fn with_thresholds_of_one_there_is_no_in_between() {
    let settings = Settings { fall: 1, rise: 1, ..Settings::default() };
    for (word, state) in
        [("c", State::Down(Down::Conclusive)), (".s", State::Down(Down::Silent)), ("c.", State::Up), ("d.", State::Up)]
    {
        assert_eq!(*run(word, &settings).state(), state, "{word:?}");
    }
}

#[test]
fn the_mark_degraded_comes_at_fall_and_goes_after_rise_plain_passes_in_a_row() {
    for (word, degraded) in [
        ("oo", false),
        ("ooo", true),
        ("oo.o", true),
        ("oo..o", false),
        ("ooo.", true),
        ("ooo..", false),
        ("ooo.o.", true),
        ("ooosss", false),
        ("ooosss..", false),
    ] {
        assert_eq!(run(word, &Settings::default()).is_degraded(), degraded, "{word:?}");
    }
}

#[test]
fn passes_count_only_when_the_retry_after_is_over() {
    let settings = Settings::default();
    let mut health = Health::unknown(T0);
    let drain = |secs| Outcome::Drain { cause: "503".into(), retry_after: Some(Duration::from_secs(secs)) };
    step_at(&mut health, drain(10), &settings, Guard::Off, T0);
    step_at(&mut health, Outcome::Pass, &settings, Guard::Off, at(9));
    assert_eq!(*health.state(), State::Down(Down::Leaving));
    step_at(&mut health, Outcome::Pass, &settings, Guard::Off, at(10));
    assert_eq!(*health.state(), State::Recovering { passes: 1 });

    step_at(&mut health, drain(86_400), &settings, Guard::Off, at(20));
    step_at(&mut health, Outcome::Pass, &settings, Guard::Off, at(20) + MAX_QUIET);
    assert_eq!(*health.state(), State::Recovering { passes: 1 }, "a Retry-After counts for at most 300 s");
}

#[test]
fn silence_alone_needs_a_witness_that_answered_after_it_began() {
    let settings = Settings::default();
    for (guard, state) in [
        (Guard::Witnessed(None), failing(0, 3)),
        (Guard::Witnessed(Some(T0)), failing(0, 3)),
        (Guard::Witnessed(Some(at(1))), State::Down(Down::Silent)),
        (Guard::Isolated, State::Unknown),
        (Guard::Off, State::Down(Down::Silent)),
    ] {
        let mut health = Health::unknown(T0);
        for second in 0..3 {
            step_at(&mut health, outcome('s'), &settings, guard, at(second));
        }
        assert_eq!(*health.state(), state, "{guard:?}");
    }
}

#[test]
fn one_conclusive_failure_needs_no_witness() {
    let mut health = Health::unknown(T0);
    for letter in "scs".chars() {
        step_at(&mut health, outcome(letter), &Settings::default(), Guard::Witnessed(None), T0);
    }
    assert_eq!(*health.state(), State::Down(Down::Silent));
}

#[test]
fn a_late_witness_marks_down_and_the_end_of_isolation_forgets_no_failure() {
    let mut health = Health::unknown(T0);
    for second in 0..3 {
        step_at(&mut health, outcome('s'), &Settings::default(), Guard::Witnessed(None), at(second));
    }
    assert!(health.awaits_witness());
    let mut resumed = health.clone();
    assert!(!health.mark_down(T0, at(3)), "a probe that began with the first failure proves nothing");
    assert!(health.mark_down(at(2), at(3)));
    assert_eq!(*health.state(), State::Down(Down::Silent));

    resumed.resume();
    assert!(!resumed.awaits_witness());
    assert_eq!(*resumed.state(), failing(0, 3));
    let mut well = resumed.clone();
    step_at(&mut resumed, outcome('s'), &Settings::default(), Guard::Witnessed(Some(at(4))), at(5));
    assert_eq!(*resumed.state(), State::Down(Down::Silent), "it hangs: the next failure is enough");
    for second in [5, 6] {
        step_at(&mut well, outcome('.'), &Settings::default(), Guard::Witnessed(Some(at(4))), at(second));
    }
    assert_eq!(*well.state(), State::Up);
}

#[test]
fn a_restored_target_has_no_counters() {
    for (was, is) in [
        (failing(1, 2), State::Up),
        (State::Up, State::Up),
        (State::Recovering { passes: 1 }, State::Down(Down::Silent)),
        (State::Down(Down::Leaving), State::Down(Down::Leaving)),
        (State::Unknown, State::Unknown),
    ] {
        assert_eq!(*Health::restored(&was, None, None, T0).state(), is, "{was:?}");
    }
}
