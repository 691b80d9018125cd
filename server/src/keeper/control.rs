//! The control thread: the server's requests, and the life and death of children.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::capture::Capture;
use super::inbox::Inbox;
use super::leaf::Leaves;
use super::mover::{Command, Counters, Mover, Note};
use super::outbox::Outbox;
use super::start::Ground;
use super::starter::Starters;
use super::succession::Estate;
use super::tree::Marks;
use super::{RUNS, note};
use crate::sys::epoll::{ChildSignal, Epoll, Events, READABLE, WRITABLE};
use crate::sys::process::DescriptorLimit;
use crate::sys::socket::Listener;
use crate::sys::spool::RunFiles;
use crate::sys::{clock, dir, procfs};
use clients::Client;
use kill::{Kill, Look};
use runs::Run;
use tidy::Remains;
use upgrade::{TRIAL, Upgrade};

mod clients;
mod ends;
mod kill;
mod requests;
mod runs;
mod silent;
mod tidy;
mod upgrade;

/// Threads that move output.
const MOVERS: usize = 2;
/// After the disk refused the record of an end, it is asked again so much later.
const RETRY_NS: u64 = 200_000_000;

const LISTENER: u64 = 0;
const INBOX: u64 = 1;
const CHILD_SIGNAL: u64 = 2;
/// Set in the tokens of runs, whose other bits are the key, as those of clients are their number.
const RUN_BIT: u64 = 1 << 62;
/// The same for their pipes, as long as they are silent.
const PIPE_BIT: u64 = 1 << 61;
const FIRST_NUMBER: u64 = 16;

/// All that the control thread knows.
#[derive(Debug)]
pub(super) struct Control {
    data_dir: PathBuf,
    runs_dir: PathBuf,
    runs_identity: (u64, u64),
    /// Held for the whole life of this process, whichever program it runs.
    lock: OwnedFd,
    /// Another program is to take this one's place.
    upgrade: Option<Upgrade>,
    /// This one has taken another's, and so long nothing was moved.
    pause_us: Option<u64>,
    ground: Arc<Ground>,
    idle_ms: u64,
    epoll: Epoll,
    listener: Listener,
    /// Held for the moment when there are no descriptors left: see `accept`.
    spare: Option<File>,
    child_signal: ChildSignal,
    inbox: Arc<Inbox<Note>>,
    outbox: Arc<Outbox>,
    counters: Arc<Counters>,
    movers: Vec<MoverHandle>,
    clients: HashMap<u64, Client>,
    /// The client that is the server.
    server: Option<u64>,
    highest_epoch: u64,
    next_number: u64,
    runs: HashMap<u64, Run>,
    keys: HashMap<String, u64>,
    starters: Starters,
    /// The runs that are being started, each with those who have asked: client and request.
    starting: HashMap<String, Vec<(u64, u64)>>,
    /// Who wants to know which runs there are: as long as some are being started it is not known.
    listing: Vec<(u64, u64)>,
    marks: Marks,
    /// Trees that somebody asks about in this turn.
    looks: Vec<Look>,
    /// Trees that are being killed.
    kills: VecDeque<Kill>,
    remains: Remains,
    /// Ends that could not be written yet.
    unwritten: Vec<u64>,
    write_at_ns: u64,
    /// Roots that have ended as children of somebody else, and until when that one may reap them.
    unreaped: Vec<(u64, u64)>,
    idle_since_ns: u64,
    ending: bool,
    /// The data folder was deleted.
    is_void: bool,
}

/// What a keeper begins with.
#[derive(Debug)]
pub(super) struct Holdings {
    pub(super) lock: OwnedFd,
    pub(super) listener: Listener,
    /// The descriptors that a child may have.
    pub(super) limit: DescriptorLimit,
    pub(super) leaves: Leaves,
    /// The pipes that the program before has left open, if there was one.
    pub(super) kept: Option<Vec<OwnedFd>>,
    /// What else it has left; empty when there was none.
    pub(super) estate: Estate,
}

#[derive(Debug)]
struct MoverHandle {
    inbox: Arc<Inbox<Command>>,
    thread: Option<JoinHandle<Vec<Capture>>>,
}

