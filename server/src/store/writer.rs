//! All writes, in one queue.
//!
//! A transaction costs about the same whether it holds one change or a hundred, and the tasks of a
//! hundred processes write at the same time. So one task takes whatever is waiting and commits it
//! together: under load the groups grow by themselves, and when there is no load nobody waits.
//!
//! Theory of operation: a submission takes room (bytes) and a place in the queue; both are bounded,
//! so whoever writes faster than the database is slowed down, and the spool takes the difference.
//! What nobody waits for (a job has ended, and everybody knows it) waits for company: it goes with the
//! next that somebody waits for, or after a moment without. So a job that follows another one takes
//! that one's end along, and the two are one transaction.
//! A group that the database refuses for good is tried again one submission at a time, so that only
//! the guilty one fails. While the database cannot write at all (locked, disk full), the group stays
//! at the head of the queue and is tried again for ever: nothing is lost and the order is kept.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use app::model::Process;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Change, Store, StoreError};

/// Submissions that may wait.
const QUEUE: usize = 1024;
/// Bytes that may wait or be written.
const QUEUE_BYTES: u32 = 8 * 1024 * 1024;
/// Submissions in one transaction.
const GROUP: usize = 256;
/// A group takes no more submissions when it has so many bytes.
const GROUP_BYTES: u32 = 2 * 1024 * 1024;

/// How long to wait between tries while the database cannot write.
#[derive(Clone, Copy, Debug)]
struct Backoff {
    first: Duration,
    max: Duration,
}

/// How long what nobody waits for waits for others to go with.
const LINGER: Duration = Duration::from_millis(10);

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(50), max: Duration::from_secs(2) };

struct Submission {
    changes: Vec<Change>,
    /// Nobody waits for it.
    may_linger: bool,
    /// Given back when it is done with.
    room: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// Hands changes to the task that writes. Clones share the queue; when the last is dropped, what
/// waits is written and the task ends.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Submission>,
    room: Arc<Semaphore>,
    closing: CancellationToken,
    ended: CancellationToken,
}

impl Writer {
    /// Starts the task, among those that `tracker` waits for.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, tracker: &TaskTracker) -> Self {
        Self::start_with(store, tracker, BACKOFF)
    }

    fn start_with(store: Arc<dyn Store>, tracker: &TaskTracker, backoff: Backoff) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let closing = CancellationToken::new();
        let ended = CancellationToken::new();
        let task = Task { store, waiting, closing: closing.clone(), backoff };
        let guard = ended.clone().drop_guard();
        tracker.spawn(async move {
            let _guard = guard;
            task.run().await;
        });
        let permits = usize::try_from(QUEUE_BYTES).unwrap_or(Semaphore::MAX_PERMITS);
        Self { queue, room: Arc::new(Semaphore::new(permits)), closing, ended }
    }

    /// Makes the changes in one transaction, and waits until they are durable. Dropping the future
    /// does not take them back.
    ///
    /// # Errors
    /// What the store refused them with; [`StoreError::Unavailable`] when the writer was closed
    /// before they could be written.
    pub async fn submit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.submit_later(changes).await?.await.unwrap_or_else(|_| Err(has_ended()))
    }

    /// As [`Writer::submit`], for what nobody waits for: it goes with the next changes that somebody
    /// waits for, or after [`LINGER`].
    ///
    /// # Errors
    /// As for [`Writer::submit`].
    pub async fn submit_at_leisure(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        self.enqueue(changes, true).await?.await.unwrap_or_else(|_| Err(has_ended()))
    }

    /// Waits only for room in the queue; the answer comes when the changes are durable. What one
    /// task submits is written in that order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the writer was closed.
    pub async fn submit_later(
        &self,
        changes: Vec<Change>,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        self.enqueue(changes, false).await
    }

    async fn enqueue(
        &self,
        changes: Vec<Change>,
        may_linger: bool,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let bytes = changes.iter().map(size_of_change).sum::<usize>();
        // A submission larger than the whole queue takes all of it, and goes alone.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1, QUEUE_BYTES);
        let room =
            Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| has_ended())?;
        let (done, result) = oneshot::channel();
        let submission = Submission { changes, may_linger, room, done };
        self.queue.send(submission).await.map_err(|_| has_ended())?;
        Ok(result)
    }

    /// Takes no more, by any clone, and waits until what was taken is written. A database that
    /// cannot write is tried a last time, and then the rest fails.
    pub async fn close(self) {
        self.closing.cancel();
        self.ended.cancelled().await;
    }
}

