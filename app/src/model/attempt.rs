//! One execution of a process.

use serde::{Deserialize, Serialize};

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
