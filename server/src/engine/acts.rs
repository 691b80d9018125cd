//! What can be done to processes.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Process, ProcessId, ProcessType, Status};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::actor::{Actor, Command};
use super::cause::Cause;
use super::registry::Handle;
use super::stdin::SendError;
use super::{Engine, EngineError, spec, stdin};
use crate::config::PoolsConfig;
use crate::project::LaunchPlan;
use crate::store::{AuditRecord, Change, ProcessRecord};

/// A process that has just begun has so long to open its standard input.
const OPENS_WITHIN: Duration = Duration::from_millis(500);
/// Between two looks at that.
const OPENING: Duration = Duration::from_millis(5);

impl Engine {
    /// Starts what `plan` says; resolves when it runs, waits or is
    /// queued. `audit` is stored together with the process.
    ///
    /// # Errors
    /// When it cannot be started; the process then stays in the list with its reason.
    pub async fn start_process(
        &self,
        plan: LaunchPlan,
        cause: Cause,
        audit: impl Fn(&Process) -> AuditRecord,
    ) -> Result<Arc<Process>, EngineError> {
        self.start_together(vec![plan], cause, audit).await
    }

    /// Starts all of `plans`, or none when there is no room for all; the answer is the first. They are
    /// all of the same kind and pool.
    ///
    /// # Errors
    /// As for [`Engine::start_process`].
    pub async fn start_together(
        &self,
        plans: Vec<LaunchPlan>,
        cause: Cause,
        audit: impl Fn(&Process) -> AuditRecord,
    ) -> Result<Arc<Process>, EngineError> {
        if self.shared.closing.is_cancelled() {
            return Err(EngineError::ShuttingDown);
        }
        let mut starts = Vec::with_capacity(plans.len());
        for plan in plans {
            let record = self.record_of(&plan)?;
            let audit = Change::Audit(audit(&record.process));
            starts.push((record, plan, vec![audit]));
        }
        let handles = self.admit(starts, &cause)?;
        let first = handles.first().ok_or(EngineError::ShuttingDown)?;
        self.settled(first).await
    }

    /// A new process for `plan`.
    fn record_of(&self, plan: &LaunchPlan) -> Result<ProcessRecord, EngineError> {
        let shared = &self.shared;
        let strategy = &plan.strategy;
        let id = ProcessId(uuid::Uuid::now_v7().to_string());
        let declared = strategy.declared.as_ref();
        let of = declared.map(|it| (it.replica, it.replicas)).or(strategy.replica);
        let process = Process {
            id: id.clone(),
            project: plan.project.clone(),
            script: plan.script.clone(),
            args: plan.args.clone(),
            kind: plan.kind,
            status: Status::Queued,
            reason: "queued".into(),
            created_at: shared.clock.now_ms(),
            declared: declared.map(|declared| declared.name.clone()),
            replica: of.filter(|(_, of)| *of > 1).map(|(replica, _)| replica),
            pool: strategy.pool.clone().filter(|_| plan.kind == ProcessType::ShortLived),
            priority: strategy.priority,
            stdin: strategy.stdin,
            schedule: strategy.timed.as_ref().map(|timed| timed.schedule.clone()),
            timezone: strategy.timed.as_ref().and_then(|timed| timed.timezone.clone()),
            ..Process::default()
        };
        let spec = spec::encode_plan(&shared.settings.sealer, &id, plan)?;
        Ok(ProcessRecord { process, spec })
    }

    /// Launches processes of one kind if there is room for all of them.
    ///
    /// # Errors
    /// When there is not: all services are in use, or the line of the jobs' pool is full.
    fn admit(
        &self,
        starts: Vec<(ProcessRecord, LaunchPlan, Vec<Change>)>,
        cause: &Cause,
    ) -> Result<Vec<Arc<Handle>>, EngineError> {
        let shared = &self.shared;
        let _admission = shared.admission.lock();
        match starts.first().map(|(_, plan, _)| plan) {
            Some(plan) if plan.kind == ProcessType::LongRunning => {
                let most = shared.settings.max_services;
                let there = shared.registry.count_services();
                if there + starts.len() > usize::try_from(most).unwrap_or(usize::MAX) {
                    return Err(EngineError::TooManyServices { there, asked: starts.len(), most });
                }
            }
            Some(plan) => {
                let pool = plan.strategy.pool.as_deref().unwrap_or(PoolsConfig::DEFAULT);
                shared.pools.check_room(pool)?;
            }
            None => {}
        }
        let launch =
            |(record, plan, also)| Actor::launch(shared, record, plan, cause.clone(), also);
        starts.into_iter().map(launch).collect()
    }

    /// The process as it is, once it is past its start.
    async fn settled(&self, handle: &Arc<Handle>) -> Result<Arc<Process>, EngineError> {
        let mut snapshots = handle.watch();
        let settled = snapshots.wait_for(|process| {
            let placed = process.status != Status::Queued || process.reason != "queued";
            placed && process.status != Status::Starting
        });
        let process = settled.await.map(|process| Arc::clone(&process));
        let process = process.map_err(|_| EngineError::ShuttingDown)?;
        if process.status == Status::Failed && process.pid.is_none() && process.started_at.is_none()
        {
            let why = process.reason.clone();
            return Err(EngineError::SpawnFailed { id: process.id.clone(), why });
        }
        Ok(process)
    }

