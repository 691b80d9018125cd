use std::collections::VecDeque;

use async_trait::async_trait;
use parking_lot::Mutex;

use app::model::{Attempt, Process, ProcessId, Status};

use super::super::conformance::samples::cursor;
use super::super::{
    Chunk, ChunkRange, Cursor, ListQuery, LogPrune, LogPruned, LogUsage, ProcessRecord, ScriptName,
    Space, Sweep, Swept,
};
use super::*;

/// A store that keeps the runs of the cursors it is given, and fails as it is told to.
struct FakeStore {
    /// Taken by each commit: the test says when it may go on.
    gate: Semaphore,
    /// The next results; `Ok` when there are none.
    script: Mutex<VecDeque<StoreError>>,
    /// The run that is always refused.
    refused: &'static str,
    /// The runs of each commit that was tried.
    tried: Mutex<Vec<Vec<String>>>,
    kept: Mutex<Vec<String>>,
}

impl FakeStore {
    fn new(open: bool) -> Arc<Self> {
        let permits = if open { Semaphore::MAX_PERMITS } else { 0 };
        Arc::new(Self {
            gate: Semaphore::new(permits),
            script: Mutex::default(),
            refused: "refused",
            tried: Mutex::default(),
            kept: Mutex::default(),
        })
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let runs: Vec<String> = changes
            .iter()
            .filter_map(|change| match change {
                Change::PutCursor(cursor) => Some(cursor.run.clone()),
                _ => None,
            })
            .collect();
        self.tried.lock().push(runs.clone());
        self.gate.acquire().await.unwrap().forget();
        if let Some(error) = self.script.lock().pop_front() {
            return Err(error);
        }
        if runs.iter().any(|run| run == self.refused) {
            return Err(StoreError::Failed("refused".into()));
        }
        self.kept.lock().extend(runs);
        Ok(())
    }

    async fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get_process(&self, _: &ProcessId) -> Result<Option<ProcessRecord>, StoreError> {
        Ok(None)
    }

    async fn list_processes(&self, _: &ListQuery) -> Result<Vec<Process>, StoreError> {
        Ok(vec![])
    }

    async fn attempts(
        &self,
        _id: &ProcessId,
        _before: u32,
        _limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        Ok(vec![])
    }

    async fn open_processes(&self) -> Result<Vec<ProcessRecord>, StoreError> {
        Ok(vec![])
    }

    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        Ok(vec![])
    }

    async fn chunks(&self, _: &ProcessId, _: ChunkRange, _: u32) -> Result<Vec<Chunk>, StoreError> {
        Ok(vec![])
    }

    async fn end_counts(&self, _: Status, _: i64) -> Result<Vec<(ScriptName, i64)>, StoreError> {
        Ok(vec![])
    }

    async fn start_counts(&self) -> Result<Vec<(ScriptName, i64)>, StoreError> {
        Ok(vec![])
    }

    async fn log_usage(&self, _: i64) -> Result<LogUsage, StoreError> {
        Ok(LogUsage::default())
    }

    async fn prune_logs(&self, _: LogPrune, _: u32) -> Result<LogPruned, StoreError> {
        Ok(LogPruned::default())
    }

    async fn sweep(&self, _: &Sweep, _: u32) -> Result<Vec<Swept>, StoreError> {
        Ok(vec![])
    }

    async fn give_back(&self, _: i64) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn space(&self) -> Result<Space, StoreError> {
        Ok(Space::default())
    }

    async fn kept(&self, _prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

const AT_ONCE: Backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO };

fn start(store: &Arc<FakeStore>) -> (Writer, TaskTracker) {
    let tracker = TaskTracker::new();
    let writer = Writer::start_with(Arc::clone(store) as Arc<dyn Store>, &tracker, AT_ONCE);
    tracker.close();
    (writer, tracker)
}

fn put(run: &str) -> Vec<Change> {
    vec![Change::PutCursor(cursor(run, 1))]
}

