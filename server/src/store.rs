//! What is kept: processes, attempts, log chunks, cursors and the audit.
//!
//! [`Store`] is the port that every database implements; one conformance suite
//! (`store::conformance`) holds them to the same behaviour. Writes go through [`Writer`], which puts
//! what many tasks submit at the same time into one transaction.

use async_trait::async_trait;

use app::model::{Attempt, Process, ProcessId, Status};

mod access;
mod audit_end;
mod chain;
#[cfg(test)]
mod conformance;
mod plan;
mod sqlite;
mod writer;

pub use access::{
    AccessChange, AccessRecords, AccessStore, AuditEnds, AuditLine, SessionRecord, TokenRecord,
    UserRecord,
};
pub use audit_end::{PROCESS_END, end_record};
pub use chain::{Broken, ChainCheck};
pub use sqlite::SqliteStore;
pub use writer::Writer;

/// A process as it is kept: what everybody sees, and what only a restart needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRecord {
    /// With its attempts, oldest first.
    pub process: Process,
    /// How to run it (JSON, of the engine's making): never shown, it may hold secrets.
    pub spec: String,
}

/// How far a run's output has been taken into the log. Written in the same transaction as the
/// chunk that it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The run, as the keeper knows it: `PROCESS.ATTEMPT`.
    pub run: String,
    /// Bytes of the index that are done with.
    pub index_off: u64,
    /// Bytes of stdout that stand in the log: up to the end of the last whole line.
    pub out_off: u64,
    /// The same of stderr.
    pub err_off: u64,
}

/// A batch of log entries, compressed. `first_idx..=last_idx` has no holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Index of its first entry.
    pub first_idx: i64,
    /// Index of its last entry.
    pub last_idx: i64,
    /// Smallest time in it, milliseconds since the epoch.
    pub first_ts: i64,
    /// Largest time in it.
    pub last_ts: i64,
    /// How `bytes` is to be read; see `logs::chunk`.
    pub codec: u8,
    /// The entries.
    pub bytes: Vec<u8>,
}

/// Which chunks to read, in the order of their indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkRange {
    /// The chunks that hold entries with an index above this, ascending.
    After(i64),
    /// The chunks that hold entries with an index below this, descending.
    Before(i64),
    /// The chunks that hold entries written at this time or later, ascending.
    Since(i64),
}

/// Which chunks of all logs to read, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Only chunks at places below this: that of the last one read, or the largest number.
    pub below: i64,
    /// Only chunks with entries written at this time or later.
    pub since: i64,
    /// Only chunks with entries written at this time or earlier.
    pub until: i64,
    /// Only logs of this project, whatever the case.
    pub project: Option<String>,
    /// Only logs of these scripts; `None` for all.
    pub scripts: Option<Vec<ScriptName>>,
}

/// A project and a script of it, that something was started of.
pub type ScriptName = (String, String);

/// A chunk of some log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Its place in the order in which all chunks were stored.
    pub place: i64,
    /// Whose log.
    pub process: ProcessId,
    /// The entries.
    pub chunk: Chunk,
}

/// What all logs take, compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogUsage {
    /// All of them, in bytes.
    pub bytes: i64,
    /// Those that were written before the time asked for.
    pub older_bytes: i64,
}

/// What the database takes on the disk, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub bytes: i64,
    /// What is free in it.
    pub free_bytes: i64,
}

/// Which chunks of all logs to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPrune {
    /// Whose newest line was written before this time (milliseconds since the epoch).
    OlderThan(i64),
    /// Those that were stored first, until so many bytes are free.
    Oldest(i64),
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPruned {
    /// How many chunks.
    pub chunks: u32,
    /// How many lines were in them.
    pub lines: i64,
    /// How many bytes they took.
    pub bytes: i64,
}

/// An act: who did what, with which outcome. A text is empty where there is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRecord {
    /// Milliseconds since the epoch.
    pub at: i64,
    /// The name on the token or session.
    pub actor: String,
    /// The person, or the one who made the token, by their id: a name may be given again. Empty for
    /// everybody else.
    pub actor_id: String,
    /// How they came in: `session`, `token`, `console`, `link`, `password`.
    pub via: String,
    /// From which address.
    pub address: String,
    /// `process.start`, `process.stop`, `session.create` ...
    pub action: String,
    /// What was acted on: a process id, a script.
    pub target: String,
    /// The project that it was about.
    pub project: String,
    /// The script that it was about.
    pub script: String,
    /// The process that it was about.
    pub process_id: String,
    /// Which attempt of the process.
    pub attempt: Option<u32>,
    /// `ok`, or the problem's code.
    pub outcome: String,
    /// Words for people.
    pub detail: String,
}

