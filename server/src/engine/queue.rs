//! Slots for jobs, in pools, and the line of those who wait for one.
//!
//! The line is served by priority, and among equals in the order of asking. A pool may be paused:
//! then nobody is served, and who runs goes on.

use std::collections::VecDeque;
use std::sync::Arc;

use app::model::{Pool, ProcessId};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::words::ordinal;
use crate::config::PoolsConfig;

mod pools;
#[cfg(test)]
mod tests;

pub use pools::{Full, Pools};

/// Only so many at the front of the line are told of every move.
pub const TOLD: usize = 20;

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
    /// The pool is gone, and this one serves instead.
    instead: Option<Slots>,
}

#[derive(Debug)]
struct Ticket {
    id: ProcessId,
    priority: i32,
    /// The pool that it waited in before, which is gone.
    before: Option<String>,
    grant: oneshot::Sender<Grant>,
}

/// What comes to one who waits.
#[derive(Debug)]
enum Grant {
    Slot(Slot),
    /// A place in the line of another pool.
    Place(Box<Waiting>),
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
    granted: oneshot::Receiver<Grant>,
    moves: watch::Receiver<u64>,
}

/// How the line is for one who stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 is next.
    pub ahead: usize,
    /// Slots in use.
    pub used: usize,
    /// Slots in all.
    pub max: usize,
    /// Nobody is served.
    pub is_paused: bool,
    /// The pool that it waited in before, which is gone.
    pub before: Option<String>,
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
        self.ask_after(id, priority, None)
    }

    /// Asks for a slot after a pool that is gone, `before`.
    fn ask_after(&self, id: &ProcessId, priority: i32, before: Option<String>) -> Asked {
        let mut line = self.shared.line.lock();
        if let Some(instead) = line.instead.clone() {
            drop(line);
            return instead.ask_after(id, priority, Some(self.shared.name.clone()));
        }
        if line.used < line.max && line.waiting.is_empty() && !line.is_paused {
            line.used += 1;
            return Asked::Now(Slot { shared: Arc::clone(&self.shared) });
        }
        let (grant, granted) = oneshot::channel();
        // From the back: most are equal, and stand behind each other.
        let behind = line.waiting.iter().rposition(|other| other.priority >= priority);
        let place = behind.map_or(0, |behind| behind + 1);
        let is_last = place == line.waiting.len();
        line.waiting.insert(place, Ticket { id: id.clone(), priority, before, grant });
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

    /// The name of the pool.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
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

    /// The pool goes: who waits goes on waiting in another one.
    fn move_to(&self, other: &Self) {
        let tickets = {
            let mut line = self.shared.line.lock();
            line.instead = Some(other.clone());
            std::mem::take(&mut line.waiting)
        };
        for Ticket { id, priority, grant, .. } in tickets {
            // Whoever has left meanwhile gives back with the answer what it was given.
            let before = Some(self.shared.name.clone());
            let _ = grant.send(match other.ask_after(&id, priority, before) {
                Asked::Now(slot) => Grant::Slot(slot),
                Asked::Later(waiting) => Grant::Place(Box::new(waiting)),
            });
        }
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
        let before = line.waiting.get(ahead).and_then(|ticket| ticket.before.clone());
        Some(Place { ahead, used: line.used, max: line.max, is_paused: line.is_paused, before })
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
            let slot = Grant::Slot(Slot { shared: Arc::clone(self) });
            if let Err(slot) = ticket.grant.send(slot) {
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
                Ok(Grant::Slot(slot)) => Step::Granted(slot),
                Ok(Grant::Place(other)) => {
                    *self = *other;
                    Step::Moved
                }
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
        let served = Place { ahead: 0, used: 0, max: 0, is_paused: false, before: None };
        self.shared.place_of(&self.id).unwrap_or(served)
    }

    /// In words: `queued: 5 of 5 slots in use, 2nd in line`.
    #[must_use]
    pub fn reason(&self) -> String {
        self.place().describe(&self.shared.name)
    }

    /// The name of the pool.
    #[must_use]
    pub fn pool(&self) -> &str {
        &self.shared.name
    }
}

impl Place {
    /// In words; the pool of jobs that name none goes without saying.
    #[must_use]
    pub fn describe(&self, pool: &str) -> String {
        let Self { ahead, used, max, is_paused, before } = self;
        let gone = match before {
            Some(before) => format!(" (the pool {before} is gone)"),
            None => String::new(),
        };
        let place = ordinal(ahead + 1);
        let of = if pool == PoolsConfig::DEFAULT { String::new() } else { format!(" of {pool}") };
        if *is_paused {
            return format!("queued: the pool {pool} is paused, {place} in line{gone}");
        }
        format!("queued: {used} of {max} slots{of} in use, {place} in line{gone}")
    }
}

impl Slot {
    /// The name of the pool.
    #[must_use]
    pub fn pool(&self) -> &str {
        &self.shared.name
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
