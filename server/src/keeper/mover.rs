//! The threads that move output: from the pipes of their runs into the spool.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::capture::{Capture, Step};
use super::inbox::Inbox;
use super::note;
use super::outbox::Outbox;
use super::pace::Pace;
use super::protocol::Event;
use super::start::{StartError, Started};
use crate::sys::clock;
use crate::sys::epoll::{Epoll, Events, READABLE};

/// The nap of a busy mover; see [`super::pace`].
const NAP: Duration = Duration::from_millis(1);
/// After the disk refused a write, it is asked again so much later.
const RETRY_MS: u64 = 200;
/// The token of the inbox. A pipe's is its run's key and a bit for the stream.
const INBOX: u64 = u64::MAX;
const ERR_BIT: u64 = 1;

/// What the control thread wants of a mover.
#[derive(Debug)]
pub(super) enum Command {
    /// Take care of a run.
    Add(Box<Capture>),
    /// Its root has ended: move all that it has written, and say so.
    Drain(u64),
    /// Let go of it, and say so.
    Remove(u64),
    /// The server reads again: tell it what it has missed.
    Flush,
    /// The server has taken in so much that a run may have room again.
    Roomier,
    /// The data folder was deleted: nothing can be kept any more.
    Void,
    /// End.
    Stop,
}

/// What the control thread is told.
#[derive(Debug)]
pub(super) enum Note {
    /// A run's pipes were empty after its root had ended.
    Drained(u64),
    /// Nothing will be written to this run's folder any more.
    Removed(u64),
    /// The server does not read.
    Blocked,
    /// A starter is through with this run.
    Started { run: String, result: Result<Started, StartError> },
}

/// Counters of all movers.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) wakes: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// A thread's runs.
#[derive(Debug)]
pub(super) struct Mover {
    epoll: Epoll,
    inbox: Arc<Inbox<Command>>,
    control: Arc<Inbox<Note>>,
    outbox: Arc<Outbox>,
    counters: Arc<Counters>,
    captures: HashMap<u64, Capture>,
    stalled: Vec<u64>,
    /// Those with records that are still to be written.
    owing: Vec<u64>,
    retry_at_ns: u64,
    /// Since it woke.
    moved_bytes: u64,
}

impl Mover {
    pub(super) fn new(
        inbox: Arc<Inbox<Command>>,
        control: Arc<Inbox<Note>>,
        outbox: Arc<Outbox>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(inbox.as_fd(), INBOX, READABLE)?;
        let (captures, stalled) = (HashMap::new(), Vec::new());
        Ok(Self {
            epoll,
            inbox,
            control,
            outbox,
            counters,
            captures,
            stalled,
            owing: Vec::new(),
            retry_at_ns: 0,
            moved_bytes: 0,
        })
    }

    /// Works until it is told to stop; what it had in its care.
    pub(super) fn run(mut self) -> Vec<Capture> {
        let mut events = Events::with_capacity(256);
        let mut ready: Vec<u64> = Vec::with_capacity(256);
        let mut pace = Pace::default();
        loop {
            let timeout = self.is_in_debt().then_some(RETRY_MS);
            if let Err(error) = self.epoll.wait(&mut events, timeout) {
                note(&format!("cannot wait for output: {error}"));
                std::thread::sleep(Duration::from_millis(RETRY_MS));
            }
            ready.clear();
            ready.extend(events.iter().map(|(token, _)| token));
            // Brings the two streams of a run together, stdout first, and the inbox to the end.
            ready.sort_unstable();
            self.counters.wakes.fetch_add(1, Ordering::Relaxed);
            self.moved_bytes = 0;
            if !self.take_turns(&ready) {
                return self.captures.into_values().collect();
            }
            let now_ns = clock::boottime_ns();
            if self.is_in_debt() && now_ns >= self.retry_at_ns {
                self.retry_stalled();
                self.settle_owing();
            }
            // What it is told of is done at once, and costs nobody anything.
            if self.moved_bytes > 0 && pace.wake(now_ns, self.moved_bytes) {
                std::thread::sleep(NAP);
            }
        }
    }

    /// `false`: it is over.
    fn take_turns(&mut self, mut ready: &[u64]) -> bool {
        while let Some((&token, rest)) = ready.split_first() {
            if token == INBOX {
                return self.obey();
            }
            let key = token >> 1;
            let is_err = token & ERR_BIT != 0;
            let both = rest.first() == Some(&(token | ERR_BIT)) && !is_err;
            ready = if both { &rest[1..] } else { rest };
            if let Some(capture) = self.captures.get_mut(&key).filter(|it| !it.stalled) {
                let step = capture.advance(!is_err, is_err || both);
                self.digest(key, step);
                self.let_go(key);
            }
        }
        true
    }

    fn obey(&mut self) -> bool {
        for command in self.inbox.take() {
            match command {
                Command::Add(capture) => self.add(*capture),
                Command::Drain(key) => self.drain(key),
                Command::Remove(key) => {
                    self.captures.remove(&key);
                    self.stalled.retain(|&stalled| stalled != key);
                    self.control.push(Note::Removed(key));
                }
                Command::Flush => self.flush(),
                Command::Roomier => self.retry_at_ns = 0,
                Command::Void => self.become_void(),
                Command::Stop => return false,
            }
        }
        true
    }

