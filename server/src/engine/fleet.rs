//! The declared processes: starts them together, at their times, and when another one needs them;
//! stops them in order; follows the file when it is read again.
//!
//! Theory of operation: what runs is the engine's, what is declared is the catalog's; this compares
//! the two. It has two tasks, one for the times and one for what others wait for, and no state but
//! the last time of each schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::model::{CauseKind, Process, ProcessType, StartRequest};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::config::{ProcessConfig, dependants_first, dependencies_first};
use crate::project::{Catalog, PlanError, ProcessEnv, SharedCatalog};
use crate::store::AuditRecord;

use super::board::Want;
use super::cause::Cause;
use super::{Engine, EngineError};

mod list;
mod times;

/// Why a declared process was not started.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// It does not fit what is there.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// See the module.
pub struct Fleet {
    engine: Engine,
    catalog: Arc<SharedCatalog>,
    /// One start of declared processes at a time: two would both find nothing there.
    starting: tokio::sync::Mutex<()>,
    last_times: Mutex<BTreeMap<String, i64>>,
    /// Times that wait for the run before to end.
    pending: Mutex<BTreeSet<String>>,
    reloaded: Notify,
}

impl Fleet {
    /// Looks after what `catalog` declares.
    #[must_use]
    pub fn new(engine: Engine, catalog: Arc<SharedCatalog>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            catalog,
            starting: tokio::sync::Mutex::default(),
            last_times: Mutex::default(),
            pending: Mutex::default(),
            reloaded: Notify::new(),
        })
    }

    /// Starts what is to be started together with Runyard, and looks after the rest until it ends.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(self: &Arc<Self>) -> Result<(), EngineError> {
        self.recall_times().await?;
        let shared = Arc::clone(&self.engine.shared);
        let wanted = shared.wants.lock().take();
        if let Some(wanted) = wanted {
            let (fleet, stop) = (Arc::clone(self), shared.stop.clone());
            shared.tasks.spawn(async move {
                stop.run_until_cancelled(fleet.start_what_others_need(wanted)).await;
            });
        }
        let (fleet, stop) = (Arc::clone(self), shared.stop.clone());
        shared.tasks.spawn(async move {
            stop.run_until_cancelled(async {
                let all: Vec<String> = fleet.declared().into_keys().collect();
                fleet.start_each(&all, true, &Cause::new(CauseKind::Autostart, "runyard")).await;
                fleet.keep_time().await;
            })
            .await;
        });
        Ok(())
    }

    fn declared(&self) -> BTreeMap<String, ProcessConfig> {
        self.catalog.current().declared().clone()
    }

    /// Starts a declared process: all replicas of a service that are not there, or a job. The
    /// answer is the first that was started. `audit` is stored together with it.
    ///
    /// # Errors
    /// When it does not fit, runs already, or cannot be started.
    pub async fn start(
        &self,
        name: &str,
        request: &StartRequest,
        cause: &Cause,
        audit: impl Fn(&Process) -> AuditRecord,
    ) -> Result<Arc<Process>, FleetError> {
        let _starting = self.starting.lock().await;
        let catalog = self.catalog.current();
        let first_plan = catalog.plan_declared(name, 0, request, &ProcessEnv)?;
        let is_service = first_plan.kind == ProcessType::LongRunning;
        let replicas = catalog.declared().get(name).map_or(1, ProcessConfig::replicas);
        let live = self.engine.shared.registry.live_of(name);
        let mut first_plan = Some(first_plan);
        let mut first = None;
        for replica in 0..replicas {
            if is_service && live.iter().any(|(there, _)| *there == replica) {
                continue;
            }
            let plan = match first_plan.take().filter(|_| replica == 0) {
                Some(plan) => plan,
                None => catalog.plan_declared(name, replica, request, &ProcessEnv)?,
            };
            let started = self.engine.start_process(plan, cause.clone(), &audit).await?;
            first.get_or_insert(started);
        }
        first.ok_or_else(|| {
            let why = format!("{name} runs already: restart or stop it");
            EngineError::InvalidState(why).into()
        })
    }

    async fn start_by_itself(&self, name: &str, cause: &Cause) {
        let request = StartRequest { script_name: name.to_owned(), ..StartRequest::default() };
        let audit = |process: &Process| self.told_start(process, cause);
        if let Err(error) = self.start(name, &request, cause, audit).await {
            tracing::warn!(name, %error, "a declared process cannot be started");
            self.engine.shared.board.blame(name, format!("it cannot be started: {error}"));
        }
    }

    /// The line of a start that is a part of something else: of a schedule, of another process that needs
    /// it, of an act that has a line of its own.
    fn told_start(&self, process: &Process, cause: &Cause) -> AuditRecord {
        AuditRecord {
            at: self.engine.shared.clock.now_ms(),
            actor: "runyard".to_owned(),
            via: "engine".to_owned(),
            action: "process.start".to_owned(),
            target: process.id.0.clone(),
            project: process.project.clone(),
            script: process.script.clone(),
            process_id: process.id.0.clone(),
            attempt: Some(1),
            outcome: "ok".to_owned(),
            detail: cause.words(),
            ..AuditRecord::default()
        }
    }

    /// Starts those of the names that are not there, with what they depend on, in order.
    async fn start_each(&self, names: &[String], only_autostart: bool, cause: &Cause) {
        let declared = self.declared();
        let is_wanted = |name: &&String| {
            let config = declared.get(*name);
            config.is_some_and(|config| {
                (config.autostart || !only_autostart) && config.schedule.is_none()
            })
        };
        let wanted: Vec<String> = names.iter().filter(is_wanted).cloned().collect();
        for name in dependencies_first(&declared, &wanted) {
            let is_there = !self.engine.shared.registry.live_of(&name).is_empty();
            // What nobody named is started when the one that needs it asks for it.
            if wanted.contains(&name) && !is_there {
                self.start_by_itself(&name, cause).await;
            }
        }
    }

    /// Starts all services that are to be started together with Runyard.
    pub async fn start_all(&self, cause: &Cause) {
        let all: Vec<String> = self.declared().into_keys().collect();
        self.start_each(&all, true, cause).await;
    }

    /// Stops everything declared, dependants before what they depend on, each when its tree is gone.
    pub async fn stop_all(&self, by: &str) {
        for name in dependants_first(&self.declared()) {
            self.stop_one(&name, by).await;
        }
    }

    async fn stop_one(&self, name: &str, by: &str) {
        let live = self.engine.shared.registry.live_of(name);
        let stops = live.iter().map(|(_, id)| self.engine.stop_process(id, by, true));
        for stopped in futures_util::future::join_all(stops).await {
            if let Err(error) = stopped {
                // It ended by itself meanwhile, which is as good.
                tracing::debug!(name, %error, "it was not there to be stopped");
            }
        }
    }

    /// Puts another catalog in force: what it does not declare any more is stopped, what it declares
    /// otherwise is started anew, and what is new is started if it wants to be.
    pub async fn adopt(self: &Arc<Self>, catalog: Catalog, by: &str) {
        let (fleet, by) = (Arc::clone(self), by.to_owned());
        // In a task: whoever asked may go away, and half of it must not stay undone.
        let task =
            self.engine.shared.tasks.spawn(async move { fleet.put_in_force(catalog, &by).await });
        if let Err(error) = task.await {
            tracing::error!(%error, "the declared processes do not all follow the file");
        }
    }

    async fn put_in_force(&self, catalog: Catalog, by: &str) {
        let before = self.declared();
        self.catalog.replace(catalog);
        let after = self.declared();
        self.forget_times(&before, &after).await;
        self.reloaded.notify_one();
        let is_changed =
            |name: &String| before.get(name).is_some_and(|config| after.get(name) != Some(config));
        let mut again = Vec::new();
        for name in dependants_first(&before).iter().filter(|name| is_changed(name)) {
            let was_live = !self.engine.shared.registry.live_of(name).is_empty();
            self.stop_one(name, by).await;
            self.engine
                .shared
                .board
                .forget(name, after.get(name).map_or(0, ProcessConfig::replicas));
            if was_live && after.contains_key(name) {
                again.push(name.clone());
            }
        }
        let cause = Cause::new(CauseKind::Person, by);
        self.start_each(&again, false, &cause).await;
        let new: Vec<String> =
            after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
        self.start_each(&new, true, &cause).await;
    }

    async fn start_what_others_need(&self, mut wanted: mpsc::UnboundedReceiver<Want>) {
        while let Some(Want { name, condition, by }) = wanted.recv().await {
            let shared = &self.engine.shared;
            // Somebody else may have asked for it meanwhile, and a job be over already.
            let is_unmet =
                !shared.board.unmet(&BTreeMap::from([(name.clone(), condition)])).is_empty();
            if is_unmet && shared.registry.live_of(&name).is_empty() {
                self.start_by_itself(&name, &Cause::new(CauseKind::Dependency, by)).await;
            }
        }
    }
}
