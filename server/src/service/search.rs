//! Searching the logs that one may see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use app::model::{Level, Problem, ProcessId, Verb};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{Caller, LogFormat, ServiceError};
use crate::auth::Target;
use crate::logs::filter::{LineFilter, Streams};
use crate::logs::pattern::Pattern;
use crate::logs::search::{Found, Hit, Place, Want, search};
use crate::store::ScriptName;

/// Hits when nothing is said, and at most.
const DEFAULT_HITS: u32 = 100;
const MAX_HITS: u32 = 1000;
/// What is sent of a line at most, in bytes: the rest is in the log.
const MAX_LINE: usize = 8 * 1024;

/// The query of `GET /api/logs/search`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SearchParams {
    /// The text; without an upper-case letter it is found in either case.
    pub q: String,
    /// `q` is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// Only the log of this process.
    pub process: Option<ProcessId>,
    /// Only logs of this project.
    pub project: Option<String>,
    /// Only these streams: `stderr`, or `stdout,system`.
    #[param(value_type = Option<String>)]
    pub stream: Option<Streams>,
    /// Only lines that are at least so serious.
    pub level: Option<Level>,
    /// Only lines written at this time (milliseconds since the epoch) or later.
    pub since: Option<i64>,
    /// Only lines written at this time or earlier.
    pub until: Option<i64>,
    /// At most so many hits, 1 to 1,000; 100 when nothing is said.
    pub limit: Option<u32>,
    /// Only count the lines that fit, all of them.
    #[serde(default)]
    pub count: bool,
    /// `json`: one answer at the end. `ndjson`: events as they come.
    #[serde(default)]
    pub format: LogFormat,
}

/// The process of the hits that follow, in the words of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Searched {
    id: ProcessId,
    project: String,
    script: String,
    created_at: i64,
}

/// What a search says as it goes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SearchEvent {
    /// Comes before the first hit in its log.
    Process(Searched),
    /// A line that was found.
    Hit(Hit),
    /// How far it has come.
    Progress {
        /// How many lines were looked through.
        lines: i64,
        /// How many of them fit.
        matches: i64,
    },
    /// It is over.
    End {
        /// How many lines were looked through.
        lines: i64,
        /// How many of them fit.
        matches: i64,
        /// There may be more: the limit was reached.
        truncated: bool,
    },
    /// It cannot go on.
    Error(Problem),
}

/// How many searches are under way. A handle: copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Searches(Arc<AtomicUsize>);

impl Searches {
    fn begin(&self) -> UnderWay {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.0))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of them, until it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a search found, as one answer.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct SearchResult {
    /// Newest first, as stored.
    pub hits: Vec<Hit>,
    /// How many lines fit, of those that were looked through.
    pub matches: i64,
    /// There may be more: the limit was reached.
    pub truncated: bool,
}

impl Caller {
    /// Searches the kept logs, newest lines first, event by event. What is not read any further is
    /// not searched any further.
    ///
    /// # Errors
    /// 400 when the query or the pattern does not fit, 404 when there is no such process.
    pub async fn search_logs(
        &self,
        params: &SearchParams,
    ) -> Result<impl Stream<Item = SearchEvent> + Send + use<>, ServiceError> {
        let limit = params.limit.unwrap_or(DEFAULT_HITS);
        if !(1..=MAX_HITS).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to {MAX_HITS}");
            return Err(ServiceError::bad_request(detail));
        }
        let filter = LineFilter {
            pattern: Some(Pattern::new(&params.q, params.regex)?),
            streams: params.stream.unwrap_or(Streams::ALL),
            level: params.level,
            since: params.since.unwrap_or(i64::MIN),
            until: params.until.unwrap_or(i64::MAX),
        };
        let place = match &params.process {
            Some(id) => {
                self.authorise_process(Verb::ReadLogs, "log.search", id).await?;
                Place::Log(id.clone())
            }
            None => {
                let scripts = self.readable_scripts().await?;
                Place::All { project: params.project.clone(), scripts }
            }
        };
        let want = if params.count { Want::Count } else { Want::Hits };
        let found = search(Arc::clone(&self.service().store), place, filter, want).boxed();
        let progress = Progress::new(self.clone(), limit);
        let events = stream::unfold((found, progress), |(mut found, mut progress)| async {
            let events = progress.next(found.next().await).await?;
            Some((stream::iter(events), (found, progress)))
        });
        Ok(events.flatten())
    }

    /// The scripts whose logs one may read; `None` for all.
    async fn readable_scripts(&self) -> Result<Option<Vec<ScriptName>>, ServiceError> {
        if self.access().allows_all(Verb::ReadLogs) {
            return Ok(None);
        }
        let counts = self.service().store.start_counts().await?;
        let scripts = counts.into_iter().map(|(script, _)| script);
        let may_read = |(project, script): &ScriptName| {
            self.access().allows(Verb::ReadLogs, Target::Script { project, script })
        };
        Ok(Some(scripts.filter(may_read).collect()))
    }
}

/// Where a search stands.
struct Progress {
    caller: Caller,
    /// Told already.
    named: BTreeSet<ProcessId>,
    /// How many more hits may be told.
    room: u32,
    lines: i64,
    matches: i64,
    is_over: bool,
    /// Dropped with it, when nobody reads any further.
    _under_way: UnderWay,
}

impl Progress {
    fn new(caller: Caller, room: u32) -> Self {
        let under_way = caller.service().searches.begin();
        Self {
            caller,
            named: BTreeSet::new(),
            room,
            lines: 0,
            matches: 0,
            is_over: false,
            _under_way: under_way,
        }
    }

    /// The events of what was found; `None` when all is said.
    async fn next(
        &mut self,
        found: Option<Result<Found, crate::logs::read::ReadError>>,
    ) -> Option<Vec<SearchEvent>> {
        if self.is_over {
            return None;
        }
        let Found { hits, matches, lines } = match found {
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                self.is_over = true;
                return Some(vec![SearchEvent::Error(ServiceError::from(error).into())]);
            }
            None => return Some(vec![self.end(false)]),
        };
        self.lines += lines;
        self.matches += matches;
        let mut events = Vec::new();
        for mut hit in hits {
            if self.room == 0 {
                events.push(self.end(true));
                return Some(events);
            }
            self.room -= 1;
            if self.named.insert(hit.process_id.clone()) {
                events.extend(self.name(&hit.process_id).await);
            }
            cut_line(&mut hit.entry.line);
            events.push(SearchEvent::Hit(hit));
        }
        events.push(SearchEvent::Progress { lines: self.lines, matches: self.matches });
        Some(events)
    }

    fn end(&mut self, truncated: bool) -> SearchEvent {
        self.is_over = true;
        SearchEvent::End { lines: self.lines, matches: self.matches, truncated }
    }

    async fn name(&self, id: &ProcessId) -> Option<SearchEvent> {
        // One that is gone meanwhile has no name, and its hits are still hits.
        let process = self.caller.get_process(id).await.ok()?;
        Some(SearchEvent::Process(Searched {
            id: id.clone(),
            project: process.project.clone(),
            script: process.script.clone(),
            created_at: process.created_at,
        }))
    }
}

fn cut_line(line: &mut String) {
    if line.len() > MAX_LINE {
        line.truncate(line.floor_char_boundary(MAX_LINE));
        line.push('…');
    }
}
