//! A process's life as a table: state × event.
//!
//! A transition consumes the state; a pair that the table does not know is an
//! [`InvalidTransition`], never a guess.

use app::model::{EndKind, Status};

use super::words::seconds;

/// How an attempt ended, as the kernel told it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Set when it called `exit`.
    pub code: Option<i32>,
    /// Name of the signal that ended it.
    pub signal: Option<String>,
    /// Its code counts as success.
    pub is_success: bool,
}

/// Why a process was told to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// Somebody asked.
    Asked {
        /// Who.
        by: String,
    },
    /// Somebody asked for a new attempt.
    Restart {
        /// Who.
        by: String,
    },
    /// A file changed, and a new attempt is to see it.
    Changed {
        /// Which.
        file: String,
    },
    /// It does not work any more.
    Unhealthy {
        /// What was asked, and what came of it.
        why: String,
    },
    /// It ran longer than it may.
    Timeout {
        /// How long it may run.
        after_ms: u64,
    },
    /// It wrote more than it may.
    MaxBuffer {
        /// How many bytes it may write.
        limit: u64,
    },
    /// Its tree uses more than it may.
    Beyond {
        /// Of what, and how much.
        why: String,
    },
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Because somebody asked for it.
    Stopped {
        /// Who asked, and how it went.
        reason: String,
    },
    /// By itself, with success.
    Completed {
        /// Its exit code, in words.
        reason: String,
    },
    /// By itself otherwise, or by a limit, or it could not be started.
    Failed {
        /// What happened.
        reason: String,
    },
    /// Nobody saw it end.
    Lost {
        /// What is known.
        reason: String,
    },
}

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a slot.
    Queued,
    /// Waits for other processes.
    Waiting {
        /// For which, and how they are.
        why: String,
    },
    /// Is being spawned.
    Starting,
    /// Is alive.
    Running {
        /// Of its root.
        pid: i32,
    },
    /// Was told to end.
    Stopping {
        /// Of its root.
        pid: i32,
        /// Why.
        cause: StopCause,
        /// The grace is over, and SIGKILL was sent.
        killed: bool,
    },
    /// Ended, or made for a later time, and is to run.
    BackingOff(Pause),
    /// Is over.
    Ended(Outcome),
}

/// What comes before another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// How it ended, and what follows.
    pub reason: String,
    /// When the next attempt begins, in milliseconds since the epoch; `None`: when somebody asks.
    pub until_ms: Option<i64>,
    /// It failed too often: the next attempt is a trial.
    pub is_open: bool,
}

/// What can happen to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A slot is free for it.
    SlotGranted,
    /// The keeper started it.
    Spawned {
        /// Of its root.
        pid: i32,
    },
    /// The keeper could not start it.
    SpawnFailed {
        /// The keeper's words.
        why: String,
    },
    /// It shall end.
    Stop(StopCause),
    /// It was given time to end, and that is over.
    GraceOver,
    /// Its tree is gone; this is how the root ended.
    Exited(Exit),
    /// It is gone, and nobody saw how.
    Vanished {
        /// What is known.
        why: String,
    },
    /// Others have to come first.
    Wait {
        /// Which, and how they are.
        why: String,
    },
    /// Nobody has to come first any more.
    Met,
    /// It shall run again, later.
    Pause(Pause),
    /// It shall run again.
    Rerun,
}

/// The table has no such pair.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a process that is {state} cannot {event}")]
pub struct InvalidTransition {
    /// The status by name.
    pub state: &'static str,
    /// The event in words.
    pub event: &'static str,
}