/// Waits until `count` commits were tried; each is announced before it waits at the gate.
async fn tried(store: &FakeStore, count: usize) {
    while store.tried.lock().len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_is_one_transaction() {
    let store = FakeStore::new(false);
    let (writer, _tracker) = start(&store);
    let first = writer.submit_later(put("a")).await.unwrap();
    tried(&store, 1).await;
    let mut later = Vec::new();
    for run in ["b", "c", "d"] {
        later.push(writer.submit_later(put(run)).await.unwrap());
    }
    store.gate.add_permits(2);
    first.await.unwrap().unwrap();
    for result in later {
        result.await.unwrap().unwrap();
    }
    assert_eq!(*store.tried.lock(), [vec!["a"], vec!["b", "c", "d"]]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_goes_with_what_somebody_waits_for() {
    let store = FakeStore::new(true);
    let (writer, _tracker) = start(&store);
    let begin = Instant::now();
    let ended = writer.submit_at_leisure(put("a"));
    let begun = async {
        yield_now().await;
        writer.submit(put("b")).await
    };
    let (ended, begun) = tokio::join!(ended, begun);
    ended.unwrap();
    begun.unwrap();
    assert_eq!(*store.tried.lock(), [vec!["a", "b"]]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    // With nobody to go with it goes alone, and those before it do not wait.
    writer.submit_at_leisure(put("c")).await.unwrap();
    assert_eq!(begin.elapsed(), LINGER);
    // Nor is it kept back when everything ends.
    let (last, ()) = tokio::join!(writer.submit_at_leisure(put("d")), writer.clone().close());
    last.unwrap();
    assert_eq!(begin.elapsed(), LINGER);
    assert_eq!(*store.kept.lock(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn only_the_guilty_submission_fails() {
    let store = FakeStore::new(false);
    let (writer, _tracker) = start(&store);
    let first = writer.submit_later(put("a")).await.unwrap();
    tried(&store, 1).await;
    let before = writer.submit_later(put("b")).await.unwrap();
    let guilty = writer.submit_later(put("refused")).await.unwrap();
    let after = writer.submit_later(put("c")).await.unwrap();
    store.gate.add_permits(100);
    first.await.unwrap().unwrap();
    before.await.unwrap().unwrap();
    assert!(matches!(guilty.await.unwrap(), Err(StoreError::Failed(_))));
    after.await.unwrap().unwrap();
    assert_eq!(*store.kept.lock(), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_unavailable_database_is_tried_until_it_writes_and_the_order_is_kept() {
    let store = FakeStore::new(true);
    store.script.lock().extend((0..5).map(|_| StoreError::Unavailable("locked".into())));
    let (writer, _tracker) = start(&store);
    let first = writer.submit_later(put("a")).await.unwrap();
    let second = writer.submit_later(put("b")).await.unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(*store.kept.lock(), ["a", "b"]);
}

#[tokio::test]
async fn close_writes_what_was_taken_and_refuses_the_rest() {
    let store = FakeStore::new(false);
    let (writer, tracker) = start(&store);
    let mut results = Vec::new();
    for run in ["a", "b", "c"] {
        results.push(writer.submit_later(put(run)).await.unwrap());
    }
    store.gate.add_permits(100);
    let clone = writer.clone();
    writer.close().await;
    for result in results {
        result.await.unwrap().unwrap();
    }
    assert_eq!(*store.kept.lock(), ["a", "b", "c"]);
    let refused = clone.submit(put("d")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    tracker.wait().await;
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_was_taken_and_ends_the_task() {
    let store = FakeStore::new(true);
    let (writer, tracker) = start(&store);
    for run in ["a", "b"] {
        drop(writer.submit_later(put(run)).await.unwrap());
    }
    drop(writer);
    tracker.wait().await;
    assert_eq!(*store.kept.lock(), ["a", "b"]);
}

#[tokio::test]
async fn closing_gives_up_on_a_database_that_cannot_write() {
    let store = FakeStore::new(false);
    store.script.lock().extend((0..2).map(|_| StoreError::Unavailable("full".into())));
    let tracker = TaskTracker::new();
    let hour = Duration::from_secs(3600);
    let backoff = Backoff { first: hour, max: hour };
    let writer = Writer::start_with(Arc::clone(&store) as Arc<dyn Store>, &tracker, backoff);
    let result = writer.submit_later(put("a")).await.unwrap();
    tried(&store, 1).await;
    store.gate.add_permits(2);
    writer.close().await;
    assert!(matches!(result.await.unwrap(), Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_submission_larger_than_the_queue_goes_alone() {
    let store = FakeStore::new(true);
    let (writer, _tracker) = start(&store);
    let chunk = Chunk {
        first_idx: 0,
        last_idx: 0,
        first_ts: 0,
        last_ts: 0,
        codec: 0,
        bytes: vec![0; usize::try_from(QUEUE_BYTES).unwrap() + 1],
    };
    let change = Change::AppendChunk { process: ProcessId("p".into()), chunk, cursor: None };
    writer.submit(vec![change]).await.unwrap();
    writer.submit(put("a")).await.unwrap();
    assert_eq!(*store.kept.lock(), ["a"]);
}
