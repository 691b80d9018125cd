//! Reading processes. Each answer is one statement, the attempts included, so that it shows one
//! moment and costs one round trip.

use app::model::{Attempt, Process, ProcessId, Status};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::error::{damaged, to_store_error};
use super::row::{ProcessRow, RecordRow};
use super::{ListQuery, ProcessRecord, ScriptName, StoreError};

/// An attempt, in the names of the model on the wire.
macro_rules! attempt {
    () => {
        "json_object(
              'n', a.n, 'pid', a.pid, 'startedAt', a.started_at, 'endedAt', a.ended_at,
              'exitCode', a.exit_code, 'signal', a.signal, 'userMs', a.user_ms,
              'systemMs', a.system_ms, 'maxRssBytes', a.max_rss_bytes,
              'firstIdx', a.first_idx, 'lastIdx', a.last_idx, 'cause', a.cause,
              'causeKind', a.cause_kind, 'causeBy', a.cause_by, 'configHash', a.config_hash,
              'endKind', a.end_kind, 'endBy', a.end_by, 'end', a.end_words)"
    };
}

/// The columns of a [`ProcessRow`].
macro_rules! columns {
    () => {
        concat!(
            "id, project, script, args, type AS kind, status, reason, created_at, started_at, ended_at,
         pid, exit_code, signal, next_idx, details,
         (SELECT json_group_array(",
            attempt!(),
            " ORDER BY a.n)
          FROM (SELECT * FROM attempts WHERE process_id = processes.id
                ORDER BY n DESC LIMIT 50) AS a) AS attempts"
        )
    };
}

/// One process.
pub(super) async fn get(
    readers: &SqlitePool,
    id: &ProcessId,
) -> Result<Option<ProcessRecord>, StoreError> {
    let row: Option<RecordRow> =
        sqlx::query_as(concat!("SELECT ", columns!(), ", spec FROM processes WHERE id = ?1"))
            .bind(id.as_str())
            .fetch_optional(readers)
            .await
            .map_err(to_store_error)?;
    row.map(ProcessRecord::try_from).transpose()
}

/// Attempts below a number, newest first.
pub(super) async fn attempts(
    readers: &SqlitePool,
    id: &ProcessId,
    before: u32,
    limit: u32,
) -> Result<Vec<Attempt>, StoreError> {
    let rows: Vec<String> = sqlx::query_scalar(concat!(
        "SELECT ",
        attempt!(),
        " FROM attempts AS a WHERE process_id = ?1 AND n < ?2 ORDER BY n DESC LIMIT ?3"
    ))
    .bind(id.as_str())
    .bind(before)
    .bind(limit)
    .fetch_all(readers)
    .await
    .map_err(to_store_error)?;
    let read = |row: String| serde_json::from_str(&row);
    rows.into_iter().map(read).collect::<Result<_, _>>().map_err(|error| damaged("attempts", error))
}

/// A page, newest first.
pub(super) async fn list(
    readers: &SqlitePool,
    query: &ListQuery,
) -> Result<Vec<Process>, StoreError> {
    let mut sql =
        QueryBuilder::<Sqlite>::new(concat!("SELECT ", columns!(), " FROM processes WHERE true"));
    if let Some(q) = &query.q {
        // instr, not LIKE: it knows no wildcards, so there is nothing to escape, and both sides
        // were folded by the same code, so it finds É for é as well.
        sql.push(" AND instr(search_text, ").push_bind(q.to_lowercase()).push(") > 0");
    }
    if let Some(status) = &query.status {
        let also = serde_json::to_string(&query.also)
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        sql.push(" AND (status = ").push_bind(status.to_lowercase());
        sql.push(" OR id IN (SELECT value FROM json_each(").push_bind(also).push(")))");
    }
    if let Some(project) = &query.project {
        sql.push(" AND project_folded = ").push_bind(project.to_lowercase());
    }
    if let Some(after) = query.ended_after {
        sql.push(" AND ended_at > ").push_bind(after);
    }
    if let Some(before) = &query.before {
        sql.push(" AND id < ").push_bind(before.as_str());
    }
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(query.limit);
    let rows: Vec<ProcessRow> =
        sql.build_query_as().fetch_all(readers).await.map_err(to_store_error)?;
    rows.into_iter().map(Process::try_from).collect()
}

/// Every script that something was started of, with how often.
pub(super) async fn start_counts(
    readers: &SqlitePool,
) -> Result<Vec<(ScriptName, i64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT project, script, count(*) FROM processes GROUP BY project, script
         ORDER BY project, script",
    )
    .fetch_all(readers)
    .await
    .map_err(to_store_error)?;
    Ok(rows.into_iter().map(to_count).collect())
}

/// Every script of which some ended so after a time, with how many.
pub(super) async fn end_counts(
    readers: &SqlitePool,
    status: Status,
    after: i64,
) -> Result<Vec<(ScriptName, i64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT project, script, count(*) FROM processes WHERE status = ?1 AND ended_at > ?2
         GROUP BY project, script ORDER BY project, script",
    )
    .bind(status.as_str())
    .bind(after)
    .fetch_all(readers)
    .await
    .map_err(to_store_error)?;
    Ok(rows.into_iter().map(to_count).collect())
}

fn to_count((project, script, count): (String, String, i64)) -> (ScriptName, i64) {
    ((project, script), count)
}

/// Those that have not ended, oldest first.
pub(super) async fn list_open(readers: &SqlitePool) -> Result<Vec<ProcessRecord>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(concat!(
        "SELECT ",
        columns!(),
        ", spec FROM processes WHERE status IN ("
    ));
    let mut names = sql.separated(", ");
    for status in Status::ALL.into_iter().filter(|status| !status.is_ended()) {
        names.push_bind(status.as_str());
    }
    sql.push(") ORDER BY id");
    let rows: Vec<RecordRow> =
        sql.build_query_as().fetch_all(readers).await.map_err(to_store_error)?;
    rows.into_iter().map(ProcessRecord::try_from).collect()
}