impl State {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`InvalidTransition`] when `event` cannot happen in this state.
    pub fn next(self, event: Event) -> Result<Self, InvalidTransition> {
        let refused = InvalidTransition { state: self.status().as_str(), event: event.describe() };
        match (self, event) {
            (Self::Queued, Event::SlotGranted) => Ok(Self::Starting),
            (Self::Queued, Event::Stop(StopCause::Asked { by })) => {
                Ok(Self::Ended(Outcome::Stopped { reason: format!("taken off the queue by {by}") }))
            }
            (Self::Queued | Self::Waiting { .. }, Event::Wait { why }) => Ok(Self::Waiting { why }),
            (Self::Waiting { .. }, Event::Met) => Ok(Self::Queued),
            (Self::Waiting { .. }, Event::Stop(StopCause::Asked { by })) => {
                let reason = format!("stopped by {by} while it waited");
                Ok(Self::Ended(Outcome::Stopped { reason }))
            }
            (Self::BackingOff(_), Event::Stop(StopCause::Asked { by })) => {
                let reason = format!("stopped by {by} before its next try");
                Ok(Self::Ended(Outcome::Stopped { reason }))
            }
            (Self::Queued | Self::BackingOff(_) | Self::Ended(_), Event::Pause(pause)) => {
                Ok(Self::BackingOff(pause))
            }
            (Self::Starting, Event::Spawned { pid }) => Ok(Self::Running { pid }),
            (Self::Starting, Event::SpawnFailed { why }) => {
                Ok(Self::Ended(Outcome::Failed { reason: why }))
            }
            (Self::Running { pid }, Event::Stop(cause)) => {
                Ok(Self::Stopping { pid, cause, killed: false })
            }
            (Self::Running { .. }, Event::Exited(exit)) => Ok(Self::Ended(exit.outcome())),
            // A stop for any other reason may become a stop that somebody asked for, and a restart
            // a stop; what was asked for last holds.
            (
                Self::Stopping { pid, killed, .. },
                Event::Stop(cause @ (StopCause::Asked { .. } | StopCause::Restart { .. })),
            ) => Ok(Self::Stopping { pid, cause, killed }),
            (stopping @ Self::Stopping { .. }, Event::Stop(_)) => Ok(stopping),
            (Self::Stopping { pid, cause, .. }, Event::GraceOver) => {
                Ok(Self::Stopping { pid, cause, killed: true })
            }
            (Self::Stopping { cause, killed, .. }, Event::Exited(exit)) => {
                Ok(Self::Ended(cause.outcome(&exit, killed)))
            }
            (
                Self::Starting | Self::Running { .. } | Self::Stopping { .. },
                Event::Vanished { why },
            ) => Ok(Self::Ended(Outcome::Lost { reason: why })),
            (Self::Ended(_) | Self::BackingOff(_), Event::Rerun) => Ok(Self::Queued),
            _ => Err(refused),
        }
    }

    /// The status that is shown.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Queued => Status::Queued,
            Self::Waiting { .. } => Status::Waiting,
            Self::BackingOff(_) => Status::BackingOff,
            Self::Starting => Status::Starting,
            Self::Running { .. } => Status::Running,
            Self::Stopping { .. } => Status::Stopping,
            Self::Ended(Outcome::Stopped { .. }) => Status::Stopped,
            Self::Ended(Outcome::Completed { .. }) => Status::Completed,
            Self::Ended(Outcome::Failed { .. }) => Status::Failed,
            Self::Ended(Outcome::Lost { .. }) => Status::Lost,
        }
    }

    /// Whether nothing of it runs: it has ended, for good or until its next attempt.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::BackingOff(_))
    }

    /// The reason that is shown, as far as the state alone tells it.
    #[must_use]
    pub fn reason(&self, grace_s: u64) -> String {
        match self {
            Self::Queued => "queued".into(),
            Self::Waiting { why } => why.clone(),
            Self::BackingOff(pause) => pause.reason.clone(),
            Self::Starting => "being started".into(),
            Self::Running { pid } => format!("running as pid {pid}"),
            Self::Stopping { cause, killed: false, .. } => {
                format!("{}; killed if it has not ended after {grace_s} s", cause.describe())
            }
            Self::Stopping { cause, killed: true, .. } => {
                format!(
                    "{}; it did not end within {grace_s} s and is being killed",
                    cause.describe()
                )
            }
            Self::Ended(
                Outcome::Stopped { reason }
                | Outcome::Completed { reason }
                | Outcome::Failed { reason }
                | Outcome::Lost { reason },
            ) => reason.clone(),
        }
    }
}

