//! The table of runs: starting them, taking them over, deleting them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Command, Control, MOVERS, READABLE, RUN_BIT, note};
use crate::keeper::capture::{Capture, Progress};
use crate::keeper::protocol::{Event, RunInfo, SpawnSpec, Spawned};
use crate::keeper::start::{StartError, Started};
use crate::keeper::takeover::{self, Found, FoundState, RootState};
use crate::keeper::tree::Root;
use crate::sys::pidfd::{Ended, Pidfd};
use crate::sys::spool::{ExitRecord, SEGMENT_SIZE, SpoolWriter, WhenFull};

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) starttime: u64,
    pub(super) started_at_ms: i64,
    pub(super) phase: Phase,
    pub(super) mover: usize,
    /// What its mover gets with the first byte.
    pub(super) silent: Option<Box<Capture>>,
    pub(super) progress: Arc<Progress>,
    /// The server knows of its end, or nobody needs to tell it again.
    pub(super) is_end_told: bool,
    /// To be deleted as soon as it ends.
    pub(super) forget: bool,
    /// The segments, by number, up to which its spool was released.
    pub(super) released: [u64; 3],
}

/// Where the root process of a run stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// It runs.
    Alive(Pidfd),
    /// It has ended, how is known unless nobody could see it, and its output is being moved.
    Ending { pidfd: Option<Pidfd>, ended: Option<Ended>, ended_at_ms: i64 },
    /// All of that is in the spool.
    Ended(ExitRecord),
    /// Its folder goes as soon as its mover has let go of it.
    Leaving,
}

impl Run {
    /// Nothing of it moves any more.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended() && self.progress.closed.load(Ordering::Acquire)
    }

    /// Its root has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// It is between two steps that should not be torn apart.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. } | Phase::Leaving)
    }

    pub(super) fn root(&self) -> Root<'_> {
        Root { run: &self.name, pid: self.pid, starttime: self.starttime }
    }

    pub(super) fn info(&self) -> RunInfo {
        RunInfo {
            run: self.name.clone(),
            pid: self.pid,
            started_at_ms: self.started_at_ms,
            alive: matches!(self.phase, Phase::Alive(_)),
            exit: match &self.phase {
                Phase::Ended(exit) => Some(exit.clone()),
                _ => None,
            },
            idx_off: self.progress.idx_off.load(Ordering::Acquire),
        }
    }

    /// The numbers of the segments that hold these offsets, if they lie further on than those that
    /// were released before.
    pub(super) fn advance_release(&mut self, out: u64, err: u64, idx: u64) -> bool {
        let index_size = crate::sys::spool::INDEX_SEGMENT_SIZE;
        let segments = [out / SEGMENT_SIZE, err / SEGMENT_SIZE, idx / index_size];
        let is_further = segments.iter().zip(&self.released).any(|(new, old)| new > old);
        if is_further {
            self.released = segments;
        }
        is_further
    }
}

impl Control {
    /// Has a run started, unless it is known. Each of those who `asked` is answered.
    pub(super) fn order_start(&mut self, asked: (u64, u64), spec: SpawnSpec) {
        if let Some(known) = self.keys.get(&spec.run).and_then(|key| self.runs.get(key)) {
            let (pid, started_at_ms) = (known.pid, known.started_at_ms);
            let spawned = Spawned { run: spec.run, pid, started_at_ms };
            return self.answer(asked.0, asked.1, &Event::Spawned(spawned));
        }
        if let Some(others) = self.starting.get_mut(&spec.run) {
            return others.push(asked);
        }
        self.starting.insert(spec.run.clone(), vec![asked]);
        self.starters.start(spec);
    }

    /// A starter is through with a run.
    pub(super) fn see_start(&mut self, run: String, result: Result<Started, StartError>) {
        let asked = self.starting.remove(&run).unwrap_or_default();
        let event = match result {
            Ok(started) => {
                let (pid, started_at_ms) = (started.pid, started.started_at_ms);
                let spool = SpoolWriter::create(&self.runs_dir.join(&run));
                let pipes = (Some(started.out), Some(started.err));
                let phase = Phase::Alive(started.pidfd);
                let identity = (pid, started.starttime, started_at_ms);
                let when_full = started.when_full;
                let (key, capture) =
                    self.new_capture(run.clone(), identity, phase, spool, pipes, when_full);
                self.keep_silent(key, capture);
                Event::Spawned(Spawned { run, pid, started_at_ms })
            }
            Err(StartError { errno, message }) => Event::SpawnFailed { run, errno, message },
        };
        for (client, id) in asked {
            self.answer(client, id, &event);
        }
        if self.starting.is_empty() {
            self.reap_orphans();
            for (client, id) in std::mem::take(&mut self.listing) {
                self.list(client, id);
            }
        }
    }