impl Control {
    /// Starts the movers and takes over the runs that are there.
    pub(super) fn new(holdings: Holdings, data_dir: &Path, idle_ms: u64) -> io::Result<Self> {
        let Holdings { lock, listener, limit, leaves, kept, estate } = holdings;
        let epoll = Epoll::new()?;
        let inbox = Arc::new(Inbox::new()?);
        // Before the threads start: they must not get the signal instead.
        let child_signal = ChildSignal::new()?;
        epoll.add(listener.as_fd(), LISTENER, READABLE)?;
        epoll.add(inbox.as_fd(), INBOX, READABLE)?;
        epoll.add(child_signal.as_fd(), CHILD_SIGNAL, READABLE)?;
        let outbox = Arc::new(Outbox::new(Arc::clone(&inbox)));
        let counters = Arc::new(Counters::default());
        let runs_dir = data_dir.join(RUNS);
        let files = RunFiles::open(&runs_dir)?;
        let ground = Arc::new(Ground { files, leaves, boot_id: procfs::boot_id()?, limit });
        let starters = Starters::new(&ground, &inbox)?;
        let mut control = Self {
            data_dir: data_dir.to_owned(),
            runs_identity: dir::identity(&runs_dir)?,
            runs_dir,
            lock,
            upgrade: None,
            pause_us: None,
            ground,
            idle_ms,
            epoll,
            listener,
            spare: Some(File::open("/dev/null")?),
            child_signal,
            inbox,
            outbox,
            counters,
            movers: Vec::new(),
            clients: HashMap::new(),
            server: None,
            highest_epoch: estate.highest_epoch,
            next_number: FIRST_NUMBER,
            runs: HashMap::new(),
            keys: HashMap::new(),
            starters,
            starting: HashMap::new(),
            listing: Vec::new(),
            marks: Marks::default(),
            looks: Vec::new(),
            kills: VecDeque::new(),
            remains: Remains::default(),
            unwritten: Vec::new(),
            write_at_ns: 0,
            unreaped: Vec::new(),
            idle_since_ns: clock::boottime_ns(),
            ending: false,
            is_void: false,
        };
        for index in 0..MOVERS {
            let mover = control.start_mover(index)?;
            control.movers.push(mover);
        }
        control.take_over(kept)?;
        control.inherit(estate.runs);
        control.ground.leaves.sweep(|run| control.keys.contains_key(run));
        if estate.stopped_at_ns > 0 {
            let pause_us = clock::boottime_ns().saturating_sub(estate.stopped_at_ns) / 1000;
            control.pause_us = Some(pause_us);
            note(&format!("took over in place; nothing was moved for {pause_us} us"));
        }
        Ok(control)
    }

    fn start_mover(&self, index: usize) -> io::Result<MoverHandle> {
        let commands = Arc::new(Inbox::new()?);
        let (commands_too, notes) = (Arc::clone(&commands), Arc::clone(&self.inbox));
        let (outbox, counters) = (Arc::clone(&self.outbox), Arc::clone(&self.counters));
        let mover = Mover::new(commands_too, notes, outbox, counters)?;
        let thread = std::thread::Builder::new()
            .name(format!("mover-{index}"))
            .stack_size(256 * 1024)
            .spawn(move || mover.run())?;
        Ok(MoverHandle { inbox: commands, thread: Some(thread) })
    }

