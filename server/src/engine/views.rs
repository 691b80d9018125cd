//! What can be seen of processes.

use std::sync::Arc;

use app::model::{Figures as TreeFigures, Pool, Process, ProcessId, Status};
use tokio::sync::broadcast;

use super::registry::Handle;
use super::{Engine, EngineError, Figures, Update};
use crate::config::PoolsConfig;
use crate::logs::hub::Log;
use crate::logs::read::LogReader;
use crate::project::LaunchPlan;
use crate::store::ProcessRecord;

impl Engine {
    /// One process: from memory, else from the store.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn process(&self, id: &ProcessId) -> Result<Arc<Process>, EngineError> {
        if let Some(process) = self.in_memory(id) {
            return Ok(process);
        }
        let record = self.shared.store.get_process(id).await?;
        record
            .map(|record| Arc::new(record.process))
            .ok_or_else(|| EngineError::NotFound(id.clone()))
    }

    /// The snapshot in memory, if it is there: newer than what the store lists.
    #[must_use]
    pub fn in_memory(&self, id: &ProcessId) -> Option<Arc<Process>> {
        let process = self.shared.registry.get(id)?.newest();
        if process.status != Status::Queued {
            return Some(process);
        }
        // Those far behind are not told of every move of the line: where they stand is looked up.
        let pool = process.pool.as_deref().unwrap_or(PoolsConfig::DEFAULT);
        let Some(place) = self.shared.pools.get(pool).place_of(id) else { return Some(process) };
        let mut process = (*process).clone();
        process.position = u32::try_from(place.ahead + 1).ok();
        process.reason = place.describe(pool);
        Some(Arc::new(process))
    }

    /// The processes in memory that have this status: what is stored of them may be older.
    #[must_use]
    pub fn ids_with_status(&self, status: Status) -> Vec<ProcessId> {
        self.shared.registry.ids_with_status(status)
    }

    /// The live end of a log, when the process is in memory.
    #[must_use]
    pub fn log(&self, id: &ProcessId) -> Option<Arc<Log>> {
        self.shared.registry.get(id).map(|handle| Arc::clone(handle.log()))
    }

    /// Reads the log of a process.
    #[must_use]
    pub fn log_reader(&self, id: &ProcessId) -> LogReader {
        LogReader::new(Arc::clone(&self.shared.store), id.clone(), self.log(id))
    }

    /// The live end of a log; a process that is not in memory is brought back to it.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn open_log(&self, id: &ProcessId) -> Result<Arc<Log>, EngineError> {
        if let Some(log) = self.log(id) {
            return Ok(log);
        }
        let record = self.shared.store.get_process(id).await?;
        let process = record.ok_or_else(|| EngineError::NotFound(id.clone()))?.process;
        let log = Log::new(id.clone(), process.next_idx);
        Ok(self.shared.registry.recall(Handle::ended(process, log)))
    }

    /// What is stored of how a process is started.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan_of(&self, record: &ProcessRecord) -> Result<LaunchPlan, EngineError> {
        self.shared.decode_plan(record)
    }

    /// The figures of what is in memory.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let pools = self.shared.pools.list();
        let sum = |of: fn(&Pool) -> u32| pools.iter().map(|pool| of(pool) as usize).sum();
        let (slots_used, queued) = (sum(|pool| pool.used), sum(|pool| pool.waiting));
        let slots = sum(|pool| pool.slots);
        Figures { by_status: self.shared.registry.statuses(), slots_used, slots, queued }
    }

    /// What a process and all that it started used: the newest `most` looks.
    #[must_use]
    pub fn tree_figures(&self, id: &ProcessId, most: usize) -> TreeFigures {
        self.shared.meter.figures(id, most)
    }

    /// The processes that run.
    #[must_use]
    pub fn running(&self) -> Vec<Arc<Process>> {
        let roots = self.shared.registry.roots();
        roots.iter().filter_map(|(id, _)| self.in_memory(id)).collect()
    }

    /// The processes in memory that have this status: all of them, unless it is an end.
    #[must_use]
    pub fn with_status(&self, status: Status) -> Vec<Arc<Process>> {
        let ids = self.shared.registry.ids_with_status(status);
        ids.iter().filter_map(|id| self.in_memory(id)).collect()
    }

    /// Every change of every process from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Arc<Update>> {
        self.shared.updates.subscribe()
    }
}
