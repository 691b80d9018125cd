//! What is asked for at the same time.

use app::model::{CauseKind, Status};
use futures_util::future::join_all;
use serde_json::json;
use server::engine::Cause;

use super::bench::{Bench, sweep};

#[tokio::test]
async fn restarts_at_the_same_time_start_one_process() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    let id = bench.start_script(json!({"timeoutS": 0})).await;
    // Of one that runs, and of one that has ended.
    for attempts in [2, 3] {
        // Each is asked for when it is polled first, so all are before anything comes of one.
        let by = |n| Cause::new(CauseKind::Person, format!("ann {n}"));
        let all = join_all((0..8).map(|n| bench.engine.restart_process(&id, by(n))));
        for answer in all.await {
            assert_eq!(answer.unwrap().id, id);
        }
        let runs = bench.wait_for(&id, |p| p.status == Status::Running).await;
        assert_eq!(runs.attempts.len(), attempts, "{runs:?}");
        let stopped = bench.engine.stop_process(&id, "ann", true).await.unwrap();
        assert_eq!(stopped.attempts.len(), attempts, "{stopped:?}");
    }
    bench.end().await;
}
