//! One line of a log, and pages of them.

use serde::{Deserialize, Serialize};

use super::Level;

/// Which stream an entry came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// The child's standard output.
    Stdout,
    /// The child's standard error.
    Stderr,
    /// Runyard's own words about the process.
    System,
}

impl EntryKind {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::System => "system",
        }
    }
}

/// One line of a process's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Entry {
    /// 0, 1, 2 ... per process, without holes.
    pub idx: i64,
    /// When it was written, in milliseconds since the epoch.
    pub ts: i64,
    /// The stream.
    #[serde(rename = "type")]
    pub kind: EntryKind,
    /// The text without its line end; invalid UTF-8 is shown as U+FFFD.
    pub line: String,
    /// The line was too long: the next entry of the same stream goes on with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continued: bool,
    /// The style that lines before it leave in force, as the parameters of an escape sequence: `1;31`. What
    /// that is, a [`Style`](super::Style) says where it is drawn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// It goes on with what an entry of this level before it in its stream said, as a stack trace does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Level>,
}

impl Entry {
    /// How serious it is, as far as its words or those that it goes on with tell.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.under.or_else(|| Level::guess(self.line.as_bytes()))
    }
}

/// The answer to `GET /api/processes/:id/logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// In the order of their indexes.
    pub entries: Vec<Entry>,
    /// Give it as `after` for what follows, now or later; `None` while the log is empty.
    pub next_after: Option<i64>,
}

/// A log over time: the answer to `GET /api/processes/:id/logs/timeline`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// When the first bucket begins, in milliseconds since the epoch.
    pub from: i64,
    /// How long each bucket is.
    pub bucket_ms: i64,
    /// Without holes; none while the log is empty.
    pub buckets: Vec<TimelineBucket>,
}

/// What a log said in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TimelineBucket {
    /// The lowest index in it.
    pub first_idx: Option<i64>,
    /// How many lines.
    pub lines: i64,
    /// How many of them warn.
    pub warnings: i64,
    /// How many of them tell of an error; its stack trace is not counted.
    pub errors: i64,
}
