//! The use-cases of logs and of the audit.

use std::sync::Arc;

use app::model::{EntryKind, ProcessId, Verb};
use serde::Deserialize;

use super::{Caller, ServiceError};
use crate::logs::hub::Log;
use crate::logs::read::{DEFAULT_LIMIT, LogQuery, LogReader, MAX_LIMIT, Page, Place};
use crate::logs::search::{SearchQuery, SearchResult, search};
use crate::store::{AuditRecord, ListQuery};

/// Processes whose logs one search looks through.
const SEARCHED: u32 = 500;

/// How a log is written into an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
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
    /// Only this stream.
    pub stream: Option<EntryKind>,
    /// Only lines that contain this text, without case.
    pub q: Option<String>,
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
        let text = self.q.clone().filter(|q| !q.is_empty());
        Ok(LogQuery { place, limit, stream: self.stream, text })
    }
}

/// The query of `GET /api/logs/search`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchParams {
    /// The text; without an upper-case letter it is found in either case.
    pub q: String,
    /// Only logs of this project.
    pub project: Option<String>,
    /// Only this stream.
    pub stream: Option<EntryKind>,
    /// At most so many hits, 1 to 1,000; 100 when nothing is said.
    pub limit: Option<u32>,
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

    /// Lines of all kept logs that contain a text, newest process first.
    ///
    /// # Errors
    /// 400 when the query does not fit.
    pub async fn search_logs(&self, params: &SearchParams) -> Result<SearchResult, ServiceError> {
        let limit = params.limit.unwrap_or(100);
        if params.q.is_empty() {
            return Err(ServiceError::bad_request("q is empty: give the text to look for"));
        }
        if !(1..=1000).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to 1000");
            return Err(ServiceError::bad_request(detail));
        }
        let list = ListQuery { project: params.project.clone(), ..ListQuery::default() };
        let (processes, _) = self.allowed_processes(Verb::ReadLogs, list, SEARCHED).await?;
        let ids: Vec<_> = processes.into_iter().map(|process| process.id).collect();
        let query = SearchQuery {
            text: params.q.clone(),
            stream: params.stream,
            limit: usize::try_from(limit).unwrap_or(100),
        };
        Ok(search(&self.service().store, &ids, &query).await?)
    }

    /// The audit, newest first: at most `limit` lines older than `before`.
    ///
    /// # Errors
    /// 400 when the limit does not fit.
    pub async fn audit_lines(
        &self,
        before: Option<i64>,
        limit: Option<u32>,
    ) -> Result<Vec<AuditRecord>, ServiceError> {
        let limit = limit.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to 1000");
            return Err(ServiceError::bad_request(detail));
        }
        self.authorise(Verb::Admin, "audit.view").await?;
        Ok(self.service().store.audit(before.unwrap_or(i64::MAX), limit).await?)
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
