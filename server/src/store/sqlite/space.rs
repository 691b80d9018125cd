//! What the file takes, and giving back what is free in it.
//!
//! SQLite keeps the pages of what was removed, and uses them again. Only with `auto_vacuum` can some
//! of them be cut off at the end of the file while others are at work; a database has that from its
//! first page on, or after a `VACUUM`, which writes it anew.

use sqlx::{Executor, Sqlite, SqliteConnection};

use super::error::to_store_error;
use super::{Space, StoreError};

/// `PRAGMA auto_vacuum`: pages are given back when it is asked for.
const INCREMENTAL: i64 = 2;
/// A file that takes more is not written anew at a start: that would take longer than a moment.
pub(super) const WRITTEN_ANEW_BYTES: i64 = 256 << 20;

/// How much the file takes, and how much of it is free.
pub(super) async fn space(
    database: impl Executor<'_, Database = Sqlite>,
) -> Result<Space, StoreError> {
    let sql = "SELECT page_count * page_size, freelist_count * page_size
        FROM pragma_page_count, pragma_page_size, pragma_freelist_count";
    let (bytes, free_bytes) =
        sqlx::query_as(sql).fetch_one(database).await.map_err(to_store_error)?;
    Ok(Space { bytes, free_bytes })
}

/// Cuts free pages off, as many as make `bytes`. Whether there are more.
pub(super) async fn give_back(
    connection: &mut SqliteConnection,
    bytes: i64,
) -> Result<bool, StoreError> {
    if auto_vacuum(&mut *connection).await? != INCREMENTAL {
        return Ok(false);
    }
    if space(&mut *connection).await?.free_bytes == 0 {
        return Ok(false);
    }
    let page_bytes: i64 = sqlx::query_scalar("SELECT page_size FROM pragma_page_size")
        .fetch_one(&mut *connection)
        .await
        .map_err(to_store_error)?;
    // A number, so nothing in it is to be escaped; a pragma takes no parameters.
    let sql = format!("PRAGMA incremental_vacuum({})", (bytes / page_bytes.max(1)).max(1));
    // It goes on for as long as it is asked for rows.
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .fetch_all(&mut *connection)
        .await
        .map_err(to_store_error)?;
    let has_more = space(&mut *connection).await?.free_bytes > 0;
    if !has_more {
        // The file itself gets smaller when the write-ahead log is folded into it.
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)")
            .fetch_all(&mut *connection)
            .await
            .map_err(to_store_error)?;
    }
    Ok(has_more)
}

/// Whether a database can give pages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prepared {
    /// It could already.
    Before,
    /// It was written anew, and can now.
    Anew,
    /// It takes so many bytes that it was left as it is, and cannot.
    TooLarge(i64),
}

/// Makes a database of an earlier version one that can give pages back, unless it takes more than
/// `most_bytes`: writing it anew would take long.
pub(super) async fn prepare(
    connection: &mut SqliteConnection,
    most_bytes: i64,
) -> Result<Prepared, sqlx::Error> {
    let mode: i64 = sqlx::query_scalar("SELECT auto_vacuum FROM pragma_auto_vacuum")
        .fetch_one(&mut *connection)
        .await?;
    if mode == INCREMENTAL {
        return Ok(Prepared::Before);
    }
    let bytes: i64 = sqlx::query_scalar(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    )
    .fetch_one(&mut *connection)
    .await?;
    if bytes > most_bytes {
        return Ok(Prepared::TooLarge(bytes));
    }
    // The copy is as large as the database: on the disk, and not in memory as what is temporary else.
    let sql = "PRAGMA temp_store = file; PRAGMA auto_vacuum = incremental; VACUUM";
    sqlx::raw_sql(sql).execute(&mut *connection).await?;
    Ok(Prepared::Anew)
}

async fn auto_vacuum(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT auto_vacuum FROM pragma_auto_vacuum")
        .fetch_one(connection)
        .await
        .map_err(to_store_error)
}
