//! Writing a plan: one transaction, one statement per table that has something to write.

use app::model::ProcessId;
use serde::Serialize;
use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use super::error::to_store_error;
use super::row::{CursorRow, NewAttempt, NewAudit, NewProcess};
use super::{Plan, StoreError};

/// Chunks per statement. Each number of rows is a statement of its own to prepare, so there are few.
const CHUNKS_PER_STATEMENT: usize = 16;

// `WHERE true` tells SQLite's parser that ON CONFLICT is not the condition of a join.
const PUT_PROCESSES: &str = "
    INSERT INTO processes (
        id, project, project_folded, script, args, type, status, reason, created_at, started_at,
        ended_at, pid, exit_code, signal, next_idx, search_text, spec)
    SELECT value ->> 'id', value ->> 'project', value ->> 'project_folded', value ->> 'script',
        value ->> 'args', value ->> 'type', value ->> 'status', value ->> 'reason',
        value ->> 'created_at', value ->> 'started_at', value ->> 'ended_at', value ->> 'pid',
        value ->> 'exit_code', value ->> 'signal', value ->> 'next_idx', value ->> 'search_text',
        value ->> 'spec'
    FROM json_each(?1) WHERE true
    ON CONFLICT (id) DO UPDATE SET
        project = excluded.project, project_folded = excluded.project_folded,
        script = excluded.script, args = excluded.args, type = excluded.type,
        status = excluded.status, reason = excluded.reason, created_at = excluded.created_at,
        started_at = excluded.started_at, ended_at = excluded.ended_at, pid = excluded.pid,
        exit_code = excluded.exit_code, signal = excluded.signal,
        search_text = excluded.search_text, spec = excluded.spec";

const PUT_ATTEMPTS: &str = "
    INSERT INTO attempts (
        process_id, n, pid, started_at, ended_at, exit_code, signal, user_ms, system_ms,
        max_rss_bytes, first_idx, last_idx, cause)
    SELECT value ->> 'process', value ->> 'n', value ->> 'pid', value ->> 'startedAt',
        value ->> 'endedAt', value ->> 'exitCode', value ->> 'signal', value ->> 'userMs',
        value ->> 'systemMs', value ->> 'maxRssBytes', value ->> 'firstIdx', value ->> 'lastIdx',
        value ->> 'cause'
    FROM json_each(?1) WHERE true
    ON CONFLICT (process_id, n) DO UPDATE SET
        pid = excluded.pid, started_at = excluded.started_at, ended_at = excluded.ended_at,
        exit_code = excluded.exit_code, signal = excluded.signal, user_ms = excluded.user_ms,
        system_ms = excluded.system_ms, max_rss_bytes = excluded.max_rss_bytes,
        first_idx = excluded.first_idx, last_idx = excluded.last_idx, cause = excluded.cause";

/// Finds each log's row and refuses it in one step: a log that ends elsewhere is not updated.
const GROW_LOGS: &str = "
    UPDATE processes SET next_idx = growth.value ->> 'to'
    FROM json_each(?1) AS growth
    WHERE processes.id = growth.value ->> 'process'
        AND processes.next_idx = growth.value ->> 'from'";

const PUT_CURSORS: &str = "
    INSERT INTO cursors (run, index_off, out_off, err_off)
    SELECT value ->> 'run', value ->> 'index_off', value ->> 'out_off', value ->> 'err_off'
    FROM json_each(?1) WHERE true
    ON CONFLICT (run) DO UPDATE SET index_off = excluded.index_off, out_off = excluded.out_off,
        err_off = excluded.err_off";

const DROP_CURSORS: &str = "DELETE FROM cursors WHERE run IN (SELECT value FROM json_each(?1))";

const ADD_AUDIT: &str = "
    INSERT INTO audit (at, actor, action, target, outcome, detail)
    SELECT value ->> 'at', value ->> 'actor', value ->> 'action', value ->> 'target',
        value ->> 'outcome', value ->> 'detail'
    FROM json_each(?1)";