    fn add(&mut self, mut capture: Capture) {
        let key = capture.key;
        capture.stalled = false;
        // Writes what a dead keeper left without a record.
        let step = capture.advance(false, false);
        let watched = self.watch(&capture);
        self.captures.insert(key, capture);
        self.digest(key, step);
        if let Err(error) = watched {
            self.stall(key, &error);
        }
        self.let_go(key);
    }

    /// Forgets a run of which nothing can come any more.
    fn let_go(&mut self, key: u64) {
        if self.captures.get(&key).is_some_and(|capture| capture.is_over() && !capture.stalled) {
            self.captures.remove(&key);
        }
    }

    fn watch(&self, capture: &Capture) -> io::Result<()> {
        for (pipe, bit) in [(&capture.out, 0), (&capture.err, ERR_BIT)] {
            if let Some(pipe) = pipe {
                self.epoll.add(pipe.as_fd(), capture.key << 1 | bit, READABLE)?;
            }
        }
        Ok(())
    }

    fn drain(&mut self, key: u64) {
        // There is none any more when its pipes were closed just before.
        if let Some(capture) = self.captures.get_mut(&key) {
            let step = capture.drain();
            capture.root_has_ended = true;
            self.digest(key, step);
        }
        self.control.push(Note::Drained(key));
        self.let_go(key);
    }

    /// Tells the server of a step, or sees to what went wrong in it.
    fn digest(&mut self, key: u64, step: Step) {
        self.moved_bytes += step.bytes;
        self.counters.bytes.fetch_add(step.bytes, Ordering::Relaxed);
        let Some(capture) = self.captures.get_mut(&key) else { return };
        capture.close_ended(&self.epoll);
        if let Some(why) = step.began_to_drop {
            note(&format!("the output of {} is dropped: {why}", capture.run));
        }
        if step.kept_again {
            note(&format!("the output of {} is kept again", capture.run));
        }
        if !step.records.is_empty() {
            let Step { from_idx_off, records, .. } = step;
            let run = capture.run.clone();
            let told = self.outbox.tell(&Event::Advanced { run, from_idx_off, records });
            capture.untold |= !told;
        }
        if capture.owes() && !std::mem::replace(&mut capture.is_owing, true) {
            if !self.is_in_debt() {
                self.retry_at_ns = clock::boottime_ns() + RETRY_MS * 1_000_000;
            }
            self.owing.push(key);
        }
        if let Some(error) = step.error {
            self.stall(key, &error);
        }
    }

    /// Leaves a run's pipes alone for a while. Its processes wait when the pipes are full.
    fn stall(&mut self, key: u64, error: &io::Error) {
        let Some(capture) = self.captures.get_mut(&key).filter(|it| !it.stalled) else { return };
        note(&format!("cannot write the output of {}, trying again: {error}", capture.run));
        capture.stalled = true;
        capture.unwatch(&self.epoll);
        if !self.is_in_debt() {
            self.retry_at_ns = clock::boottime_ns() + RETRY_MS * 1_000_000;
        }
        self.stalled.push(key);
    }

    /// Whether something has to be tried again.
    fn is_in_debt(&self) -> bool {
        !self.stalled.is_empty() || !self.owing.is_empty()
    }

    fn settle_owing(&mut self) {
        for key in std::mem::take(&mut self.owing) {
            let Some(capture) = self.captures.get_mut(&key) else { continue };
            capture.is_owing = false;
            if !capture.stalled {
                let step = capture.settle();
                self.digest(key, step);
                self.let_go(key);
            }
        }
    }

    /// Nobody who writes shall wait for a folder that does not come back.
    fn become_void(&mut self) {
        for capture in self.captures.values_mut() {
            capture.become_void();
        }
        self.owing.clear();
        self.retry_at_ns = 0;
    }

    fn retry_stalled(&mut self) {
        self.retry_at_ns = clock::boottime_ns() + RETRY_MS * 1_000_000;
        for key in std::mem::take(&mut self.stalled) {
            let Some(capture) = self.captures.get_mut(&key) else { continue };
            let mut step = capture.drain();
            let is_failed = step.error.take().is_some()
                || self.captures.get(&key).is_some_and(|capture| self.watch(capture).is_err());
            if let Some(capture) = self.captures.get(&key).filter(|_| is_failed) {
                capture.unwatch(&self.epoll);
                self.stalled.push(key);
            } else if let Some(capture) = self.captures.get_mut(&key) {
                capture.stalled = false;
                note(&format!("the output of {} is written again", capture.run));
            }
            self.digest(key, step);
            self.let_go(key);
        }
    }

    fn flush(&mut self) {
        for capture in self.captures.values_mut().filter(|capture| capture.untold) {
            let (run, (_, _, from_idx_off)) = (capture.run.clone(), capture.offsets());
            let event = Event::Advanced { run, from_idx_off, records: Vec::new() };
            capture.untold = !self.outbox.tell(&event);
        }
        self.captures.retain(|_, capture| capture.stalled || !capture.is_over());
    }
}
