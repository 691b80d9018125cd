//! One process: the task that owns it.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Attempt, Process, ProcessType};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::failpoint;
use crate::keeper::client::{Scope, SpawnError, SpawnSpec};
use crate::logs::hub::Log;
use crate::logs::recorder::Recorder;
use crate::logs::tail::{RunTail, TailError};
use crate::project::LaunchPlan;
use crate::store::{Change, Cursor, ProcessRecord, StoreError};
use crate::sys::spool::ExitRecord;

use super::mailbox::Mailbox;
use super::queue::{Asked, Slot, Step, TOLD, Waiting};
use super::registry::Handle;
use super::state::{Event, Exit, Outcome, State, StopCause};
use super::{EngineError, Shared, Update};

pub(super) use clearing::describe;

mod clearing;
mod holders;
mod output;
mod run;

/// Commands that may wait for an actor.
const COMMANDS: usize = 16;

/// What an actor can be told.
#[derive(Debug)]
pub(super) enum Command {
    /// Ask the process to end.
    Stop {
        /// Who asks.
        by: String,
        /// The process as it is then.
        reply: Reply,
    },
    /// Start a new attempt after the present one.
    Restart {
        /// Who asks.
        by: String,
        /// The process as it is then.
        reply: Reply,
    },
    /// Send a signal to the root.
    Signal {
        /// Its number.
        signal: i32,
        /// The process as it is then.
        reply: Reply,
    },
}

type Reply = oneshot::Sender<Result<Arc<Process>, EngineError>>;

/// How an actor's work on one attempt ended.
#[derive(Debug)]
enum Next {
    /// The process is over.
    Over,
    /// A new attempt was asked for.
    Again {
        /// Who asked.
        by: String,
    },
    /// Runyard ends; the child goes on.
    Leave,
}

/// The task that owns a process.
pub(super) struct Actor {
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    commands: mpsc::Receiver<Command>,
    plan: LaunchPlan,
    spec: String,
    process: Process,
    state: State,
    recorder: Recorder,
    slot: Option<Slot>,
    /// The slot that was asked for when it was launched.
    asked: Option<Asked>,
    /// The process has changed since it was handed to the store.
    is_unsaved: bool,
}

/// A run in the keeper's hands.
struct Run {
    name: String,
    mailbox: Arc<Mailbox>,
    tail: RunTail,
    exit: Option<ExitRecord>,
    /// Entries were numbered and not yet handed to the store since then.
    unsaved_since: Option<Instant>,
    released: u64,
    /// A cursor of this run is in the store.
    has_cursor: bool,
    timeout: Option<Instant>,
    grace: Option<Instant>,
    /// Those left of its tree are being looked for.
    clearing: Option<clearing::Clearing>,
    /// They were looked for, and there was nobody.
    is_tree_empty: bool,
    /// The keeper was asked who holds its output.
    holders: Option<holders::Asking>,
}

impl Actor {
    /// Makes the process known and starts its actor. `also` is stored together with it.
    ///
    /// # Errors
    /// When a live process with this id is in memory already.
    pub(super) fn launch(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        by: &str,
        also: Vec<Change>,
    ) -> Result<Arc<Handle>, EngineError> {
        let mut record = record;
        record.process.status = app::model::Status::Queued;
        record.process.reason = "queued".into();
        let (mut actor, handle) = Self::make(shared, record, plan, State::Queued)?;
        if actor.process.kind == ProcessType::ShortLived {
            // Here, not in its task: who is launched first stands first in line.
            actor.asked = Some(shared.slots.ask(&actor.process.id));
        }
        let by = by.to_owned();
        shared.tasks.spawn(async move { actor.live(&by, also).await });
        Ok(handle)
    }

    /// Takes up a process whose newest attempt is `run` in the keeper's hands.
    ///
    /// # Errors
    /// When the run's spool cannot be read.
    pub(super) fn adopt(
        shared: &Arc<Shared>,
        record: ProcessRecord,
        plan: LaunchPlan,
        state: State,
        cursor: Cursor,
        has_cursor: bool,
    ) -> Result<(), EngineError> {
        let id = record.process.id.clone();
        let (mut actor, _) = Self::make(shared, record, plan, state)?;
        let run = actor
            .open_run(cursor, has_cursor)
            .map_err(|e| EngineError::Spec { id, why: e.to_string() })?;
        if actor.process.kind == ProcessType::ShortLived && !actor.process.status.is_ended() {
            actor.slot = Some(shared.slots.take());
        }
        shared.tasks.spawn(async move { actor.live_on(run).await });
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
        let recorder = Recorder::new(log, shared.writer.clone());
        let actor = Self {
            shared: Arc::clone(shared),
            handle: Arc::clone(&handle),
            commands,
            plan,
            spec,
            process,
            state,
            recorder,
            slot: None,
            asked: None,
            is_unsaved: false,
        };
        Ok((actor, handle))
    }

