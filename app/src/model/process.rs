//! A process: one start of a script, with its status, its attempts and one numbered log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Attempt, Limits};

/// The id of a process: a UUID of version 7 in text, so ids sort by time of creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ProcessId(pub String);

impl ProcessId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first characters, enough to tell processes apart on a screen.
    #[must_use]
    pub fn short(&self) -> &str {
        // The random part: the first characters of a version 7 id are the clock.
        self.0.get(self.0.len().saturating_sub(6)..).unwrap_or(&self.0)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a process is for: a job ends by itself, a service does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProcessType {
    /// A job: takes a slot, may wait in the queue.
    #[default]
    ShortLived,
    /// A service: counted apart from the jobs, never queued.
    LongRunning,
}

impl ProcessType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShortLived => "short-lived",
            Self::LongRunning => "long-running",
        }
    }
}

impl FromStr for ProcessType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "short-lived" => Ok(Self::ShortLived),
            "long-running" => Ok(Self::LongRunning),
            _ => Err(format!("{text:?} is no process type: short-lived or long-running")),
        }
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a slot.
    #[default]
    Queued,
    /// Waits for another process.
    Waiting,
    /// Handed to the keeper, not yet seen alive.
    Starting,
    /// Alive.
    Running,
    /// Told to end, not yet ended.
    Stopping,
    /// Ended, and will be started again.
    BackingOff,
    /// Ended because somebody asked for it.
    Stopped,
    /// Ended by itself with exit code 0.
    Completed,
    /// Ended by itself otherwise, or could not be started, or was killed by a limit.
    Failed,
    /// Ended unseen: nobody knows its exit code.
    Lost,
}

impl Status {
    /// Every status, in the order of a process's life.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Waiting,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::BackingOff,
        Self::Stopped,
        Self::Completed,
        Self::Failed,
        Self::Lost,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing_off",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }

    /// Whether the process is over until somebody starts it again.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed | Self::Lost)
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|s| s.as_str()).collect();
            format!("{text:?} is no status: one of {}", all.join(", "))
        })
    }
}

/// Whether a service that failed is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Breaker {
    /// It is.
    Closed,
    /// It failed too often, and is not.
    Open,
    /// One trial is made: it decides.
    HalfOpen,
}

/// A process as every door shows it. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// The project's name, as in [`super::Project::name`].
    pub project: String,
    /// The script's name.
    pub script: String,
    /// Arguments, appended to the script.
    pub args: Vec<String>,
    /// Job or service.
    #[serde(rename = "type")]
    pub kind: ProcessType,
    /// Where it is in its life.
    pub status: Status,
    /// Why it is there, in words a person can act on.
    pub reason: String,
    /// Of the running attempt.
    pub pid: Option<i32>,
    /// When it was made.
    pub created_at: i64,
    /// When the newest attempt was spawned.
    pub started_at: Option<i64>,
    /// When the newest attempt ended.
    pub ended_at: Option<i64>,
    /// Of the newest attempt.
    pub exit_code: Option<i32>,
    /// Of the newest attempt.
    pub signal: Option<String>,
    /// How many log entries it has written: the next entry's index.
    pub next_idx: i64,
    /// The newest 50, oldest first.
    pub attempts: Vec<Attempt>,
    /// When something happens next by itself; `None` where time decides nothing.
    #[serde(default)]
    pub next_at: Option<i64>,
    /// Whether its readiness probe succeeds; `None` without one, and while it does not run.
    #[serde(default)]
    pub ready: Option<bool>,
    /// The breaker of a service.
    #[serde(default)]
    pub breaker: Option<Breaker>,
    /// The name of the declared process that it is.
    #[serde(default)]
    pub declared: Option<String>,
    /// Which of its replicas, from 0, when there are several.
    #[serde(default)]
    pub replica: Option<u32>,
    /// The pool whose slots a job takes.
    #[serde(default)]
    pub pool: Option<String>,
    /// Greater is served first.
    #[serde(default)]
    pub priority: i32,
    /// Its place in the line, 1 is next; `None` when it is not queued.
    #[serde(default)]
    pub position: Option<u32>,
    /// Whether lines can be sent to it.
    #[serde(default)]
    pub stdin: bool,
    /// What its tree may use; `None` when nothing is limited.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// The times at which it runs, as its start gave them.
    #[serde(default)]
    pub schedule: Option<String>,
    /// The time zone of the schedule.
    #[serde(default)]
    pub timezone: Option<String>,
}

/// One page of processes, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProcessList {
    /// The page.
    pub processes: Vec<Process>,
    /// Give it as `cursor` for the next page; `None` on the last.
    pub next_cursor: Option<String>,
}
