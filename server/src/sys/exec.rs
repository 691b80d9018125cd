//! Becoming another program without letting go of what is open.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::check;

/// A file that is in memory only.
///
/// # Errors
/// `EMFILE` and the like.
pub fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a NUL-terminated string.
    let fd = check(unsafe { libc::memfd_create(c"runyard".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: `fd` was just opened and nobody else owns it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Becomes `program`, with an empty environment; of all that is open it keeps `kept`. All other
/// threads end. Returns only when that cannot be done, and then everything is as before.
pub fn become_program(program: &Path, argv: &[String], kept: &[BorrowedFd<'_>]) -> io::Error {
    match try_to_become(program, argv, kept) {
        Ok(never) => match never {},
        Err(error) => {
            for fd in kept {
                // What was close-on-exec before can be so again.
                let _ = set_close_on_exec(*fd, true);
            }
            error
        }
    }
}

fn try_to_become(
    program: &Path,
    argv: &[String],
    kept: &[BorrowedFd<'_>],
) -> io::Result<std::convert::Infallible> {
    let program = CString::new(program.as_os_str().as_bytes())?;
    let argv = argv.iter().map(|arg| CString::new(arg.as_str())).collect::<Result<Vec<_>, _>>()?;
    let end = std::iter::once(ptr::null());
    let argv: Vec<*const libc::c_char> = argv.iter().map(|arg| arg.as_ptr()).chain(end).collect();
    let env: [*const libc::c_char; 1] = [ptr::null()];
    for fd in kept {
        set_close_on_exec(*fd, false)?;
    }
    // SAFETY: every pointer is to NUL-terminated strings, or to an array of such pointers that ends
    // with a null pointer, and all of them outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// Takes what the program before this one has kept open. Each number may be taken once.
///
/// # Errors
/// `EBADF` when nothing is open there.
pub fn take_kept(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointers; a number that is not open is an error.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    if fd <= libc::STDERR_FILENO {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: it is open, and by the caller's promise nobody else has taken it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    set_close_on_exec(std::os::fd::AsFd::as_fd(&fd), true)?;
    Ok(fd)
}

fn set_close_on_exec(fd: BorrowedFd<'_>, is_set: bool) -> io::Result<()> {
    let flags = if is_set { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: the descriptor is open, and the call takes no pointers.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd, IntoRawFd};

    fn is_close_on_exec(fd: BorrowedFd<'_>) -> bool {
        // SAFETY: the descriptor is open.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) & libc::FD_CLOEXEC != 0 }
    }

    #[test]
    fn what_cannot_be_executed_changes_nothing() {
        let file = memory_file().unwrap();
        let error = become_program(Path::new("/no/such"), &["x".into()], &[file.as_fd()]);
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        assert!(is_close_on_exec(file.as_fd()));
    }

    #[test]
    fn what_was_kept_is_taken_and_kept_no_longer() {
        let file = memory_file().unwrap();
        set_close_on_exec(file.as_fd(), false).unwrap();
        let taken = take_kept(file.into_raw_fd()).unwrap();
        assert!(is_close_on_exec(taken.as_fd()));
        assert!(take_kept(1_000_000).is_err());
        assert!(take_kept(0).is_err());
    }
}
