//! Brings the keeper's news to the actors.
//!
//! The keeper's reader calls [`Mailboxes::deliver`] for every event; it never waits. News about
//! output is a hint: when too much of it piles up it is dropped, and the actor reads the index file.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::keeper::client::KeeperEvent;
use crate::sys::spool::{ExitRecord, IndexRecord};

/// Records kept for an actor that is busy.
const MAX_RECORDS: usize = 256;

/// Every run's mailbox.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    by_run: Mutex<HashMap<String, Arc<Mailbox>>>,
}

/// The news of one run.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    news: Mutex<News>,
    /// Told of any news.
    pub(super) arrived: Notify,
}

/// What has come since the last look.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Index records, each list with its offset in the index.
    pub(super) records: Vec<(u64, Vec<IndexRecord>)>,
    /// The run has ended.
    pub(super) exit: Option<ExitRecord>,
    /// The keeper was lost and another one found: ask it how the run is.
    pub(super) keeper_changed: bool,
    count: usize,
}

impl Mailboxes {
    /// The mailbox of `run`, made when there is none.
    pub(super) fn open(&self, run: &str) -> Arc<Mailbox> {
        Arc::clone(self.by_run.lock().entry(run.to_owned()).or_default())
    }

    /// Nobody reads it any more.
    pub(super) fn close(&self, run: &str) {
        self.by_run.lock().remove(run);
    }

    /// Puts an event where it belongs.
    pub(super) fn deliver(&self, event: KeeperEvent) {
        match event {
            KeeperEvent::Advanced { run, from_idx_off, records } => {
                self.tell(&run, |news| {
                    if news.count + records.len() > MAX_RECORDS {
                        news.records.clear();
                        news.count = 0;
                    } else {
                        news.count += records.len();
                        news.records.push((from_idx_off, records));
                    }
                });
            }
            KeeperEvent::Exited { run, exit } => self.tell(&run, |news| news.exit = Some(exit)),
            KeeperEvent::Reconnected => {
                let all: Vec<_> = self.by_run.lock().values().cloned().collect();
                for mailbox in all {
                    mailbox.news.lock().keeper_changed = true;
                    mailbox.arrived.notify_one();
                }
            }
            KeeperEvent::Disconnected | KeeperEvent::Fenced => {}
        }
    }

    fn tell(&self, run: &str, change: impl FnOnce(&mut News)) {
        let mailbox = self.by_run.lock().get(run).cloned();
        if let Some(mailbox) = mailbox {
            change(&mut mailbox.news.lock());
            mailbox.arrived.notify_one();
        }
    }
}

impl Mailbox {
    /// Takes what has come.
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut self.news.lock())
    }
}
