//! Finds lines in what is kept: of one log or of all, newest first, as a stream.
//!
//! What was written in the last quarter of a second may not be kept yet, and is then not found.

use std::sync::Arc;

use app::model::{Entry, ProcessId};
use futures_util::{Stream, StreamExt as _};

use crate::store::{ChunkRange, ScriptName, Store, Sweep, Swept};

use super::chunk::{self, ChunkError};
use super::filter::LineFilter;
use super::read::ReadError;
use super::scan::{pages_of, pages_of_all, scan};

/// A line that was found.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Whose log.
    pub process_id: ProcessId,
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a part of a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// How many lines fit; as many as there are hits, unless they were only counted.
    pub matches: i64,
    /// How many lines were looked through for it.
    pub lines: i64,
}

/// What is wanted of the lines that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The lines.
    Hits,
    /// Their number.
    Count,
}

/// Where to search.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the log of one process.
    Log(ProcessId),
    /// In all logs, or in those of a project, as far as their scripts may be seen (`None`: all).
    All {
        /// A project's name.
        project: Option<String>,
        /// Whose logs may be read.
        scripts: Option<Vec<ScriptName>>,
    },
}

/// Searches from the newest kept line to the oldest.
pub fn search(
    store: Arc<dyn Store>,
    place: Place,
    filter: LineFilter,
    want: Want,
) -> impl Stream<Item = Result<Found, ReadError>> + Send {
    let filter = Arc::new(filter);
    let pages = match place {
        Place::Log(process) => pages_of(store, process, ChunkRange::Before(i64::MAX)).left_stream(),
        Place::All { project, scripts } => {
            let (since, until) = (filter.since, filter.until);
            let sweep = Sweep { below: i64::MAX, since, until, project, scripts };
            pages_of_all(store, sweep).right_stream()
        }
    };
    let wanted = Arc::clone(&filter);
    let look = move |swept: &Swept, unpacked: &[u8]| find(&wanted, want, swept, unpacked);
    scan(pages, filter, look).map(|looked| {
        let looked = looked?;
        let mut found = Found { lines: looked.lines, ..Found::default() };
        for (matches, hits) in looked.found {
            found.matches += matches;
            found.hits.extend(hits);
        }
        Ok(found)
    })
}

fn find(
    filter: &LineFilter,
    want: Want,
    swept: &Swept,
    unpacked: &[u8],
) -> Result<(i64, Vec<Hit>), ChunkError> {
    let (mut matches, mut hits) = (0, Vec::new());
    for entry in chunk::entries(unpacked, swept.chunk.first_idx) {
        let entry = entry?;
        if filter.fits(&entry) {
            matches += 1;
            if want == Want::Hits {
                hits.push(Hit { process_id: swept.process.clone(), entry: entry.to_entry() });
            }
        }
    }
    hits.reverse();
    Ok((matches, hits))
}