    async fn live(&mut self, by: &str, also: Vec<Change>) {
        let first = self.attempt(by, also).await;
        self.follow(first).await;
    }

    async fn live_on(&mut self, run: Run) {
        let first = self.supervise(run).await;
        self.follow(first).await;
    }

    /// Attempt after attempt, until the process is over.
    async fn follow(&mut self, first: Result<Next, ActorError>) {
        let mut outcome = first;
        loop {
            match outcome {
                Ok(Next::Again { by }) => {
                    // The slot is given back and asked for anew: others are in line before it.
                    self.slot = None;
                    outcome = match self.apply(Event::Rerun) {
                        Ok(()) => self.attempt(&by, vec![]).await,
                        Err(error) => Err(error),
                    };
                }
                Ok(Next::Leave) => return,
                Ok(Next::Over) => break,
                Err(error) => {
                    let id = &self.process.id;
                    tracing::error!(process = %id, %error, "the process cannot be followed");
                    self.fail(error.to_string()).await;
                    break;
                }
            }
        }
        self.slot = None;
        self.shared.registry.retire(&self.process.id);
    }

    /// One attempt from the queue to its end.
    async fn attempt(&mut self, by: &str, also: Vec<Change>) -> Result<Next, ActorError> {
        let mut also = also;
        if self.process.kind == ProcessType::ShortLived {
            let asked = self.asked.take();
            match asked.unwrap_or_else(|| self.shared.slots.ask(&self.process.id)) {
                Asked::Now(slot) => self.slot = Some(slot),
                Asked::Later(waiting) => {
                    match self.wait_in_line(waiting, std::mem::take(&mut also)).await? {
                        Some(slot) => self.slot = Some(slot),
                        None if self.shared.stop.is_cancelled() => return Ok(Next::Leave),
                        None => return Ok(Next::Over),
                    }
                }
            }
        }
        self.apply(Event::SlotGranted)?;
        let n = self.process.attempts.last().map_or(1, |attempt| attempt.n + 1);
        self.process.attempts.push(Attempt {
            n,
            cause: format!("started by {by}"),
            ..Attempt::default()
        });
        (self.process.started_at, self.process.ended_at) = (None, None);
        (self.process.exit_code, self.process.signal) = (None, None);
        // Stored before the spawn: a crash in between leaves a run that is known, not a stray.
        also.insert(0, self.record_change());
        self.shared.writer.submit(also).await?;
        match self.spawn(n).await {
            Ok(run) => self.supervise(run).await,
            Err(Spawning::Failed(why)) => {
                self.apply(Event::SpawnFailed { why })?;
                self.process.ended_at = Some(self.shared.clock.now_ms());
                if let Some(attempt) = self.process.attempts.last_mut() {
                    attempt.ended_at = self.process.ended_at;
                }
                self.save_and_publish().await?;
                Ok(Next::Over)
            }
            Err(Spawning::Tail(error)) => Err(error.into()),
        }
    }

