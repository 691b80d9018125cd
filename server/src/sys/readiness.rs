//! Our descriptors in tokio's event loop, for the server's side of the keeper's socket.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsRawFd;

use tokio::io::unix::AsyncFd;

use super::pidfd::Pidfd;
use super::socket::Socket;

/// Something that owns one descriptor, the same as long as it lives.
pub trait OwnsDescriptor: AsRawFd + sealed::Sealed {}

impl OwnsDescriptor for Pidfd {}
impl OwnsDescriptor for Socket {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Pidfd {}
    impl Sealed for super::Socket {}
}

/// Puts it into the event loop of the runtime that this is called in.
///
/// # Errors
/// Those of `epoll_ctl(2)`.
pub fn register<T: OwnsDescriptor>(inner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the trait's two types own their descriptor, and have no way to replace or close it
    // before they are dropped.
    Ok(unsafe { AsyncFd::register(inner) }?)
}
