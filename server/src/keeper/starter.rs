//! The threads that start programs. Who starts one waits until the kernel has loaded it, and that can
//! take as long as a disk or another computer's disk takes: so long nobody is signalled, no end is
//! seen and no other program starts if that is the control thread.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use super::inbox::Inbox;
use super::leaf::Leaves;
use super::mover::Note;
use super::note;
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

/// The way to the starters. They end when it is dropped.
#[derive(Debug)]
pub(super) struct Starters(Sender<SpawnSpec>);

impl Starters {
    /// Starts the threads, which tell `control` how each start went.
    pub(super) fn new(ground: Ground, control: &Arc<Inbox<Note>>) -> io::Result<Self> {
        let (orders, queue) = mpsc::channel();
        let (ground, queue) = (Arc::new(ground), Arc::new(Mutex::new(queue)));
        for index in 0..STARTERS {
            let (ground, queue) = (Arc::clone(&ground), Arc::clone(&queue));
            let control = Arc::clone(control);
            std::thread::Builder::new()
                .name(format!("starter-{index}"))
                .stack_size(256 * 1024)
                .spawn(move || work(&ground, &queue, &control))?;
        }
        Ok(Self(orders))
    }

    /// Lets one of them start it. [`Note::Started`] follows.
    pub(super) fn start(&self, spec: SpawnSpec) {
        if self.0.send(spec).is_err() {
            note("the starters are gone");
        }
    }
}

fn work(ground: &Ground, queue: &Mutex<Receiver<SpawnSpec>>, control: &Inbox<Note>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(spec) = next else { return };
        let result = start(ground, &spec);
        control.push(Note::Started { run: spec.run, result });
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
