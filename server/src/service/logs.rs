//! The use-cases of logs.

use std::sync::Arc;

use app::model::{Level, ProcessId, Timeline, Verb};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Caller, ServiceError};
use crate::logs::filter::{LineFilter, Streams};
use crate::logs::hub::Log;
use crate::logs::pattern::Pattern;
use crate::logs::read::{DEFAULT_LIMIT, LogQuery, LogReader, MAX_LIMIT, Page, Place};
use crate::logs::timeline::count_over_time;
use crate::logs::walk::Forward;

/// Spans of a timeline when nothing is said, and at most.
const BUCKETS: usize = 120;
const MAX_BUCKETS: usize = 1000;

/// How a log is written into an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One object: `{entries, nextAfter}`.
    #[default]
    Json,
    /// An entry a line, as JSON.
    Ndjson,
    /// The lines alone.
    Text,
}

/// The query of `GET /api/processes/:id/logs`. One of `tail`, `after`, `before`, `since` says where.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LogParams {
    /// The newest so many entries: what is meant when nothing is said.
    pub tail: Option<u32>,
    /// Entries written at this time (milliseconds since the epoch) or later.
    pub since: Option<i64>,
    /// Entries with an index above this; -1 is from the first.
    pub after: Option<i64>,
    /// The newest entries with an index below this.
    pub before: Option<i64>,
    /// At most so many, 1 to 10,000.
    pub limit: Option<u32>,
    /// Only entries written at this time or earlier.
    pub until: Option<i64>,
    /// Only these streams: `stderr`, or `stdout,system`.
    #[param(value_type = Option<String>)]
    pub stream: Option<Streams>,
    /// Only lines that are at least so serious.
    pub level: Option<Level>,
    /// Only lines that have this text; without an upper-case letter it is found in either case.
    pub q: Option<String>,
    /// `q` is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// `json` when nothing is said.
    #[serde(default)]
    pub format: LogFormat,
}

impl LogParams {
    fn query(&self) -> Result<LogQuery, ServiceError> {
        let said = [
            self.tail.map(|_| Place::Newest),
            self.after.map(Place::After),
            self.before.map(Place::Before),
            self.since.map(Place::Since),
        ];
        let mut places = said.into_iter().flatten();
        let place = places.next().unwrap_or(Place::Newest);
        if places.next().is_some() {
            let detail = "give one of tail, after, before and since, not several";
            return Err(ServiceError::bad_request(detail));
        }
        let limit = self.limit.or(self.tail).unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            let detail = format!("{limit} entries were asked for: 1 to {MAX_LIMIT} can be had");
            return Err(ServiceError::bad_request(detail));
        }
        let text = self.q.as_deref();
        let pattern = pattern_of(text, self.regex)?;
        let filter = LineFilter {
            pattern,
            streams: self.stream.unwrap_or(Streams::ALL),
            level: self.level,
            until: self.until.unwrap_or(i64::MAX),
            ..LineFilter::ALL
        };
        Ok(LogQuery { place, limit, filter })
    }
}

/// The pattern of a query that may have none.
fn pattern_of(q: Option<&str>, is_regex: bool) -> Result<Option<Pattern>, ServiceError> {
    let text = q.filter(|q| !q.is_empty());
    Ok(text.map(|text| Pattern::new(text, is_regex)).transpose()?)
}

/// The query of `GET /api/processes/:id/logs/download`: as [`LogParams`], for all there is.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DownloadParams {
    /// Entries written at this time or later.
    pub since: Option<i64>,
    /// Entries written at this time or earlier.
    pub until: Option<i64>,
    /// Only these streams.
    #[param(value_type = Option<String>)]
    pub stream: Option<Streams>,
    /// Only lines that are at least so serious.
    pub level: Option<Level>,
    /// Only lines that have this text.
    pub q: Option<String>,
    /// `q` is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// Without the escape sequences of colours.
    #[serde(default)]
    pub plain: bool,
    /// `text` when nothing is said, or `ndjson`.
    pub format: Option<LogFormat>,
}

impl Caller {
    /// A page of a log.
    ///
    /// # Errors
    /// 404 when there is no such process, 400 when the query does not fit.
    pub async fn read_log(&self, id: &ProcessId, params: &LogParams) -> Result<Page, ServiceError> {
        let query = params.query()?;
        self.authorise_process(Verb::ReadLogs, "log.read", id).await?;
        Ok(self.service().engine.log_reader(id).page(&query).await?)
    }

    /// The live end of a log, and its reader, for those who follow it.
    ///
    /// # Errors
    /// 404 when there is no such process.
    pub async fn follow_log(&self, id: &ProcessId) -> Result<(Arc<Log>, LogReader), ServiceError> {
        self.authorise_process(Verb::ReadLogs, "log.follow", id).await?;
        let log = self.service().engine.open_log(id).await?;
        let reader = self.service().engine.log_reader(id);
        Ok((log, reader))
    }

    /// The whole log, or what the query wants of it, from the first entry to the last; and the name
    /// of its script.
    ///
    /// # Errors
    /// 404 when there is no such process, 400 when the query does not fit.
    pub async fn walk_log(
        &self,
        id: &ProcessId,
        params: &DownloadParams,
    ) -> Result<(String, Forward), ServiceError> {
        let filter = LineFilter {
            pattern: pattern_of(params.q.as_deref(), params.regex)?,
            streams: params.stream.unwrap_or(Streams::ALL),
            level: params.level,
            since: params.since.unwrap_or(i64::MIN),
            until: params.until.unwrap_or(i64::MAX),
        };
        let process = self.authorise_process(Verb::ReadLogs, "log.download", id).await?;
        let reader = self.service().engine.log_reader(id);
        let from = match params.since {
            Some(ts) => reader.idx_since(ts).await?.unwrap_or(i64::MAX),
            None => 0,
        };
        Ok((process.script.clone(), reader.walk(from, filter)))
    }

    /// How much a log said over time.
    ///
    /// # Errors
    /// 404 when there is no such process, 400 when there are to be too many spans.
    pub async fn log_timeline(
        &self,
        id: &ProcessId,
        buckets: Option<usize>,
    ) -> Result<Timeline, ServiceError> {
        let buckets = buckets.unwrap_or(BUCKETS);
        if !(1..=MAX_BUCKETS).contains(&buckets) {
            let detail = format!("{buckets} buckets were asked for: 1 to {MAX_BUCKETS} can be had");
            return Err(ServiceError::bad_request(detail));
        }
        self.authorise_process(Verb::ReadLogs, "log.timeline", id).await?;
        Ok(count_over_time(Arc::clone(&self.service().store), id, buckets).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_place() {
        let tail = LogParams::default().query().unwrap();
        assert_eq!((tail.place, tail.limit), (Place::Newest, 1000));
        let after = LogParams { after: Some(-1), limit: Some(5), ..LogParams::default() };
        assert_eq!(after.query().unwrap().place, Place::After(-1));
        let both = LogParams { after: Some(1), tail: Some(2), ..LogParams::default() };
        assert!(both.query().unwrap_err().detail.contains("not several"));
        let none = LogParams { tail: Some(0), ..LogParams::default() };
        assert!(none.query().unwrap_err().detail.contains("1 to 10000"));
    }
}
