//! News for the server, from whichever thread has them.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::inbox::Inbox;
use super::mover::Note;
use super::protocol::{Event, encode};
use crate::sys::socket::Socket;

/// The way to the one server that is listened to. Nothing waits here and nothing is kept: who could
/// not tell remembers that, and tells again when the control thread has found room.
#[derive(Debug)]
pub(super) struct Outbox {
    server: Mutex<Option<Arc<Socket>>>,
    blocked: AtomicBool,
    control: Arc<Inbox<Note>>,
}

impl Outbox {
    pub(super) fn new(control: Arc<Inbox<Note>>) -> Self {
        Self { server: Mutex::new(None), blocked: AtomicBool::new(false), control }
    }

    /// From now on this is the server.
    pub(super) fn attach(&self, server: Option<Arc<Socket>>) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        self.unblock();
    }

    /// Tells the server. `false`: it is slow, tell it again after the next `Flush`. When there is no
    /// server there is nothing to remember: the next one asks how everything is.
    pub(super) fn tell(&self, event: &Event) -> bool {
        if self.is_blocked() {
            return false;
        }
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(server), Ok(message)) = (server, encode(0, event)) else { return true };
        match server.send(&message) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if !self.blocked.swap(true, Ordering::AcqRel) {
                    self.control.push(Note::Blocked);
                }
                false
            }
            // A connection that broke is closed by the control thread.
            _ => true,
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Acquire)
    }

    /// There is room again.
    pub(super) fn unblock(&self) {
        self.blocked.store(false, Ordering::Release);
    }
}
