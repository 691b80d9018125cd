//! A log over time: how much it said, and how much of it was trouble.

use std::sync::Arc;

use app::model::{Level, ProcessId, Timeline, TimelineBucket};
use futures_util::TryStreamExt as _;

use crate::store::{ChunkRange, Store, Swept};

use super::chunk::{self, ChunkError};
use super::filter::LineFilter;
use super::read::ReadError;
use super::scan::{pages_of, scan};

/// Counts the lines of a log in at most so many spans of equal length, up to its last line. Looks
/// through everything that is kept of it.
///
/// # Errors
/// When the store fails or holds damaged chunks.
pub async fn count_over_time(
    store: Arc<dyn Store>,
    process: &ProcessId,
    buckets: usize,
) -> Result<Timeline, ReadError> {
    let first = store.chunks(process, ChunkRange::After(-1), 1).await?;
    let last = store.chunks(process, ChunkRange::Before(i64::MAX), 1).await?;
    let (Some(first), Some(last)) = (first.first(), last.first()) else {
        return Ok(Timeline::default());
    };
    let from = first.first_ts;
    let span_ms = (last.last_ts - from).max(0) + 1;
    let count = i64::try_from(buckets.max(1)).unwrap_or(1);
    // Both rounded up, so that the last line is in the last bucket.
    let bucket_ms = (span_ms + count - 1) / count;
    let count = (span_ms + bucket_ms - 1) / bucket_ms;
    let place = move |ts: i64| {
        // The clock may have been set back meanwhile.
        let place = ((ts - from) / bucket_ms).clamp(0, count - 1);
        usize::try_from(place).unwrap_or(0)
    };
    let look = move |swept: &Swept, unpacked: &[u8]| count_chunk(swept, unpacked, &place);
    let pages = pages_of(store, process.clone(), ChunkRange::After(-1));
    let looked = scan(pages, Arc::new(LineFilter::ALL), look);
    let empty = vec![TimelineBucket::default(); usize::try_from(count).unwrap_or(1)];
    let buckets = looked
        .try_fold(empty, |mut sum, looked| async move {
            for (place, counts) in looked.found.into_iter().flatten() {
                if let Some(bucket) = sum.get_mut(place) {
                    add(bucket, counts);
                }
            }
            Ok(sum)
        })
        .await?;
    Ok(Timeline { from, bucket_ms, buckets })
}

fn count_chunk(
    swept: &Swept,
    unpacked: &[u8],
    place: &impl Fn(i64) -> usize,
) -> Result<Vec<(usize, TimelineBucket)>, ChunkError> {
    let mut counts: Vec<(usize, TimelineBucket)> = Vec::new();
    for entry in chunk::entries(unpacked, swept.chunk.first_idx) {
        let entry = entry?;
        // An error is one, however long its stack trace.
        let level = if entry.begin.under.is_some() { None } else { entry.level() };
        let one = TimelineBucket {
            first_idx: Some(entry.idx),
            lines: 1,
            warnings: i64::from(level == Some(Level::Warn)),
            errors: i64::from(level == Some(Level::Error)),
        };
        let at = place(entry.ts);
        match counts.last_mut() {
            Some((last, sum)) if *last == at => add(sum, one),
            _ => counts.push((at, one)),
        }
    }
    Ok(counts)
}

fn add(sum: &mut TimelineBucket, more: TimelineBucket) {
    sum.first_idx = match (sum.first_idx, more.first_idx) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    sum.lines += more.lines;
    sum.warnings += more.warnings;
    sum.errors += more.errors;
}
