//! Rows as SQLite gives and takes them: JSON carries the rows of a table in (`write.sql`), and the
//! attempts of a process out.

use app::model::{Attempt, Breaker, Limits, Process, ProcessId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::error::damaged;
use super::{AuditRecord, Chunk, Cursor, ProcessRecord, StoreError, Swept};
use crate::store::chain::Link;
use crate::store::plan::PlannedProcess;

/// A row for `processes`.
#[derive(Serialize)]
pub(super) struct NewProcess<'a> {
    id: &'a str,
    project: &'a str,
    project_folded: String,
    script: &'a str,
    args: String,
    r#type: &'a str,
    status: &'a str,
    reason: &'a str,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    pid: Option<i32>,
    exit_code: Option<i32>,
    signal: Option<&'a str>,
    next_idx: i64,
    search_text: String,
    spec: Option<&'a str>,
    details: String,
}

/// What of a process is kept as JSON: it is only ever shown.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<Breaker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stdin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &i32) -> bool {
    *n == 0
}

impl From<&Process> for Details {
    fn from(process: &Process) -> Self {
        Self {
            next_at: process.next_at,
            ready: process.ready,
            breaker: process.breaker,
            declared: process.declared.clone(),
            replica: process.replica,
            pool: process.pool.clone(),
            priority: process.priority,
            position: process.position,
            stdin: process.stdin,
            limits: process.limits,
            schedule: process.schedule.clone(),
            timezone: process.timezone.clone(),
        }
    }
}

impl<'a> NewProcess<'a> {
    pub(super) fn new(planned: &PlannedProcess<'a>) -> Result<Self, StoreError> {
        let process = planned.process;
        let args = serde_json::to_string(&process.args)
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let details = serde_json::to_string(&Details::from(process))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            details,
            id: process.id.as_str(),
            project: &process.project,
            project_folded: process.project.to_lowercase(),
            script: &process.script,
            args,
            r#type: process.kind.as_str(),
            status: process.status.as_str(),
            reason: &process.reason,
            created_at: process.created_at,
            started_at: process.started_at,
            ended_at: process.ended_at,
            pid: process.pid,
            exit_code: process.exit_code,
            signal: process.signal.as_deref(),
            next_idx: planned.next_idx,
            search_text: search_text(process),
            spec: planned.spec,
        })
    }
}

/// What `q` is looked for in. The parts stand on lines of their own, so that nothing is found
/// across them; the arguments are one part, as they were typed.
fn search_text(process: &Process) -> String {
    let args = process.args.join(" ");
    [&process.script, &process.project, &args, &process.id.0].map(|s| s.to_lowercase()).join("\n")
}

/// A row for `attempts`.
#[derive(Serialize)]
pub(super) struct NewAttempt<'a> {
    pub(super) process: &'a str,
    #[serde(flatten)]
    pub(super) attempt: &'a Attempt,
}

/// A row for `process_logs`. Its bytes are no JSON: they stand among those of all chunks.
#[derive(Serialize)]
pub(super) struct NewChunk<'a> {
    process: &'a str,
    first_idx: i64,
    last_idx: i64,
    first_ts: i64,
    last_ts: i64,
    codec: u8,
    at: usize,
    length: usize,
}

impl<'a> NewChunk<'a> {
    /// `offset` is that of its bytes.
    pub(super) fn new(process: &'a ProcessId, chunk: &Chunk, offset: usize) -> Self {
        Self {
            process: process.as_str(),
            first_idx: chunk.first_idx,
            last_idx: chunk.last_idx,
            first_ts: chunk.first_ts,
            last_ts: chunk.last_ts,
            codec: chunk.codec,
            // SQL counts from 1.
            at: offset + 1,
            length: chunk.bytes.len(),
        }
    }
}

/// A row for `audit`.
#[derive(Serialize)]
pub(super) struct NewAudit<'a> {
    before_id: i64,
    before_hash: &'a str,
    id: i64,
    hash: &'a str,
    at: i64,
    actor: &'a str,
    actor_id: &'a str,
    via: &'a str,
    address: &'a str,
    action: &'a str,
    target: &'a str,
    project: &'a str,
    script: &'a str,
    process_id: &'a str,
    attempt: Option<u32>,
    outcome: &'a str,
    detail: &'a str,
}

impl<'a> NewAudit<'a> {
    /// `before` is the link that the line follows, and `link` its own.
    pub(super) fn new(record: &'a AuditRecord, before: &'a Link, link: &'a Link) -> Self {
        Self {
            before_id: before.0,
            before_hash: &before.1,
            id: link.0,
            hash: &link.1,
            at: record.at,
            actor: &record.actor,
            actor_id: &record.actor_id,
            via: &record.via,
            address: &record.address,
            action: &record.action,
            target: &record.target,
            project: &record.project,
            script: &record.script,
            process_id: &record.process_id,
            attempt: record.attempt,
            outcome: &record.outcome,
            detail: &record.detail,
        }
    }
}

