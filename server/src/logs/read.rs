//! Reads a log for those who ask: the newest from memory, everything older from the store.

use std::sync::Arc;

use app::model::{Entry, ProcessId};
use bytes::Bytes;

use crate::store::{ChunkRange, Store, StoreError};

use super::batch::Batch;
use super::carry::Carry;
use super::chunk::{self, ChunkError};
use super::filter::LineFilter;
use super::hub::{Log, Read};
use super::walk::{Backward, Forward};

/// Chunks read from the store at a time.
pub(super) const CHUNKS: u32 = 8;
/// Bytes taken from the ring at a time.
const RING_READ_BYTES: usize = 1024 * 1024;
/// A page's size when nothing is said.
pub const DEFAULT_LIMIT: u32 = 1000;
/// A page's largest size.
pub const MAX_LIMIT: u32 = 10_000;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored is damaged.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// An entry in memory is not what it should be.
    #[error("a log entry cannot be read: {0}")]
    Entry(#[from] serde_json::Error),
    /// The server is closing, or looking through the log failed.
    #[error("looking through the log was interrupted")]
    Interrupted,
}

/// Which end of the log a page is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The newest entries.
    Newest,
    /// Entries with an index above this.
    After(i64),
    /// The newest entries with an index below this.
    Before(i64),
    /// Entries written at this time (milliseconds since the epoch) or later.
    Since(i64),
}

/// What to read.
#[derive(Clone, Debug)]
pub struct LogQuery {
    /// Where.
    pub place: Place,
    /// At most so many entries.
    pub limit: u32,
    /// Which of them.
    pub filter: LineFilter,
}

/// A page of entries as JSON, in the order of their indexes.
#[derive(Debug, Default)]
pub struct Page {
    /// Comma-separated JSON objects, in parts.
    pub parts: Vec<Bytes>,
    /// Index of the last entry.
    pub last_idx: Option<i64>,
}

impl Page {
    /// A page of these entries.
    fn of(entries: &[Entry]) -> Result<Self, ReadError> {
        let Some(last) = entries.last() else { return Ok(Self::default()) };
        let json = serde_json::to_vec(entries)?;
        let part = Bytes::from(json).slice(1..);
        let part = part.slice(..part.len() - 1);
        Ok(Self { parts: vec![part], last_idx: Some(last.idx) })
    }

    /// The entries, decoded.
    ///
    /// # Errors
    /// When an entry is not what it should be.
    pub fn entries(&self) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        for part in &self.parts {
            entries.extend(decode(part)?);
        }
        Ok(entries)
    }

    /// Appends the JSON array.
    pub fn write_array(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(part);
        }
        out.push(b']');
    }
}

/// Reads one process's log.
#[derive(Clone)]
pub struct LogReader {
    store: Arc<dyn Store>,
    process: ProcessId,
    /// The live end, when the process is in memory.
    log: Option<Arc<Log>>,
}

