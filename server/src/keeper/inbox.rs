//! Messages to a thread that waits in epoll.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use crate::sys::epoll::EventFd;

/// Messages to one thread. Not bounded by itself: each sender has at most a few messages per run
/// on their way, so the number of runs is the bound, and no sender ever waits for another.
#[derive(Debug)]
pub(super) struct Inbox<T> {
    messages: Mutex<Vec<T>>,
    wake: EventFd,
}

impl<T> Inbox<T> {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { messages: Mutex::new(Vec::new()), wake: EventFd::new()? })
    }

    pub(super) fn push(&self, message: T) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
        let is_first = messages.len() == 1;
        drop(messages);
        // With others before it, whoever came first wakes the thread, or it is just about to take all.
        if is_first {
            self.wake.raise();
        }
    }

    /// Everything that has come, oldest first.
    pub(super) fn take(&self) -> Vec<T> {
        // In this order: a message that comes in between wakes again.
        self.wake.clear();
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> AsFd for Inbox<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
