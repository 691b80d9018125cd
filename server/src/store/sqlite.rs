//! The store in one SQLite file: the default, with nothing to install.
//!
//! One connection writes and two read: SQLite lets one writer in at a time whatever is done, and
//! with the write-ahead log readers never wait for it. A commit survives a crash of the server as
//! soon as it returns; a power cut may take the newest ones, never the database
//! (`synchronous = NORMAL`), unless they were [synced](Store::sync).
//!
//! Each connection is a thread that is spoken to through a channel, and that round trip costs more
//! than a small statement. So a transaction is folded (`plan`) and then sent as one statement
//! (`write.sql`).

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlitePool;

use app::model::{Attempt, Process, ProcessId, Status};

use crate::failpoint;

use super::plan::Plan;
use super::{
    AuditRecord, Change, Chunk, ChunkRange, Cursor, ListQuery, LogPrune, LogPruned, LogUsage,
    ProcessRecord, ScriptName, Space, Store, StoreError, Sweep, Swept,
};

mod access;
mod audit;
mod error;
mod file;
mod location;
mod logs;
mod open;
mod processes;
mod row;
mod space;
mod turn;
mod write;

use audit::AuditChain;
use error::to_store_error;
use file::DatabaseFile;
use turn::Writer;

/// A database in a file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    /// Where the audit's next line belongs.
    chain: Arc<AuditChain>,
    file: DatabaseFile,
}

impl SqliteStore {
    /// Opens the database at `location`, a path or `sqlite:PATH`. A missing file is made, for its
    /// owner's eyes only, and the schema is brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a newer Runyard wrote it, [`StoreError::Open`] when it cannot be
    /// opened and written.
    pub async fn open(location: &str) -> Result<Self, StoreError> {
        let (writer, readers, file) = open::open(location).await?;
        Ok(Self { writer, readers, chain: Arc::default(), file })
    }

    /// Copies all of the write-ahead log into the file, and waits until that is on the disk.
    async fn fold(&self) -> Result<(), StoreError> {
        let refuse = |why: &str| StoreError::Unavailable(format!("cannot fold the log: {why}"));
        failpoint::disturb("store-sync").map_err(|error| refuse(&error.to_string()))?;
        let mut turn = self.writer.turn().await?;
        let (is_busy, in_log, copied): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(FULL)")
                .fetch_one(&mut *turn)
                .await
                .map_err(to_store_error)?;
        if is_busy == 0 && in_log == copied { Ok(()) } else { Err(refuse("somebody reads it")) }
    }

    /// Waits for what is being read or written, and closes the file. Afterwards everything fails.
    pub async fn close(&self) {
        self.readers.close().await;
        // Last, so that it is the one that folds the write-ahead log into the file.
        self.writer.close().await;
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let plan = Plan::new(changes)?;
        if plan.is_empty() {
            return Ok(());
        }
        // SQLite would go on writing to a file that nobody finds again.
        self.file.check()?;
        let result = self.chain.commit(&mut *self.writer.turn().await?, &plan).await;
        if matches!(result, Err(StoreError::Unavailable(_))) {
            self.writer.renew().await;
        }
        result
    }

    async fn sync(&self) -> Result<(), StoreError> {
        if !self.file.is_doubtful() {
            return self.file.sync().await;
        }
        self.file.check()?;
        self.fold().await?;
        self.file.trust();
        Ok(())
    }

    async fn get_process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>, StoreError> {
        processes::get(&self.readers, id).await
    }

    async fn list_processes(&self, query: &ListQuery) -> Result<Vec<Process>, StoreError> {
        processes::list(&self.readers, query).await
    }

    async fn attempts(
        &self,
        id: &ProcessId,
        before: u32,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        processes::attempts(&self.readers, id, before, limit).await
    }

    async fn open_processes(&self) -> Result<Vec<ProcessRecord>, StoreError> {
        processes::list_open(&self.readers).await
    }

    async fn end_counts(
        &self,
        status: Status,
        after: i64,
    ) -> Result<Vec<(ScriptName, i64)>, StoreError> {
        processes::end_counts(&self.readers, status, after).await
    }

    async fn start_counts(&self) -> Result<Vec<(ScriptName, i64)>, StoreError> {
        processes::start_counts(&self.readers).await
    }

    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        logs::cursors(&self.readers).await
    }

    async fn chunks(
        &self,
        process: &ProcessId,
        range: ChunkRange,
        limit: u32,
    ) -> Result<Vec<Chunk>, StoreError> {
        logs::chunks(&self.readers, process, range, limit).await
    }

    async fn sweep(&self, sweep: &Sweep, limit: u32) -> Result<Vec<Swept>, StoreError> {
        logs::sweep(&self.readers, sweep, limit).await
    }

    async fn log_usage(&self, older_than: i64) -> Result<LogUsage, StoreError> {
        logs::usage(&self.readers, older_than).await
    }

    async fn prune_logs(&self, wanted: LogPrune, limit: u32) -> Result<LogPruned, StoreError> {
        logs::prune(&mut *self.writer.turn().await?, wanted, limit).await
    }

    async fn space(&self) -> Result<Space, StoreError> {
        space::space(&self.readers).await
    }

    async fn give_back(&self, bytes: i64) -> Result<bool, StoreError> {
        space::give_back(&mut *self.writer.turn().await?, bytes).await
    }

    async fn kept(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query_as(
            "SELECT key, value FROM kept WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
        )
        .bind(prefix)
        .fetch_all(&self.readers)
        .await
        .map_err(to_store_error)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.file.check()?;
        sqlx::query("SELECT 1").execute(&self.readers).await.map_err(to_store_error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