/// Makes all the changes of a plan, or none.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    plan: &Plan<'_>,
) -> Result<(), StoreError> {
    // Immediate: the lock is waited for here, where nothing has to be done again.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(to_store_error)?;
    put_processes(&mut transaction, plan).await?;
    if !grow_logs(&mut transaction, plan).await? {
        transaction.rollback().await.map_err(to_store_error)?;
        return Err(find_gap(connection, plan).await?);
    }
    add_chunks(&mut transaction, plan).await?;
    if !plan.cursors.is_empty() {
        let rows: Vec<_> =
            plan.cursors.iter().copied().map(CursorRow::try_from).collect::<Result<_, _>>()?;
        execute(&mut transaction, PUT_CURSORS, &rows).await?;
    }
    if !plan.dropped_cursors.is_empty() {
        execute(&mut transaction, DROP_CURSORS, &plan.dropped_cursors).await?;
    }
    if !plan.audit.is_empty() {
        let rows: Vec<_> = plan.audit.iter().copied().map(NewAudit::from).collect();
        execute(&mut transaction, ADD_AUDIT, &rows).await?;
    }
    transaction.commit().await.map_err(to_store_error)
}

/// Runs a statement over `rows` and says how many it changed.
async fn execute<T: Serialize>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<u64, StoreError> {
    let rows =
        serde_json::to_string(rows).map_err(|error| StoreError::Failed(error.to_string()))?;
    let done = sqlx::query(sql).bind(rows).execute(connection).await.map_err(to_store_error)?;
    Ok(done.rows_affected())
}

async fn put_processes(
    connection: &mut SqliteConnection,
    plan: &Plan<'_>,
) -> Result<(), StoreError> {
    if plan.processes.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> =
        plan.processes.iter().map(NewProcess::new).collect::<Result<_, StoreError>>()?;
    execute(connection, PUT_PROCESSES, &rows).await?;
    let attempts: Vec<_> = plan
        .processes
        .iter()
        .map(|planned| &planned.record.process)
        .flat_map(|process| {
            let process_id = process.id.as_str();
            process.attempts.iter().map(move |attempt| NewAttempt { process: process_id, attempt })
        })
        .collect();
    if !attempts.is_empty() {
        execute(connection, PUT_ATTEMPTS, &attempts).await?;
    }
    Ok(())
}

/// Whether every log ended where its chunks begin.
async fn grow_logs(connection: &mut SqliteConnection, plan: &Plan<'_>) -> Result<bool, StoreError> {
    if plan.growth.is_empty() {
        return Ok(true);
    }
    let grown = execute(connection, GROW_LOGS, &plan.growth).await?;
    Ok(usize::try_from(grown) == Ok(plan.growth.len()))
}

async fn add_chunks(connection: &mut SqliteConnection, plan: &Plan<'_>) -> Result<(), StoreError> {
    for chunks in plan.chunks.chunks(CHUNKS_PER_STATEMENT) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO process_logs
             (process_id, first_idx, last_idx, first_ts, last_ts, codec, bytes) ",
        );
        sql.push_values(chunks, |mut row, (process, chunk)| {
            row.push_bind(process.as_str())
                .push_bind(chunk.first_idx)
                .push_bind(chunk.last_idx)
                .push_bind(chunk.first_ts)
                .push_bind(chunk.last_ts)
                .push_bind(chunk.codec)
                .push_bind(chunk.bytes.as_slice());
        });
        sql.build().execute(&mut *connection).await.map_err(to_store_error)?;
    }
    Ok(())
}

/// Which log refused its chunks. It is asked after the rollback: within the transaction the row of
/// a log that grew and the row of one that had these chunks already look the same.
async fn find_gap(
    connection: &mut SqliteConnection,
    plan: &Plan<'_>,
) -> Result<StoreError, StoreError> {
    for growth in &plan.growth {
        let process = growth.process;
        let stored: Option<i64> =
            sqlx::query_scalar("SELECT next_idx FROM processes WHERE id = ?1")
                .bind(process)
                .fetch_optional(&mut *connection)
                .await
                .map_err(to_store_error)?;
        let planned = || {
            let mut planned = plan.processes.iter();
            let planned = planned.find(|planned| planned.record.process.id.as_str() == process);
            planned.map(|planned| planned.next_idx)
        };
        match stored.or_else(planned) {
            None => {
                return Ok(StoreError::Failed(format!("log of {process}: no such process")));
            }
            Some(expected) if expected != growth.from => {
                let process = ProcessId(process.to_owned());
                return Ok(StoreError::Gap { process, expected, got: growth.from });
            }
            Some(_) => {}
        }
    }
    Ok(StoreError::Failed("a log was changed by somebody else".into()))
}