/// One change. A list of them is one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Inserts the process with its attempts, or replaces it. `next_idx` counts for a new process
    /// only: afterwards the chunks alone move it. Attempts are added and replaced, not removed.
    PutProcess(Box<ProcessRecord>),
    /// Replaces what is seen of a process in the same way, and leaves how to run it as it is. One that is
    /// not there is refused.
    UpdateProcess(Box<Process>),
    /// Appends a chunk to a log, and moves the cursor of the run that it came from. A chunk whose
    /// `first_idx` is not the process's next index is refused ([`StoreError::Gap`]).
    AppendChunk {
        /// Whose log.
        process: ProcessId,
        /// The entries.
        chunk: Chunk,
        /// `None` for entries that came from no run (`system`).
        cursor: Option<Cursor>,
    },
    /// Moves a cursor without entries.
    PutCursor(Cursor),
    /// Forgets a run's cursor: its spool is gone.
    DropCursor(String),
    /// Adds a line to the audit.
    Audit(AuditRecord),
    /// Remembers something of the engine's own.
    Keep {
        /// Its name: a kind, a slash, what it is about.
        key: String,
        /// `None` forgets it.
        value: Option<String>,
    },
}

/// Which processes to list, newest first. Strings are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Text found in script, project, args or id.
    pub q: Option<String>,
    /// A status by name.
    pub status: Option<String>,
    /// With a status: these as well, whatever status is stored of them.
    pub also: Vec<ProcessId>,
    /// A project's name.
    pub project: Option<String>,
    /// Only processes that ended later than this (milliseconds since the epoch).
    pub ended_after: Option<i64>,
    /// Only processes with an id below this (ids sort by time).
    pub before: Option<ProcessId>,
    /// At most so many.
    pub limit: u32,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error, Clone)]
pub enum StoreError {
    /// The database was written by a newer Runyard.
    #[error("the database {0} was written by a newer version of runyard: update runyard")]
    Newer(String),
    /// It cannot be opened.
    #[error("cannot open the database {url}: {why}")]
    Open {
        /// As configured.
        url: String,
        /// The database's words.
        why: String,
    },
    /// A chunk does not begin where the log ends.
    #[error("log of {process}: a chunk begins at {got}, the log ends before {expected}")]
    Gap {
        /// Whose log.
        process: ProcessId,
        /// The log's next index.
        expected: i64,
        /// The chunk's first.
        got: i64,
    },
    /// Somebody has this name.
    #[error("the name {0:?} is taken: choose another one")]
    Taken(String),
    /// It may work later: locked, full, an I/O error.
    #[error("the database cannot write now: {0}")]
    Unavailable(String),
    /// It will not work later either.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// A database.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes all of the changes, or none.
    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError>;
    /// Waits until all that was committed is on the disk, and survives the loss of power.
    async fn sync(&self) -> Result<(), StoreError>;
    /// One process.
    async fn get_process(&self, id: &ProcessId) -> Result<Option<ProcessRecord>, StoreError>;
    /// A page of processes.
    async fn list_processes(&self, query: &ListQuery) -> Result<Vec<Process>, StoreError>;
    /// At most `limit` attempts of a process with a number below `before`, newest first.
    async fn attempts(
        &self,
        id: &ProcessId,
        before: u32,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError>;
    /// Every process that has not ended, oldest first: what a restarted server takes up again.
    async fn open_processes(&self) -> Result<Vec<ProcessRecord>, StoreError>;
    /// Every script that something was started of, with how often, by name.
    async fn start_counts(&self) -> Result<Vec<(ScriptName, i64)>, StoreError>;
    /// How many processes of each script ended with this status later than `after`, by name.
    async fn end_counts(
        &self,
        status: Status,
        after: i64,
    ) -> Result<Vec<(ScriptName, i64)>, StoreError>;
    /// Every cursor: the runs whose spool has not been given back.
    async fn cursors(&self) -> Result<Vec<Cursor>, StoreError>;
    /// At most `limit` chunks of a log.
    async fn chunks(
        &self,
        process: &ProcessId,
        range: ChunkRange,
        limit: u32,
    ) -> Result<Vec<Chunk>, StoreError>;
    /// At most `limit` chunks of all logs, the last stored first; fewer when they are large.
    /// None only when there are none left.
    async fn sweep(&self, sweep: &Sweep, limit: u32) -> Result<Vec<Swept>, StoreError>;
    /// What all logs take; and what of it was written before `older_than`.
    async fn log_usage(&self, older_than: i64) -> Result<LogUsage, StoreError>;
    /// Removes at most `limit` chunks, the first stored first. The numbers of what stays do not
    /// change.
    async fn prune_logs(&self, wanted: LogPrune, limit: u32) -> Result<LogPruned, StoreError>;
    /// How much the database takes.
    async fn space(&self) -> Result<Space, StoreError>;
    /// Gives about `bytes` that are free in the database back to the disk, in a transaction of its
    /// own. Whether there is more to give.
    async fn give_back(&self, bytes: i64) -> Result<bool, StoreError>;
    /// What was kept under keys that begin so: each key with its value, by key.
    async fn kept(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError>;
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A whole database.
pub trait Database: Store + AccessStore {}

impl<T: Store + AccessStore> Database for T {}