/// A row for `cursors`, and of it. The offsets are signed here because SQLite's integers are.
#[derive(Serialize, FromRow)]
pub(super) struct CursorRow {
    run: String,
    index_off: i64,
    out_off: i64,
    err_off: i64,
}

impl TryFrom<&Cursor> for CursorRow {
    type Error = StoreError;

    fn try_from(cursor: &Cursor) -> Result<Self, StoreError> {
        let signed = |offset: u64| {
            i64::try_from(offset).map_err(|_| {
                StoreError::Failed(format!("cursor of {}: {offset} is too far", cursor.run))
            })
        };
        Ok(Self {
            run: cursor.run.clone(),
            index_off: signed(cursor.index_off)?,
            out_off: signed(cursor.out_off)?,
            err_off: signed(cursor.err_off)?,
        })
    }
}

impl TryFrom<CursorRow> for Cursor {
    type Error = StoreError;

    fn try_from(row: CursorRow) -> Result<Self, StoreError> {
        let unsigned = |offset: i64| {
            u64::try_from(offset).map_err(|error| damaged(format!("cursor of {}", row.run), error))
        };
        Ok(Self {
            index_off: unsigned(row.index_off)?,
            out_off: unsigned(row.out_off)?,
            err_off: unsigned(row.err_off)?,
            run: row.run,
        })
    }
}

/// A process as `processes::columns!` selects it.
#[derive(FromRow)]
pub(super) struct ProcessRow {
    id: String,
    project: String,
    script: String,
    args: String,
    kind: String,
    status: String,
    reason: String,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    pid: Option<i32>,
    exit_code: Option<i32>,
    signal: Option<String>,
    next_idx: i64,
    attempts: String,
    details: String,
}

impl TryFrom<ProcessRow> for Process {
    type Error = StoreError;

    fn try_from(row: ProcessRow) -> Result<Self, StoreError> {
        let id = ProcessId(row.id);
        let what = || format!("process {id}");
        let details: Details =
            serde_json::from_str(&row.details).map_err(|error| damaged(what(), error))?;
        Ok(Self {
            args: serde_json::from_str(&row.args).map_err(|error| damaged(what(), error))?,
            kind: row.kind.parse().map_err(|error: String| damaged(what(), error))?,
            status: row.status.parse().map_err(|error: String| damaged(what(), error))?,
            attempts: serde_json::from_str(&row.attempts)
                .map_err(|error| damaged(what(), error))?,
            project: row.project,
            script: row.script,
            reason: row.reason,
            pid: row.pid,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            exit_code: row.exit_code,
            signal: row.signal,
            next_idx: row.next_idx,
            next_at: details.next_at,
            ready: details.ready,
            breaker: details.breaker,
            declared: details.declared,
            replica: details.replica,
            pool: details.pool,
            priority: details.priority,
            position: details.position,
            stdin: details.stdin,
            limits: details.limits,
            schedule: details.schedule,
            timezone: details.timezone,
            id,
        })
    }
}

/// A process with its spec.
#[derive(FromRow)]
pub(super) struct RecordRow {
    #[sqlx(flatten)]
    process: ProcessRow,
    spec: String,
}

impl TryFrom<RecordRow> for ProcessRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self, StoreError> {
        Ok(Self { process: row.process.try_into()?, spec: row.spec })
    }
}

/// A row of `process_logs`.
#[derive(FromRow)]
pub(super) struct ChunkRow {
    first_idx: i64,
    last_idx: i64,
    first_ts: i64,
    last_ts: i64,
    codec: u8,
    bytes: Vec<u8>,
}

impl From<ChunkRow> for Chunk {
    fn from(row: ChunkRow) -> Self {
        let ChunkRow { first_idx, last_idx, first_ts, last_ts, codec, bytes } = row;
        Self { first_idx, last_idx, first_ts, last_ts, codec, bytes }
    }
}

/// A row of `process_logs`, wherever it stands.
#[derive(FromRow)]
pub(super) struct SweptRow {
    place: i64,
    process_id: String,
    #[sqlx(flatten)]
    chunk: ChunkRow,
}

impl From<SweptRow> for Swept {
    fn from(SweptRow { place, process_id, chunk }: SweptRow) -> Self {
        Self { place, process: ProcessId(process_id), chunk: chunk.into() }
    }
}
