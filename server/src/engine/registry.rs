//! Who there is: the processes in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use app::model::{Process, ProcessId, ProcessType, Status};
use parking_lot::RwLock;
use tokio::sync::{mpsc, watch};

use crate::logs::hub::Log;

use super::actor::Command;

/// Processes that have ended stay in memory, with their newest lines, up to this many.
const KEEP_ENDED: usize = 100;

/// The processes in memory.
#[derive(Debug, Default)]
pub(super) struct Registry {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<ProcessId, Arc<Handle>>,
    ended: VecDeque<ProcessId>,
}

/// The way to one process. While its actor lives, commands reach it.
#[derive(Debug)]
pub(super) struct Handle {
    commands: mpsc::Sender<Command>,
    snapshot: watch::Sender<Arc<Process>>,
    log: Arc<Log>,
}

impl Handle {
    /// A handle on an actor that reads `commands`.
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        process: Process,
        log: Arc<Log>,
    ) -> Arc<Self> {
        Arc::new(Self { commands, snapshot: watch::Sender::new(Arc::new(process)), log })
    }

    /// A handle on a process that has ended and has no actor.
    pub(super) fn ended(process: Process, log: Arc<Log>) -> Arc<Self> {
        Self::new(mpsc::channel(1).0, process, log)
    }

    /// The process as it is.
    pub(super) fn snapshot(&self) -> Arc<Process> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// The process as it is, with the index that its log has come to since.
    pub(super) fn newest(&self) -> Arc<Process> {
        let snapshot = self.snapshot();
        let next_idx = self.log.next_idx();
        if next_idx <= snapshot.next_idx {
            return snapshot;
        }
        Arc::new(Process { next_idx, ..(*snapshot).clone() })
    }

    /// Every state of the process from now on.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Process>> {
        self.snapshot.subscribe()
    }

    /// Makes a state known.
    pub(super) fn publish(&self, process: Arc<Process>) {
        self.snapshot.send_replace(process);
    }

    /// The live end of its log.
    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Whether the process has not ended.
    pub(super) fn is_live(&self) -> bool {
        !self.snapshot.borrow().status.is_ended()
    }

    /// Whether its actor is there: it is for a while after the process has ended, until all of its
    /// output is stored.
    pub(super) fn has_actor(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Sends a command to the actor.
    pub(super) async fn send(&self, command: Command) -> Result<(), ()> {
        self.commands.send(command).await.map_err(|_| ())
    }
}

impl Registry {
    /// Adds a process, or replaces the one that has ended; refused while it has an actor.
    pub(super) fn insert(&self, id: &ProcessId, handle: &Arc<Handle>) -> Result<(), ()> {
        let mut inner = self.inner.write();
        if inner.by_id.get(id).is_some_and(|old| old.has_actor()) {
            return Err(());
        }
        inner.ended.retain(|other| other != id);
        inner.by_id.insert(id.clone(), Arc::clone(handle));
        Ok(())
    }

    /// The process with this id, when it is in memory.
    pub(super) fn get(&self, id: &ProcessId) -> Option<Arc<Handle>> {
        self.inner.read().by_id.get(id).cloned()
    }

    /// Every process that has not ended.
    pub(super) fn live(&self) -> Vec<Arc<Handle>> {
        let inner = self.inner.read();
        inner.by_id.values().filter(|handle| handle.is_live()).cloned().collect()
    }

    /// The actor of a process is gone: it is kept for a while for its newest lines.
    pub(super) fn retire(&self, id: &ProcessId) {
        self.inner.write().retire(id);
    }

    /// Brings a process that has ended back to memory, unless it is there; its live end.
    pub(super) fn recall(&self, handle: Arc<Handle>) -> Arc<Log> {
        let mut inner = self.inner.write();
        let id = handle.log.id().clone();
        if let Some(there) = inner.by_id.get(&id) {
            return Arc::clone(&there.log);
        }
        let log = Arc::clone(&handle.log);
        inner.by_id.insert(id.clone(), handle);
        inner.retire(&id);
        log
    }

    /// The status of each process.
    pub(super) fn statuses(&self) -> Vec<Status> {
        self.inner.read().by_id.values().map(|handle| handle.snapshot.borrow().status).collect()
    }

    /// Those with this status.
    pub(super) fn ids_with_status(&self, status: Status) -> Vec<ProcessId> {
        let inner = self.inner.read();
        let having = inner.by_id.iter().filter(|(_, handle)| handle.snapshot().status == status);
        having.map(|(id, _)| id.clone()).collect()
    }

    /// Every process that runs, with the pid of its root.
    pub(super) fn roots(&self) -> Vec<(ProcessId, i32)> {
        let inner = self.inner.read();
        let root = |(id, handle): (&ProcessId, &Arc<Handle>)| {
            Some((id.clone(), handle.snapshot.borrow().pid?))
        };
        inner.by_id.iter().filter_map(root).collect()
    }

    /// The processes of a declaration that have not ended, with their replicas.
    pub(super) fn live_of(&self, name: &str) -> Vec<(u32, ProcessId)> {
        let inner = self.inner.read();
        let found = inner.by_id.iter().filter_map(|(id, handle)| {
            let process = handle.snapshot.borrow();
            let is_it = process.declared.as_deref() == Some(name) && !process.status.is_ended();
            is_it.then(|| (process.replica.unwrap_or(0), id.clone()))
        });
        let mut found: Vec<_> = found.collect();
        found.sort();
        found
    }

    /// How many services have not ended.
    pub(super) fn count_services(&self) -> usize {
        let inner = self.inner.read();
        let services = inner.by_id.values().filter(|handle| {
            handle.is_live() && handle.snapshot.borrow().kind == ProcessType::LongRunning
        });
        services.count()
    }
}

impl Inner {
    fn retire(&mut self, id: &ProcessId) {
        self.ended.push_back(id.clone());
        // One look at each: those that are followed stay.
        for _ in 0..self.ended.len() {
            if self.ended.len() <= KEEP_ENDED {
                break;
            }
            let Some(oldest) = self.ended.pop_front() else { break };
            match self.by_id.get(&oldest) {
                Some(handle) if handle.is_live() => {}
                Some(handle) if handle.log.is_followed() => self.ended.push_back(oldest),
                _ => {
                    self.by_id.remove(&oldest);
                }
            }
        }
    }
}
