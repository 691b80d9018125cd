//! `[process.NAME]`: what runs without being asked for each time, and how it is looked after.
//!
//! One set of types says what the file may hold, what the published schema describes, and what a
//! start may ask for; nothing here decides anything at run time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunAs, Sandbox, Secret};

mod care;
mod graph;
mod limits;
mod parse;
mod probe;
mod rights;
mod schema;
#[cfg(test)]
mod tests;
mod times;
mod validate;
mod variables;

pub use care::{
    BreakerConfig, RestartConfig, RestartWhen, RetriesConfig, StopConfig, WatchConfig, WhenFull,
};
pub use graph::{dependants_first, dependencies_first};
pub use limits::{Cores, Size, TreeLimits};
pub(super) use parse::{Declaration, read_declaration};
pub use probe::ProbeConfig;
pub(super) use rights::Rights;
pub use schema::json_schema;
pub use times::{Missed, Overlap, Schedule};
pub use validate::Wrong;
pub(super) use validate::validate_all;

/// A job ends by itself, a service does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A job.
    ShortLived,
    /// A service.
    LongRunning,
}

/// What a dependant waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It is alive.
    Started,
    /// Its readiness probe succeeds; without a probe, it is alive.
    Ready,
    /// It ended with success.
    Completed,
    /// It ended, however.
    Exited,
}

impl Condition {
    /// In words, after "to": `be ready`.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Started => "be started",
            Self::Ready => "be ready",
            Self::Completed => "complete",
            Self::Exited => "exit",
        }
    }
}

/// One declared process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessConfig {
    /// A script of the project; this or `command`. The process's own name when neither is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// A program and its arguments, run without a shell; `$PORT` and other variables of the
    /// process are put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The project it belongs to, by name; the first one when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Arguments behind the script.
    pub args: Vec<String>,
    /// Added to its environment.
    pub env: BTreeMap<String, String>,
    /// Added to its environment from files: the variable, and the file that has its value and nothing
    /// else. A relative path begins beside `runyard.toml`. Each is a secret.
    pub env_file: BTreeMap<String, PathBuf>,
    /// What the files of `env_file` say.
    #[serde(skip)]
    pub env_secrets: BTreeMap<String, Secret>,
    /// Names of variables whose values are secrets, beside `run.secret_env`; `*` is any text.
    pub secret_env: Vec<String>,
    /// Who it runs as, `USER` or `USER:GROUP`; `run.run_as` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub run_as: Option<RunAs>,
    /// Whether it is kept from writing outside its project; `run.sandbox` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// The folder it runs in, inside the project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Job or service.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Start it together with Runyard.
    pub autostart: bool,
    /// How many of it run; each is given `RUNYARD_REPLICA`, from 0, and a `PORT` of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// `PORT` of the first replica, the next ones follow; a free one when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether and when it is started again after it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartConfig>,
    /// When the restarts are given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerConfig>,
    /// How a job that failed is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetriesConfig>,
    /// Exit codes besides 0 that count as success.
    pub success_codes: Vec<i32>,
    /// Tells when it can be used: dependants wait for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<ProbeConfig>,
    /// Tells whether it still works: one that does not is started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<ProbeConfig>,
    /// The processes that come before it, and how far they must be.
    pub depends_on: BTreeMap<String, Condition>,
    /// Files whose change starts it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchConfig>,
    /// How it is asked to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopConfig>,
    /// When it is started: minute, hour, day of month, month, day of week; `@daily` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The time zone of `schedule`, such as `Europe/Berlin`; UTC when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What happens when it still runs at its next time.
    pub overlap: Overlap,
    /// What happens when Runyard was not there at its time.
    pub missed: Missed,
    /// A job that runs longer is stopped; 60 when nothing is said, 0 is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// The pool whose slots it takes; that of `limits.max_jobs` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Greater is served first; 0 when nothing is said.
    pub priority: i32,
    /// What its tree may use, within `[limits]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<TreeLimits>,
    /// What becomes of what it writes when that cannot be kept; `logs.when_full` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when_full: Option<WhenFull>,
    /// Open its standard input, so that lines can be sent to it.
    pub stdin: bool,
    /// Give it a terminal.
    pub tty: bool,
    /// The terminal's size: columns and rows; 120 and 40 when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty_size: Option<(u16, u16)>,
}

impl ProcessConfig {
    /// Job or service, as far as the declaration tells.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let is_job = self.schedule.is_some() || self.retries.is_some() || self.timeout_s.is_some();
        let is_service = self.restart.is_some()
            || self.breaker.is_some()
            || self.alive.is_some()
            || self.replicas.is_some();
        self.kind.or(match (is_job, is_service) {
            (true, _) => Some(Kind::ShortLived),
            (false, true) => Some(Kind::LongRunning),
            (false, false) => None,
        })
    }

    /// How many of it run.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.replicas.unwrap_or(1)
    }

    /// When it is started by itself.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        let pattern = self.schedule.as_deref()?;
        Schedule::parse(pattern, self.timezone.as_deref()).ok()
    }
}
