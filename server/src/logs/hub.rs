//! The live end of a log: the newest entries in memory, and those who follow them.
//!
//! A subscriber is a cursor, not a queue. It takes shared batches out of the ring at its own pace;
//! when it is slower than the ring, it reads on from the store, where everything that left the ring
//! already is. So a slow reader costs nothing and loses nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use app::model::ProcessId;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::batch::Batch;

/// The ring keeps at least so many of the newest entries.
pub const RING_ENTRIES: i64 = 1000;
/// While somebody follows, the ring may grow to so many bytes, so that they need not go to the
/// store for a short delay.
const RING_BYTES: usize = 2 * 1024 * 1024;
/// With nobody following, more than the least entries is kept only up to here.
const RING_BYTES_UNWATCHED: usize = 256 * 1024;
/// Entries of the longest lines could make the least entries huge: this many bytes at most.
const RING_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The live end of one process's log. Cheap to share.
#[derive(Debug)]
pub struct Log {
    id: ProcessId,
    next_idx: AtomicI64,
    /// Told when a subscriber moved on; whoever fills the ring waits here for those who keep up.
    moved: Notify,
    inner: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// Index of the oldest entry in the ring.
    first_idx: i64,
    /// Entries below this are in the store, so they may leave the ring.
    stored_idx: i64,
    subscribers: Vec<Arc<Subscriber>>,
}

/// One follower of one log.
#[derive(Debug)]
pub struct Subscriber {
    /// The next index it wants.
    next: AtomicI64,
    /// It does not read: nobody waits for it.
    stalled: AtomicBool,
    wake: Arc<Notify>,
}

impl Subscriber {
    /// The next index it wants.
    #[must_use]
    pub fn next_idx(&self) -> i64 {
        self.next.load(Ordering::Acquire)
    }
}

/// What a cursor finds.
#[derive(Debug)]
pub enum Read {
    /// Batches to send, the first of which may begin before the cursor.
    Batches(Vec<Arc<Batch>>),
    /// The cursor is older than the ring, which begins at this index: read the store.
    Behind(i64),
    /// Nothing new.
    UpToDate,
}

impl Log {
    /// The live end of a log whose next entry gets the index `next_idx`.
    #[must_use]
    pub fn new(id: ProcessId, next_idx: i64) -> Arc<Self> {
        let ring = Ring { first_idx: next_idx, stored_idx: next_idx, ..Ring::default() };
        Arc::new(Self {
            id,
            next_idx: AtomicI64::new(next_idx),
            moved: Notify::new(),
            inner: Mutex::new(ring),
        })
    }

    /// Whose log.
    #[must_use]
    pub fn id(&self) -> &ProcessId {
        &self.id
    }

    /// The index that the next entry will get.
    #[must_use]
    pub fn next_idx(&self) -> i64 {
        self.next_idx.load(Ordering::Acquire)
    }

    /// Shows a batch, which must begin at `next_idx`, and wakes the subscribers.
    pub fn publish(&self, batch: Batch) {
        let mut ring = self.inner.lock();
        debug_assert_eq!(batch.first_idx(), self.next_idx());
        let end = batch.end_idx();
        ring.bytes += batch.bytes();
        ring.batches.push_back(Arc::new(batch));
        self.next_idx.store(end, Ordering::Release);
        ring.trim(end);
        for subscriber in &ring.subscribers {
            subscriber.wake.notify_one();
        }
    }

    /// Entries below `stored_idx` are in the store from now on.
    pub fn set_stored(&self, stored_idx: i64) {
        let mut ring = self.inner.lock();
        ring.stored_idx = ring.stored_idx.max(stored_idx);
        ring.trim(self.next_idx());
    }

    /// Follows from `from` on; `wake` is told of every new batch. The answer is given to
    /// [`Log::unsubscribe`].
    pub fn subscribe(&self, from: i64, wake: Arc<Notify>) -> Arc<Subscriber> {
        let mut ring = self.inner.lock();
        let next = AtomicI64::new(from.clamp(0, self.next_idx()));
        let subscriber = Arc::new(Subscriber { next, stalled: AtomicBool::new(false), wake });
        ring.subscribers.push(Arc::clone(&subscriber));
        subscriber
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, subscriber: &Arc<Subscriber>) {
        let mut ring = self.inner.lock();
        ring.subscribers.retain(|other| !Arc::ptr_eq(other, subscriber));
        ring.trim(self.next_idx());
        drop(ring);
        self.moved.notify_waiters();
    }

    /// Batches from `from` on, up to about `max_bytes`.
    #[must_use]
    pub fn read(&self, from: i64, max_bytes: usize) -> Read {
        if from >= self.next_idx() {
            return Read::UpToDate;
        }
        let ring = self.inner.lock();
        if from < ring.first_idx {
            return Read::Behind(ring.first_idx);
        }
        let begin = ring.batches.partition_point(|batch| batch.end_idx() <= from);
        let mut bytes = 0;
        let batches: Vec<_> = ring
            .batches
            .iter()
            .skip(begin)
            .take_while(|batch| {
                let first = bytes == 0;
                bytes += batch.bytes();
                first || bytes <= max_bytes
            })
            .cloned()
            .collect();
        if batches.is_empty() { Read::UpToDate } else { Read::Batches(batches) }
    }

