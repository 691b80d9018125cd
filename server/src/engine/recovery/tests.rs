use proptest::prelude::*;

use super::*;
use crate::config::BreakerConfig;
use crate::project::Strategy;

fn service() -> Strategy {
    Strategy {
        restart: RestartConfig { jitter: 0.0, ..RestartConfig::default() },
        breaker: BreakerConfig { failures: 3, within_s: 60.0, cooldown_s: 300.0 },
        ..Strategy::default()
    }
}

fn exit(code: i32, up_ms: i64) -> Finished {
    let exit = Exit::new(Some(code), None, &[143]);
    Finished { end: End::Exit(exit), up_ms, is_early: up_ms < 1_000, unready: None }
}

fn after(strategy: &Strategy, history: &mut History, finished: &Finished, now: i64) -> Decision {
    decide(strategy, ProcessType::LongRunning, history, finished, now, 0.5)
}

#[test]
fn pauses_grow_until_the_breaker_opens() {
    let (strategy, mut history) = (service(), History::default());
    let delays: Vec<u64> = (0..2)
        .map(|n| match after(&strategy, &mut history, &exit(1, 400), n * 1_000) {
            Decision::Again { delay_ms, .. } => delay_ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(delays, [500, 1_000]);
    let Decision::Open { until_ms, why } = after(&strategy, &mut history, &exit(1, 400), 2_000)
    else {
        panic!("three failures open it");
    };
    assert_eq!(until_ms, Some(302_000));
    assert_eq!(why, "breaker open: 3 failures in 60 s; one trial in 300 s, or restart it by hand");
    // The trial decides alone.
    history.is_trial = true;
    let opened = after(&strategy, &mut history, &exit(1, 400), 1_000_000);
    assert!(matches!(opened, Decision::Open { .. }), "{opened:?}");
    history.is_trial = true;
    let held = after(&strategy, &mut history, &exit(1, 31_000), 2_000_000);
    assert!(matches!(held, Decision::Again { delay_ms: 500, .. }), "it was up: {held:?}");
}

#[test]
fn old_failures_do_not_count() {
    let (strategy, mut history) = (service(), History::default());
    for n in 0..20 {
        let decision = after(&strategy, &mut history, &exit(1, 400), n * 31_000);
        assert!(matches!(decision, Decision::Again { .. }), "{n}: {decision:?}");
    }
}

#[test]
fn codes_decide_before_the_rule() {
    let mut strategy = service();
    strategy.success_codes = vec![143];
    strategy.restart.always_codes = vec![0];
    strategy.restart.never_codes = vec![78];
    let over = |code| {
        let decision = after(&strategy, &mut History::default(), &exit(code, 5_000), 0);
        matches!(decision, Decision::Over { .. })
    };
    assert_eq!([0, 1, 78, 143].map(over), [false, false, true, true]);
    strategy.restart.when = RestartWhen::Never;
    let over = |code| {
        let decision = after(&strategy, &mut History::default(), &exit(code, 5_000), 0);
        matches!(decision, Decision::Over { .. })
    };
    assert_eq!([0, 1, 78, 143].map(over), [false, true, true, true]);
    strategy.restart.when = RestartWhen::Always;
    let decision = after(&strategy, &mut History::default(), &exit(143, 5_000), 0);
    let why = "next try in 0.5 s".to_owned();
    assert_eq!(decision, Decision::Again { delay_ms: 500, why }, "a success has no attempts");
}

#[test]
fn a_breaker_without_a_cooldown_waits_for_a_hand() {
    let mut strategy = service();
    strategy.breaker = BreakerConfig { failures: 1, within_s: 10.0, cooldown_s: 0.0 };
    let decision = after(&strategy, &mut History::default(), &exit(1, 10), 7);
    let why = "breaker open: 1 failure in 10 s; restart it to try again".to_owned();
    assert_eq!(decision, Decision::Open { until_ms: None, why });
    strategy.breaker.failures = 0;
    let decision = after(&strategy, &mut History::default(), &exit(1, 10), 7);
    assert!(matches!(decision, Decision::Again { .. }), "it never opens: {decision:?}");
}

#[test]
fn a_job_is_tried_again_as_often_as_it_says() {
    let job = |strategy: &Strategy, history: &mut History, code| {
        decide(strategy, ProcessType::ShortLived, history, &exit(code, 5), 0, 0.5)
    };
    let mut strategy = Strategy::default();
    assert_eq!(job(&strategy, &mut History::default(), 1), Decision::Over { why: None });
    strategy.retries = Some(RetriesConfig { max: 2, jitter: 0.0, ..RetriesConfig::default() });
    let mut history = History::default();
    let words: Vec<String> = (0..3)
        .map(|_| match job(&strategy, &mut history, 1) {
            Decision::Again { why, .. } | Decision::Over { why: Some(why) } => why,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "next try in 1 s, attempt 2 of 3",
            "next try in 2 s, attempt 3 of 3",
            "no further try: that was attempt 3 of 3"
        ]
    );
    assert_eq!(job(&strategy, &mut History::default(), 0), Decision::Over { why: None });
}

#[test]
fn says_whether_it_failed_to_start_or_died_later() {
    assert_eq!(exit(1, 400).describe(), "failed to start: exit code 1 after 0.4 s");
    assert_eq!(exit(1, 7_500_000).describe(), "exit code 1 after 2 h 5 min");
    let end = End::NotStarted("permission denied".into());
    let finished = Finished { end, up_ms: 0, is_early: true, unready: None };
    assert_eq!(finished.describe(), "failed to start: permission denied");
    assert_eq!(exit(0, 400).describe(), "exit code 0 after 0.4 s", "a success is no failure");
    let end = End::Lost("nobody was there".into());
    let finished = Finished { end, up_ms: 61_000, is_early: false, unready: None };
    assert_eq!(finished.describe(), "lost after 1 min 1 s: nobody was there");
    let unready = Some("GET http://127.0.0.1/: it answered 503".to_owned());
    let finished = Finished { unready, ..exit(1, 900) };
    assert_eq!(
        finished.describe(),
        "failed to start: exit code 1 after 0.9 s, never ready (GET http://127.0.0.1/: it answered 503)"
    );
}

/// An attempt that began at `at` and was up for `up_ms`.
fn stored(cause: CauseKind, end: Option<EndKind>, code: i32, at: i64, up_ms: i64) -> Attempt {
    Attempt {
        cause_kind: Some(cause),
        started_at: Some(at),
        ended_at: Some(at + up_ms),
        exit_code: Some(code).filter(|_| end != Some(EndKind::Lost)),
        end_kind: end,
        ..Attempt::default()
    }
}

fn history(attempts: &[Attempt], kind: ProcessType) -> History {
    let mut strategy = service();
    strategy.retries = Some(RetriesConfig::default());
    History::of(attempts, None, &strategy, kind)
}

/// Whatever ends an attempt is a failure or is not: in memory and in what is stored alike.
#[test]
fn every_kind_of_end_counts_or_does_not() {
    for kind in EndKind::ALL {
        let is_failure = match kind {
            EndKind::Stop | EndKind::Restart | EndKind::Watch => false,
            EndKind::Exit
            | EndKind::Liveness
            | EndKind::Timeout
            | EndKind::Output
            | EndKind::Limit
            | EndKind::Spawn
            | EndKind::Lost => true,
        };
        let attempts = [stored(CauseKind::Autostart, Some(kind), 143, 1_000, 50)];
        let of = history(&attempts, ProcessType::LongRunning);
        let wanted = if is_failure { (1, vec![1_050]) } else { (0, vec![]) };
        assert_eq!((of.tries, of.failures), wanted, "{kind:?}");
        let of = history(&attempts, ProcessType::ShortLived);
        assert_eq!(of.tries, u32::from(is_failure), "{kind:?}");
    }
    // What was stored before there were kinds is not known, and counts for nothing.
    let attempts = [stored(CauseKind::Autostart, None, 1, 1_000, 50)];
    assert_eq!(history(&attempts, ProcessType::LongRunning), History::default());
    let success = [stored(CauseKind::Autostart, Some(EndKind::Exit), 0, 1_000, 50)];
    assert_eq!(history(&success, ProcessType::LongRunning).failures, [0; 0]);
}

#[test]
fn restarts_by_hand_and_by_a_file_do_not_count_after_a_restart_of_runyard() {
    use CauseKind::{Person, Restart, Watch};
    let exit = Some(EndKind::Exit);
    let attempts = [
        stored(Person, exit, 1, 0, 100),
        stored(Restart, Some(EndKind::Watch), 143, 1_000, 100),
        stored(Watch, Some(EndKind::Restart), 143, 2_000, 100),
        stored(Person, exit, 1, 3_000, 100),
    ];
    let of = history(&attempts, ProcessType::LongRunning);
    assert_eq!((of.tries, of.failures), (1, vec![100, 3_100]), "what failed has failed");
    // One that has held begins with nothing, however it ended.
    let held = stored(Restart, Some(EndKind::Stop), 143, 4_000, 30_000);
    let all: Vec<_> = attempts.into_iter().chain([held]).collect();
    assert_eq!(history(&all, ProcessType::LongRunning), History::default());
}

#[test]
fn a_job_that_is_restarted_by_hand_has_its_tries_again() {
    use CauseKind::{Person, Recovery, Retry};
    let exit = Some(EndKind::Exit);
    let failed = |cause, at| stored(cause, exit, 1, at, 100);
    let mut attempts = vec![failed(Person, 0), failed(Retry, 1_000)];
    attempts.push(stored(Retry, Some(EndKind::Lost), 0, 2_000, 100));
    assert_eq!(history(&attempts, ProcessType::ShortLived).tries, 3);
    attempts.push(failed(Recovery, 3_000));
    assert_eq!(history(&attempts, ProcessType::ShortLived).tries, 4, "it goes on with them");
    attempts.push(failed(Person, 60_000));
    assert_eq!(history(&attempts, ProcessType::ShortLived).tries, 1);
    // What runs begins anew as well.
    attempts.push(Attempt { cause_kind: Some(Person), ..Attempt::default() });
    assert_eq!(history(&attempts, ProcessType::ShortLived).tries, 0);
}

/// What is decided with all in memory, and with a restart of Runyard before each end, is the same.
#[test]
fn the_stored_attempts_tell_what_was_before() {
    let strategy = service();
    let (mut in_memory, mut attempts) = (History::default(), Vec::<Attempt>::new());
    for n in 0..12_i64 {
        let (cause, up_ms) = match n {
            0 | 4 => (CauseKind::Person, 100),
            8 => (CauseKind::Restart, 31_000),
            _ => (CauseKind::Restart, 100),
        };
        let attempt = stored(cause, Some(EndKind::Exit), 1, n * 40_000, up_ms);
        let began = Attempt { ended_at: None, end_kind: None, ..attempt.clone() };
        attempts.push(began);
        if cause.begins_anew() {
            in_memory.begin_anew();
        }
        let breaker = in_memory.is_trial.then_some(Breaker::HalfOpen);
        let mut again = History::of(&attempts, breaker, &strategy, ProcessType::LongRunning);
        let now = n * 40_000 + up_ms;
        let decision = after(&strategy, &mut in_memory, &exit(1, up_ms), now);
        assert_eq!(after(&strategy, &mut again, &exit(1, up_ms), now), decision, "{n}");
        assert_eq!(again, in_memory, "{n}");
        in_memory.is_trial = matches!(decision, Decision::Open { .. });
        *attempts.last_mut().unwrap() = attempt;
    }
}

#[test]
fn codes_decide_for_the_tries_of_a_job_too() {
    let mut strategy = Strategy { success_codes: vec![143], ..Strategy::default() };
    strategy.retries = Some(RetriesConfig {
        always_codes: vec![0],
        never_codes: vec![2],
        jitter: 0.0,
        ..RetriesConfig::default()
    });
    let job = |code| {
        let mut history = History::default();
        decide(&strategy, ProcessType::ShortLived, &mut history, &exit(code, 5), 0, 0.5)
    };
    assert_eq!(job(143), Decision::Over { why: None }, "a success");
    let why = "next try in 1 s, attempt 2 of 4".to_owned();
    let again = Decision::Again { delay_ms: 1_000, why };
    assert_eq!([job(0), job(1)], [again.clone(), again]);
    let why = Some("not tried again after exit code 2".to_owned());
    assert_eq!(job(2), Decision::Over { why });
}

proptest! {
    #[test]
    fn a_pause_is_within_its_bounds(
        delay_ms in 0u64..100_000,
        factor in 1.0f64..10.0,
        max_delay_ms in 0u64..1_000_000,
        jitter in 0.0f64..=1.0,
        n in 0u32..5_000,
        chance in 0.0f64..=1.0,
    ) {
        let pauses = Pauses { delay_ms, factor, max_delay_ms, jitter };
        let pause = pause_ms(pauses, n, chance);
        prop_assert!(pause <= max_delay_ms);
        let plain = pause_ms(Pauses { jitter: 0.0, ..pauses }, n, chance);
        let least = to_f64(plain) * (1.0 - jitter) - 1.0;
        prop_assert!(to_f64(pause) >= least.floor(), "{pause} of {plain}");
        // Without chance, pauses never shrink.
        let next = pause_ms(Pauses { jitter: 0.0, ..pauses }, n + 1, chance);
        prop_assert!(next >= plain);
    }

    #[test]
    fn a_breaker_opens_at_its_count_and_not_before(
        failures in 1u32..10,
        gaps in proptest::collection::vec(1i64..40_000, 1..40),
    ) {
        let mut strategy = service();
        strategy.breaker = BreakerConfig { failures, within_s: 60.0, cooldown_s: 1.0 };
        let (mut history, mut now, mut at) = (History::default(), 0, Vec::new());
        for gap in gaps {
            now += gap;
            at.push(now);
            let within = at.iter().filter(|at| **at > now - 60_000).count();
            let opened = matches!(
                after(&strategy, &mut history, &exit(1, 10), now),
                Decision::Open { .. }
            );
            prop_assert_eq!(opened, within >= failures as usize);
        }
    }
}
