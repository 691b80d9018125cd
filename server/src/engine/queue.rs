//! Slots for jobs, and the line of those who wait for one.

use std::collections::VecDeque;
use std::sync::Arc;

use app::model::ProcessId;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

/// Only so many at the front of the line are told of every move.
pub const TOLD: usize = 20;

/// The slots. Cheap to share.
#[derive(Clone, Debug)]
pub struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max: usize,
    line: Mutex<Line>,
    /// Counts the moves of the line.
    moves: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Line {
    used: usize,
    waiting: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Ticket {
    id: ProcessId,
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

impl Slots {
    /// `max` slots.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let shared = Shared { max, line: Mutex::default(), moves: watch::Sender::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Asks for a slot; who asks first is served first.
    #[must_use]
    pub fn ask(&self, id: &ProcessId) -> Asked {
        let mut line = self.shared.line.lock();
        if line.used < self.shared.max && line.waiting.is_empty() {
            line.used += 1;
            return Asked::Now(Slot { shared: Arc::clone(&self.shared) });
        }
        let (grant, granted) = oneshot::channel();
        line.waiting.push_back(Ticket { id: id.clone(), grant });
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

    /// The place in the line (0 is next), slots in use, and slots in all.
    #[must_use]
    pub fn place(&self) -> (usize, usize, usize) {
        let line = self.shared.line.lock();
        let place = line.waiting.iter().position(|ticket| ticket.id == self.id);
        (place.unwrap_or(0), line.used, self.shared.max)
    }

    /// In words: `queued: 5 of 5 slots in use, 2nd in line`.
    #[must_use]
    pub fn reason(&self) -> String {
        let (place, used, max) = self.place();
        format!("queued: {used} of {max} slots in use, {} in line", ordinal(place + 1))
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
        let mut line = self.shared.line.lock();
        line.used -= 1;
        let mut moved = false;
        let mut refused = Vec::new();
        while line.used < self.shared.max
            && let Some(ticket) = line.waiting.pop_front()
        {
            line.used += 1;
            moved = true;
            // Whoever left without being seen gives the slot back below, outside the lock.
            if let Err(slot) = ticket.grant.send(Slot { shared: Arc::clone(&self.shared) }) {
                refused.push(slot);
            }
        }
        drop(line);
        if moved {
            self.shared.moves.send_modify(|n| *n += 1);
        }
        drop(refused);
    }
}

fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> ProcessId {
        ProcessId(n.to_string())
    }

    fn later(asked: Asked) -> Waiting {
        match asked {
            Asked::Later(waiting) => waiting,
            Asked::Now(_) => panic!("no slot was to be free"),
        }
    }

    async fn granted(waiting: &mut Waiting) -> Slot {
        loop {
            if let Step::Granted(slot) = waiting.next().await {
                return slot;
            }
        }
    }

    #[tokio::test]
    async fn serves_in_order_and_says_the_place() {
        let slots = Slots::new(1);
        let Asked::Now(first) = slots.ask(&id(0)) else { panic!("a slot is free") };
        let mut second = later(slots.ask(&id(1)));
        let mut third = later(slots.ask(&id(2)));
        assert_eq!(third.reason(), "queued: 1 of 1 slots in use, 2nd in line");
        drop(first);
        let slot = granted(&mut second).await;
        assert!(matches!(third.next().await, Step::Moved));
        assert_eq!(third.place(), (0, 1, 1));
        drop(slot);
        drop(granted(&mut third).await);
        assert!(matches!(slots.ask(&id(3)), Asked::Now(_)));
    }

    #[tokio::test]
    async fn who_leaves_the_line_is_passed_over() {
        let slots = Slots::new(1);
        let Asked::Now(first) = slots.ask(&id(0)) else { panic!("a slot is free") };
        let second = later(slots.ask(&id(1)));
        let mut third = later(slots.ask(&id(2)));
        drop(second);
        assert_eq!(third.place().0, 0);
        drop(first);
        drop(granted(&mut third).await);
    }

    #[tokio::test]
    async fn a_granted_slot_that_nobody_takes_is_free_again() {
        let slots = Slots::new(1);
        let Asked::Now(first) = slots.ask(&id(0)) else { panic!("a slot is free") };
        let second = later(slots.ask(&id(1)));
        drop(first);
        drop(second);
        assert!(matches!(slots.ask(&id(2)), Asked::Now(_)));
    }

    #[test]
    fn counts_in_english() {
        let words: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).into();
        assert_eq!(words.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }
}
