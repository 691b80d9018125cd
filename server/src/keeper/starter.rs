//! The threads that start programs. Who starts one waits until the kernel has loaded it, and that can
//! take as long as a disk or another computer's disk takes: so long nobody is signalled, no end is
//! seen and no other program starts if that is the control thread.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::inbox::Inbox;
use super::leaf::Leaves;
use super::mover::Note;
use super::protocol::SpawnSpec;
use super::start::{self, StartError, Started};
use crate::sys::process::DescriptorLimit;
use crate::sys::spool::RunFiles;

/// Programs that are being loaded at the same time.
const STARTERS: usize = 2;

/// What every start needs.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) files: Arc<RunFiles>,
    pub(super) boot_id: String,
    pub(super) limit: DescriptorLimit,
    pub(super) leaves: Arc<Leaves>,
}

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
    pub(super) fn new(ground: Ground, control: &Arc<Inbox<Note>>) -> io::Result<Self> {
        let (ground, queue) = (Arc::new(ground), Arc::<Queue>::default());
        for index in 0..STARTERS {
            let (ground, queue) = (Arc::clone(&ground), Arc::clone(&queue));
            let control = Arc::clone(control);
            std::thread::Builder::new()
                .name(format!("starter-{index}"))
                .stack_size(256 * 1024)
                .spawn(move || {
                    loop {
                        let spec = queue.next();
                        let result = start(&ground, &spec);
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

fn start(ground: &Ground, spec: &SpawnSpec) -> Result<Started, StartError> {
    let leaf = ground.leaves.make(&spec.run, spec.limits);
    let started = start::start(spec, &ground.files, &ground.boot_id, ground.limit, leaf.as_ref())
        .inspect_err(|_| ground.leaves.remove(&spec.run))?;
    if let Some(leaf) = leaf.filter(|_| !started.is_in_group) {
        ground.leaves.enter(&spec.run, &leaf, started.pid);
    }
    Ok(started)
}