fn has_ended() -> StoreError {
    StoreError::Unavailable("the writer has ended".into())
}

/// About how much memory a change holds.
fn size_of_change(change: &Change) -> usize {
    let data = match change {
        Change::PutProcess(record) => record.spec.len() + size_of_process(&record.process),
        Change::UpdateProcess(process) => size_of_process(process),
        Change::AppendChunk { chunk, .. } => chunk.bytes.len(),
        Change::Audit(record) => record.detail.len() + record.target.len(),
        Change::Keep { key, value } => key.len() + value.as_ref().map_or(0, String::len),
        Change::PutCursor(_) | Change::DropCursor(_) => 0,
    };
    size_of::<Change>() + data
}

fn size_of_process(process: &Process) -> usize {
    let args: usize = process.args.iter().map(String::len).sum();
    process.reason.len() + args + std::mem::size_of_val(process.attempts.as_slice())
}

/// What goes together.
struct Group {
    submissions: Vec<Submission>,
    bytes: u32,
    /// Nobody waits for any of it.
    may_linger: bool,
}

impl Group {
    fn of(first: Submission) -> Self {
        let mut group = Self { submissions: Vec::new(), bytes: 0, may_linger: true };
        group.add(first);
        group
    }

    fn add(&mut self, submission: Submission) {
        let bytes = u32::try_from(submission.room.num_permits()).unwrap_or(u32::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        self.may_linger &= submission.may_linger;
        self.submissions.push(submission);
    }

    fn is_full(&self) -> bool {
        self.submissions.len() >= GROUP || self.bytes >= GROUP_BYTES
    }
}

/// The one that writes.
struct Task {
    store: Arc<dyn Store>,
    waiting: mpsc::Receiver<Submission>,
    closing: CancellationToken,
    backoff: Backoff,
}

impl Task {
    async fn run(mut self) {
        while let Some(first) = self.next().await {
            let mut group = Group::of(first);
            if group.may_linger {
                self.wait_for_others(&mut group).await;
            }
            // Those who are about to submit come first, and share the transaction.
            yield_now().await;
            while !group.is_full()
                && let Ok(next) = self.waiting.try_recv()
            {
                group.add(next);
            }
            self.write(group.submissions).await;
        }
    }

    /// The next submission; `None` when there are none and will be none.
    async fn next(&mut self) -> Option<Submission> {
        if !self.waiting.is_closed() {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => self.waiting.close(),
                first = self.waiting.recv() => return first,
            }
        }
        self.waiting.recv().await
    }

    /// Nobody waits for what is in the group: until there is one that somebody waits for, or for so
    /// long as it may be.
    async fn wait_for_others(&mut self, group: &mut Group) {
        let until = Instant::now() + LINGER;
        while group.may_linger && !group.is_full() {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return,
                next = self.waiting.recv() => match next {
                    Some(next) => group.add(next),
                    None => return,
                },
                () = sleep_until(until) => return,
            }
        }
    }

    async fn write(&self, group: Vec<Submission>) {
        let mut changes = Vec::new();
        let mut parts: Vec<(Range<usize>, OwnedSemaphorePermit, oneshot::Sender<_>)> = Vec::new();
        for submission in group {
            let start = changes.len();
            changes.extend(submission.changes);
            parts.push((start..changes.len(), submission.room, submission.done));
        }
        let together = self.commit(&changes).await;
        let one_by_one = parts.len() > 1
            && together.as_ref().is_err_and(|error| !matches!(error, StoreError::Unavailable(_)));
        for (part, room, done) in parts {
            let result = if one_by_one {
                self.commit(changes.get(part).unwrap_or_default()).await
            } else {
                together.clone()
            };
            drop(room);
            // Nobody listens when the submitter did not want to wait.
            done.send(result).ok();
        }
    }

    /// Commits, however long the database cannot. [`StoreError::Unavailable`] comes out only when
    /// the writer is closing.
    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let mut pause = self.backoff.first;
        let mut tries = 1_u32;
        loop {
            match self.store.commit(changes).await {
                Err(StoreError::Unavailable(why)) if !self.closing.is_cancelled() => {
                    if tries == 1 {
                        tracing::warn!(why, "the database cannot write now; trying until it can");
                    }
                    tries = tries.saturating_add(1);
                    tokio::select! {
                        () = self.closing.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = pause.saturating_mul(2).min(self.backoff.max);
                }
                result => {
                    if tries > 1 && !matches!(result, Err(StoreError::Unavailable(_))) {
                        tracing::info!(tries, "the database can write again");
                    }
                    return result;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
