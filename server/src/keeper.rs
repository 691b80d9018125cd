//! The keeper: the small process that owns the children, so that the server can crash or be
//! replaced while they run and nothing that they write is lost.
//!
//! # Theory of operation
//!
//! One *control* thread ([`control`]) waits on the socket of the server, on a pidfd for each child
//! and on `SIGCHLD`. It has children started, signals them, sees them end, and reaps them; nobody else
//! does. Two *starter* threads ([`starter`]) wait while programs are loaded. Two *mover* threads ([`mover`]) wait on the pipes of the children, and splice what comes
//! into the spool ([`crate::sys::spool`]). A run belongs to one mover from its start to its end.
//!
//! Threads speak through inboxes ([`inbox`]) and never share a run. News for the server go straight
//! from the thread that has them to the socket ([`outbox`]). A server that does not read never
//! holds anything up: what could not be told is marked, and told as one message when it reads again.
//!
//! Nothing here is needed to find the children again: their folders say who they are
//! ([`takeover`]). So the keeper may die at any moment, and the next one goes on.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::sys::dir::{self, Dir};
use crate::sys::exec;
use crate::sys::memory;
use crate::sys::process;
use crate::sys::socket::Listener;
use control::{Control, Holdings};
use leaf::Leaves;
use succession::Estate;
pub use succession::capabilities;

mod capture;
pub mod client;
mod control;
mod handshake;
mod inbox;
mod leaf;
mod mover;
mod outbox;
mod pace;
pub mod protocol;
mod start;
mod starter;
mod succession;
mod takeover;
mod tree;

/// The socket's name in the data folder.
const SOCKET: &str = "keeper.sock";
/// The name in the data folder of the file whose lock says that a keeper is at work.
const LOCK: &str = "keeper.lock";
/// The name in the data folder of the file that holds the keeper's pid.
const PID_FILE: &str = "keeper.pid";
/// The name in the data folder of the folder of runs.
const RUNS: &str = "runs";
/// So long the keeper stays without work and without a server.
const IDLE_MS: u64 = 60_000;

/// Why the keeper cannot work.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Another keeper has this data folder.
    #[error("another keeper is at work in {}", .0.display())]
    Locked(PathBuf),
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel refused something that the keeper cannot do without.
    #[error("the keeper cannot work: {0}")]
    System(#[from] io::Error),
}

/// Runs the keeper of a data folder, until it has been without runs and without a server for a
/// minute, or is told to end. Children go on when it ends.
///
/// With `groups`, each run has a control group of its own, where one can be made.
///
/// A panic anywhere in the process aborts it from now on: a keeper that lost one of its threads
/// would hold its children up for ever, while its successor takes them over.
///
/// # Errors
/// When another keeper has the folder, or it cannot be used.
pub fn run(data_dir: &Path, groups: bool) -> Result<(), KeeperError> {
    abort_on_panic();
    let data_dir = std::path::absolute(data_dir)?;
    let in_data = |path: &Path| {
        let path = path.to_owned();
        move |source| KeeperError::Path { path, source }
    };
    dir::create_private_dirs(&data_dir.join(RUNS)).map_err(in_data(&data_dir))?;
    let folder = Dir::open(&data_dir).map_err(in_data(&data_dir))?;
    // Not a link to somewhere else: what is deleted there must be this keeper's.
    Dir::open(&data_dir.join(RUNS)).map_err(in_data(&data_dir.join(RUNS)))?;
    let lock = take_lock(&folder, &data_dir)?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    let mut pid_file =
        folder.open_file(PID_FILE, flags).map_err(in_data(&data_dir.join(PID_FILE)))?;
    writeln!(pid_file, "{}", process::own_pid())?;
    process::become_subreaper()?;
    let limit = process::raise_descriptor_limit()?;

    let socket = data_dir.join(SOCKET);
    // The lock is ours, so a socket that is there belongs to a keeper that died.
    remove(&folder, SOCKET).map_err(in_data(&socket))?;
    let listener = Listener::bind(&socket).map_err(in_data(&socket))?;
    let leaves = if groups { Leaves::open(&data_dir) } else { Leaves::none() };
    let (lock, kept, estate) = (lock.into(), None, Estate::default());
    let holdings = Holdings { lock, listener, limit, leaves, kept, estate };
    work(holdings, &data_dir, &folder)
}

/// Goes on as the keeper that this process was until now, as another program: what that one has left
/// is at the descriptor `estate_fd`.
///
/// # Errors
/// When what it has left cannot be used. Then this process ends, and the children go on.
pub fn succeed(data_dir: &Path, estate_fd: i32) -> Result<(), KeeperError> {
    abort_on_panic();
    let data_dir = std::path::absolute(data_dir)?;
    let folder = Dir::open(&data_dir)?;
    let estate = Estate::read(estate_fd)?;
    let take = |fd: i32| exec::take_kept(fd);
    let (lock, listener) = (take(estate.lock)?, Listener::from(take(estate.listener)?));
    let pipes = estate.runs.iter().flat_map(|run| &run.pipes);
    let kept = Some(pipes.map(|fd| take(*fd)).collect::<io::Result<Vec<_>>>()?);
    let limit = process::DescriptorLimit::from_numbers(estate.descriptors);
    let leaves = if estate.groups { Leaves::open(&data_dir) } else { Leaves::none() };
    let holdings = Holdings { lock, listener, limit, leaves, kept, estate };
    work(holdings, &data_dir, &folder)
}

fn work(holdings: Holdings, data_dir: &Path, folder: &Dir) -> Result<(), KeeperError> {
    memory::share_one_heap();
    let control = Control::new(holdings, data_dir, IDLE_MS)?;
    memory::release_start();
    let ended = control.run();
    let path = data_dir.join(SOCKET);
    remove(folder, SOCKET).map_err(|source| KeeperError::Path { path, source })?;
    Ok(ended?)
}

fn take_lock(folder: &Dir, data_dir: &Path) -> Result<File, KeeperError> {
    let path = data_dir.join(LOCK);
    let failed = |source| KeeperError::Path { path: path.clone(), source };
    let file = folder.open_file(LOCK, libc::O_RDWR | libc::O_CREAT).map_err(failed)?;
    match dir::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(KeeperError::Locked(data_dir.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn remove(folder: &Dir, name: &str) -> io::Result<()> {
    match folder.unlink(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::abort();
    }));
}

/// Puts a line into the keeper's log, which is its stderr.
fn note(text: &str) {
    // There is nobody to tell that the log cannot be written.
    let _ = writeln!(io::stderr().lock(), "keeper: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_keeper_refuses_the_folder() {
        let data = tempfile::tempdir().unwrap();
        let folder = Dir::open(data.path()).unwrap();
        let first = take_lock(&folder, data.path()).unwrap();
        let refused = take_lock(&folder, data.path()).unwrap_err();
        assert!(matches!(refused, KeeperError::Locked(_)));
        assert!(refused.to_string().starts_with("another keeper is at work in /"));
        drop(first);
        take_lock(&folder, data.path()).unwrap();
    }
}
