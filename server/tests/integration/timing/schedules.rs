//! Schedules: when their jobs begin, and what becomes of a time that cannot be kept.

use std::sync::Arc;
use std::time::Duration;

use app::model::{CauseKind, Process, Status};
use serde_json::json;

use super::bench::{Bench, NOON, seconds, sweep};
use crate::support::PATIENCE;

#[tokio::test]
async fn a_schedule_starts_its_job_at_its_time_and_not_before() {
    let toml = "[hourly]\ncommand = [\"sh\", \"-c\", \"until test -e go; do sleep 0.02; done\"]\n\
                schedule = \"0 * * * *\"\ntimeout_s = 0\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    bench.fleet.begin().await.unwrap();
    let hour = 3_600;
    let times: Vec<i64> = (1..=5).map(|n| NOON + n * hour * 1_000).collect();
    assert_eq!(bench.fleet.list().processes[0].next_times, times);
    // It is looked at every half minute, as clocks are set and machines sleep.
    for _ in 0..119 {
        bench.clock.wait_for_sleeper(seconds(30)).await;
        bench.clock.advance(seconds(30));
    }
    bench.clock.wait_for_sleeper(seconds(30)).await;
    assert_eq!(bench.fleet.list().processes[0].live, []);
    bench.pass(seconds(30)).await;
    let first = bench.wait_for_live("hourly").await;
    let process = bench.wait_for(&first, |p| p.status == Status::Running).await;
    assert_eq!(process.attempts[0].cause_kind, Some(CauseKind::Schedule));
    // The next time passes over it as long as it runs; a machine that slept meets the one after.
    bench.clock.wait_for_sleeper(seconds(30)).await;
    bench.clock.advance(Duration::from_secs(3_600));
    bench.clock.wait_for_sleeper(seconds(30)).await;
    assert_eq!(bench.fleet.list().processes[0].live, std::slice::from_ref(&first));
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    bench.wait_for(&first, |p| p.status == Status::Completed).await;
    // It may be over before anybody looks, so it is listened for.
    let mut updates = bench.engine.updates();
    bench.clock.advance(Duration::from_secs(3_600));
    let second = async {
        loop {
            let update = updates.recv().await.unwrap();
            if update.process.id != first {
                return update.process.id.clone();
            }
        }
    };
    let second = tokio::time::timeout(PATIENCE, second).await.unwrap();
    bench.wait_for(&second, |p| p.status == Status::Completed).await;
    bench.end().await;
}

/// A start with a schedule: what it waits for, run after run.
#[tokio::test]
async fn a_start_with_a_schedule_waits_for_its_times_run_after_run() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let id = bench.start_script(json!({"schedule": "* * * * *"})).await;
    let process = bench.process(&id).await;
    assert_eq!((process.status, process.next_at), (Status::BackingOff, Some(NOON + 60_000)));
    assert_eq!(process.reason, "it was not run yet; it waits for its time, * * * * * UTC");
    let list = bench.fleet.list().processes;
    assert_eq!((list[0].name.as_str(), list[0].is_declared), ("wait", false));
    let times: Vec<i64> = (1..=5).map(|n| NOON + n * 60_000).collect();
    assert_eq!(list[0].next_times, times);
    for n in 1..=3_usize {
        bench.clock.wait_for_sleeper(seconds(30)).await;
        bench.clock.advance(seconds(30));
        assert_eq!(bench.process(&id).await.attempts.len(), n - 1);
        bench.pass(seconds(30)).await;
        let waits = |p: &Process| p.attempts.len() == n && p.status == Status::BackingOff;
        let process = bench.wait_for(&id, waits).await;
        let next = NOON + (i64::try_from(n).unwrap() + 1) * 60_000;
        assert_eq!(process.next_at, Some(next));
        assert_eq!(process.attempts[n - 1].cause_kind, Some(CauseKind::Schedule));
    }
    bench.engine.stop_process(&id, "ann", true).await.unwrap();
    assert_eq!(bench.fleet.list().processes, []);
    bench.end().await;
}

#[tokio::test]
async fn a_time_during_a_run_is_passed_over_or_put_off() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    let schedule = |overlap| json!({"schedule": "* * * * *", "overlap": overlap, "timeoutS": 0});
    let skips = bench.start_script(schedule("skip")).await;
    let queues = bench.start_script(schedule("queue")).await;
    bench.clock.advance(seconds(60));
    for id in [&skips, &queues] {
        bench.wait_for(id, |p| p.status == Status::Running).await;
    }
    bench.clock.advance(Duration::from_secs(150));
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let is_put_off = |p: &Process| p.attempts.len() == 2 && p.status == Status::BackingOff;
    bench.wait_for(&queues, is_put_off).await;
    let process = bench.wait_for(&skips, |p| p.status == Status::BackingOff).await;
    assert_eq!(process.attempts.len(), 1);
    assert_eq!(process.next_at, Some(NOON + 240_000), "the minute after the end");
    bench.end().await;
}

#[tokio::test]
async fn a_time_that_was_missed_is_passed_over_or_made_up_for_once() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let passes = bench.start_script(json!({"schedule": "0 * * * *"})).await;
    let makes_up = bench.start_script(json!({"schedule": "0 * * * *", "missed": "run-once"})).await;
    let clock = Arc::clone(&bench.clock);
    let folder = bench.leave().await;
    clock.advance(Duration::from_secs(5 * 3_600 + 600));
    let bench = Bench::open(folder, "", clock).await;
    let next = Some(NOON + 6 * 3_600_000);
    let waits = |p: &Process| p.status == Status::BackingOff && p.next_at == next;
    let process = bench.wait_for(&makes_up, waits).await;
    assert_eq!(process.attempts.len(), 1);
    assert_eq!(process.attempts[0].cause_kind, Some(CauseKind::Schedule));
    let process = bench.wait_for(&passes, waits).await;
    assert_eq!(process.attempts, []);
    assert!(process.reason.starts_with("a time was missed; "), "{}", process.reason);
    bench.end().await;
}
