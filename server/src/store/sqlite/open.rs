//! Opening: the file, the schema, the connections.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlitePool};

use super::space::{self, Prepared};
use super::{DatabaseFile, StoreError, Writer, location};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// How long a statement waits for another program's lock (a backup) before it is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 2;
/// Prepared statements kept per connection: every shape that this module makes.
const STATEMENTS: usize = 64;
// Pages in memory, in KiB (negative is SQLite's way of saying so). What is read again soon is in
// the operating system's cache in any case.
const WRITER_CACHE: &str = "-1024";
const READER_CACHE: &str = "-512";
/// Pages in the write-ahead log after which they are brought into the database. Whoever commits then
/// waits for the disk: four times as many as by default, so a fourth as often.
const CHECKPOINT_PAGES: &str = "4000";
/// Bytes that the write-ahead log is cut back to after it has grown.
const WAL_LIMIT: &str = "16777216";

/// The one writer, and the pool of the readers.
pub(super) async fn open(location: &str) -> Result<(Writer, SqlitePool, DatabaseFile), StoreError> {
    let refuse = |why: String| StoreError::Open { url: location.to_owned(), why };
    let path = location::parse(location).map_err(refuse)?;
    location::prepare(&path).map_err(refuse)?;

    migrate(&path).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
            StoreError::Newer(location.to_owned())
        }
        MigrateError::VersionMismatch(version) => {
            refuse(format!("its schema is another one than migration {version} makes"))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            refuse(words(&error))
        }
        error => refuse(error.to_string()),
    })?;
    let writer = Writer::open(&path).await.map_err(|error| refuse(words(&error)))?;
    let readers = connect_readers(&path).await.map_err(|error| refuse(words(&error)))?;
    let file = DatabaseFile::of(&path).map_err(|error| refuse(error.to_string()))?;
    Ok((writer, readers, file))
}

/// On a connection of its own: what the writer's sets up must not stand in a migration's way.
async fn migrate(path: &Path) -> Result<(), MigrateError> {
    let pool = pool_options(1).connect_with(writer_options(path)).await?;
    let result = MIGRATIONS.run(&pool).await;
    if result.is_ok()
        && let Ok(mut connection) = pool.acquire().await
    {
        // It works as well without; only what is free in it stays with it.
        match space::prepare(&mut connection, space::WRITTEN_ANEW_BYTES).await {
            Ok(Prepared::Before) => {}
            Ok(Prepared::Anew) => {
                tracing::info!("the database was written anew, to give back space");
            }
            Ok(Prepared::TooLarge(bytes)) => tracing::warn!(
                bytes,
                "the database gives no space back to the disk: it is of an earlier version, and too \
                 large to be written anew at a start; with runyard stopped, sqlite3 can do it: PRAGMA \
                 auto_vacuum = incremental; VACUUM"
            ),
            Err(error) => tracing::warn!(%error, "the database cannot be made smaller"),
        }
    }
    pool.close().await;
    result
}

async fn connect_readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    pool_options(READERS).connect_with(reader_options(path)).await
}

fn pool_options(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection to a file does not go stale.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

pub(super) fn writer_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        // Before the first page is written, so that space can be given back: see `space`.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", WAL_LIMIT)
        .pragma("temp_store", "memory")
        .thread_name(|_| "sqlite-write".to_owned())
}

fn reader_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .read_only(true)
        .pragma("cache_size", READER_CACHE)
        .thread_name(|_| "sqlite-read".to_owned())
}

/// The database's own words, without sqlx's around them.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}
