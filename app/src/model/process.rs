//! A process: one start of a script, with its status, its attempts and one numbered log.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Limits;

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

/// One operating-system execution of a process. Times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 for the first.
    pub n: u32,
    /// `None` when it never came to a spawn.
    pub pid: Option<i32>,
    /// When it was spawned.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Set when it ended by `exit`.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended it, such as `SIGTERM`.
    pub signal: Option<String>,
    /// CPU time in user mode, in milliseconds, of it and the children it waited for.
    pub user_ms: Option<i64>,
    /// CPU time in the kernel, in milliseconds.
    pub system_ms: Option<i64>,
    /// The largest resident set of any process of the tree, in bytes.
    pub max_rss_bytes: Option<i64>,
    /// The index of its first log entry.
    pub first_idx: Option<i64>,
    /// The index of its last log entry.
    pub last_idx: Option<i64>,
    /// Who or what started it, in words: `started by admin`.
    pub cause: String,
    /// What kind of cause that is.
    #[serde(default)]
    pub cause_kind: Option<CauseKind>,
    /// Whose name the cause bears: a person, a token, a process, a file.
    #[serde(default)]
    pub cause_by: Option<String>,
    /// What its command, environment and strategy were: the same text for the same ones.
    #[serde(default)]
    pub config_hash: Option<String>,
}

/// Attempts of one process, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttemptPage {
    /// The page.
    pub attempts: Vec<Attempt>,
    /// Give it as `before` for the next page; `None` on the last.
    pub next_before: Option<u32>,
}

/// What started an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CauseKind {
    /// Somebody at a page.
    Person,
    /// A program with a token.
    Token,
    /// Its schedule.
    Schedule,
    /// The job failed before.
    Retry,
    /// The service ended before.
    Restart,
    /// A file changed.
    Watch,
    /// Another process needs it.
    Dependency,
    /// Runyard started.
    Autostart,
    /// Runyard was not there, and takes up what it left.
    Recovery,
}

impl CauseKind {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Schedule => "schedule",
            Self::Retry => "retry",
            Self::Restart => "restart",
            Self::Watch => "watch",
            Self::Dependency => "dependency",
            Self::Autostart => "autostart",
            Self::Recovery => "recovery",
        }
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

/// The body of `POST /api/processes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartRequest {
    /// The script's name.
    pub script_name: String,
    /// Appended to the script, each quoted.
    #[serde(default)]
    pub args: Vec<String>,
    /// Added to the clean environment; names must be on the allow-list.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Names of variables whose values are secrets, beside those that `run.secret_env` says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_env: Vec<String>,
    /// Places in `args`, from 0, of those that are secrets; of `--name=value` the value is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_args: Vec<usize>,
    /// Job (default) or service; a script that looks like a server (`dev`, `start`, `serve`,
    /// `watch`, `preview`) is a service when nothing is said.
    #[serde(default, rename = "type")]
    pub kind: Option<ProcessType>,
    /// Needed only when more than one project has the script.
    #[serde(default)]
    pub project: Option<String>,
    /// Relative to the project's folder, and inside it.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Stop it after so many milliseconds; 0 or absent: never.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Kill it when it has written more than so many bytes.
    #[serde(default)]
    pub max_buffer: Option<u64>,
    /// What its tree may use: `maxMemory` (bytes, or a size such as `"512M"`), `maxCpu` (cores) and
    /// `maxPids`; within what `[limits]` allows, which holds where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub limits: Option<serde_json::Value>,
    /// The signal that asks it to end; `SIGTERM` when absent.
    #[serde(default)]
    pub kill_signal: Option<String>,
    /// How it is looked after: the keys of `[process.NAME]` in `runyard.toml` that name no command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ssr", schema(value_type = Option<Object>))]
    pub strategy: Option<serde_json::Value>,
}

/// The answer to `POST /api/processes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The new process.
    pub process_id: ProcessId,
    /// `None` while it is queued.
    pub pid: Option<i32>,
    /// `running`, or `queued`.
    pub status: Status,
}
