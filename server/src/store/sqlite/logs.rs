//! Reading chunks and cursors.

use app::model::ProcessId;
use sqlx::SqlitePool;

use super::error::to_store_error;
use super::row::{ChunkRow, CursorRow};
use super::{Chunk, ChunkRange, Cursor, StoreError};

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

/// Every cursor.
pub(super) async fn cursors(readers: &SqlitePool) -> Result<Vec<Cursor>, StoreError> {
    let rows: Vec<CursorRow> =
        sqlx::query_as("SELECT run, index_off, out_off, err_off FROM cursors ORDER BY run")
            .fetch_all(readers)
            .await
            .map_err(to_store_error)?;
    rows.into_iter().map(Cursor::try_from).collect()
}
