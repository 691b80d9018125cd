//! Pipes whose child end survives the death of the reader, and moving their bytes without copying
//! them through this process.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use super::check;

/// A pipe for one output stream of a child.
#[derive(Debug)]
pub struct Pipe {
    /// The keeper's end, non-blocking.
    pub read: OwnedFd,
    /// The child's end. It is open for reading too: as long as the child lives the pipe has a
    /// reader, so a write waits when nobody empties it, and can never raise `SIGPIPE`.
    pub child: OwnedFd,
    /// Which pipe this is, to find it again among a child's descriptors.
    pub inode: u64,
}

impl Pipe {
    /// A new pipe.
    ///
    /// # Errors
    /// `EMFILE` and the like.
    pub fn new() -> io::Result<Self> {
        let mut fds = [-1; 2];
        // SAFETY: `fds` has room for the two descriptors.
        check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
        // SAFETY: both descriptors were just opened and nobody else owns them.
        let (read, write) = unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) };
        // Opening it anew also gives the child a file description of its own: blocking, and
        // whatever flags it sets are not shared with the reader.
        let child = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/self/fd/{}", write.as_raw_fd()))?;
        let inode = child.metadata()?.ino();
        Ok(Self { read, child: child.into(), inode })
    }
}

/// Opens the reading end of a pipe that another process holds as its descriptor `fd`, if that is
/// the pipe with this inode.
///
/// # Errors
/// Those of `open(2)`: the process or its descriptor is gone, or belongs to somebody else.
pub fn reopen(pid: i32, fd: i32, inode: u64) -> io::Result<Option<OwnedFd>> {
    let file = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(format!("/proc/{pid}/fd/{fd}"))?;
    Ok((file.metadata()?.ino() == inode).then(|| file.into()))
}

/// Which pipe this is.
///
/// # Errors
/// Those of `fstat(2)`.
pub fn inode(pipe: BorrowedFd<'_>) -> io::Result<u64> {
    Ok(File::from(pipe.try_clone_to_owned()?).metadata()?.ino())
}

/// Bytes that wait in a pipe.
///
/// # Errors
/// Those of `ioctl(2)`.
pub fn waiting_bytes(pipe: BorrowedFd<'_>) -> io::Result<u64> {
    let mut waiting: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, which `waiting` is.
    check(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut waiting) })?;
    Ok(u64::try_from(waiting).unwrap_or(0))
}

/// Whether a pipe is empty and nobody can write to it any more.
///
/// # Errors
/// Those of `poll(2)`.
pub fn has_ended(pipe: BorrowedFd<'_>) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `poll` is one valid entry, and the call does not wait.
    check(unsafe { libc::poll(&raw mut poll, 1, 0) })?;
    Ok(poll.revents & libc::POLLHUP != 0 && poll.revents & libc::POLLIN == 0)
}

/// Reads from a pipe without waiting; 0 at the end of the stream.
///
/// # Errors
/// `WouldBlock` when the pipe is empty.
pub fn read(pipe: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let (fd, to) = (pipe.as_raw_fd(), buffer.as_mut_ptr().cast());
    // SAFETY: the descriptor is open, and the buffer is as long as is said.
    let len = check(unsafe { libc::read(fd, to, buffer.len()) })?;
    Ok(usize::try_from(len).unwrap_or(0))
}

/// Moves at most `len` bytes from a pipe to a file at an offset; returns how many, 0 at the end of
/// the stream. Does not wait.
///
/// # Errors
/// `WouldBlock` when the pipe is empty; `InvalidInput` when this file system cannot splice; and
/// what writing the file may give. Nothing has left the pipe when there is an error.
pub fn splice_at(pipe: BorrowedFd<'_>, file: &File, offset: u64, len: usize) -> io::Result<usize> {
    let mut offset =
        libc::loff_t::try_from(offset).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    // SAFETY: both descriptors are open, a pipe takes no offset, and `offset` outlives the call.
    let moved = check(unsafe {
        libc::splice(
            pipe.as_raw_fd(),
            std::ptr::null_mut(),
            file.as_fd().as_raw_fd(),
            &raw mut offset,
            len,
            flags,
        )
    })?;
    Ok(usize::try_from(moved).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn bytes_move_to_the_offset_and_the_end_shows_when_the_child_end_closes() {
        let pipe = Pipe::new().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let empty = splice_at(pipe.read.as_fd(), &file, 0, 100).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);

        let mut child = File::from(pipe.child);
        child.write_all(b"hello").unwrap();
        assert_eq!(waiting_bytes(pipe.read.as_fd()).unwrap(), 5);
        assert_eq!(splice_at(pipe.read.as_fd(), &file, 3, 4).unwrap(), 4);
        assert_eq!(splice_at(pipe.read.as_fd(), &file, 7, 4).unwrap(), 1);
        drop(child);
        assert_eq!(splice_at(pipe.read.as_fd(), &file, 8, 4).unwrap(), 0);

        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        assert_eq!(text, b"\0\0\0hello");
    }

    #[test]
    fn a_writer_outlives_its_reader_and_a_new_reader_finds_every_byte() {
        let pipe = Pipe::new().unwrap();
        let mut child = File::from(pipe.child);
        drop(pipe.read);
        child.write_all(b"no SIGPIPE").unwrap();
        let (pid, fd) = (i32::try_from(std::process::id()).unwrap(), child.as_raw_fd());
        assert!(reopen(pid, fd, pipe.inode + 1).unwrap().is_none());
        let read = reopen(pid, fd, pipe.inode).unwrap().unwrap();
        assert_eq!(waiting_bytes(read.as_fd()).unwrap(), 10);
    }
}
