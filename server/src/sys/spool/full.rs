//! What becomes of output that cannot be kept.

use serde::{Deserialize, Serialize};

/// What is done when a run's output cannot be kept: its disk is full, or more of it waits to be taken
/// in than may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhenFull {
    /// It is dropped, and the index says so; otherwise whoever writes it waits.
    pub drops: bool,
    /// So many bytes may wait to be taken in by the server; 0 is as many as the disk holds.
    pub max_backlog: u64,
}

/// Why output was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The disk of the spool is full.
    Disk,
    /// Too much of it waits to be taken in.
    Backlog,
}
