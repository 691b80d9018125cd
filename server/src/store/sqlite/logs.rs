//! Reading chunks and cursors, and removing the oldest chunks.

use app::model::ProcessId;
use futures_util::TryStreamExt as _;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{damaged, to_store_error};
use super::row::{ChunkRow, CursorRow, SweptRow};
use super::{Chunk, ChunkRange, Cursor, LogPrune, LogPruned, LogUsage, StoreError, Sweep, Swept};

/// A sweep's answer ends with the chunk that makes it larger than this.
const SWEEP_BYTES: usize = 1024 * 1024;

macro_rules! select_chunks {
    () => {
        "SELECT first_idx, last_idx, first_ts, last_ts, codec, bytes FROM process_logs
         WHERE process_id = ?1 "
    };
}

/// From the chunk that holds the index after ?2 on: the newest that begins at it or before.
pub(super) const AFTER: &str = concat!(
    select_chunks!(),
    "AND last_idx > ?2 AND first_idx >= coalesce(
         (SELECT max(first_idx) FROM process_logs WHERE process_id = ?1 AND first_idx <= ?2 + 1), 0)
     ORDER BY first_idx LIMIT ?3"
);

pub(super) const BEFORE: &str =
    concat!(select_chunks!(), "AND first_idx < ?2 ORDER BY first_idx DESC LIMIT ?3");

/// The inner query finds the beginning in the index by time; the clock may have gone back since,
/// so what follows is still looked at.
pub(super) const SINCE: &str = concat!(
    select_chunks!(),
    "AND last_ts >= ?2 AND first_idx >=
         (SELECT min(first_idx) FROM process_logs WHERE process_id = ?1 AND last_ts >= ?2)
     ORDER BY first_idx LIMIT ?3"
);

/// By rowid, which rises with every chunk that is stored. A row's times stand before its bytes, so
/// that what does not fit is passed over without reading those.
pub(super) const SWEEP: &str =
    "SELECT rowid AS place, process_id, first_idx, last_idx, first_ts, last_ts, codec, bytes
     FROM process_logs
     WHERE rowid < ?1 AND last_ts >= ?2 AND first_ts <= ?3
         AND ((?4 IS NULL AND ?5 IS NULL) OR process_id IN
             (SELECT id FROM processes
              WHERE (?4 IS NULL OR project_folded = ?4)
                  AND (?5 IS NULL OR (project, script) IN
                      (SELECT value ->> 0, value ->> 1 FROM json_each(?5)))))
     ORDER BY rowid DESC LIMIT ?6";

/// At most `limit` chunks of a log.
pub(super) async fn chunks(
    readers: &SqlitePool,
    process: &ProcessId,
    range: ChunkRange,
    limit: u32,
) -> Result<Vec<Chunk>, StoreError> {
    let (sql, bound) = match range {
        // One below the largest, so that the index after it is still a number.
        ChunkRange::After(idx) => (AFTER, idx.min(i64::MAX - 1)),
        ChunkRange::Before(idx) => (BEFORE, idx),
        ChunkRange::Since(ts) => (SINCE, ts),
    };
    let rows: Vec<ChunkRow> = sqlx::query_as(sql)
        .bind(process.as_str())
        .bind(bound)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(to_store_error)?;
    Ok(rows.into_iter().map(Chunk::from).collect())
}

/// The chunks of all logs, the last stored first.
pub(super) async fn sweep(
    readers: &SqlitePool,
    sweep: &Sweep,
    limit: u32,
) -> Result<Vec<Swept>, StoreError> {
    let scripts = sweep.scripts.as_ref().map(serde_json::to_string).transpose();
    let scripts = scripts.map_err(|error| damaged("scripts", error))?;
    let mut rows = sqlx::query_as::<_, SweptRow>(SWEEP)
        .bind(sweep.below)
        .bind(sweep.since)
        .bind(sweep.until)
        .bind(sweep.project.as_ref().map(|project| project.to_lowercase()))
        .bind(scripts)
        .bind(limit)
        .fetch(readers);
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await.map_err(to_store_error)? {
        let swept = Swept::from(row);
        bytes += swept.chunk.bytes.len();
        found.push(swept);
        if bytes >= SWEEP_BYTES {
            break;
        }
    }
    Ok(found)
}

/// Every cursor.
pub(super) async fn cursors(readers: &SqlitePool) -> Result<Vec<Cursor>, StoreError> {
    let rows: Vec<CursorRow> =
        sqlx::query_as("SELECT run, index_off, out_off, err_off FROM cursors ORDER BY run")
            .fetch_all(readers)
            .await
            .map_err(to_store_error)?;
    rows.into_iter().map(Cursor::try_from).collect()
}

/// What all chunks take. Their bytes are counted, not read.
pub(super) async fn usage(readers: &SqlitePool, older_than: i64) -> Result<LogUsage, StoreError> {
    let (bytes, older_bytes) = sqlx::query_as(
        "SELECT coalesce(sum(length(bytes)), 0),
             coalesce(sum(length(bytes)) FILTER (WHERE last_ts < ?1), 0)
         FROM process_logs",
    )
    .bind(older_than)
    .fetch_one(readers)
    .await
    .map_err(to_store_error)?;
    Ok(LogUsage { bytes, older_bytes })
}

const REMOVE_OLDER: &str = "
    DELETE FROM process_logs WHERE rowid IN
        (SELECT rowid FROM process_logs WHERE last_ts < ?1 ORDER BY rowid LIMIT ?2)
    RETURNING last_idx - first_idx + 1, length(bytes)";

/// Those before which less than the wanted bytes stand.
const REMOVE_OLDEST: &str = "
    DELETE FROM process_logs WHERE rowid IN
        (SELECT place FROM
            (SELECT place, sum(length) OVER (ORDER BY place) - length AS before FROM
                (SELECT rowid AS place, length(bytes) AS length FROM process_logs
                 ORDER BY rowid LIMIT ?2))
         WHERE before < ?1)
    RETURNING last_idx - first_idx + 1, length(bytes)";

/// Removes chunks, the first stored first.
pub(super) async fn prune(
    writer: &mut SqliteConnection,
    wanted: LogPrune,
    limit: u32,
) -> Result<LogPruned, StoreError> {
    let (sql, bound) = match wanted {
        LogPrune::OlderThan(ts) => (REMOVE_OLDER, ts),
        LogPrune::Oldest(bytes) => (REMOVE_OLDEST, bytes),
    };
    let removed: Vec<(i64, i64)> = sqlx::query_as(sql)
        .bind(bound)
        .bind(limit)
        .fetch_all(writer)
        .await
        .map_err(to_store_error)?;
    let add = |sum: LogPruned, (lines, bytes): (i64, i64)| LogPruned {
        chunks: sum.chunks + 1,
        lines: sum.lines + lines,
        bytes: sum.bytes + bytes,
    };
    Ok(removed.into_iter().fold(LogPruned::default(), add))
}
