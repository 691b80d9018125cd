//! Folders held by descriptor, so that a symlink planted in one is refused instead of followed.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::check;

/// An open folder.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl Dir {
    /// Opens a folder. A symlink as the last part of the path is an error (`ENOTDIR`).
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: `path` is a NUL-terminated string that outlives the call.
        let fd = check(unsafe { libc::open(path.as_ptr(), flags) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Opens a file in the folder with these `O_` flags; a new one gets mode 0600. Never follows a
    /// symlink (`ELOOP`).
    ///
    /// # Errors
    /// Those of `openat(2)`.
    pub fn open_file(&self, name: &str, flags: i32) -> io::Result<File> {
        let name = CString::new(name)?;
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        let mode: libc::c_uint = 0o600;
        // SAFETY: the descriptor is open, `name` is NUL-terminated and outlives the call.
        let fd = check(unsafe { libc::openat(self.0.as_raw_fd(), name.as_ptr(), flags, mode) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(unsafe { File::from_raw_fd(fd) })
    }

    /// Makes a folder in the folder.
    ///
    /// # Errors
    /// Those of `mkdirat(2)`.
    pub fn make_folder(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        // SAFETY: the descriptor is open, `name` is NUL-terminated and outlives the call.
        check(unsafe { libc::mkdirat(self.0.as_raw_fd(), name.as_ptr(), 0o755) })?;
        Ok(())
    }

    /// A folder in the folder, only to name it by.
    ///
    /// # Errors
    /// Those of `openat(2)`.
    pub fn name_folder(&self, name: &str) -> io::Result<OwnedFd> {
        Ok(self.open_file(name, libc::O_PATH | libc::O_DIRECTORY)?.into())
    }

    /// Removes an empty folder from the folder.
    ///
    /// # Errors
    /// Those of `unlinkat(2)`.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        let flags = libc::AT_REMOVEDIR;
        // SAFETY: the descriptor is open, `name` is NUL-terminated and outlives the call.
        check(unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), flags) })?;
        Ok(())
    }

    /// Removes a file from the folder.
    ///
    /// # Errors
    /// Those of `unlinkat(2)`.
    pub fn unlink(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name)?;
        // SAFETY: the descriptor is open, `name` is NUL-terminated and outlives the call.
        check(unsafe { libc::unlinkat(self.0.as_raw_fd(), name.as_ptr(), 0) })?;
        Ok(())
    }

    /// Renames a file within the folder, replacing what had the new name.
    ///
    /// # Errors
    /// Those of `renameat(2)`.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (CString::new(from)?, CString::new(to)?);
        let fd = self.0.as_raw_fd();
        // SAFETY: the descriptor is open, both names are NUL-terminated and outlive the call.
        check(unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) })?;
        Ok(())
    }

    /// Moves a file to another folder, where nothing may have the new name.
    ///
    /// # Errors
    /// Those of `renameat2(2)`: `AlreadyExists`, `CrossesDevices`.
    pub fn move_to(&self, from: &str, folder: &Self, to: &str) -> io::Result<()> {
        let (from, to) = (CString::new(from)?, CString::new(to)?);
        let (old, new) = (self.0.as_raw_fd(), folder.0.as_raw_fd());
        let flags = libc::RENAME_NOREPLACE;
        // SAFETY: both descriptors are open, both names are NUL-terminated and outlive the call.
        check(unsafe { libc::renameat2(old, from.as_ptr(), new, to.as_ptr(), flags) })?;
        Ok(())
    }

    /// The names in the folder, those that are not UTF-8 left out.
    ///
    /// # Errors
    /// Those of reading a folder.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(format!("/proc/self/fd/{}", self.0.as_raw_fd()))? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// Makes a folder of mode 0700 with its parents, unless it is there.
///
/// # Errors
/// Those of `mkdir(2)`.
pub fn create_private_dirs(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes one new folder of mode 0700.
///
/// # Errors
/// Those of `mkdir(2)`: `AlreadyExists` when there is something of that name.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// How many names an open file has: none when it was deleted.
///
/// # Errors
/// Those of `fstat(2)`.
pub fn links(file: BorrowedFd<'_>) -> io::Result<u64> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the descriptor is open, and the call writes the whole of `stat` when it succeeds, which
    // is asked for before it is used.
    let stat = unsafe {
        check(libc::fstat(file.as_raw_fd(), stat.as_mut_ptr()))?;
        stat.assume_init()
    };
    Ok(stat.st_nlink)
}

/// Which file or folder this path leads to now: its device and number.
///
/// # Errors
/// Those of `stat(2)`.
pub fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Takes the exclusive lock of a file without waiting. It is held until the file is closed, and the
/// kernel gives it back when its owner dies.
///
/// # Errors
/// `WouldBlock` when somebody else holds it.
pub fn try_lock(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open for the length of the call.
    check(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_symlink_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("target"), "x").unwrap();
        std::os::unix::fs::symlink("target", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("folder")).unwrap();
        let open = Dir::open(dir.path()).unwrap();
        open.open_file("target", libc::O_RDONLY).unwrap();
        let error = open.open_file("link", libc::O_RDONLY).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
        Dir::open(&dir.path().join("folder")).unwrap_err();
    }

    #[test]
    fn a_second_lock_would_block() {
        let dir = tempfile::tempdir().unwrap();
        let open = Dir::open(dir.path()).unwrap();
        let one = open.open_file("lock", libc::O_RDWR | libc::O_CREAT).unwrap();
        let two = open.open_file("lock", libc::O_RDWR | libc::O_CREAT).unwrap();
        try_lock(&one).unwrap();
        assert_eq!(try_lock(&two).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(one);
        try_lock(&two).unwrap();
    }
}
