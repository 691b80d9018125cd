//! The threads that start programs. Who starts one waits until the kernel has loaded it, and that can
//! take as long as a disk or another computer's disk takes: so long nobody is signalled, no end is
//! seen and no other program starts if that is the control thread.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::inbox::Inbox;
use super::mover::Note;
use super::protocol::SpawnSpec;
use super::start::{self, Ground};

/// Programs that are being loaded at the same time.
const STARTERS: usize = 2;

/// What is to be started, and those who wait for something to start.
#[derive(Debug, Default)]
struct Queue {
    orders: Mutex<VecDeque<SpawnSpec>>,
    come: Condvar,
}

/// The way to the starters, which last as long as the process.
#[derive(Debug)]
pub(super) struct Starters(Arc<Queue>);

impl Starters {
    /// Starts the threads, which tell `control` how each start went.
    pub(super) fn new(ground: &Arc<Ground>, control: &Arc<Inbox<Note>>) -> io::Result<Self> {
        let queue = Arc::<Queue>::default();
        for index in 0..STARTERS {
            let (ground, queue) = (Arc::clone(ground), Arc::clone(&queue));
            let control = Arc::clone(control);
            std::thread::Builder::new()
                .name(format!("starter-{index}"))
                .stack_size(256 * 1024)
                .spawn(move || {
                    loop {
                        let spec = queue.next();
                        let result = start::start(&spec, &ground);
                        control.push(Note::Started { run: spec.run, result });
                    }
                })?;
        }
        Ok(Self(queue))
    }

    /// Lets one of them start it. [`Note::Started`] follows.
    pub(super) fn start(&self, spec: SpawnSpec) {
        self.0.orders.lock().unwrap_or_else(PoisonError::into_inner).push_back(spec);
        self.0.come.notify_one();
    }
}

impl Queue {
    /// Waits for it.
    fn next(&self) -> SpawnSpec {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(spec) = orders.pop_front() {
                return spec;
            }
            orders = self.come.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
