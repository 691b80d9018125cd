//! The kernel's doors: the only modules of the server with `unsafe` code.
//!
//! Each module wraps a few system calls in safe functions that speak `io::Result` and owned
//! descriptors, and knows nothing of what they are used for. Every descriptor made here is
//! close-on-exec: a child gets its three streams and nothing else.

use std::io;

pub mod cgroup;
pub mod clock;
pub mod dir;
pub mod epoll;
pub mod exec;
pub mod load;
pub mod memory;
pub mod pidfd;
pub mod pipe;
pub mod process;
pub mod procfs;
pub mod readiness;
pub mod schedule;
pub mod socket;
pub mod spawn;
pub mod spool;

/// The value of a system call, or the error that `errno` holds when the call returned -1.
fn check<T: PartialEq + From<i8>>(value: T) -> io::Result<T> {
    if value == T::from(-1) { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// What an error number means, in words fit for the middle of a sentence.
#[must_use]
pub fn describe_errno(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_is_described_in_lower_case_without_its_number() {
        assert_eq!(describe_errno(libc::ENOENT), "no such file or directory");
        assert_eq!(describe_errno(libc::EACCES), "permission denied");
    }
}
