//! The files of all runs: made, found and removed; and those of runs that are over, used again.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::files::{RunFile, SUFFIX};
use crate::sys::dir::{Dir, create_private_dirs};

/// What the folder of spare files is called after the folder of runs.
const SPARES: &str = "spare";
/// Files that are kept.
const MOST_SPARES: usize = 64;

/// The folder of all runs, held open by the keeper.
///
/// Files of runs that are over are kept for the next ones, a few of them, in a folder beside: to make
/// and unlink an inode is more work for most file systems than all else that a short run needs.
#[derive(Debug)]
pub struct RunFiles {
    runs_dir: PathBuf,
    folder: Dir,
    spares_folder: Option<Dir>,
    /// The names of those that are there, and empty.
    spares: Mutex<Vec<String>>,
}

impl RunFiles {
    /// Opens the folder. What another keeper has kept is not used: it may have died before it was empty.
    ///
    /// # Errors
    /// Those of opening a folder.
    pub fn open(runs_dir: &Path) -> io::Result<Self> {
        let folder = Dir::open(runs_dir)?;
        let spares = runs_dir.with_extension(SPARES);
        Ok(Self {
            runs_dir: runs_dir.to_owned(),
            folder,
            spares_folder: open_empty(&spares).ok(),
            spares: Mutex::default(),
        })
    }

    /// Where a run's folder is, if it has one.
    #[must_use]
    pub fn run_dir(&self, run: &str) -> PathBuf {
        self.runs_dir.join(run)
    }

    /// Makes a run's file, still empty.
    ///
    /// # Errors
    /// Those of making a file, also when it is there.
    pub fn create(&self, run: &str) -> io::Result<RunFile> {
        let name = format!("{run}{SUFFIX}");
        let spare = self.spares.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let (Some(spare), Some(spares)) = (spare, &self.spares_folder) {
            // Opened first: after the move nothing can fail that would leave it there.
            let opened = spares.open_file(&spare, libc::O_WRONLY);
            match opened.and_then(|file| spares.move_to(&spare, &self.folder, &name).map(|()| file))
            {
                Ok(file) => return Ok(RunFile(file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                // Somebody has taken it away.
                Err(_) => {}
            }
        }
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        self.folder.open_file(&name, flags).map(RunFile)
    }

    /// Opens a run's file, which is made unless it is there.
    ///
    /// # Errors
    /// Those of opening a file.
    pub fn file(&self, run: &str) -> io::Result<RunFile> {
        let flags = libc::O_WRONLY | libc::O_CREAT;
        self.folder.open_file(&format!("{run}{SUFFIX}"), flags).map(RunFile)
    }

    /// Removes a run's folder, if there is one, and its file. The file goes last: while it is there,
    /// the run is known.
    ///
    /// # Errors
    /// Those of removing files.
    pub fn remove(&self, run: &str) -> io::Result<()> {
        match std::fs::remove_dir_all(self.run_dir(run)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let name = format!("{run}{SUFFIX}");
        if self.keep(&name).is_some() { Ok(()) } else { self.folder.unlink(&name) }
    }

    /// Puts a run's file aside; `None` when it is still where it was.
    fn keep(&self, name: &str) -> Option<()> {
        let spares_folder = self.spares_folder.as_ref()?;
        let mut spares = self.spares.lock().unwrap_or_else(PoisonError::into_inner);
        if spares.len() >= MOST_SPARES {
            return None;
        }
        self.folder.move_to(name, spares_folder, name).ok()?;
        // No place of it says anything any more. Until then it is not used.
        let empty = spares_folder.open_file(name, libc::O_WRONLY);
        match empty.and_then(|file| RunFile(file).clear()) {
            Ok(()) => spares.push(name.to_owned()),
            Err(_) => drop(spares_folder.unlink(name)),
        }
        Some(())
    }
}

fn open_empty(path: &Path) -> io::Result<Dir> {
    create_private_dirs(path)?;
    let folder = Dir::open(path)?;
    for name in folder.names()? {
        folder.unlink(&name)?;
    }
    Ok(folder)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::files::tests::meta;
    use super::super::files::{ExitRecord, RunMeta, read_exit, read_meta};
    use super::*;

    /// A folder of runs in a folder of its own.
    pub(in super::super) fn folder() -> (tempfile::TempDir, RunFiles) {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        let files = RunFiles::open(&runs).unwrap();
        (dir, files)
    }

    #[test]
    fn a_removed_run_leaves_nothing_but_an_empty_file_for_the_next() {
        let (dir, files) = folder();
        let runs = dir.path().join("runs");
        let inode = |run: &str| {
            std::os::unix::fs::MetadataExt::ino(
                &runs.join(format!("{run}.run")).metadata().unwrap(),
            )
        };
        files.create("a.1").unwrap().write_meta(&meta()).unwrap();
        files.file("a.1").unwrap().write_exit(&ExitRecord::default()).unwrap();
        std::fs::create_dir(files.run_dir("a.1")).unwrap();
        std::fs::write(files.run_dir("a.1").join("out.0000000000000000.seg"), "x").unwrap();
        let used = inode("a.1");
        files.remove("a.1").unwrap();
        assert_eq!(std::fs::read_dir(&runs).unwrap().count(), 0);
        let file = files.create("b.1").unwrap();
        assert_eq!(inode("b.1"), used);
        let run = files.run_dir("b.1");
        assert_eq!((read_meta(&run).unwrap(), read_exit(&run).unwrap()), (None, None));
        let short = RunMeta { program: "/b".into(), ..meta() };
        file.write_meta(&short).unwrap();
        assert_eq!(read_meta(&run).unwrap(), Some(short));
    }

    #[test]
    fn what_another_has_kept_is_not_used_and_a_spare_that_is_gone_is_not_missed() {
        let (dir, files) = folder();
        let spares = dir.path().join("runs.spare");
        let left = || std::fs::read_dir(&spares).unwrap().count();
        for run in ["a.1", "a.2"] {
            files.create(run).unwrap();
        }
        files.remove("a.1").unwrap();
        assert_eq!(left(), 1);
        let again = RunFiles::open(&dir.path().join("runs")).unwrap();
        assert_eq!(left(), 0);
        files.create("a.3").unwrap();
        again.remove("a.3").unwrap();
        // Where none can be kept, files are made and unlinked.
        std::fs::remove_dir_all(&spares).unwrap();
        std::fs::write(&spares, "").unwrap();
        let without = RunFiles::open(&dir.path().join("runs")).unwrap();
        without.create("a.4").unwrap();
        without.remove("a.4").unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("runs")).unwrap().count(), 1);
        assert_eq!(without.create("a.2").unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
}
