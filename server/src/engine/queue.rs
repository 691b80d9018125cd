//! Slots for jobs, in pools, and the line of those who wait for one.
//!
//! The line is served by priority, and among equals in the order of asking. A pool may be paused:
//! then nobody is served, and who runs goes on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use app::model::{Pool, ProcessId};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::words::ordinal;

#[cfg(test)]
mod tests;

/// Only so many at the front of the line are told of every move.
pub const TOLD: usize = 20;

/// Every pool by its name.
#[derive(Debug)]
pub struct Pools {
    by_name: Mutex<BTreeMap<String, Slots>>,
    /// Jobs that may wait in each.
    max_queue: usize,
}

/// The slots of one pool. Cheap to share.
#[derive(Clone, Debug)]
pub struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    line: Mutex<Line>,
    /// Counts the moves of the line.
    moves: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Line {
    max: usize,
    used: usize,
    is_paused: bool,
    waiting: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Ticket {
    id: ProcessId,
    priority: i32,
    grant: oneshot::Sender<Slot>,
}

/// A slot in use; it is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
}

/// What asking for a slot gives.
#[derive(Debug)]
pub enum Asked {
    /// It is there.
    Now(Slot),
    /// It will come; dropping this leaves the line.
    Later(Waiting),
}

/// What happens to one who waits.
#[derive(Debug)]
pub enum Step {
    /// The slot is there.
    Granted(Slot),
    /// The line moved.
    Moved,
}

/// A place in the line.
#[derive(Debug)]
pub struct Waiting {
    id: ProcessId,
    shared: Arc<Shared>,
    granted: oneshot::Receiver<Slot>,
    moves: watch::Receiver<u64>,
}

/// How the line is for one who stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 is next.
    pub ahead: usize,
    /// Slots in use.
    pub used: usize,
    /// Slots in all.
    pub max: usize,
    /// Nobody is served.
    pub is_paused: bool,
}

/// The line is as long as it may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{waiting} jobs wait in the pool {pool}, which is limits.max_queue: cancel some, or try again \
     when some have run"
)]
pub struct Full {
    /// Which.
    pub pool: String,
    /// How many wait.
    pub waiting: usize,
}

impl Pools {
    /// The pools by name with their slots. In each may wait `max_queue` jobs.
    #[must_use]
    pub fn new(slots: impl IntoIterator<Item = (String, usize)>, max_queue: usize) -> Self {
        let by_name = slots.into_iter().map(|(name, max)| (name.clone(), Slots::new(&name, max)));
        Self { by_name: Mutex::new(by_name.collect()), max_queue }
    }

    /// The pool of this name. One that is not configured (any more) is made, with one slot: what
    /// was started in it still has to run.
    #[must_use]
    pub fn get(&self, name: &str) -> Slots {
        let mut by_name = self.by_name.lock();
        by_name.entry(name.to_owned()).or_insert_with(|| Slots::new(name, 1)).clone()
    }

    /// The pool of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Slots> {
        self.by_name.lock().get(name).cloned()
    }

    /// Changes the slots of the pools; those that are not named stay as they are.
    pub fn resize(&self, slots: impl IntoIterator<Item = (String, usize)>) {
        for (name, max) in slots {
            self.get(&name).resize(max);
        }
    }

    /// Whether one more may wait there.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_room(&self, name: &str) -> Result<(), Full> {
        let waiting = self.get(name).figures().1;
        if waiting < self.max_queue {
            return Ok(());
        }
        Err(Full { pool: name.to_owned(), waiting })
    }

    /// Every pool, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Pool> {
        let pools: Vec<Slots> = self.by_name.lock().values().cloned().collect();
        pools.iter().map(Slots::describe).collect()
    }
}

impl Slots {
    fn new(name: &str, max: usize) -> Self {
        let line = Line { max, ..Line::default() };
        let (line, moves) = (Mutex::new(line), watch::Sender::new(0));
        Self { shared: Arc::new(Shared { name: name.to_owned(), line, moves }) }
    }

    /// Asks for a slot.
    #[must_use]
    pub fn ask(&self, id: &ProcessId, priority: i32) -> Asked {
        let mut line = self.shared.line.lock();
        if line.used < line.max && line.waiting.is_empty() && !line.is_paused {
            line.used += 1;
            return Asked::Now(Slot { shared: Arc::clone(&self.shared) });
        }
        let (grant, granted) = oneshot::channel();
        // From the back: most are equal, and stand behind each other.
        let behind = line.waiting.iter().rposition(|other| other.priority >= priority);
        let place = behind.map_or(0, |behind| behind + 1);
        let is_last = place == line.waiting.len();
        line.waiting.insert(place, Ticket { id: id.clone(), priority, grant });
        drop(line);
        if !is_last {
            self.shared.moves.send_modify(|n| *n += 1);
        }
        Asked::Later(Waiting {
            id: id.clone(),
            shared: Arc::clone(&self.shared),
            granted,
            moves: self.shared.moves.subscribe(),
        })
    }

