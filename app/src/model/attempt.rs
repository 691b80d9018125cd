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
    /// Why it ended, or is told to end; `None` while nothing is the matter, and when it was stored
    /// before this was told.
    #[serde(default)]
    pub end_kind: Option<EndKind>,
    /// Who asked for the end, which file changed, what a probe found.
    #[serde(default)]
    pub end_by: Option<String>,
    /// Why it ended, in words: `stopped by admin: ended by SIGTERM`.
    #[serde(default)]
    pub end: Option<String>,
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

/// Why an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EndKind {
    /// By itself: by its exit, or by a signal that Runyard did not send for a reason.
    Exit,
    /// Somebody asked for it.
    Stop,
    /// Somebody asked for a new attempt.
    Restart,
    /// A file changed.
    Watch,
    /// It did not work any more.
    Liveness,
    /// It ran for too long.
    Timeout,
    /// It wrote too much.
    Output,
    /// Its tree used too much.
    Limit,
    /// It could not be started.
    Spawn,
    /// Nobody saw how.
    Lost,
}

impl EndKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Exit,
        Self::Stop,
        Self::Restart,
        Self::Watch,
        Self::Liveness,
        Self::Timeout,
        Self::Output,
        Self::Limit,
        Self::Spawn,
        Self::Lost,
    ];

    /// Whether it was wanted: such an end counts neither as a failure nor as a try.
    #[must_use]
    pub fn is_wanted(self) -> bool {
        matches!(self, Self::Stop | Self::Restart | Self::Watch)
    }
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

    /// Whether what was tried before is over with it: only a further try and what Runyard takes up
    /// go on with it.
    #[must_use]
    pub fn begins_anew(self) -> bool {
        !matches!(self, Self::Retry | Self::Restart | Self::Recovery)
    }
}
