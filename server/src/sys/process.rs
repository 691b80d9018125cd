//! What a process sets about itself: whose orphans it adopts, how many descriptors it may have.

#![allow(unsafe_code)]

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::check;

/// Bytes in a page of memory.
#[must_use]
pub fn page_size() -> u64 {
    // SAFETY: the call takes a number and gives one.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4_096)
}

/// A limit on open descriptors.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorLimit(libc::rlimit);

/// Makes this process the new parent of all orphans below it.
///
/// # Errors
/// Those of `prctl(2)`.
pub fn become_subreaper() -> io::Result<()> {
    // SAFETY: this option takes one number and no pointers.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })?;
    Ok(())
}

/// Whether orphans are left to this process: it is the first one, or has been made their new parent.
#[must_use]
pub fn adopts_orphans() -> bool {
    let mut is_subreaper: libc::c_int = 0;
    // SAFETY: this option writes one int, which is valid to write to.
    let asked =
        check(unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut is_subreaper, 0, 0, 0) });
    own_pid() == 1 || asked.is_ok() && is_subreaper != 0
}

/// Raises the number of descriptors that this process may have to what is allowed, and returns the
/// limit as it was: its children should have that one, as programs that use `select` or close all
/// descriptors one by one suffer from a large one.
///
/// # Errors
/// Those of `getrlimit(2)` and `setrlimit(2)`.
pub fn raise_descriptor_limit() -> io::Result<DescriptorLimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid to write to.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
    // SAFETY: `raised` outlives the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) })?;
    Ok(DescriptorLimit(limit))
}

impl DescriptorLimit {
    /// The soft and the hard limit.
    #[must_use]
    pub fn numbers(self) -> (u64, u64) {
        (self.0.rlim_cur, self.0.rlim_max)
    }

    /// A limit by its two numbers.
    #[must_use]
    pub fn from_numbers((soft, hard): (u64, u64)) -> Self {
        Self(libc::rlimit { rlim_cur: soft, rlim_max: hard })
    }

    /// Sets the limit for another process.
    ///
    /// # Errors
    /// Those of `prlimit(2)`: the process is gone, or not ours.
    pub fn apply_to(self, pid: i32) -> io::Result<()> {
        // SAFETY: the new limit outlives the call, and the old one is not asked for.
        check(unsafe {
            libc::prlimit(pid, libc::RLIMIT_NOFILE, &raw const self.0, std::ptr::null_mut())
        })?;
        Ok(())
    }
}

/// This process's binary: its version, and which file it is, so that another build of the same
/// version is told from it.
///
/// # Errors
/// Those of `stat(2)`.
pub fn own_build() -> io::Result<String> {
    // Also leads to a file that was deleted since.
    build_of(Path::new("/proc/self/exe"))
}

/// A binary of this version, as [`own_build`] names it.
///
/// # Errors
/// Those of `stat(2)`.
pub fn build_of(exe: &Path) -> io::Result<String> {
    let file = std::fs::metadata(exe)?;
    let (version, size) = (env!("CARGO_PKG_VERSION"), file.size());
    let (device, inode) = (file.dev(), file.ino());
    Ok(format!("{version} {device:x}-{inode:x}-{size}-{}.{}", file.mtime(), file.mtime_nsec()))
}

/// The user that this process acts as.
#[must_use]
pub fn effective_uid() -> u32 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The process that has started this one; 1, or whoever adopts orphans, when it is gone.
#[must_use]
pub fn parent_pid() -> i32 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

/// This process.
#[must_use]
pub fn own_pid() -> i32 {
    // Pids are positive numbers below 2^22.
    i32::try_from(std::process::id()).unwrap_or(i32::MAX)
}
