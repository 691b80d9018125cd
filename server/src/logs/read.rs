//! Reads a log for those who ask: the newest from memory, everything older from the store.

use std::sync::Arc;

use app::model::{Entry, EntryKind, ProcessId};
use bytes::Bytes;

use crate::store::{ChunkRange, Store, StoreError};

use super::batch::Batch;
use super::chunk::{self, ChunkError};
use super::hub::{Log, Read};

/// Chunks read from the store at a time.
const CHUNKS: u32 = 8;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// Where.
    pub place: Place,
    /// At most so many entries.
    pub limit: u32,
    /// Only this stream.
    pub stream: Option<EntryKind>,
    /// Only lines that contain this text, without case.
    pub text: Option<String>,
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

    /// Batches from `from` on, the first of which may begin before it; none at the end.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn batches_from(&self, from: i64) -> Result<Vec<Arc<Batch>>, ReadError> {
        let below = match &self.log {
            Some(log) => match log.read(from, RING_READ_BYTES) {
                Read::Batches(batches) => return Ok(batches),
                Read::UpToDate => return Ok(vec![]),
                Read::Behind(first) => first,
            },
            None => i64::MAX,
        };
        let range = ChunkRange::After(from - 1);
        let chunks = self.store.chunks(&self.process, range, CHUNKS).await?;
        chunks
            .iter()
            .filter(|chunk| chunk.first_idx < below)
            .map(|chunk| Ok(Arc::new(chunk::to_batch(chunk)?)))
            .collect()
    }

    /// Batches below `below`, newest first; the first may end above it; none at the beginning.
    async fn batches_below(&self, below: i64) -> Result<Vec<Arc<Batch>>, ReadError> {
        if let Some(log) = &self.log
            && let Some(from) = log.first_idx_below(below)
            && let Read::Batches(mut batches) = log.read(from, usize::MAX)
        {
            batches.retain(|batch| batch.first_idx() < below);
            batches.reverse();
            return Ok(batches);
        }
        let chunks = self.store.chunks(&self.process, ChunkRange::Before(below), CHUNKS).await?;
        chunks.iter().map(|chunk| Ok(Arc::new(chunk::to_batch(chunk)?))).collect()
    }

    /// One page.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn page(&self, query: &LogQuery) -> Result<Page, ReadError> {
        match query.place {
            Place::Newest => {
                if query.stream.is_none()
                    && query.text.is_none()
                    && let Some(log) = &self.log
                    && let Some((from, parts)) = log.newest(i64::from(query.limit))
                {
                    let last_idx = parts.iter().any(|p| !p.is_empty()).then(|| log.next_idx() - 1);
                    let last_idx = last_idx.filter(|last| *last >= from);
                    return Ok(Page { parts, last_idx });
                }
                self.backward(i64::MAX, query).await
            }
            Place::Before(below) => self.backward(below, query).await,
            Place::After(after) => self.forward(after.max(-1) + 1, None, query).await,
            Place::Since(ts) => {
                let range = ChunkRange::Since(ts);
                let chunk = self.store.chunks(&self.process, range, 1).await?;
                let stored = chunk.first().map(|chunk| chunk.first_idx);
                let live = self.log.as_ref().and_then(|log| log.first_idx_below(i64::MAX));
                let Some(from) = stored.or(live) else { return Ok(Page::default()) };
                self.forward(from, Some(ts), query).await
            }
        }
    }

    async fn forward(
        &self,
        mut from: i64,
        since: Option<i64>,
        query: &LogQuery,
    ) -> Result<Page, ReadError> {
        let mut page = PageBuilder::new(query, since);
        loop {
            let batches = self.batches_from(from).await?;
            if batches.is_empty() {
                return Ok(page.ascending());
            }
            for batch in batches {
                if page.is_full() {
                    return Ok(page.ascending());
                }
                let to = from.max(batch.first_idx()).saturating_add(page.room());
                page.add(&batch, from, to, false)?;
                from = batch.end_idx();
            }
        }
    }

    async fn backward(&self, mut below: i64, query: &LogQuery) -> Result<Page, ReadError> {
        let mut page = PageBuilder::new(query, None);
        loop {
            let batches = self.batches_below(below).await?;
            if batches.is_empty() {
                return Ok(page.descending());
            }
            for batch in batches {
                if page.is_full() {
                    return Ok(page.descending());
                }
                let from = below.min(batch.end_idx()).saturating_sub(page.room());
                page.add(&batch, from, below, true)?;
                below = batch.first_idx();
            }
        }
    }
}

/// Collects a page's parts, in the order in which they are found.
struct PageBuilder<'a> {
    query: &'a LogQuery,
    since: Option<i64>,
    needle: Option<String>,
    parts: Vec<Bytes>,
    count: i64,
    last_idx: Option<i64>,
}

impl<'a> PageBuilder<'a> {
    fn new(query: &'a LogQuery, since: Option<i64>) -> Self {
        let needle = query.text.as_ref().map(|text| text.to_lowercase());
        Self { query, since, needle, parts: vec![], count: 0, last_idx: None }
    }

    fn is_full(&self) -> bool {
        self.count >= i64::from(self.query.limit)
    }

    /// How many entries of the next batch may be taken; all, when some may not match.
    fn room(&self) -> i64 {
        if self.is_filtered() { i64::MAX } else { i64::from(self.query.limit) - self.count }
    }

    fn is_filtered(&self) -> bool {
        self.query.stream.is_some() || self.needle.is_some() || self.since.is_some()
    }

    fn add(&mut self, batch: &Batch, from: i64, to: i64, newest: bool) -> Result<(), ReadError> {
        let json = batch.json(from, to);
        if json.is_empty() {
            return Ok(());
        }
        if !self.is_filtered() {
            let (first, end) = (from.max(batch.first_idx()), to.min(batch.end_idx()));
            self.count += end - first;
            self.last_idx = self.last_idx.max(Some(end - 1));
            self.parts.push(json);
            return Ok(());
        }
        let mut entries = decode(&json)?;
        entries.retain(|entry| self.matches(entry));
        let room = usize::try_from(i64::from(self.query.limit) - self.count).unwrap_or(0);
        let skip = if newest { entries.len().saturating_sub(room) } else { 0 };
        let taken: Vec<_> = entries.into_iter().skip(skip).take(room).collect();
        if let Some(last) = taken.last() {
            self.last_idx = self.last_idx.max(Some(last.idx));
            self.count += i64::try_from(taken.len()).unwrap_or(i64::MAX);
            let json = serde_json::to_vec(&taken)?;
            self.parts.push(Bytes::copy_from_slice(&json[1..json.len() - 1]));
        }
        Ok(())
    }

    fn matches(&self, entry: &Entry) -> bool {
        self.query.stream.is_none_or(|kind| kind == entry.kind)
            && self.since.is_none_or(|since| entry.ts >= since)
            && self.needle.as_ref().is_none_or(|needle| entry.line.to_lowercase().contains(needle))
    }

    fn ascending(self) -> Page {
        Page { parts: self.parts, last_idx: self.last_idx }
    }

    fn descending(mut self) -> Page {
        self.parts.reverse();
        self.ascending()
    }
}

fn decode(json: &[u8]) -> Result<Vec<Entry>, ReadError> {
    let mut array = Vec::with_capacity(json.len() + 2);
    array.push(b'[');
    array.extend_from_slice(json);
    array.push(b']');
    Ok(serde_json::from_slice(&array)?)
}
