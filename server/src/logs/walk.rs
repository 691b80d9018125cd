//! Walks through one log, from any entry up or down, and stops at what a filter wants.
//!
//! The newest entries are in memory and may not be kept yet; everything older is kept. Both ways
//! meet where the memory begins.

use std::sync::Arc;

use app::model::{Entry, Style};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use crate::store::{ChunkRange, Swept};

use super::batch::Batch;
use super::carry::Begin;
use super::chunk::{self, ChunkError, RawEntry};
use super::filter::LineFilter;
use super::read::{CHUNKS, LogReader, ReadError, decode};
use super::scan::{Looked, pages_of, scan};

type Stored<T> = BoxStream<'static, Result<Looked<Vec<T>>, ReadError>>;
/// What is made of an entry that is wanted.
type Make<T> = fn(&RawEntry<'_>) -> T;

/// The entries from one on that are wanted, ascending, up to the end of the log as it is when the
/// walk comes there; or what is made of them.
pub struct Forward<T = Entry> {
    reader: LogReader,
    filter: Arc<LineFilter>,
    make: Make<T>,
    next: i64,
    /// `None` when what is kept was walked through.
    stored: Option<Stored<T>>,
}

impl<T: Send + 'static> Forward<T> {
    pub(super) fn new(reader: LogReader, from: i64, filter: LineFilter, make: Make<T>) -> Self {
        let filter = Arc::new(filter);
        let range = ChunkRange::After(from.saturating_sub(1));
        let stored = Some(walk(&reader, range, &filter, (from, i64::MAX), make));
        Self { reader, filter, make, next: from, stored }
    }

    /// The index of the next entry to be looked at.
    #[must_use]
    pub fn next_idx(&self) -> i64 {
        self.next
    }

    /// Some more of them, maybe none; `None` at the end.
    ///
    /// # Errors
    /// When the store fails or holds damaged chunks.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ReadError> {
        if let Some(stored) = &mut self.stored {
            if let Some(looked) = stored.next().await {
                let looked = looked?;
                self.next = self.next.max(looked.last_idx + 1);
                return Ok(Some(looked.found.into_iter().flatten().collect()));
            }
            self.stored = None;
        }
        let batches = self.reader.batches_from(self.next, CHUNKS).await?;
        let Some(last) = batches.last() else { return Ok(None) };
        let (from, end) = (self.next, last.end_idx());
        self.next = end;
        Ok(Some(matching(&batches, &self.filter, (from, end), self.make)?))
    }
}

/// The entries below one that are wanted, descending.
pub(super) struct Backward {
    filter: Arc<LineFilter>,
    /// What is in memory, until it was walked through.
    live: Vec<Arc<Batch>>,
    below: i64,
    stored: Stored<Entry>,
}

impl Backward {
    pub(super) fn new(reader: &LogReader, below: i64, filter: LineFilter) -> Self {
        let filter = Arc::new(filter);
        let live = reader.live_below(below);
        let end = live.first().map_or(below, |batch| batch.first_idx());
        let stored =
            walk(reader, ChunkRange::Before(end), &filter, (0, end), |entry| entry.to_entry());
        Self { filter, live, below, stored }
    }

    /// Some more of them, maybe none; `None` at the beginning of the log.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Entry>>, ReadError> {
        let live = std::mem::take(&mut self.live);
        if !live.is_empty() {
            let mut entries =
                matching(&live, &self.filter, (0, self.below), |entry| entry.to_entry())?;
            entries.reverse();
            return Ok(Some(entries));
        }
        let Some(looked) = self.stored.next().await else { return Ok(None) };
        let descending = looked?.found.into_iter().flat_map(|found| found.into_iter().rev());
        Ok(Some(descending.collect()))
    }
}

/// What is kept, from one index on and below another.
fn walk<T: Send + 'static>(
    reader: &LogReader,
    range: ChunkRange,
    filter: &Arc<LineFilter>,
    (from, end): (i64, i64),
    make: Make<T>,
) -> Stored<T> {
    let wanted = Arc::clone(filter);
    let look = move |swept: &Swept, unpacked: &[u8]| -> Result<Vec<T>, ChunkError> {
        let mut found = Vec::new();
        for entry in chunk::entries(unpacked, swept.chunk.first_idx) {
            let entry = entry?;
            if wanted.fits(&entry) && (from..end).contains(&entry.idx) {
                found.push(make(&entry));
            }
        }
        Ok(found)
    };
    scan(pages_of(reader.store(), reader.process().clone(), range), Arc::clone(filter), look)
        .boxed()
}

/// What is wanted of entries in memory, ascending.
fn matching<T>(
    batches: &[Arc<Batch>],
    filter: &LineFilter,
    (from, end): (i64, i64),
    make: Make<T>,
) -> Result<Vec<T>, ReadError> {
    let mut wanted = Vec::new();
    for batch in batches {
        let json = batch.json(from, end);
        for Entry { idx, ts, kind, line, continued, style, under } in decode(&json)? {
            let (line, begin) = (line.as_bytes(), Begin { style: Style::from(&*style), under });
            let entry = RawEntry { idx, ts, kind, line, continued, begin };
            if filter.fits(&entry) {
                wanted.push(make(&entry));
            }
        }
    }
    Ok(wanted)
}
