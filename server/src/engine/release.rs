//! Giving back to the keeper what is stored.
//!
//! A commit is in the database for every process as soon as it returns, but it is on the disk only
//! some time later. Until then the spool is the other copy: so the database is synced before anything of
//! the spool is deleted. One sync serves all that has come to be given back meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::failpoint;
use crate::keeper::client::KeeperClient;
use crate::store::{Cursor, Store};

/// The database is synced at most so often for this.
const SYNC_EVERY: Duration = Duration::from_millis(250);
/// After it could not be synced.
const TRY_AGAIN: Duration = Duration::from_secs(2);
/// The keeper has to keep up with so many at a time.
const AT_ONCE: usize = 500;

/// What of a run may go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Spare {
    /// What lies before the cursor.
    Before(Cursor),
    /// All of it.
    All,
}

/// What waits for the database to be on the disk.
#[derive(Debug, Default)]
pub(super) struct Releases {
    waiting: Mutex<HashMap<String, Spare>>,
    some: Notify,
}

impl Releases {
    /// Nothing that lies before this will be read again.
    pub(super) fn release(&self, cursor: Cursor) {
        let mut waiting = self.waiting.lock();
        let run = cursor.run.clone();
        if waiting.get(&run) != Some(&Spare::All) {
            waiting.insert(run, Spare::Before(cursor));
        }
        drop(waiting);
        self.some.notify_one();
    }

    /// Nobody needs this run any more.
    pub(super) fn forget(&self, run: &str) {
        self.waiting.lock().insert(run.to_owned(), Spare::All);
        self.some.notify_one();
    }

    /// Gives back what comes, as long as it is polled.
    pub(super) async fn give_back(&self, store: &Arc<dyn Store>, keeper: &KeeperClient) {
        let mut is_failing = false;
        loop {
            if self.waiting.lock().is_empty() {
                self.some.notified().await;
            }
            let given = self.give_back_now(store, keeper).await;
            match &given {
                Err(why) if !is_failing => {
                    tracing::error!(why, "the spool is kept: the database is not on its disk");
                }
                Ok(()) if is_failing => tracing::info!("the database is on its disk again"),
                _ => {}
            }
            is_failing = given.is_err();
            sleep(if is_failing { TRY_AGAIN } else { SYNC_EVERY }).await;
        }
    }

    /// Gives back what waits. All of it goes on waiting when the database cannot be synced.
    pub(super) async fn give_back_now(
        &self,
        store: &Arc<dyn Store>,
        keeper: &KeeperClient,
    ) -> Result<(), String> {
        let spares: Vec<_> = {
            let waiting = self.waiting.lock();
            waiting.iter().map(|(run, spare)| (run.clone(), spare.clone())).collect()
        };
        if spares.is_empty() {
            return Ok(());
        }
        store.sync().await.map_err(|error| error.to_string())?;
        for some in spares.chunks(AT_ONCE) {
            for (run, spare) in some {
                match spare {
                    Spare::Before(at) => {
                        failpoint::reach("before-release");
                        keeper.release(run, at.out_off, at.err_off, at.index_off);
                    }
                    Spare::All => keeper.forget(run),
                }
                let mut waiting = self.waiting.lock();
                // Something newer may have come meanwhile.
                if waiting.get(run) == Some(spare) {
                    waiting.remove(run);
                }
            }
            if some.len() == AT_ONCE {
                // One that is answered: what is not may be dropped when too much of it waits.
                let _ = keeper.stats().await;
            }
        }
        Ok(())
    }
}
