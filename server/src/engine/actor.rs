//! One process: the task that owns it.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Breaker, EndKind, Process};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::config::PoolsConfig;
use crate::keeper::client::{Scope, SpawnError, SpawnSpec};
use crate::logs::recorder::Recorder;
use crate::logs::tail::{RunTail, TailError};
use crate::project::LaunchPlan;
use crate::store::{AuditRecord, Change, Cursor, ProcessRecord, StoreError};
use crate::sys::spool::ExitRecord;
use crate::sys::{clock, load, procfs};

use super::cause::Cause;
use super::health::{Health, Probes};
use super::mailbox::Mailbox;
use super::queue::{Asked, Slot, Slots};
use super::recovery::History;
use super::registry::Handle;
use super::state::{Event, Exit, Outcome, Pause, State, StopCause};
use super::watcher::Watcher;
use super::{EngineError, Shared, Update};

pub(super) use clearing::describe;

mod after;
mod attempt;
mod care;
mod clearing;
mod ending;
mod holders;
mod launch;
mod limits;
mod output;
mod run;
mod spawn;
mod timed;
mod wait;

/// Commands that may wait for an actor.
const COMMANDS: usize = 16;
/// Attempts that are held and shown; the store has all of them.
const SHOWN_ATTEMPTS: usize = 50;

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
        cause: Cause,
        /// When: an attempt that began later is what was asked for.
        asked: Instant,
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
    /// A new attempt begins at once.
    Again(Cause),
    /// A new attempt begins after a pause.
    Later(Cause),
    /// Runyard ends; the child goes on.
    Leave,
}

/// The task that owns a process.
pub(super) struct Actor {
    shared: Arc<Shared>,
    handle: Arc<Handle>,
    commands: mpsc::Receiver<Command>,
    plan: Arc<LaunchPlan>,
    spec: String,
    /// It was handed to the store, which keeps it while the process changes.
    is_spec_stored: bool,
    process: Process,
    state: State,
    /// The line of the audit about the end of its newest attempt, until it is stored with that.
    untold_end: Option<AuditRecord>,
    recorder: Recorder,
    slot: Option<Slot>,
    /// The slot that was asked for when it was launched.
    asked: Option<Asked>,
    /// The process has changed since it was handed to the store.
    is_unsaved: bool,
    /// What was before, for what follows an end.
    history: History,
    /// Tells of files that changed.
    watcher: Option<Watcher>,
    /// When the newest attempt began.
    begun: Option<Instant>,
    /// The same by the time of day; `None` when that was before Runyard's own restart.
    begun_ms: Option<i64>,
    /// Why it cannot be used while it runs, in words.
    unready: Option<String>,
    /// Who asked for the next attempt, while the present one ends.
    asked_by: Option<Cause>,
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
    /// What is done about its limits.
    confinement: Option<limits::Confinement>,
    probes: Option<Probes>,
    health: Health,
    /// It could be used at some time.
    was_ready: bool,
    /// It was told that it could not be used in time.
    is_late: bool,
    /// When it has been up for long enough to forget what was before.
    settles: Option<Instant>,
}

impl Actor {
    /// The slots that a job takes.
    fn pool(&self) -> Slots {
        let name = self.plan.strategy.pool.as_deref().unwrap_or(PoolsConfig::DEFAULT);
        self.shared.pools.get(name)
    }

    fn open_run(&self, cursor: Cursor, has_cursor: bool) -> Result<Run, TailError> {
        let mailbox = self.shared.mailboxes.open(&cursor.run);
        let dir = self.shared.run_dir(&cursor.run);
        let tail = RunTail::open(&dir, &cursor, self.recorder.mask())?;
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
            confinement: None,
            probes: None,
            health: Health::default(),
            was_ready: false,
            is_late: false,
            settles: None,
        })
    }

    /// When the newest attempt has run for too long.
    fn deadline(&self) -> Option<Instant> {
        let timeout_ms = self.plan.timeout_ms.filter(|ms| *ms > 0)?;
        let left_ms = timeout_ms.saturating_sub(self.up_ms());
        Some(self.shared.clock.instant() + Duration::from_millis(left_ms))
    }

    /// How long the newest attempt has run, in milliseconds. A root that is there tells it by a clock
    /// that nobody sets.
    fn up_ms(&self) -> u64 {
        let root = self.process.pid.and_then(|pid| procfs::stat(pid).ok().flatten());
        if let Some(root) = root {
            let started_ms = root.starttime.saturating_mul(1_000) / load::TICKS_PER_SECOND;
            return (clock::boottime_ns() / 1_000_000).saturating_sub(started_ms);
        }
        let up_ms = self.process.started_at.map_or(0, |at| self.shared.clock.now_ms() - at);
        u64::try_from(up_ms).unwrap_or(0)
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
        self.process.reason = self.state.reason(self.grace_s());
        self.process.next_at = match &self.state {
            State::BackingOff(pause) => pause.until_ms,
            _ => None,
        };
        self.process.position = None;
        if !matches!(self.state, State::Running { .. } | State::Stopping { .. }) {
            self.process.pid = None;
            (self.process.ready, self.unready) = (None, None);
        }
        Ok(())
    }

    /// The process as it is now, and the end of its attempt where the audit does not tell of it yet.
    fn record_changes(&mut self) -> Vec<Change> {
        self.is_unsaved = false;
        self.process.next_idx = self.recorder.next_idx();
        let process = self.process.clone();
        let change = if std::mem::replace(&mut self.is_spec_stored, true) {
            Change::UpdateProcess(Box::new(process))
        } else {
            Change::PutProcess(Box::new(ProcessRecord { process, spec: self.spec.clone() }))
        };
        let told = self.untold_end.take().map(Change::Audit);
        [change].into_iter().chain(told).collect()
    }

    fn publish(&mut self) {
        self.process.next_idx = self.recorder.next_idx();
        let process = Arc::new(self.process.clone());
        self.shared.board.note(&process, self.unready.as_deref());
        self.handle.publish(Arc::clone(&process));
        // Nobody listening is no error.
        let _ = self.shared.updates.send(Arc::new(Update::new(process)));
    }

    async fn save_later(&mut self) -> Result<(), StoreError> {
        let changes = self.record_changes();
        self.shared.writer.submit_later(changes).await.map(|_| ())
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
        self.process.reason.clone_from(&why);
        self.process.pid = None;
        let now = self.shared.clock.now_ms();
        if self.process.attempts.last().is_some_and(|attempt| attempt.ended_at.is_none()) {
            self.note_unexited(EndKind::Lost, &why, now);
        }
        self.publish();
        // Who knows what of it was stored.
        self.is_spec_stored = false;
        if let Err(error) = self.save_later().await {
            tracing::error!(process = %self.process.id, %error, "its end cannot be stored");
        }
    }
}

/// A pool as a process shows it: that of jobs which name none goes without saying.
fn named(pool: &str) -> Option<String> {
    (pool != PoolsConfig::DEFAULT).then(|| pool.to_owned())
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
    #[error(transparent)]
    Log(#[from] crate::logs::read::ReadError),
}

/// The same text for the same command, environment and strategy.
fn hash_of(spec: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(spec.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The pause that a stored process was in.
fn pause_of(process: &Process) -> Pause {
    Pause {
        reason: process.reason.clone(),
        until_ms: process.next_at,
        is_open: process.breaker == Some(Breaker::Open),
    }
}