impl Exit {
    /// In words: `exit code 3`, `ended by SIGSEGV`.
    #[must_use]
    pub fn describe(&self) -> String {
        match (&self.code, &self.signal) {
            (_, Some(signal)) => format!("ended by {signal}"),
            (Some(code), None) => format!("exit code {code}"),
            (None, None) => "ended unseen".into(),
        }
    }

    /// An end; exit code 0 and `success_codes` are successes.
    #[must_use]
    pub fn new(code: Option<i32>, signal: Option<String>, success_codes: &[i32]) -> Self {
        let is_named = code.is_some_and(|code| code == 0 || success_codes.contains(&code));
        Self { is_success: signal.is_none() && is_named, code, signal }
    }

    fn outcome(&self) -> Outcome {
        match (self.code, &self.signal) {
            _ if self.is_success => Outcome::Completed { reason: self.describe() },
            (None, None) => {
                Outcome::Lost { reason: "it ended while no keeper was there to see how".into() }
            }
            _ => Outcome::Failed { reason: self.describe() },
        }
    }
}

impl StopCause {
    /// As it is kept of an attempt: the kind, and who, which file, what was found.
    #[must_use]
    pub fn kept(&self) -> (EndKind, Option<&str>) {
        match self {
            Self::Asked { by } => (EndKind::Stop, Some(by)),
            Self::Restart { by } => (EndKind::Restart, Some(by)),
            Self::Changed { file } => (EndKind::Watch, Some(file)),
            Self::Unhealthy { why } => (EndKind::Liveness, Some(why)),
            Self::Timeout { .. } => (EndKind::Timeout, None),
            Self::MaxBuffer { .. } => (EndKind::Output, None),
            Self::Beyond { why } => (EndKind::Limit, Some(why)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Asked { by } => format!("stopping, asked by {by}"),
            Self::Restart { by } => format!("restarting, asked by {by}"),
            Self::Changed { file } => format!("restarting: {file} changed"),
            Self::Unhealthy { why } => format!("restarting: {why}"),
            Self::Timeout { after_ms } => {
                format!("stopping: it ran longer than its timeout of {}", seconds(*after_ms))
            }
            Self::Beyond { why } => format!("stopping: {why}"),
            Self::MaxBuffer { limit } => {
                format!("stopping: it wrote more than its limit of {limit} bytes")
            }
        }
    }

    fn outcome(self, exit: &Exit, killed: bool) -> Outcome {
        let how =
            if killed { format!("{}, after the grace", exit.describe()) } else { exit.describe() };
        match self {
            Self::Asked { by } => Outcome::Stopped { reason: format!("stopped by {by}: {how}") },
            Self::Restart { by } => {
                Outcome::Stopped { reason: format!("restarted by {by}: {how}") }
            }
            Self::Changed { file } => {
                Outcome::Stopped { reason: format!("restarted, {file} changed: {how}") }
            }
            Self::Unhealthy { why } | Self::Beyond { why } => {
                Outcome::Failed { reason: format!("{why} ({how})") }
            }
            Self::Timeout { after_ms } => Outcome::Failed {
                reason: format!("timeout: it ran longer than {} ({how})", seconds(after_ms)),
            },
            Self::MaxBuffer { limit } => Outcome::Failed {
                reason: format!("output limit: it wrote more than {limit} bytes ({how})"),
            },
        }
    }
}

impl Event {
    fn describe(&self) -> &'static str {
        match self {
            Self::SlotGranted => "be given a slot",
            Self::Spawned { .. } => "be spawned",
            Self::SpawnFailed { .. } => "fail to spawn",
            Self::Stop(_) => "be stopped",
            Self::GraceOver => "run out of grace",
            Self::Exited(_) => "exit",
            Self::Vanished { .. } => "vanish",
            Self::Wait { .. } => "wait for others",
            Self::Met => "have no others to wait for",
            Self::Pause(_) => "wait for another attempt",
            Self::Rerun => "be started again before it has ended",
        }
    }
}

#[cfg(test)]
mod tests;
