//! Looks through many chunks on every core, and answers in their order.
//!
//! A page of chunks is read from the store while the pages before it are unpacked and looked through
//! on the runtime's threads for blocking work. What is not asked for any more is dropped with the
//! stream: at most the pages under way are finished for nothing. However many searches run, no more
//! pages are looked through at a time than there are cores, and each search holds a few pages in
//! memory.

use std::sync::{Arc, LazyLock};

use app::model::ProcessId;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::store::{ChunkRange, Store, StoreError, Sweep, Swept};

use super::chunk::{ChunkError, Unpacker};
use super::filter::LineFilter;
use super::read::ReadError;

/// Chunks in a page: about a millisecond's work for a core.
const PAGE: u32 = 32;

static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
static PERMITS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES));
static TASKS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// What came of a page.
#[derive(Debug)]
pub(super) struct Looked<T> {
    /// Of every chunk that was looked at, in order; one that cannot hold what is wanted is not.
    pub(super) found: Vec<T>,
    /// How many lines the page has.
    pub(super) lines: i64,
    /// The index of the last entry of the page's last chunk.
    pub(super) last_idx: i64,
}

/// Unpacks the chunks of the pages that may hold what is wanted, and has `look` look at each.
pub(super) fn scan<T, L>(
    pages: impl Stream<Item = Result<Vec<Swept>, StoreError>> + Send + 'static,
    filter: Arc<LineFilter>,
    look: L,
) -> impl Stream<Item = Result<Looked<T>, ReadError>> + Send
where
    T: Send + 'static,
    L: Fn(&Swept, &[u8]) -> Result<T, ChunkError> + Send + Sync + 'static,
{
    let look = Arc::new(look);
    pages
        .map(move |page| {
            let (filter, look) = (Arc::clone(&filter), Arc::clone(&look));
            async move {
                let page = page?;
                // In a task of its own, which goes on when nobody asks for more, as for a client that
                // does not read: one who is given a permit and does not take it would hold up all others.
                let looking = TASKS.spawn(async move {
                    // Never closed, so always given.
                    let permit = PERMITS.acquire().await.ok();
                    spawn_blocking(move || {
                        let _permit = permit;
                        look_through(&page, &filter, &*look)
                    })
                    .await
                });
                let looked = AbortOnDropHandle::new(looking).await;
                looked.and_then(|looked| looked).map_err(|_| ReadError::Interrupted)?
            }
        })
        .buffered(*CORES + 2)
}

fn look_through<T>(
    page: &[Swept],
    filter: &LineFilter,
    look: &impl Fn(&Swept, &[u8]) -> Result<T, ChunkError>,
) -> Result<Looked<T>, ReadError> {
    let mut unpacker = Unpacker::default();
    let mut looked = Looked { found: vec![], lines: 0, last_idx: -1 };
    for swept in page {
        let chunk = &swept.chunk;
        looked.lines += chunk.last_idx - chunk.first_idx + 1;
        looked.last_idx = chunk.last_idx;
        if !filter.may_be_at(chunk.first_ts, chunk.last_ts) {
            continue;
        }
        let unpacked = unpacker.unpack(chunk)?;
        if filter.may_hold(unpacked) {
            looked.found.push(look(swept, unpacked)?);
        }
    }
    Ok(looked)
}

/// The chunks of one log, in the order of `range`, which says where to begin.
pub(super) fn pages_of(
    store: Arc<dyn Store>,
    process: ProcessId,
    range: ChunkRange,
) -> impl Stream<Item = Result<Vec<Swept>, StoreError>> + Send {
    stream::try_unfold((store, process, range), |(store, process, range)| async move {
        let chunks = store.chunks(&process, range, PAGE).await?;
        let Some(last) = chunks.last() else { return Ok(None) };
        let next = match range {
            ChunkRange::Before(_) => ChunkRange::Before(last.first_idx),
            ChunkRange::After(_) | ChunkRange::Since(_) => ChunkRange::After(last.last_idx),
        };
        let swept = |chunk| Swept { place: 0, process: process.clone(), chunk };
        let page = chunks.into_iter().map(swept).collect();
        Ok(Some((page, (store, process, next))))
    })
}

/// The chunks of all logs, the newest first.
pub(super) fn pages_of_all(
    store: Arc<dyn Store>,
    sweep: Sweep,
) -> impl Stream<Item = Result<Vec<Swept>, StoreError>> + Send {
    stream::try_unfold((store, sweep), |(store, mut sweep)| async move {
        let page = store.sweep(&sweep, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        sweep.below = last.place;
        Ok(Some((page, (store, sweep))))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::Chunk;

    const PAGES: i64 = 50;

    fn counts() -> impl Stream<Item = Result<Looked<usize>, ReadError>> + Send + Unpin {
        let pages = (0..PAGES).map(|n| {
            let bytes = b"a line".to_vec();
            let chunk =
                Chunk { first_idx: n, last_idx: n, first_ts: 0, last_ts: 0, codec: 0, bytes };
            Ok(vec![Swept { place: n, process: ProcessId("p".into()), chunk }])
        });
        let look = |_: &Swept, unpacked: &[u8]| Ok(unpacked.len());
        Box::pin(scan(stream::iter(pages), Arc::new(LineFilter::ALL), look))
    }

    #[tokio::test]
    async fn one_that_is_not_asked_for_more_holds_nobody_up() {
        let mut idle = Vec::new();
        for _ in 0..=*CORES {
            let mut scan = counts();
            assert!(scan.next().await.is_some());
            idle.push(scan);
        }
        let whole = tokio::time::timeout(Duration::from_secs(30), counts().count()).await;
        assert_eq!(whole.expect("another one is waited for"), 50);
        for scan in idle {
            assert_eq!(scan.count().await, 49, "it goes on where it was");
        }
    }
}