    /// Asks a process to end. With `wait`, resolves when its tree is gone.
    ///
    /// # Errors
    /// When there is none, or it has ended and left nobody behind.
    pub async fn stop_process(
        &self,
        id: &ProcessId,
        by: &str,
        wait: bool,
    ) -> Result<Arc<Process>, EngineError> {
        let handle = match self.live(id).await {
            Err(EngineError::InvalidState(why)) => return self.stop_ended(id, wait, why).await,
            live => live?,
        };
        let asked = self.command(&handle, |reply| Command::Stop { by: by.into(), reply }).await;
        let process = match asked {
            // It ended just now: it is stopped like any that has ended.
            Err(EngineError::InvalidState(why)) if !handle.has_actor() => {
                return self.stop_ended(id, wait, why).await;
            }
            asked => asked?,
        };
        if !wait || process.status.is_ended() {
            return Ok(process);
        }
        let mut snapshots = handle.watch();
        let ended = snapshots.wait_for(|process| process.status.is_ended()).await;
        ended.map(|process| Arc::clone(&process)).map_err(|_| EngineError::ShuttingDown)
    }

    /// Starts a new attempt, stopping the present one first.
    ///
    /// # Errors
    /// When there is none, or no room for one more that has ended.
    pub async fn restart_process(
        &self,
        id: &ProcessId,
        cause: Cause,
    ) -> Result<Arc<Process>, EngineError> {
        let asked = Instant::now();
        if self.shared.closing.is_cancelled() {
            return Err(EngineError::ShuttingDown);
        }
        // One after the other: the second finds what the first has started, and takes it for its own.
        let _turn = self.shared.turn(id).lock().await;
        if let Ok(handle) = self.live(id).await {
            let again = cause.clone();
            let answer =
                self.command(&handle, |reply| Command::Restart { cause: again, asked, reply });
            match answer.await {
                // It ended just now: it is started like any that has ended.
                Err(EngineError::InvalidState(_)) if !handle.has_actor() => {}
                other => return other,
            }
        }
        let record = self.shared.store.get_process(id).await?;
        let mut record = record.ok_or_else(|| EngineError::NotFound(id.clone()))?;
        if let Some(newest) = self.in_memory(id) {
            record.process = (*newest).clone();
        }
        let plan = self.shared.decode_plan(&record)?;
        self.refuse_leftovers(&record.process, &plan).await?;
        if let Some(declared) = &plan.strategy.declared
            && plan.kind == ProcessType::LongRunning
        {
            let live = self.shared.registry.live_of(&declared.name);
            if let Some((_, other)) =
                live.iter().find(|(n, other)| *n == declared.replica && other != id)
            {
                let name = &declared.name;
                let why = format!("{name} runs already, as process {other}: restart that one");
                return Err(EngineError::InvalidState(why));
            }
        }
        let handles = self.admit(vec![(record, plan, vec![])], &cause)?;
        let handle = handles.first().ok_or(EngineError::ShuttingDown)?;
        self.settled(handle).await
    }

    /// Sends a signal to the root of a process.
    ///
    /// # Errors
    /// When there is none or it does not run.
    pub async fn signal_process(&self, id: &ProcessId, signal: i32) -> Result<(), EngineError> {
        let handle = self.live(id).await?;
        self.command(&handle, |reply| Command::Signal { signal, reply }).await.map(|_| ())
    }

    /// Sends a line to the standard input of a process.
    ///
    /// # Errors
    /// When it does not run, has none, or does not read it.
    pub async fn send_line(&self, id: &ProcessId, line: &str) -> Result<(), EngineError> {
        let process = self.live(id).await?.snapshot();
        if process.pid.is_none() {
            let why = format!("the process does not run: {}", process.reason);
            return Err(EngineError::InvalidState(why));
        }
        // Of one that was started earlier nobody opens it any more.
        let up_ms = self.shared.clock.now_ms() - process.started_at.unwrap_or_default();
        let up = Duration::from_millis(u64::try_from(up_ms).unwrap_or_default());
        let until = Instant::now() + OPENS_WITHIN.saturating_sub(up);
        loop {
            match stdin::send_line(&self.shared.settings.data_dir, id, line) {
                // The root is there a moment before it has opened its input.
                Err(SendError::NotOpen) if process.stdin && Instant::now() < until => {
                    tokio::time::sleep(OPENING).await;
                }
                sent => return Ok(sent?),
            }
        }
    }

    async fn live(&self, id: &ProcessId) -> Result<Arc<Handle>, EngineError> {
        match self.shared.registry.get(id) {
            Some(handle) if handle.has_actor() => Ok(handle),
            _ => {
                let process = self.process(id).await?;
                Err(EngineError::InvalidState(format!(
                    "the process has ended ({}): restart it to run it again",
                    process.reason
                )))
            }
        }
    }

    async fn command(
        &self,
        handle: &Handle,
        make: impl FnOnce(oneshot::Sender<Result<Arc<Process>, EngineError>>) -> Command,
    ) -> Result<Arc<Process>, EngineError> {
        let (reply, answer) = oneshot::channel();
        let ended = || EngineError::InvalidState("the process has just ended".into());
        handle.send(make(reply)).await.map_err(|()| ended())?;
        answer.await.map_err(|_| ended())?
    }
}
