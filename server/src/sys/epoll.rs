//! Waiting for many descriptors at once: `epoll`, and the two kinds of descriptor that wake it.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// Something to read, or the other side is gone.
pub const READABLE: u32 = libc::EPOLLIN.cast_unsigned();
/// Room to write.
pub const WRITABLE: u32 = libc::EPOLLOUT.cast_unsigned();

/// An epoll instance, level-triggered.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// The tokens of descriptors that are ready.
pub struct Events(Vec<libc::epoll_event>);

impl Events {
    /// Room for so many at a time.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity.max(1)))
    }

    /// The tokens, with what each is ready for. An error or a hang-up counts as readable.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.0.iter().map(|event| {
            let failed = (libc::EPOLLERR | libc::EPOLLHUP).cast_unsigned();
            let ready = event.events;
            let ready = if ready & failed == 0 { ready } else { ready | READABLE };
            (event.u64, ready)
        })
    }
}

impl Epoll {
    /// A new instance.
    ///
    /// # Errors
    /// `EMFILE` and the like.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Watches a descriptor; its events carry the token.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`.
    pub fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest)
    }

    /// Changes what a descriptor is watched for.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: u64, interest: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest)
    }

    /// Stops watching a descriptor.
    ///
    /// # Errors
    /// Those of `epoll_ctl(2)`.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    fn control(&self, op: i32, fd: BorrowedFd<'_>, token: u64, interest: u32) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest, u64: token };
        let (epoll, fd) = (self.0.as_raw_fd(), fd.as_raw_fd());
        // SAFETY: both descriptors are open, and `event` outlives the call.
        check(unsafe { libc::epoll_ctl(epoll, op, fd, &raw mut event) })?;
        Ok(())
    }

    /// Waits until something is ready or the time is over (`None`: without end). An interrupting
    /// signal ends the wait early with no events.
    ///
    /// # Errors
    /// Those of `epoll_wait(2)`.
    pub fn wait(&self, events: &mut Events, timeout_ms: Option<u64>) -> io::Result<()> {
        events.0.clear();
        let timeout = timeout_ms.map_or(-1, |ms| i32::try_from(ms).unwrap_or(i32::MAX));
        let room = i32::try_from(events.0.capacity()).unwrap_or(i32::MAX);
        // SAFETY: the vector has room for `room` events, which the kernel fills from the front.
        let ready = check(unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.0.as_mut_ptr(), room, timeout)
        });
        match ready {
            Ok(ready) => {
                // SAFETY: the kernel has initialised the first `ready` events, at most `room`.
                unsafe { events.0.set_len(usize::try_from(ready).unwrap_or(0)) };
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A counter that makes an epoll wake up.
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// A new counter at zero.
    ///
    /// # Errors
    /// `EMFILE` and the like.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes it readable. A counter at its limit is readable already, so that error says nothing.
    pub fn raise(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the buffer is 8 bytes, as an eventfd wants, and outlives the call.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes it unreadable until the next [`EventFd::raise`].
    pub fn clear(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the buffer has the 8 bytes that an eventfd writes.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `SIGCHLD` as a descriptor.
#[derive(Debug)]
pub struct ChildSignal(OwnedFd);

impl ChildSignal {
    /// Blocks `SIGCHLD` in this thread, and in those that it starts from now on, and turns it into
    /// a descriptor.
    ///
    /// # Errors
    /// `EMFILE` and the like.
    pub fn new() -> io::Result<Self> {
        // SAFETY: a zeroed sigset_t is valid storage, and sigemptyset initialises it before use.
        let fd = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGCHLD);
            let error =
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            if error != 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?
        };
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes it unreadable until a child ends.
    pub fn clear(&self) {
        let mut info = [0_u8; size_of::<libc::signalfd_siginfo>() * 4];
        // SAFETY: the buffer has room for whole siginfos, and its length is given.
        while unsafe { libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), info.len()) } > 0 {}
    }
}

impl AsFd for ChildSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raised_counter_wakes_once() {
        let (epoll, counter) = (Epoll::new().unwrap(), EventFd::new().unwrap());
        let mut events = Events::with_capacity(4);
        epoll.add(counter.as_fd(), 7, READABLE).unwrap();
        epoll.wait(&mut events, Some(0)).unwrap();
        assert_eq!(events.iter().count(), 0);
        counter.raise();
        epoll.wait(&mut events, None).unwrap();
        assert_eq!(events.iter().collect::<Vec<_>>(), [(7, READABLE)]);
        counter.clear();
        epoll.wait(&mut events, Some(0)).unwrap();
        assert_eq!(events.iter().count(), 0);
    }
}
