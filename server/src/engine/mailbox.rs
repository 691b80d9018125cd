//! Brings the keeper's news to the actors.
//!
//! The keeper's reader calls [`Mailboxes::deliver`] for every event; it never waits. News about
//! output is a hint: when too much of it piles up it is dropped, and the actor reads the index file.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// All runs have their readers: who has none is nobody's.
    is_taken_up: AtomicBool,
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
    /// There was more than is kept for an actor that is busy.
    pub(super) is_incomplete: bool,
    count: usize,
}

impl Mailboxes {
    /// The mailbox of `run`, made when there is none.
    pub(super) fn open(&self, run: &str) -> Arc<Mailbox> {
        Arc::clone(self.by_run.lock().entry(run.to_owned()).or_default())
    }

    /// Every run that was there at the start has its reader now. Until then an end is kept for a
    /// reader that is still to come: the keeper tells it once.
    pub(super) fn taken_up(&self) {
        self.is_taken_up.store(true, Ordering::Release);
        self.by_run.lock().retain(|_, mailbox| Arc::strong_count(mailbox) > 1);
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
                        (news.count, news.is_incomplete) = (0, true);
                    } else {
                        news.count += records.len();
                        news.records.push((from_idx_off, records));
                    }
                });
            }
            KeeperEvent::Exited { run, exit } => {
                if !self.is_taken_up.load(Ordering::Acquire) {
                    self.open(&run);
                }
                self.tell(&run, |news| news.exit = Some(exit));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(run: &str) -> KeeperEvent {
        KeeperEvent::Exited { run: run.into(), exit: ExitRecord::default() }
    }

    #[test]
    fn an_end_waits_for_its_reader_until_all_are_taken_up() {
        let mailboxes = Mailboxes::default();
        mailboxes.deliver(exited("a.1"));
        mailboxes.deliver(exited("b.1"));
        let read = mailboxes.open("a.1");
        mailboxes.taken_up();
        assert!(read.take().exit.is_some());
        assert!(mailboxes.open("b.1").take().exit.is_none(), "nobody came for it");
        mailboxes.deliver(exited("c.1"));
        assert!(mailboxes.open("c.1").take().exit.is_none(), "it is nobody's");
    }
}