    /// Works until there is nothing to do for long enough, or it is told to end.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; super::protocol::MAX_MESSAGE];
        loop {
            self.epoll.wait(&mut events, self.next_deadline_ms())?;
            for (token, ready) in events.iter() {
                match token {
                    LISTENER => self.accept(),
                    INBOX => self.read_notes(),
                    CHILD_SIGNAL => {
                        self.child_signal.clear();
                        self.reap_orphans();
                    }
                    TRIAL => self.see_trial(),
                    token if token & RUN_BIT != 0 => self.see_end(token & !RUN_BIT, false),
                    token if token & PIPE_BIT != 0 => self.see_pipes(token & !PIPE_BIT),
                    client => {
                        if ready & WRITABLE != 0 {
                            self.write_client(client);
                        }
                        if ready & READABLE != 0 {
                            self.read_client(client, &mut buffer);
                        }
                    }
                }
            }
            self.see_folder();
            self.visit_trees();
            self.retry_writing_ends();
            self.settle_unreaped();
            self.tidy_up();
            if self.upgrade.as_ref().is_some_and(|it| it.until_ns() <= clock::boottime_ns()) {
                self.see_trial();
            }
            self.continue_upgrade();
            if self.is_over() {
                return self.end();
            }
        }
    }

    /// How long there is nothing to do unless something happens.
    fn next_deadline_ms(&self) -> Option<u64> {
        let now_ns = clock::boottime_ns();
        let until = |at_ns: u64| at_ns.saturating_sub(now_ns).div_ceil(1_000_000);
        let kill = self.kills.iter().map(|kill| until(kill.due_ns)).min();
        let tidy = self.remains.due_ns().map(until);
        let retry = (!self.unwritten.is_empty()).then(|| until(self.write_at_ns));
        let unreaped = self.unreaped.iter().map(|(_, until_ns)| until(*until_ns)).min();
        let trial = self.upgrade.as_ref().map(Upgrade::until_ns).map(until);
        let idle = if self.is_idle() {
            Some(until(self.idle_since_ns + self.idle_ms * 1_000_000))
        } else {
            // Nothing tells that the data folder was deleted: it is looked for now and then.
            self.clients.is_empty().then_some(self.idle_ms)
        };
        [kill, tidy, retry, unreaped, trial, idle].into_iter().flatten().min()
    }

    /// Nobody is there and nothing moves.
    fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.starting.is_empty() && self.runs.values().all(Run::is_over)
    }

    /// Nobody can come for what is in a folder that was deleted. What still runs shall not wait for
    /// ever because nobody reads what it writes; with the last of it this keeper ends.
    fn see_folder(&mut self) {
        let is_locked = dir::links(self.lock.as_fd()).map_or(true, |links| links > 0);
        // The lock alone may have been deleted by somebody who did not know better.
        let is_there = || dir::identity(&self.runs_dir).is_ok_and(|it| it == self.runs_identity);
        if self.is_void || is_locked || is_there() {
            return;
        }
        note("the data folder was deleted: what is written now is dropped");
        self.is_void = true;
        self.unwritten.clear();
        self.pass_all_on();
        for index in 0..self.movers.len() {
            self.tell_mover(index, Command::Void);
        }
    }

    fn is_over(&mut self) -> bool {
        if self.is_void
            && self.clients.is_empty()
            && self.starting.is_empty()
            && self.runs.values().all(Run::has_ended)
        {
            return true;
        }
        if self.ending {
            // What was begun is brought to its end, and an end that was seen is recorded, or it
            // would be lost.
            return self.starting.is_empty() && !self.runs.values().any(Run::is_ending);
        }
        let now_ns = clock::boottime_ns();
        if !self.is_idle() {
            self.idle_since_ns = now_ns;
        }
        now_ns.saturating_sub(self.idle_since_ns) >= self.idle_ms * 1_000_000
    }

    fn end(mut self) -> io::Result<()> {
        self.ground.leaves.close();
        for mover in &mut self.movers {
            mover.inbox.push(Command::Stop);
            if let Some(thread) = mover.thread.take()
                && thread.join().is_err()
            {
                return Err(io::Error::other("a mover has panicked"));
            }
        }
        Ok(())
    }

    fn read_notes(&mut self) {
        for message in self.inbox.take() {
            match message {
                Note::Drained(key) => self.record_end(key),
                Note::Removed(key) => self.delete(key),
                Note::Started { run, result } => self.see_start(run, result),
                Note::Blocked => {
                    if let Some(server) = self.server {
                        self.watch_client(server);
                    }
                }
            }
        }
    }

    fn tell_mover(&self, mover: usize, command: Command) {
        match self.movers.get(mover) {
            Some(mover) => mover.inbox.push(command),
            None => note("a run belongs to no mover"),
        }
    }
}
