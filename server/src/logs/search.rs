//! Looks for a text through the kept logs of many processes, newest first.

use std::sync::Arc;

use app::model::{EntryKind, ProcessId};
use memchr::memmem;

use crate::store::{ChunkRange, Store};

use super::chunk;
use super::read::ReadError;

/// One search unpacks at most so much text, so that it cannot occupy the server.
const MAX_SCANNED: usize = 1 << 30;
/// Chunks read at a time.
const CHUNKS: u32 = 16;

/// A line that was found.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Whose log.
    pub process_id: ProcessId,
    /// The entry.
    #[serde(flatten)]
    pub entry: app::model::Entry,
}

/// What a search found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct SearchResult {
    /// Newest process first, and within a process the newest line first.
    pub hits: Vec<Hit>,
    /// Some logs were not searched to their beginning: the limit of hits or of work was reached.
    pub truncated: bool,
}

/// What to search for.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// The text. Without an upper-case letter it is found in either case.
    pub text: String,
    /// Only this stream.
    pub stream: Option<EntryKind>,
    /// At most so many hits.
    pub limit: usize,
}

/// Searches the stored logs of `processes`, in their order.
///
/// # Errors
/// When the store fails or holds damaged chunks.
pub async fn search(
    store: &Arc<dyn Store>,
    processes: &[ProcessId],
    query: &SearchQuery,
) -> Result<SearchResult, ReadError> {
    let fold = !query.text.chars().any(char::is_uppercase);
    let needle = if fold { query.text.to_ascii_lowercase() } else { query.text.clone() };
    let finder = memmem::Finder::new(needle.as_bytes());
    let found = |bytes: &[u8]| {
        if fold {
            finder.find(&bytes.to_ascii_lowercase()).is_some()
        } else {
            finder.find(bytes).is_some()
        }
    };
    let mut result = SearchResult::default();
    let mut scanned = 0;
    for process in processes {
        let mut below = i64::MAX;
        loop {
            let chunks = store.chunks(process, ChunkRange::Before(below), CHUNKS).await?;
            let Some(oldest) = chunks.last() else { break };
            below = oldest.first_idx;
            for chunk in &chunks {
                let unpacked = chunk::unpack(chunk)?;
                scanned += unpacked.len();
                // Most chunks hold no hit: looking through the whole is cheaper than line by line.
                if !found(&unpacked) {
                    continue;
                }
                let mut hits = Vec::new();
                for entry in chunk::entries(&unpacked, chunk.first_idx) {
                    let entry = entry?;
                    if query.stream.is_none_or(|kind| kind == entry.kind) && found(entry.line) {
                        hits.push(Hit { process_id: process.clone(), entry: entry.to_entry() });
                    }
                }
                result.hits.extend(hits.into_iter().rev());
                if result.hits.len() >= query.limit {
                    result.hits.truncate(query.limit);
                    result.truncated = true;
                    return Ok(result);
                }
            }
            if scanned >= MAX_SCANNED {
                result.truncated = true;
                return Ok(result);
            }
            // Searching is work on the processor: others have their turn in between.
            tokio::task::yield_now().await;
        }
    }
    Ok(result)
}