impl LogReader {
    /// A reader of the log of `process`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, process: ProcessId, log: Option<Arc<Log>>) -> Self {
        Self { store, process, log }
    }

    /// What is in force behind everything that is stored.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn carry_at_end(&self) -> Result<Carry, ReadError> {
        let newest = self.store.chunks(&self.process, ChunkRange::Before(i64::MAX), 1).await?;
        Ok(newest.first().map(chunk::carry_after).transpose()?.unwrap_or_default())
    }

    /// Batches from `from` on, the first of which may begin before it; none at the end. The store is
    /// asked for `chunks` at most, of about 64 KiB each.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn batches_from(&self, from: i64, chunks: u32) -> Result<Vec<Arc<Batch>>, ReadError> {
        let below = match &self.log {
            Some(log) => match log.read(from, RING_READ_BYTES) {
                Read::Batches(batches) => return Ok(batches),
                Read::UpToDate => return Ok(vec![]),
                Read::Behind(first) => first,
            },
            None => i64::MAX,
        };
        let range = ChunkRange::After(from - 1);
        let chunks = self.store.chunks(&self.process, range, chunks).await?;
        let stored = chunks.iter().filter(|chunk| chunk.first_idx < below);
        let stored: Vec<_> = stored
            .map(|chunk| Ok(Arc::new(chunk::to_batch(chunk)?)))
            .collect::<Result<_, ReadError>>()?;
        // What was stored below may have been removed for its age.
        match &self.log {
            Some(log) if stored.is_empty() => match log.read(below, RING_READ_BYTES) {
                Read::Batches(batches) => Ok(batches),
                Read::UpToDate | Read::Behind(_) => Ok(vec![]),
            },
            _ => Ok(stored),
        }
    }

    /// The entries of these indexes, which ascend; those that are there.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn entries_at(&self, indexes: &[i64]) -> Result<Vec<Entry>, ReadError> {
        let (mut entries, mut rest) = (Vec::with_capacity(indexes.len()), indexes);
        while let Some(first) = rest.first() {
            let batches = self.batches_from(*first, CHUNKS).await?;
            let Some(end) = batches.last().map(|batch| batch.end_idx()) else { break };
            let (here, after) = rest.split_at(rest.partition_point(|idx| *idx < end));
            for idx in here {
                let batch = batches.iter().find(|batch| *idx < batch.end_idx());
                let json = batch.map(|batch| batch.json(*idx, idx + 1));
                entries.extend(decode(&json.unwrap_or_default())?);
            }
            rest = after;
        }
        Ok(entries)
    }

    /// Batches below `below`, newest first; the first may end above it; none at the beginning.
    async fn batches_below(&self, below: i64) -> Result<Vec<Arc<Batch>>, ReadError> {
        let mut live = self.live_below(below);
        if !live.is_empty() {
            live.reverse();
            return Ok(live);
        }
        let chunks = self.store.chunks(&self.process, ChunkRange::Before(below), CHUNKS).await?;
        chunks.iter().map(|chunk| Ok(Arc::new(chunk::to_batch(chunk)?))).collect()
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) fn process(&self) -> &ProcessId {
        &self.process
    }

    /// Everything in memory that has entries below `below`, oldest first.
    pub(super) fn live_below(&self, below: i64) -> Vec<Arc<Batch>> {
        let Some(log) = &self.log else { return vec![] };
        let mut from = log.first_idx_below(below);
        while let Some(begin) = from {
            match log.read(begin, usize::MAX) {
                Read::Batches(mut batches) => {
                    batches.retain(|batch| batch.first_idx() < below);
                    return batches;
                }
                // It moved on in between.
                Read::Behind(first) => from = Some(first).filter(|first| *first < below),
                Read::UpToDate => break,
            }
        }
        vec![]
    }

    /// Walks up from the entry `from`.
    #[must_use]
    pub fn walk(self, from: i64, filter: LineFilter) -> Forward {
        Forward::new(self, from, filter, |entry| entry.to_entry())
    }

    /// The index of the first entry that may have been written at `ts` or later.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn idx_since(&self, ts: i64) -> Result<Option<i64>, ReadError> {
        let chunk = self.store.chunks(&self.process, ChunkRange::Since(ts), 1).await?;
        let stored = chunk.first().map(|chunk| chunk.first_idx);
        let live = || self.log.as_ref().and_then(|log| log.first_idx_below(i64::MAX));
        Ok(stored.or_else(live))
    }

    /// One page.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn page(&self, query: &LogQuery) -> Result<Page, ReadError> {
        if !query.filter.is_all() {
            return self.wanted_page(query).await;
        }
        match query.place {
            Place::Newest => {
                if let Some(log) = &self.log
                    && let Some((from, parts)) = log.newest(i64::from(query.limit))
                {
                    let last_idx = parts.iter().any(|p| !p.is_empty()).then(|| log.next_idx() - 1);
                    let last_idx = last_idx.filter(|last| *last >= from);
                    return Ok(Page { parts, last_idx });
                }
                self.backward(i64::MAX, query.limit).await
            }
            Place::Before(below) => self.backward(below, query.limit).await,
            Place::After(after) => self.forward(after.max(-1) + 1, query.limit).await,
            Place::Since(_) => self.wanted_page(query).await,
        }
    }

    /// A page of those entries that the filter wants.
    async fn wanted_page(&self, query: &LogQuery) -> Result<Page, ReadError> {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut filter = query.filter.clone();
        let from = match query.place {
            Place::Newest => return self.wanted_below(i64::MAX, limit, filter).await,
            Place::Before(below) => return self.wanted_below(below, limit, filter).await,
            Place::After(after) => after.max(-1) + 1,
            Place::Since(ts) => {
                filter.since = filter.since.max(ts);
                let Some(from) = self.idx_since(ts).await? else { return Ok(Page::default()) };
                from
            }
        };
        let mut walk = self.clone().walk(from, filter);
        let mut entries = Vec::new();
        while entries.len() < limit
            && let Some(more) = walk.next().await?
        {
            entries.extend(more);
        }
        entries.truncate(limit);
        Page::of(&entries)
    }

    async fn wanted_below(
        &self,
        below: i64,
        limit: usize,
        filter: LineFilter,
    ) -> Result<Page, ReadError> {
        let mut walk = Backward::new(self, below, filter);
        let mut entries = Vec::new();
        while entries.len() < limit
            && let Some(more) = walk.next().await?
        {
            entries.extend(more);
        }
        entries.truncate(limit);
        entries.reverse();
        Page::of(&entries)
    }

    async fn forward(&self, mut from: i64, limit: u32) -> Result<Page, ReadError> {
        let mut page = PageBuilder::new(limit);
        loop {
            let batches = self.batches_from(from, CHUNKS).await?;
            if batches.is_empty() {
                return Ok(page.ascending());
            }
            for batch in batches {
                if page.room == 0 {
                    return Ok(page.ascending());
                }
                let to = from.max(batch.first_idx()).saturating_add(page.room);
                page.add(&batch, from, to);
                from = batch.end_idx();
            }
        }
    }

    async fn backward(&self, mut below: i64, limit: u32) -> Result<Page, ReadError> {
        let mut page = PageBuilder::new(limit);
        loop {
            let batches = self.batches_below(below).await?;
            if batches.is_empty() {
                return Ok(page.descending());
            }
            for batch in batches {
                if page.room == 0 {
                    return Ok(page.descending());
                }
                let from = below.min(batch.end_idx()).saturating_sub(page.room);
                page.add(&batch, from, below);
                below = batch.first_idx();
            }
        }
    }
}

/// Collects a page's parts, in the order in which they are found.
struct PageBuilder {
    parts: Vec<Bytes>,
    /// How many more entries may be taken.
    room: i64,
    last_idx: Option<i64>,
}

impl PageBuilder {
    fn new(limit: u32) -> Self {
        Self { parts: vec![], room: i64::from(limit), last_idx: None }
    }

    fn add(&mut self, batch: &Batch, from: i64, to: i64) {
        let json = batch.json(from, to);
        if json.is_empty() {
            return;
        }
        let (first, end) = (from.max(batch.first_idx()), to.min(batch.end_idx()));
        self.room -= end - first;
        self.last_idx = self.last_idx.max(Some(end - 1));
        self.parts.push(json);
    }

    fn ascending(self) -> Page {
        Page { parts: self.parts, last_idx: self.last_idx }
    }

    fn descending(mut self) -> Page {
        self.parts.reverse();
        self.ascending()
    }
}

pub(super) fn decode(json: &[u8]) -> Result<Vec<Entry>, ReadError> {
    let mut array = Vec::with_capacity(json.len() + 2);
    array.push(b'[');
    array.extend_from_slice(json);
    array.push(b']');
    Ok(serde_json::from_slice(&array)?)
}