    /// Where the ring begins, when it holds entries below `below`.
    #[must_use]
    pub fn first_idx_below(&self, below: i64) -> Option<i64> {
        let ring = self.inner.lock();
        (!ring.batches.is_empty() && ring.first_idx < below).then_some(ring.first_idx)
    }

    /// The newest `count` entries as JSON without the outer brackets, and the index of the first;
    /// `None` when the ring does not hold them all.
    #[must_use]
    pub fn newest(&self, count: i64) -> Option<(i64, Vec<Bytes>)> {
        let ring = self.inner.lock();
        let end = self.next_idx();
        let from = (end - count).max(0);
        if from < ring.first_idx {
            return None;
        }
        let begin = ring.batches.partition_point(|batch| batch.end_idx() <= from);
        Some((from, ring.batches.iter().skip(begin).map(|batch| batch.json(from, end)).collect()))
    }

    /// A subscriber has been sent everything below `next`.
    pub fn advance(&self, subscriber: &Subscriber, next: i64) {
        subscriber.next.store(next, Ordering::Release);
        subscriber.stalled.store(false, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// Whether some subscriber that does read is more than half a ring behind.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        let ring = self.inner.lock();
        let end = self.next_idx();
        let per_entry = ring.bytes / usize::try_from((end - ring.first_idx).max(1)).unwrap_or(1);
        let room = i64::try_from(RING_BYTES / 2 / per_entry.max(1)).unwrap_or(i64::MAX);
        ring.subscribers.iter().any(|subscriber| {
            !subscriber.stalled.load(Ordering::Relaxed) && end - subscriber.next_idx() > room
        })
    }

    /// Resolves when a subscriber moves on.
    pub async fn subscriber_moved(&self) {
        self.moved.notified().await;
    }

    /// Nobody waits any longer for those who are behind, until they move.
    pub fn leave_behind(&self) {
        let ring = self.inner.lock();
        let end = self.next_idx();
        for subscriber in &ring.subscribers {
            if subscriber.next_idx() < end {
                subscriber.stalled.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Whether anybody follows.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        !self.inner.lock().subscribers.is_empty()
    }
}

impl Ring {
    fn trim(&mut self, end: i64) {
        let wanted = if self.subscribers.is_empty() { RING_BYTES_UNWATCHED } else { RING_BYTES };
        while let Some(oldest) = self.batches.front() {
            let spare = end - oldest.end_idx() >= RING_ENTRIES;
            let over = (spare && self.bytes > wanted) || self.bytes > RING_BYTES_MAX;
            if !over || oldest.end_idx() > self.stored_idx {
                break;
            }
            self.bytes -= oldest.bytes();
            self.first_idx = oldest.end_idx();
            self.batches.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::BatchBuilder;
    use super::super::chunk::sample_entry;
    use super::*;

    fn batch(first: i64, count: i64, len: usize) -> Batch {
        let mut builder = BatchBuilder::default();
        for idx in first..first + count {
            builder.push(&sample_entry(idx, &vec![b'x'; len]));
        }
        builder.take(first)
    }

    fn log() -> Arc<Log> {
        Log::new(ProcessId("p".into()), 0)
    }

    #[test]
    fn keeps_what_is_not_stored_and_then_the_newest() {
        let log = log();
        for i in 0..100 {
            log.publish(batch(i * 100, 100, 100));
        }
        assert!(matches!(log.read(0, usize::MAX), Read::Batches(_)), "nothing is stored yet");
        log.set_stored(10_000);
        let Read::Behind(first) = log.read(0, usize::MAX) else { panic!("trimmed") };
        assert!((8000..=9000).contains(&first), "{first}");
        let (from, parts) = log.newest(1000).unwrap();
        assert_eq!((from, parts.len()), (9000, 10));
        assert!(log.newest(9999).is_none());
    }

    #[test]
    fn a_reader_gets_every_entry_once_through_the_ring() {
        let log = log();
        let wake = Arc::new(Notify::new());
        let subscriber = log.subscribe(0, wake);
        let mut got = 0;
        for i in 0..50 {
            log.publish(batch(i * 7, 7, 10));
            if i % 3 == 0 {
                while let Read::Batches(batches) = log.read(subscriber.next_idx(), 500) {
                    for batch in &batches {
                        assert!(batch.first_idx() <= got && batch.end_idx() > got);
                        got = batch.end_idx();
                    }
                    log.advance(&subscriber, got);
                }
            }
        }
        assert!(got > 300);
        assert!(matches!(log.read(log.next_idx(), 1), Read::UpToDate));
    }

    #[test]
    fn the_writer_waits_for_those_who_read_only() {
        let log = log();
        let subscriber = log.subscribe(0, Arc::new(Notify::new()));
        log.publish(batch(0, 20_000, 100));
        assert!(log.is_ahead());
        log.leave_behind();
        assert!(!log.is_ahead());
        log.advance(&subscriber, 1);
        assert!(log.is_ahead());
        log.unsubscribe(&subscriber);
        assert!(!log.is_ahead() && !log.is_followed());
    }
}
