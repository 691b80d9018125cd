//! The database's file as the file system sees it: whether it is where it was, and on the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::StoreError;
use crate::failpoint;

/// The file of an open database.
#[derive(Clone, Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    /// The write-ahead log beside it.
    log: PathBuf,
    identity: (u64, u64),
    is_doubtful: Arc<AtomicBool>,
}

impl DatabaseFile {
    /// That of a database that has just been opened.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self {
            path: path.to_owned(),
            log: log.into(),
            identity: identify(path)?,
            is_doubtful: Arc::default(),
        })
    }

    /// Sees that it is where it was. One that was moved away can still be written by whoever has it open,
    /// and nobody would find what was.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let path = self.path.display();
        match identify(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            Ok(_) => Err(StoreError::Unavailable(format!(
                "another database stands at {path} now: put the one of before back, or start runyard anew"
            ))),
            Err(error) => Err(StoreError::Unavailable(format!(
                "the database is not at {path} any more, put it back: {error}"
            ))),
        }
    }

    /// Whether the write-ahead log could not be synced since it was last [trusted](Self::trust). The
    /// kernel tells that once: the next sync succeeds, though what failed is not on the disk.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::Acquire)
    }

    /// What is in the write-ahead log may not be on the disk, whatever the next sync says.
    pub(super) fn doubt(&self) {
        self.is_doubtful.store(true, Ordering::Release);
    }

    /// All that was in the write-ahead log is in the file, and that is on the disk.
    pub(super) fn trust(&self) {
        self.is_doubtful.store(false, Ordering::Release);
    }

    /// Waits until all that is in the write-ahead log is on the disk. What was folded into the file before
    /// is there already.
    pub(super) async fn sync(&self) -> Result<(), StoreError> {
        self.check()?;
        let log = self.log.clone();
        let synced = tokio::task::spawn_blocking(move || {
            failpoint::disturb("store-sync")?;
            File::open(log)?.sync_data()
        });
        let synced = synced.await.map_err(|error| StoreError::Failed(error.to_string()))?;
        synced.map_err(|error| {
            self.doubt();
            StoreError::Unavailable(format!("{} cannot be synced: {error}", self.log.display()))
        })
    }
}

fn identify(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}
