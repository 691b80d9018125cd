//! What is said over `/ws`.

use serde::{Deserialize, Serialize};

use super::{Entry, Process, ProcessId, StartRequest};

/// How a subscriber wants the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubscribeMode {
    /// Every entry, however slow the reader is.
    #[default]
    All,
    /// The newest entries; a slow reader is skipped ahead and told so by a `gap`.
    Tail,
}

/// From the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ClientMessage {
    /// Follow a log. `after`: only entries with a greater index; absent: `all` begins with the
    /// first entry, `tail` with the newest 1,000.
    Subscribe {
        /// Whose log.
        process_id: ProcessId,
        /// `all` when absent.
        #[serde(default)]
        mode: SubscribeMode,
        /// The last index the client has; -1 is from the first.
        #[serde(default)]
        after: Option<i64>,
    },
    /// Stop following a log.
    Unsubscribe {
        /// Whose log.
        process_id: ProcessId,
    },
    /// Send the newest 1,000 entries again.
    Replay {
        /// Whose log.
        process_id: ProcessId,
    },
    /// As `POST /api/processes`; answered by a `process-update`.
    StartProcess {
        /// The start.
        config: Box<StartRequest>,
    },
    /// As `DELETE /api/processes/:id`.
    StopProcess {
        /// Which.
        process_id: ProcessId,
    },
}

/// From the server.
#[allow(clippy::large_enum_variant, reason = "one at a time is made, and sent at once")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ServerMessage {
    /// Sent once, on open: the newest processes.
    Status {
        /// Newest first.
        processes: Vec<Process>,
    },
    /// New entries, in order.
    Logs {
        /// Whose.
        process_id: ProcessId,
        /// At least one.
        entries: Vec<Entry>,
    },
    /// A process changed; the last one of an attempt comes after its last lines.
    ProcessUpdate {
        /// As it is now.
        process: Process,
    },
    /// The answer to `subscribe`.
    Subscribed {
        /// Whose log.
        process_id: ProcessId,
    },
    /// The answer to `unsubscribe`.
    Unsubscribed {
        /// Whose log.
        process_id: ProcessId,
    },
    /// Entries `from` to `to` (both included) were passed over.
    Gap {
        /// Whose log.
        process_id: ProcessId,
        /// First index passed over.
        from: i64,
        /// Last index passed over.
        to: i64,
        /// How many.
        dropped: i64,
    },
    /// A message was refused; the connection goes on.
    Error {
        /// Stable, as in [`super::Problem::code`].
        code: String,
        /// What would be right.
        message: String,
    },
}
