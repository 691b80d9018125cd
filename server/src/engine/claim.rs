//! Who serves a data folder: one server at a time, and the newest that asks.
//!
//! The lock of a file says that a server is there. A newer one fences it off at the keeper: the older
//! one then ends at once, with the lock, and what it had not stored the newer one finds in the spool.
//! Epochs are counted in a file, so no change of the clock can make an old server the newer one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::keeper::client;
use crate::sys::dir::{Dir, try_lock};
use crate::sys::pidfd::Pidfd;
use crate::sys::{clock, process};

/// The name in the data folder of the file whose lock says that a server is there; it holds its pid.
const LOCK: &str = "server.lock";
/// The name in the data folder of the file with the last epoch.
const EPOCH: &str = "server.epoch";
/// An older server that was fenced off lets go of the folder in so long.
const FENCED_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The right to serve a data folder, as long as it is held.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
    epoch: u64,
}

/// Why a data folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another server does not let go of it.
    #[error(
        "another runyard (pid {pid}) serves {} and does not let go of it: end it first",
        data_dir.display()
    )]
    Held {
        /// The folder.
        data_dir: PathBuf,
        /// The other server.
        pid: i32,
    },
    /// A file of it cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Claim {
    /// Claims a data folder; an older server of it is fenced off.
    ///
    /// # Errors
    /// When an older server does not let go of it, or its files cannot be used.
    pub async fn take(data_dir: &Path) -> Result<Self, ClaimError> {
        Self::take_within(data_dir, FENCED_WITHIN).await
    }

    async fn take_within(data_dir: &Path, within: Duration) -> Result<Self, ClaimError> {
        let file = |name: &'static str| {
            move |source| ClaimError::File { path: data_dir.join(name), source }
        };
        let dir = Dir::open(data_dir).map_err(file(""))?;
        let mut lock = open_lock(&dir).map_err(file(LOCK))?;
        let begin = Instant::now();
        while let Err(error) = try_lock(&lock) {
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(file(LOCK)(error));
            }
            if begin.elapsed() >= within {
                let pid = read_pid(&mut lock).unwrap_or(0);
                return Err(ClaimError::Held { data_dir: data_dir.to_owned(), pid });
            }
            // Its keeper may just be starting: it is asked again.
            let epoch = next_epoch(&dir).map_err(file(EPOCH))?;
            if let Err(error) = client::fence(data_dir, epoch).await {
                tracing::debug!(%error, "the older server cannot be fenced off yet");
            }
            sleep(LOOK_EVERY).await;
        }
        write_pid(&mut lock).map_err(file(LOCK))?;
        let epoch = next_epoch(&dir).map_err(file(EPOCH))?;
        Ok(Self { _lock: lock, epoch })
    }

    /// Grows with each server of the folder.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}

/// The server of a data folder; `None` when there is none.
///
/// # Errors
/// When its files cannot be used.
pub fn server_of(data_dir: &Path) -> io::Result<Option<i32>> {
    let dir = match Dir::open(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        dir => dir?,
    };
    let mut lock = match dir.open_file(LOCK, libc::O_RDWR) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        lock => lock?,
    };
    match try_lock(&lock) {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => read_pid(&mut lock).map(Some),
        Err(error) => Err(error),
    }
}

/// Asks the server of a data folder to end, and waits until it has; `false` when it has not in time.
///
/// # Errors
/// When its files cannot be used, or it belongs to somebody else.
pub async fn ask_to_end(data_dir: &Path, within: Duration) -> io::Result<bool> {
    let Some(pid) = server_of(data_dir)? else { return Ok(true) };
    let pidfd = match Pidfd::open(pid) {
        Ok(pidfd) => pidfd,
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(true),
        Err(error) => return Err(error),
    };
    // The lock is still held, and by the same: so the descriptor is that of the server.
    if server_of(data_dir)? == Some(pid) {
        pidfd.send_signal(libc::SIGTERM)?;
    }
    let begin = Instant::now();
    while server_of(data_dir)?.is_some() {
        if begin.elapsed() >= within {
            return Ok(false);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(true)
}

fn open_lock(dir: &Dir) -> io::Result<File> {
    dir.open_file(LOCK, libc::O_RDWR | libc::O_CREAT)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", process::own_pid())
}

fn read_pid(lock: &mut File) -> io::Result<i32> {
    let mut text = String::new();
    lock.seek(SeekFrom::Start(0))?;
    lock.take(32).read_to_string(&mut text)?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Counts one on. Where there is no count yet it begins with the time: an earlier version of Runyard
/// took that for its epochs.
fn next_epoch(dir: &Dir) -> io::Result<u64> {
    let mut text = String::new();
    match dir.open_file(EPOCH, libc::O_RDONLY) {
        Ok(file) => drop(file.take(32).read_to_string(&mut text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let first = u64::try_from(clock::realtime_ms()).unwrap_or_default();
    let epoch = text.trim().parse::<u64>().unwrap_or(first).saturating_add(1);
    let beside = "server.epoch.tmp";
    let mut file = dir.open_file(beside, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC)?;
    writeln!(file, "{epoch}")?;
    dir.rename(beside, EPOCH)?;
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_holds_the_folder_and_epochs_grow_whatever_the_clock_says() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(server_of(data.path()).unwrap(), None);
        let first = Claim::take(data.path()).await.unwrap();
        assert_eq!(server_of(data.path()).unwrap(), Some(process::own_pid()));
        let within = Duration::from_millis(20);
        let refused = Claim::take_within(data.path(), within).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("(pid {})", process::own_pid())), "{refused}");
        let epoch = first.epoch();
        drop(first);
        std::fs::write(data.path().join(EPOCH), format!("{}\n", u64::MAX - 9)).unwrap();
        let second = Claim::take(data.path()).await.unwrap();
        assert!(second.epoch() > epoch);
        // It counts each try: a child that another test is just starting may hold the lock for a moment.
        assert!(second.epoch() > u64::MAX - 9);
    }
}
