//! How often each script was started: people look for what they use.

use std::collections::HashMap;

use app::model::{Catalogue, Process};
use parking_lot::Mutex;

use crate::store::{ScriptName, Store, StoreError};

/// Counts, in memory: every page asks for them.
#[derive(Debug)]
pub(super) struct Starts {
    counts: Mutex<HashMap<ScriptName, i64>>,
}

impl Starts {
    /// Counts what is kept.
    pub(super) async fn open(store: &dyn Store) -> Result<Self, StoreError> {
        let counts = store.start_counts().await?.into_iter().collect();
        Ok(Self { counts: Mutex::new(counts) })
    }

    /// Counts one more.
    pub(super) fn count(&self, process: &Process) {
        let name = (process.project.clone(), process.script.clone());
        *self.counts.lock().entry(name).or_default() += 1;
    }

    /// The scripts of each project, most used first; of those that are used alike, in their order.
    pub(super) fn sort(&self, catalogue: &mut Catalogue) {
        let counts = self.counts.lock();
        for project in &mut catalogue.projects {
            project.scripts.sort_by_cached_key(|script| {
                let name = (script.project.clone(), script.name.clone());
                std::cmp::Reverse(counts.get(&name).copied().unwrap_or(0))
            });
        }
    }
}
