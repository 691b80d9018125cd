//! What the pages need of the server. The server's `service` implements it; the caller's identity
//! is already inside the implementation that a request is given, so no door can forget it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{
    AttemptPage, AuditPage, Catalogue, ConfigDiff, DeclaredList, Figures, LogPage, PoolList,
    Problem, Process, ProcessConfiguration, ProcessId, ProcessList, StartRequest, Started, Verb,
};

/// The backend of one request: bound to the one who asks.
pub type BackendRef = Arc<dyn Backend>;

/// What `GET /api/processes` takes.
#[derive(Clone, Debug, Default)]
pub struct ProcessFilter {
    /// Case-insensitive text in script, project, args or id.
    pub q: Option<String>,
    /// A [`crate::model::Status`] by name.
    pub status: Option<String>,
    /// A project's name.
    pub project: Option<String>,
    /// At most so many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// The use-cases of the pages. Every error is a [`Problem`] with a stable code.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Who asks, as shown in the page's corner.
    fn user_name(&self) -> String;
    /// Everything startable, most used first in each project.
    async fn list_scripts(&self) -> Result<Catalogue, Problem>;
    /// Newest first.
    async fn list_processes(&self, filter: ProcessFilter) -> Result<ProcessList, Problem>;
    /// One process with its attempts.
    async fn get_process(&self, id: ProcessId) -> Result<Process, Problem>;
    /// What may be done to it.
    async fn allowed_verbs(&self, id: ProcessId) -> Result<Vec<Verb>, Problem>;
    /// The newest `tail` entries of its log, or as many around the one with the index `around`.
    async fn tail_log(
        &self,
        id: ProcessId,
        tail: u32,
        around: Option<i64>,
    ) -> Result<LogPage, Problem>;
    /// Its attempts with a number below `before`, newest first.
    async fn list_attempts(
        &self,
        id: ProcessId,
        before: Option<u32>,
    ) -> Result<AttemptPage, Problem>;
    /// What its newest attempt was started with.
    async fn process_configuration(&self, id: ProcessId) -> Result<ProcessConfiguration, Problem>;
    /// What the audit says of it, newest first, from a cursor on.
    async fn process_audit(&self, id: ProcessId, cursor: Option<i64>)
    -> Result<AuditPage, Problem>;
    /// Starts a script.
    async fn start_process(&self, request: StartRequest) -> Result<Started, Problem>;
    /// Asks it to end; the answer is the process as it is then.
    async fn stop_process(&self, id: ProcessId) -> Result<Process, Problem>;
    /// Stops it if it runs, and starts a new attempt.
    async fn restart_process(&self, id: ProcessId) -> Result<Process, Problem>;
    /// Sends a signal (`SIGHUP`) to it.
    async fn signal_process(&self, id: ProcessId, signal: String) -> Result<(), Problem>;
    /// What runs, what failed, how full things are.
    async fn overview(&self) -> Result<crate::report::Overview, Problem>;
    /// What is declared.
    async fn list_declared(&self) -> Result<DeclaredList, Problem>;
    /// Starts what is to be started with Runyard, or stops everything declared in order.
    async fn run_declared(&self, start: bool) -> Result<DeclaredList, Problem>;
    /// The pools of slots.
    async fn list_pools(&self) -> Result<PoolList, Problem>;
    /// Stops serving a pool, or serves it again.
    async fn pause_pool(&self, name: String, is_paused: bool) -> Result<PoolList, Problem>;
    /// What reading the configuration again would change.
    async fn preview_reload(&self) -> Result<ConfigDiff, Problem>;
    /// Puts it in force.
    async fn reload(&self, version: String) -> Result<ConfigDiff, Problem>;
    /// What a process used in the last quarter of an hour.
    async fn process_figures(&self, id: ProcessId) -> Result<Figures, Problem>;
    /// The same of every process that runs, for the last minute.
    async fn list_sparks(&self) -> Result<Vec<Figures>, Problem>;
    /// Sends a line to a process.
    async fn send_line(&self, id: ProcessId, line: String) -> Result<(), Problem>;
}
