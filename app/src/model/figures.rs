//! What a process and all that it started use, over the last minutes.

use serde::{Deserialize, Serialize};

use super::ProcessId;

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Milliseconds since the epoch.
    pub ts: i64,
    /// Thousandths of one core, since the look before.
    pub cpu_milli: i64,
    /// Resident memory in bytes.
    pub rss_bytes: i64,
}

/// The looks at one process, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Whose.
    pub process_id: ProcessId,
    /// Milliseconds between two looks.
    pub every_ms: i64,
    /// At most 15 minutes of them.
    pub points: Vec<Point>,
}