    /// Slots in use, and how many wait for one.
    #[must_use]
    pub fn figures(&self) -> (usize, usize) {
        let line = self.shared.line.lock();
        (line.used, line.waiting.len())
    }

    /// A slot for a process that runs already, even when none is free.
    #[must_use]
    pub fn take(&self) -> Slot {
        self.shared.line.lock().used += 1;
        Slot { shared: Arc::clone(&self.shared) }
    }

    /// Stops serving, or serves again.
    pub fn pause(&self, is_paused: bool) {
        self.shared.line.lock().is_paused = is_paused;
        self.shared.moves.send_modify(|n| *n += 1);
        self.shared.serve();
    }

    /// Where one stands who waits; `None` when it does not.
    #[must_use]
    pub fn place_of(&self, id: &ProcessId) -> Option<Place> {
        self.shared.place_of(id)
    }

    fn resize(&self, max: usize) {
        self.shared.line.lock().max = max;
        self.shared.moves.send_modify(|n| *n += 1);
        self.shared.serve();
    }

    fn describe(&self) -> Pool {
        let line = self.shared.line.lock();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Pool {
            name: self.shared.name.clone(),
            slots: count(line.max),
            used: count(line.used),
            waiting: count(line.waiting.len()),
            is_paused: line.is_paused,
        }
    }
}

impl Shared {
    fn place_of(&self, id: &ProcessId) -> Option<Place> {
        let line = self.line.lock();
        let ahead = line.waiting.iter().position(|ticket| ticket.id == *id)?;
        Some(Place { ahead, used: line.used, max: line.max, is_paused: line.is_paused })
    }

    /// Gives free slots to those at the front.
    fn serve(self: &Arc<Self>) {
        let mut moved = false;
        let mut refused = Vec::new();
        let mut line = self.line.lock();
        while line.used < line.max
            && !line.is_paused
            && let Some(ticket) = line.waiting.pop_front()
        {
            line.used += 1;
            moved = true;
            // Whoever left without being seen gives the slot back below, outside the lock.
            if let Err(slot) = ticket.grant.send(Slot { shared: Arc::clone(self) }) {
                refused.push(slot);
            }
        }
        drop(line);
        if moved {
            self.moves.send_modify(|n| *n += 1);
        }
        drop(refused);
    }
}

impl Waiting {
    /// What comes next: the slot, or a move of the line.
    pub async fn next(&mut self) -> Step {
        tokio::select! {
            biased;
            granted = &mut self.granted => match granted {
                Ok(slot) => Step::Granted(slot),
                // The sender lives in the line, and the line as long as `shared`.
                Err(_) => std::future::pending().await,
            },
            moved = self.moves.changed() => match moved {
                Ok(()) => Step::Moved,
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        let served = Place { ahead: 0, used: 0, max: 0, is_paused: false };
        self.shared.place_of(&self.id).unwrap_or(served)
    }

    /// In words: `queued: 5 of 5 slots in use, 2nd in line`.
    #[must_use]
    pub fn reason(&self) -> String {
        self.place().describe(&self.shared.name)
    }
}

impl Place {
    /// In words; the pool of jobs that name none goes without saying.
    #[must_use]
    pub fn describe(&self, pool: &str) -> String {
        let Self { ahead, used, max, is_paused } = self;
        let place = ordinal(ahead + 1);
        let of = if pool == crate::config::PoolsConfig::DEFAULT {
            String::new()
        } else {
            format!(" of {pool}")
        };
        if *is_paused {
            return format!("queued: the pool {pool} is paused, {place} in line");
        }
        format!("queued: {used} of {max} slots{of} in use, {place} in line")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut line = self.shared.line.lock();
        let before = line.waiting.len();
        line.waiting.retain(|ticket| ticket.id != self.id);
        let left = line.waiting.len() != before;
        drop(line);
        if left {
            self.shared.moves.send_modify(|n| *n += 1);
        }
        // A slot that was granted meanwhile is dropped with the receiver, and so is free again.
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.line.lock().used -= 1;
        self.shared.serve();
    }
}
