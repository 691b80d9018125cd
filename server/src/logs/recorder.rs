//! Numbers a process's entries, shows them, and hands them to the store.
//!
//! One recorder per process, owned by the task that owns the process: numbering has one place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::model::EntryKind;
use tokio::sync::oneshot;

use crate::store::{Change, Cursor, StoreError, Writer};

use super::batch::BatchBuilder;
use super::carry::Carry;
use super::chunk::{ChunkBuilder, RawEntry};
use super::hub::Log;
use super::mask::Mask;

/// A batch is shown when its JSON is about this large.
const BATCH_BYTES: usize = 96 * 1024;
/// A chunk is stored when its text is about this large.
const CHUNK_BYTES: usize = 64 * 1024;
/// So many chunks may be on their way to the store; then taking in waits, and the spool absorbs.
const IN_FLIGHT: usize = 8;

/// A chunk on its way to the store.
#[derive(Debug)]
struct Pending {
    end_idx: i64,
    cursor: Option<Cursor>,
    done: oneshot::Receiver<Result<(), StoreError>>,
}

/// What became durable.
#[derive(Debug)]
pub struct Stored {
    /// How far the run's spool is in the store.
    pub cursor: Option<Cursor>,
}

/// Numbers, shows and stores the entries of one process.
#[derive(Debug)]
pub struct Recorder {
    log: Arc<Log>,
    writer: Writer,
    next_idx: i64,
    batch: BatchBuilder,
    batch_first: i64,
    chunk: ChunkBuilder,
    chunk_first: i64,
    carry: Carry,
    pending: VecDeque<Pending>,
    needles: Vec<Needle>,
    mask: Option<Mask>,
}

/// A text that is looked for in the lines of the children.
#[derive(Debug)]
struct Needle {
    finder: memchr::memmem::Finder<'static>,
    seen: Arc<AtomicBool>,
}

impl Recorder {
    /// A recorder that goes on where `log` ends.
    #[must_use]
    pub fn new(log: Arc<Log>, writer: Writer) -> Self {
        let next_idx = log.next_idx();
        Self {
            log,
            writer,
            next_idx,
            batch: BatchBuilder::default(),
            batch_first: next_idx,
            chunk: ChunkBuilder::default(),
            chunk_first: next_idx,
            carry: Carry::default(),
            pending: VecDeque::new(),
            needles: Vec::new(),
            mask: None,
        }
    }

    /// The same, covering secrets in the lines of the children.
    #[must_use]
    pub fn with_mask(mut self, mask: Option<Mask>) -> Self {
        self.mask = mask;
        self
    }

    /// Says what is in force where it goes on: nothing, unless that is said. Before anything is pushed, or
    /// when everything is saved.
    pub fn resume(&mut self, carry: Carry) {
        debug_assert!(self.chunk.is_empty());
        self.carry = carry;
    }

    /// What it covers.
    #[must_use]
    pub fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// The log that it fills.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// The index that the next entry gets.
    #[must_use]
    pub fn next_idx(&self) -> i64 {
        self.next_idx
    }

    /// Numbers a line of a child. It is shown at the next [`Recorder::show`].
    pub fn push(&mut self, ts: i64, kind: EntryKind, line: &[u8], continued: bool) {
        let covered = self.mask.as_ref().map(|mask| mask.cover(line));
        let line = covered.as_deref().unwrap_or(line);
        self.number(ts, kind, line, continued);
        for needle in &self.needles {
            if needle.finder.find(line).is_some() {
                needle.seen.store(true, Ordering::Release);
            }
        }
        if self.batch.bytes() >= BATCH_BYTES {
            self.show();
        }
    }

    fn number(&mut self, ts: i64, kind: EntryKind, line: &[u8], continued: bool) {
        if self.chunk.is_empty() {
            self.chunk.begin(&mut self.carry);
        }
        let begin = self.carry.next(kind, line);
        let entry = RawEntry { idx: self.next_idx, ts, kind, line, continued, begin };
        self.batch.push(&entry);
        self.chunk.push(&entry);
        self.next_idx += 1;
    }