    /// Waits for a slot; `None` when the process was taken off the queue.
    async fn wait_in_line(
        &mut self,
        mut waiting: Waiting,
        also: Vec<Change>,
    ) -> Result<Option<Slot>, ActorError> {
        self.process.reason = waiting.reason();
        let mut changes = vec![self.record_change()];
        changes.extend(also);
        self.shared.writer.submit(changes).await?;
        self.publish();
        loop {
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(None),
                Some(command) = self.commands.recv() => match command {
                    Command::Stop { by, reply } => {
                        self.apply(Event::Stop(StopCause::Asked { by }))?;
                        self.process.ended_at = Some(self.shared.clock.now_ms());
                        self.save_and_publish().await?;
                        let _ = reply.send(Ok(self.handle.snapshot()));
                        return Ok(None);
                    }
                    Command::Restart { reply, .. } | Command::Signal { reply, .. } => {
                        let why = format!("the process does not run yet: {}", self.process.reason);
                        let _ = reply.send(Err(EngineError::InvalidState(why)));
                    }
                },
                step = waiting.next() => match step {
                    Step::Granted(slot) => return Ok(Some(slot)),
                    Step::Moved if waiting.place().0 < TOLD => {
                        self.process.reason = waiting.reason();
                        self.publish();
                    }
                    Step::Moved => {}
                },
            }
        }
    }

    async fn spawn(&mut self, n: u32) -> Result<Run, Spawning> {
        let name = format!("{}.{n}", self.process.id);
        let cursor = Cursor { run: name.clone(), index_off: 0, out_off: 0, err_off: 0 };
        let mut run = self.open_run(cursor, false).map_err(Spawning::Tail)?;
        let spec = SpawnSpec {
            run: name.clone(),
            program: self.plan.program.clone(),
            argv: self.plan.argv.clone(),
            cwd: self.plan.cwd.clone(),
            env: self.plan.env.clone().into_iter().collect(),
        };
        match self.shared.keeper.spawn(spec).await {
            Ok(spawned) => {
                failpoint::reach("after-spawn");
                let started_at = spawned.started_at_ms;
                self.process.started_at = Some(started_at);
                self.process.pid = Some(spawned.pid);
                if let Some(attempt) = self.process.attempts.last_mut() {
                    attempt.pid = Some(spawned.pid);
                    attempt.started_at = Some(started_at);
                }
                self.apply(Event::Spawned { pid: spawned.pid })
                    .map_err(|e| Spawning::Failed(e.to_string()))?;
                // Stored with its first output, or soon. A job that ends first is written once less;
                // after a crash the keeper knows that it runs, and as which pid.
                run.unsaved_since = Some(Instant::now());
                self.is_unsaved = true;
                self.publish();
                Ok(run)
            }
            Err(error) => {
                self.shared.mailboxes.close(&name);
                Err(Spawning::Failed(match error {
                    SpawnError::Refused { message, .. } => message,
                    SpawnError::Client(error) => format!("the keeper does not answer: {error}"),
                }))
            }
        }
    }

    fn open_run(&self, cursor: Cursor, has_cursor: bool) -> Result<Run, TailError> {
        let mailbox = self.shared.mailboxes.open(&cursor.run);
        let tail = RunTail::open(&self.shared.run_dir(&cursor.run), &cursor)?;
        Ok(Run {
            name: cursor.run,
            mailbox,
            tail,
            exit: None,
            unsaved_since: None,
            released: 0,
            has_cursor,
            timeout: self.deadline(),
            grace: None,
            clearing: None,
            is_tree_empty: false,
            holders: None,
        })
    }

    /// When the newest attempt has run for too long.
    fn deadline(&self) -> Option<Instant> {
        let timeout_ms = self.plan.timeout_ms.filter(|ms| *ms > 0)?;
        let ran_ms = self.process.started_at.map_or(0, |at| self.shared.clock.now_ms() - at);
        let left_ms = timeout_ms.saturating_sub(u64::try_from(ran_ms).unwrap_or(0));
        Some(Instant::now() + Duration::from_millis(left_ms))
    }

    /// Moves the state on, and what is shown of it.
    fn apply(&mut self, event: Event) -> Result<(), ActorError> {
        let state = std::mem::replace(&mut self.state, State::Queued);
        let kept = state.clone();
        match state.next(event) {
            Ok(next) => self.state = next,
            Err(error) => {
                self.state = kept;
                return Err(error.into());
            }
        }
        self.process.status = self.state.status();
        self.process.reason = self.state.reason(self.shared.settings.grace_s);
        if matches!(self.state, State::Ended(_) | State::Queued | State::Starting) {
            self.process.pid = None;
        }
        Ok(())
    }

    fn record_change(&mut self) -> Change {
        self.is_unsaved = false;
        self.process.next_idx = self.recorder.next_idx();
        let record = ProcessRecord { process: self.process.clone(), spec: self.spec.clone() };
        Change::PutProcess(Box::new(record))
    }

    fn publish(&mut self) {
        self.process.next_idx = self.recorder.next_idx();
        let process = Arc::new(self.process.clone());
        self.handle.publish(Arc::clone(&process));
        // Nobody listening is no error.
        let _ = self.shared.updates.send(Arc::new(Update::new(process)));
    }

    async fn save_later(&mut self) -> Result<(), StoreError> {
        let change = self.record_change();
        self.shared.writer.submit_later(vec![change]).await.map(|_| ())
    }

    async fn save_and_publish(&mut self) -> Result<(), StoreError> {
        self.save_later().await?;
        self.publish();
        Ok(())
    }

    /// Something inside failed: the process is lost from sight, and everybody is told why.
    async fn fail(&mut self, why: String) {
        self.state = State::Ended(Outcome::Lost { reason: why.clone() });
        self.process.status = self.state.status();
        self.process.reason = why;
        self.process.pid = None;
        self.publish();
        if let Err(error) = self.save_later().await {
            tracing::error!(process = %self.process.id, %error, "its end cannot be stored");
        }
    }
}

/// Why there is no run.
enum Spawning {
    Failed(String),
    Tail(TailError),
}

/// What an actor cannot go on after.
#[derive(Debug, thiserror::Error)]
enum ActorError {
    #[error(transparent)]
    State(#[from] super::state::InvalidTransition),
    #[error(transparent)]
    Tail(#[from] TailError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
