//! What a process sets about itself: whose orphans it adopts, how many descriptors it may have.

#![allow(unsafe_code)]

use std::io;

use super::check;

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

/// The user that this process acts as.
#[must_use]
pub fn effective_uid() -> u32 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// This process.
#[must_use]
pub fn own_pid() -> i32 {
    // Pids are positive numbers below 2^22.
    i32::try_from(std::process::id()).unwrap_or(i32::MAX)
}