    /// Looks for texts in the lines that come, and for no others; each flag tells of its text.
    pub fn look_for(&mut self, needles: Vec<(String, Arc<AtomicBool>)>) {
        let needle = |(text, seen): (String, _)| {
            let finder = memchr::memmem::Finder::new(text.as_bytes()).into_owned();
            Needle { finder, seen }
        };
        self.needles = needles.into_iter().map(needle).collect();
    }

    /// Shows what was numbered; whether there was anything.
    pub fn show(&mut self) -> bool {
        let is_new = !self.batch.is_empty();
        if is_new {
            let batch = self.batch.take(self.batch_first);
            self.batch_first = self.next_idx;
            self.log.publish(batch);
        }
        is_new
    }

    /// Whether a chunk is full.
    #[must_use]
    pub fn is_chunk_full(&self) -> bool {
        self.chunk.bytes() >= CHUNK_BYTES
    }

    /// Whether entries wait to be handed to the store.
    #[must_use]
    pub fn has_unsaved(&self) -> bool {
        !self.chunk.is_empty()
    }

    /// Whether chunks are on their way to the store.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether taking in must wait for the store.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.pending.len() >= IN_FLIGHT
    }

    /// Hands the collected entries to the store together with the run's `cursor`.
    ///
    /// # Errors
    /// When the writer has ended.
    pub async fn save(&mut self, cursor: Option<Cursor>) -> Result<(), StoreError> {
        let change = if self.chunk.is_empty() {
            match &cursor {
                Some(cursor) => Change::PutCursor(cursor.clone()),
                None => return Ok(()),
            }
        } else {
            let chunk = self.chunk.take(self.chunk_first);
            self.chunk_first = self.next_idx;
            Change::AppendChunk { process: self.log.id().clone(), chunk, cursor: cursor.clone() }
        };
        let done = self.writer.submit_later(vec![change]).await?;
        self.pending.push_back(Pending { end_idx: self.next_idx, cursor, done });
        Ok(())
    }

    /// Waits until the oldest chunk on its way is stored; pends for ever when there is none.
    ///
    /// # Errors
    /// When the store refused it for good.
    pub async fn stored(&mut self) -> Result<Stored, StoreError> {
        let Some(oldest) = self.pending.front_mut() else {
            return std::future::pending().await;
        };
        let result = (&mut oldest.done)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has ended".into())));
        let Some(oldest) = self.pending.pop_front() else {
            return Ok(Stored { cursor: None });
        };
        result?;
        self.log.set_stored(oldest.end_idx);
        Ok(Stored { cursor: oldest.cursor })
    }

    /// Waits until all that was saved is stored.
    ///
    /// # Errors
    /// When the store refused something for good.
    pub async fn drain(&mut self) -> Result<Option<Cursor>, StoreError> {
        let mut newest = None;
        while !self.pending.is_empty() {
            newest = self.stored().await?.cursor.or(newest);
        }
        Ok(newest)
    }

    /// Adds Runyard's own words. They come from no spool, so they are stored before they are shown;
    /// `cursor` is where the run's own entries stand.
    ///
    /// # Errors
    /// When the store refused it for good.
    pub async fn system(
        &mut self,
        ts: i64,
        text: &str,
        cursor: Option<Cursor>,
    ) -> Result<Option<Cursor>, StoreError> {
        self.show();
        self.save(cursor).await?;
        self.number(ts, EntryKind::System, text.as_bytes(), false);
        self.save(None).await?;
        let newest = self.drain().await?;
        self.show();
        Ok(newest)
    }

    /// Numbers Runyard's own words and gives the change that stores them, with all that was
    /// numbered before: for a transaction of the caller's, after which comes
    /// [`Recorder::show_staged`]. Nothing may be numbered in between.
    #[must_use]
    pub fn stage_system(&mut self, ts: i64, text: &str) -> Change {
        self.show();
        self.number(ts, EntryKind::System, text.as_bytes(), false);
        let chunk = self.chunk.take(self.chunk_first);
        self.chunk_first = self.next_idx;
        Change::AppendChunk { process: self.log.id().clone(), chunk, cursor: None }
    }

    /// The words of [`Recorder::stage_system`] are stored: they are shown.
    ///
    /// # Errors
    /// When the store refused something before them for good.
    pub async fn show_staged(&mut self) -> Result<(), StoreError> {
        self.drain().await?;
        self.log.set_stored(self.next_idx);
        self.show();
        Ok(())
    }
}
