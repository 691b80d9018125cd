//! Restarts, retries, the breaker, watching and stopping, as they are written down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::choice::choice;

/// After which ends a service is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartWhen {
    /// After none.
    Never,
    /// After each that is no success.
    #[default]
    OnFailure,
    /// After each that nobody asked for.
    Always,
}

/// Whether and when a service is started again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestartConfig {
    /// After which ends.
    pub when: RestartWhen,
    /// The first pause.
    pub delay_ms: u64,
    /// What each further pause is longer by.
    pub factor: f64,
    /// The longest pause.
    pub max_delay_ms: u64,
    /// The part of a pause that is left to chance, 0 to 1: services that fail together do not
    /// come back together.
    pub jitter: f64,
    /// One that was up for so long begins with the first pause again.
    pub reset_after_s: f64,
    /// Exit codes after which it is started again in any case.
    pub always_codes: Vec<i32>,
    /// Exit codes after which it is never started again.
    pub never_codes: Vec<i32>,
}

impl Default for RestartConfig {
    fn default() -> Self {
        Self {
            when: RestartWhen::OnFailure,
            delay_ms: 500,
            factor: 2.0,
            max_delay_ms: 60_000,
            jitter: 0.25,
            reset_after_s: 30.0,
            always_codes: Vec::new(),
            never_codes: Vec::new(),
        }
    }
}

/// When the restarts are given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// So many failures open it; 0: it never opens.
    pub failures: u32,
    /// Within this time.
    pub within_s: f64,
    /// After so long one trial is made; 0: only by hand.
    pub cooldown_s: f64,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, within_s: 60.0, cooldown_s: 300.0 }
    }
}

/// How a job that failed is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetriesConfig {
    /// How often it is tried again.
    pub max: u32,
    /// The first pause.
    pub delay_ms: u64,
    /// What each further pause is longer by.
    pub factor: f64,
    /// The longest pause.
    pub max_delay_ms: u64,
    /// The part of a pause that is left to chance, 0 to 1.
    pub jitter: f64,
    /// Exit codes after which it is tried again, success or not.
    pub always_codes: Vec<i32>,
    /// Exit codes after which it is not tried again.
    pub never_codes: Vec<i32>,
}

impl Default for RetriesConfig {
    fn default() -> Self {
        Self {
            max: 3,
            delay_ms: 1_000,
            factor: 2.0,
            max_delay_ms: 60_000,
            jitter: 0.25,
            always_codes: Vec::new(),
            never_codes: Vec::new(),
        }
    }
}

choice! {
    /// What becomes of what a process writes when it cannot be kept.
    WhenFull, "rule for what cannot be kept", "the rules are":
    /// The process waits until it can.
    #[default]
    Block = "block",
    /// It is dropped, and the log says what is missing.
    Drop = "drop",
}

/// Files whose change starts a process again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// Patterns of paths below the project's folder, such as `src/**`.
    pub paths: Vec<String>,
    /// Patterns of paths that do not count. `node_modules`, `.git` and Runyard's own folder never do.
    pub ignore: Vec<String>,
    /// It is started again once so long nothing changed.
    pub debounce_ms: u64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { paths: Vec::new(), ignore: Vec::new(), debounce_ms: 300 }
    }
}

/// How a process is asked to end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopConfig {
    /// The signal; `SIGTERM` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// So long it has to end before it is killed; `run.grace_s` when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<f64>,
    /// A program and its arguments that asks it to end, instead of the signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
}
