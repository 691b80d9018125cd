//! A change of a process, encoded once for all who hear of it.

use std::sync::{Arc, OnceLock};

use app::model::Process;
use bytes::Bytes;

/// A process as it is after a change.
#[derive(Debug)]
pub struct Update {
    /// The process.
    pub process: Arc<Process>,
    encoded: OnceLock<Bytes>,
}

impl Update {
    pub(super) fn new(process: Arc<Process>) -> Self {
        Self { process, encoded: OnceLock::new() }
    }

    /// The change in the form that `encode` gives it; every listener is to give the same one.
    pub fn encoded(&self, encode: impl FnOnce(&Process) -> Bytes) -> &Bytes {
        self.encoded.get_or_init(|| encode(&self.process))
    }
}
