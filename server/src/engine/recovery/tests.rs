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
    Finished { end: End::Exit(exit), up_ms, is_early: up_ms < 1_000 }
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
    let finished = Finished { end, up_ms: 0, is_early: true };
    assert_eq!(finished.describe(), "failed to start: permission denied");
}

#[test]
fn the_stored_attempts_tell_what_was_before() {
    let attempt = |n, code, ended_at| Attempt {
        n,
        exit_code: Some(code),
        ended_at: Some(ended_at),
        ..Attempt::default()
    };
    let attempts = [attempt(1, 1, 10), attempt(2, 0, 20), attempt(3, 1, 30), attempt(4, 2, 40)];
    let history = History::of(&attempts, Some(Breaker::HalfOpen), &Strategy::default());
    let failures = vec![10, 30, 40];
    assert_eq!(history, History { tries: 2, failures, is_trial: true });
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
