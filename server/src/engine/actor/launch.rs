//! Making an actor: for a new process, for one whose pause goes on, for one that runs.

use std::sync::Arc;

use app::model::{Breaker, ProcessType, Status};
use tokio::sync::mpsc;

use super::{Actor, ActorError, COMMANDS, Next, Run, StopCause, pause_of};
use crate::engine::cause::Cause;
use crate::engine::recovery::History;
use crate::engine::registry::Handle;
use crate::engine::state::State;
use crate::engine::watcher::Watcher;
use crate::engine::{EngineError, Shared};
use crate::logs::hub::Log;
use crate::logs::mask::Mask;
use crate::logs::read::LogReader;
use crate::logs::recorder::Recorder;
use crate::project::LaunchPlan;
use crate::store::{Change, Cursor, ProcessRecord};

impl Actor {
    /// Makes the process known and starts its actor. `also` is stored together with it.
    ///
    /// # Errors
    /// When a live process with this id is in memory already.
    pub(in crate::engine) fn launch(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        cause: Cause,
        also: Vec<Change>,
    ) -> Result<Arc<Handle>, EngineError> {
        let mut record = record;
        record.process.status = Status::Queued;
        record.process.reason = "queued".into();
        record.process.next_at = None;
        let is_open = record.process.breaker == Some(Breaker::Open);
        let (mut actor, handle) = Self::make(shared, record, plan, State::Queued)?;
        // Of one that was never started.
        let waits_for_time =
            actor.plan.strategy.timed.is_some() && actor.process.attempts.is_empty();
        if actor.process.kind == ProcessType::ShortLived
            && actor.plan.strategy.depends_on.is_empty()
            && !waits_for_time
        {
            // Here, not in its task: who is launched first stands first in line.
            actor.asked = Some(actor.pool().ask(&actor.process.id, actor.process.priority));
        }
        if is_open {
            actor.begin_trial();
        }
        shared.tasks.spawn(async move {
            let first = match waits_for_time {
                true => actor.begin_timed(also).await,
                false => actor.attempt(cause, also).await,
            };
            actor.follow(first).await;
        });
        Ok(handle)
    }

    /// Takes up a process that waits for its next attempt.
    ///
    /// # Errors
    /// When a live process with this id is in memory already.
    pub(in crate::engine) fn resume_pause(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
    ) -> Result<(), EngineError> {
        let pause = pause_of(&record.process);
        let (mut actor, _) = Self::make(shared, record, plan, State::BackingOff(pause))?;
        let cause = Cause::recovery();
        shared.tasks.spawn(async move { actor.follow(Ok(Next::Later(cause))).await });
        Ok(())
    }

    /// Takes up a process whose newest attempt neither the keeper nor its spool knows any more. `also`
    /// is stored together with its end.
    ///
    /// # Errors
    /// When a live process with this id is in memory already.
    pub(in crate::engine) fn lose(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        stopping: Option<StopCause>,
        why: &'static str,
        also: Vec<Change>,
    ) -> Result<(), EngineError> {
        let pid = record.process.pid.unwrap_or_default();
        let n = record.process.attempts.last().map_or(0, |attempt| attempt.n);
        let run = format!("{}.{n}", record.process.id);
        let state = match stopping {
            Some(cause) => State::Stopping { pid, cause, killed: false },
            None => State::Running { pid },
        };
        let (mut actor, _) = Self::make(shared, record, plan, state)?;
        shared.tasks.spawn(async move {
            let first = actor.conclude_lost(&run, why, also).await;
            actor.follow(first).await;
        });
        Ok(())
    }

    /// Follows a run that was there before; it goes on being ended when it was told to.
    async fn supervise_again(
        &mut self,
        mut run: Run,
        stopping: Option<StopCause>,
    ) -> Result<Next, ActorError> {
        if let Some(cause) = stopping {
            // The grace begins again: nobody knows how much of it was left.
            self.stop(cause, &mut run).await?;
        }
        self.supervise(run).await
    }

    /// Goes on with the colours that a run has left on in what is stored of it.
    async fn recall(&mut self, run: &Run) -> Result<(), ActorError> {
        if run.tail.cursor().index_off > 0 {
            let log = LogReader::new(Arc::clone(&self.shared.store), self.process.id.clone(), None);
            self.recorder.resume(log.carry_at_end().await?);
        }
        Ok(())
    }

    /// Takes up a process whose newest attempt is `run` in the keeper's hands; `stopping` is why it is
    /// being ended, if it is.
    ///
    /// # Errors
    /// When the run's spool cannot be read.
    pub(in crate::engine) fn adopt(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        state: State,
        cursor: Cursor,
        has_cursor: bool,
        stopping: Option<StopCause>,
    ) -> Result<(), EngineError> {
        let id = record.process.id.clone();
        let mut record = record;
        if !state.is_over() {
            // A crash may have come before it was stored that a probe is there to ask.
            let was_ready = record.process.ready == Some(true);
            record.process.ready = plan.strategy.ready.as_ref().map(|_| was_ready);
        }
        let (mut actor, _) = Self::make(shared, record, plan, state)?;
        let mut run = actor
            .open_run(cursor, has_cursor)
            .map_err(|e| EngineError::Spec { id, why: e.to_string() })?;
        if !actor.state.is_over() {
            if actor.process.kind == ProcessType::ShortLived {
                actor.slot = Some(actor.pool().take());
            }
            actor.look_after(&mut run);
        }
        shared.tasks.spawn(async move {
            let first = match actor.recall(&run).await {
                Ok(()) => actor.supervise_again(run, stopping).await,
                Err(error) => Err(error),
            };
            actor.follow(first).await;
        });
        Ok(())
    }

    fn make(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        state: State,
    ) -> Result<(Self, Arc<Handle>), EngineError> {
        let ProcessRecord { process, spec } = record;
        let (sender, commands) = mpsc::channel(COMMANDS);
        // A process that was in memory keeps its live end: those who follow it go on.
        let log = match shared.registry.get(&process.id) {
            Some(old) => Arc::clone(old.log()),
            None => Log::new(process.id.clone(), process.next_idx),
        };
        let handle = Handle::new(sender, process.clone(), Arc::clone(&log));
        shared.registry.insert(&process.id, &handle).map_err(|()| {
            EngineError::InvalidState("the process is being started already".into())
        })?;
        let mask = Mask::new(&plan.secrets)
            .map_err(|e| EngineError::Spec { id: process.id.clone(), why: e.to_string() })?;
        let recorder = Recorder::new(log, shared.writer.clone()).with_mask(mask);
        let history = History::of(&process.attempts, process.breaker, &plan.strategy, plan.kind);
        let watcher = plan.strategy.watch.as_ref().map(|watch| {
            Watcher::start(
                &plan.folder,
                watch,
                &shared.settings.data_dir,
                &shared.clock,
                &shared.tasks,
                &shared.stop,
            )
        });
        shared.board.note(&process, None);
        let actor = Self {
            shared: Arc::clone(shared),
            handle: Arc::clone(&handle),
            commands,
            plan: Arc::new(plan),
            spec,
            is_spec_stored: false,
            process,
            state,
            untold_end: None,
            recorder,
            slot: None,
            asked: None,
            is_unsaved: false,
            history,
            watcher,
            begun: None,
            begun_ms: None,
            unready: None,
            asked_by: None,
        };
        Ok((actor, handle))
    }
}
