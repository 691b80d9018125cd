//! What the engine does when time passes, with real children and a clock that is wound on by hand:
//! nothing here waits for a time to come, and nothing may happen before it.

use std::sync::Arc;
use std::time::{Duration, Instant as RealInstant};

use app::model::{Breaker, CauseKind, EndKind, Status};
use server::engine::Clock;

use crate::support::PATIENCE;

mod bench;
mod hand;
mod schedules;
mod together;

use bench::{Bench, NOON, seconds, sweep};

const FLAKY: &str =
    "[flaky]\ncommand = [\"sh\", \"-c\", \"test -e ok && exec sleep 300; exit 3\"]\n";

#[tokio::test]
async fn pauses_grow_the_breaker_opens_cools_down_and_closes_once_it_has_held() {
    let toml = format!(
        "{FLAKY}restart = {{ delay_ms = 10000, factor = 3.0, jitter = 0.0, reset_after_s = 40 }}\n\
         breaker = {{ failures = 3, within_s = 600, cooldown_s = 300 }}\n"
    );
    let bench = Bench::declaring(&toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("flaky").await;
    let mut at = NOON;
    for (n, pause) in [(1, 10), (2, 30)] {
        let process =
            bench.wait_for(&id, |p| p.status == Status::BackingOff && p.attempts.len() == n).await;
        at += i64::try_from(pause).unwrap() * 1_000;
        assert_eq!(process.next_at, Some(at));
        bench.pass(seconds(pause)).await;
    }
    let process = bench.wait_for(&id, |p| p.breaker == Some(Breaker::Open)).await;
    assert_eq!((process.attempts.len(), process.next_at), (3, Some(at + 300_000)));
    bench.pass(seconds(300)).await;
    // The trial fails: it opens again, and for as long.
    let process =
        bench.wait_for(&id, |p| p.attempts.len() == 4 && p.breaker == Some(Breaker::Open)).await;
    assert!(process.reason.contains("the trial failed"), "{}", process.reason);
    std::fs::write(bench.folder.path().join("project/ok"), "").unwrap();
    bench.pass(seconds(300)).await;
    let process = bench
        .wait_for(&id, |p| p.status == Status::Running && p.breaker == Some(Breaker::HalfOpen))
        .await;
    assert_eq!(process.attempts.len(), 5);
    // The kernel counts how long it is up, so what is left of 40 s is a little less.
    bench.clock.wait_for_sleeper_within(seconds(30), seconds(40)).await;
    bench.clock.advance(seconds(30));
    assert_eq!(bench.process(&id).await.breaker, Some(Breaker::HalfOpen));
    bench.clock.advance(seconds(10));
    bench.wait_for(&id, |p| p.breaker == Some(Breaker::Closed)).await;
    bench.end().await;
}

#[tokio::test]
async fn a_pause_goes_on_after_a_restart_of_runyard_with_what_is_left_of_it() {
    let toml = format!("{FLAKY}restart = {{ delay_ms = 60000, jitter = 0.0 }}\n");
    let bench = Bench::declaring(&toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("flaky").await;
    bench.wait_for(&id, |p| p.status == Status::BackingOff).await;
    bench.clock.wait_for_sleeper(seconds(60)).await;
    bench.clock.advance(seconds(20));
    let clock = Arc::clone(&bench.clock);
    let bench = Bench::open(bench.leave().await, &toml, clock).await;
    bench.pass(seconds(40)).await;
    let process = bench.wait_for(&id, |p| p.attempts.len() == 2).await;
    assert_eq!(process.attempts[1].cause_kind, Some(CauseKind::Recovery));
    bench.end().await;
}

#[tokio::test]
async fn a_declared_job_has_sixty_seconds_and_three_retries_when_nothing_else_is_said() {
    let toml = "[slow]\ncommand = [\"sleep\", \"300\"]\ntype = \"short-lived\"\n\
                [never]\ncommand = [\"false\"]\nretries = {}\n\
                [free]\ncommand = [\"sleep\", \"300\"]\ntimeout_s = 0\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let slow = bench.start("slow").await;
    let process = bench.wait_for(&slow, |p| p.status == Status::Running).await;
    let times_out_at = process.started_at.unwrap() + 60_000;
    assert_eq!(process.next_at, Some(times_out_at));
    bench.clock.wait_for_sleeper_within(seconds(50), seconds(60)).await;
    bench.clock.advance(seconds(50));
    assert_eq!(bench.process(&slow).await.status, Status::Running);
    bench.clock.advance(seconds(10));
    let process = bench.wait_for(&slow, |p| p.status == Status::Failed).await;
    assert_eq!(process.attempts[0].end_kind, Some(EndKind::Timeout));
    assert!(process.reason.contains("it ran longer than 60 s"), "{}", process.reason);

    let never = bench.start("never").await;
    for (n, pause) in [(1, 1), (2, 2), (3, 4)] {
        bench.wait_for(&never, |p| p.status == Status::BackingOff && p.attempts.len() == n).await;
        bench.pass(seconds(pause)).await;
    }
    let process = bench.wait_for(&never, |p| p.status == Status::Failed).await;
    assert_eq!(process.attempts.len(), 4);
    assert!(process.reason.ends_with("that was attempt 4 of 4"), "{}", process.reason);

    let free = bench.start("free").await;
    let process = bench.wait_for(&free, |p| p.status == Status::Running).await;
    assert_eq!(process.next_at, None, "0 is no timeout");
    bench.end().await;
}

#[tokio::test]
async fn a_change_is_waited_out_before_it_counts() {
    let toml = "[dev]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                watch = { paths = [\"src/**\"], debounce_ms = 5000 }\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let source = bench.folder.path().join("project/src");
    std::fs::create_dir_all(&source).unwrap();
    let id = bench.start("dev").await;
    bench.wait_for(&id, |p| p.status == Status::Running).await;
    // Nothing tells when the watch has begun: the file is written until it is seen.
    let begin = RealInstant::now();
    while !bench.clock.is_waited_for(seconds(5)) {
        assert!(begin.elapsed() < PATIENCE, "it was never seen");
        std::fs::write(source.join("a.js"), "1").unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.clock.advance(seconds(4));
    // Another change: the quiet begins anew.
    std::fs::write(source.join("a.js"), "2").unwrap();
    bench.clock.wait_for_sleeper(seconds(5)).await;
    bench.pass(seconds(5)).await;
    let process = bench.wait_for(&id, |p| p.attempts.len() == 2).await;
    assert_eq!(process.attempts[0].end_kind, Some(EndKind::Watch));
    bench.end().await;
}

#[tokio::test]
async fn one_that_does_not_end_is_killed_when_its_grace_is_over() {
    let toml = "[deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo ready; while :; do sleep 0.02; \
                done\"]\ntype = \"long-running\"\nready = { log = \"ready\", period_s = 0.1 }\n\
                stop = { grace_s = 90 }\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("deaf").await;
    bench.wind_until(&id, |p| p.ready == Some(true)).await;
    let process = bench.engine.stop_process(&id, "ann", false).await.unwrap();
    assert_eq!(process.next_at, Some(bench.clock.now_ms() + 90_000));
    bench.pass(seconds(90)).await;
    let process = bench.wait_for(&id, |p| p.status == Status::Stopped).await;
    assert_eq!(process.signal.as_deref(), Some("SIGKILL"));
    bench.end().await;
}