    /// Takes over the runs of an earlier keeper; `kept` are the pipes that it has left open.
    pub(super) fn take_over(&mut self, kept: Option<Vec<std::os::fd::OwnedFd>>) -> io::Result<()> {
        for found in takeover::find(&self.runs_dir, &self.ground.boot_id, kept)? {
            let Found { run, pid, starttime, started_at_ms, when_full, state } = found;
            let identity = (pid, starttime, started_at_ms);
            match state {
                FoundState::Ended { exit, idx_off } => {
                    let progress = Arc::<Progress>::default();
                    progress.idx_off.store(idx_off, Ordering::Release);
                    progress.closed.store(true, Ordering::Release);
                    self.insert_run(run, identity, Phase::Ended(exit), progress);
                }
                FoundState::Open { spool, out, err, root } => {
                    let (phase, lost) = match root {
                        RootState::Alive(pidfd) => (Phase::Alive(pidfd), false),
                        RootState::Ended(exit) => (Phase::Ended(exit), false),
                        RootState::Lost => {
                            let ended_at_ms = crate::sys::clock::realtime_ms();
                            let (pidfd, ended) = (None, None);
                            (Phase::Ending { pidfd, ended, ended_at_ms }, true)
                        }
                    };
                    let pipes = (out, err);
                    let (key, mut capture) =
                        self.new_capture(run, identity, phase, *spool, pipes, when_full);
                    let Some(run) = self.runs.get(&key) else { continue };
                    capture.root_has_ended = run.has_ended();
                    let mover = run.mover;
                    self.tell_mover(mover, Command::Add(Box::new(capture)));
                    if lost {
                        self.tell_mover(mover, Command::Drain(key));
                    }
                }
            }
        }
        Ok(())
    }

    fn new_capture(
        &mut self,
        name: String,
        identity: (i32, u64, i64),
        phase: Phase,
        spool: SpoolWriter,
        pipes: (Option<std::os::fd::OwnedFd>, Option<std::os::fd::OwnedFd>),
        when_full: WhenFull,
    ) -> (u64, Capture) {
        let progress = Arc::<Progress>::default();
        progress.note(&spool, false);
        progress.released.store(spool.released_bytes(), Ordering::Release);
        let key = self.insert_run(name.clone(), identity, phase, Arc::clone(&progress));
        (key, Capture::new(key, name, pipes, spool, progress, when_full))
    }

    fn insert_run(
        &mut self,
        name: String,
        identity: (i32, u64, i64),
        phase: Phase,
        progress: Arc<Progress>,
    ) -> u64 {
        let key = self.next_number;
        self.next_number += 1;
        if let Phase::Alive(pidfd) = &phase
            && let Err(error) = self.epoll.add(pidfd.as_fd(), key | RUN_BIT, READABLE)
        {
            note(&format!("the end of {name} will not be seen: {error}"));
        }
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let mover = usize::try_from(hasher.finish() % MOVERS as u64).unwrap_or(0);
        self.keys.insert(name.clone(), key);
        let (pid, starttime, started_at_ms) = identity;
        let run = Run {
            name,
            pid,
            starttime,
            started_at_ms,
            phase,
            mover,
            silent: None,
            progress,
            is_end_told: false,
            forget: false,
            released: [0; 3],
        };
        self.runs.insert(key, run);
        key
    }

    /// Deletes a run, or marks it to be deleted when it ends.
    pub(super) fn forget(&mut self, key: u64) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        run.forget = true;
        if let Phase::Ended(_) = run.phase {
            run.phase = Phase::Leaving;
            self.unwritten.retain(|&unwritten| unwritten != key);
            if run.progress.closed.load(Ordering::Acquire) {
                // Its mover writes no more.
                self.delete(key);
            } else {
                let mover = run.mover;
                self.tell_mover(mover, Command::Remove(key));
            }
        }
    }

    /// Its mover has let go of it.
    pub(super) fn delete(&mut self, key: u64) {
        let Some(run) = self.runs.remove(&key) else { return };
        self.keys.remove(&run.name);
        if let Err(error) = self.ground.files.remove(&run.name) {
            note(&format!("cannot delete {}: {error}", run.name));
        }
        self.leave_group(run.name);
    }
}
