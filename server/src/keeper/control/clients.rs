//! Connections: who may speak, who is the server, and answers that wait until it reads.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::sync::Arc;

use super::{Command, Control, READABLE, WRITABLE, note};
use crate::keeper::handshake::{self, Answer, Ask, Identity};
use crate::keeper::protocol::{self, Event, OLDEST_VERSION, ProtocolError, Request, VERSION};
use crate::sys::process;
use crate::sys::socket::Socket;

/// Connections at a time; one is the server's, others are there for moments.
const MAX_CLIENTS: usize = 16;
/// Requests of one client before others have their turn.
const MAX_REQUESTS: usize = 64;

/// A connection. While answers wait no requests are read from it, so they are those to one request.
#[derive(Debug)]
pub(super) struct Client {
    socket: Arc<Socket>,
    answers: VecDeque<Vec<u8>>,
}

impl Control {
    pub(super) fn accept(&mut self) {
        match self.listener.accept() {
            Ok(socket) => {
                if let Err(error) = self.add_client(socket) {
                    note(&format!("a connection was refused: {error}"));
                }
            }
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => {
                // Left alone it would wake this thread for ever: it is taken with the spare
                // descriptor, and closed.
                self.spare = None;
                drop(self.listener.accept());
                self.spare = File::open("/dev/null").ok();
                note("a connection was refused: no descriptors are left");
            }
            Err(_) => {}
        }
    }

    fn add_client(&mut self, socket: Socket) -> io::Result<()> {
        if socket.peer()?.uid != process::effective_uid() {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "it is another user's"));
        }
        if self.clients.len() >= MAX_CLIENTS {
            return Err(io::Error::other("there are too many"));
        }
        let number = self.next_number;
        self.next_number += 1;
        self.epoll.add(socket.as_fd(), number, READABLE)?;
        let client = Client { socket: Arc::new(socket), answers: VecDeque::new() };
        self.clients.insert(number, client);
        Ok(())
    }

    pub(super) fn read_client(&mut self, number: u64, buffer: &mut [u8]) {
        for _ in 0..MAX_REQUESTS {
            let Some(client) = self.clients.get(&number) else { return };
            if !client.answers.is_empty() {
                return;
            }
            let len = match client.socket.recv(buffer) {
                Ok(0) => return self.close_client(number),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return self.refuse_client(number, &error.to_string()),
            };
            match handshake::decode(&buffer[..len]) {
                Some(Ok(ask)) => {
                    self.answer_ask(number, ask);
                    continue;
                }
                Some(Err(error)) => return self.refuse_client(number, &error.to_string()),
                None => {}
            }
            match protocol::decode(&buffer[..len]) {
                Ok((id, Request::Hello { epoch, .. })) => self.greet(number, id, epoch),
                Ok((id, request)) if self.server == Some(number) => {
                    self.obey(number, id, request);
                }
                Ok((id, request)) if request.is_question() => self.obey(number, id, request),
                Ok(_) => return self.refuse_client(number, "the first message must be a hello"),
                Err(ProtocolError::Version(_)) => {
                    // It learns which versions are spoken here, and may try one of them.
                    self.answer_ask(number, Ask::Who);
                }
                Err(error) => return self.refuse_client(number, &error.to_string()),
            }
        }
    }

    fn answer_ask(&mut self, number: u64, ask: Ask) {
        match ask {
            Ask::Who => {
                let identity = Identity {
                    pid: process::own_pid(),
                    build: process::own_build().unwrap_or_default(),
                    oldest: OLDEST_VERSION,
                    newest: VERSION,
                    pause_us: self.pause_us,
                };
                self.answer_handshake(number, &Answer::Is(identity));
            }
            Ask::Become { exe } => self.begin_upgrade(number, exe),
            Ask::End => self.ending = true,
        }
    }

    pub(super) fn answer_handshake(&mut self, number: u64, answer: &Answer) {
        if let Ok(message) = handshake::encode(answer) {
            self.send_answer(number, message);
        }
    }

    fn greet(&mut self, number: u64, id: u64, epoch: u64) {
        if epoch < self.highest_epoch {
            self.answer(number, id, &Event::Fenced);
            return self.close_client(number);
        }
        self.highest_epoch = epoch;
        if let Some(older) = self.server.filter(|&older| older != number) {
            self.answer(older, 0, &Event::Fenced);
            self.close_client(older);
        }
        let Some(client) = self.clients.get(&number) else { return };
        let socket = Arc::clone(&client.socket);
        self.server = Some(number);
        let (keeper_pid, boot_id) = (process::own_pid(), self.ground.boot_id.clone());
        // The answer first: nothing else may come before it.
        self.answer(number, id, &Event::Welcome { keeper_pid, boot_id });
        self.outbox.attach(Some(socket));
        self.tell_ends(true);
    }

    /// Sends an answer, or keeps it until the client reads.
    pub(super) fn answer(&mut self, number: u64, id: u64, event: &Event) {
        match protocol::encode(id, event) {
            Ok(message) => self.send_answer(number, message),
            Err(error) => note(&format!("an answer was dropped: {error}")),
        }
    }

    fn send_answer(&mut self, number: u64, message: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        let must_wait = !client.answers.is_empty()
            || client.socket.send(&message).is_err_and(|e| e.kind() == ErrorKind::WouldBlock);
        if must_wait {
            client.answers.push_back(message);
            self.watch_client(number);
        }
    }

    /// The client reads again.
    pub(super) fn write_client(&mut self, number: u64) {
        let Some(client) = self.clients.get_mut(&number) else { return };
        while let Some(message) = client.answers.front() {
            match client.socket.send(message) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => client.answers.pop_front(),
            };
        }
        if self.server == Some(number) && self.outbox.is_blocked() {
            self.outbox.unblock();
            self.tell_ends(false);
            for mover in &self.movers {
                mover.inbox.push(Command::Flush);
            }
        }
        self.watch_client(number);
    }

    /// Waits for what the client can be used for now.
    pub(super) fn watch_client(&self, number: u64) {
        let Some(client) = self.clients.get(&number) else { return };
        let owed = !client.answers.is_empty();
        let untold = self.server == Some(number) && self.outbox.is_blocked();
        let interest = if owed { 0 } else { READABLE } | if owed || untold { WRITABLE } else { 0 };
        if let Err(error) = self.epoll.modify(client.socket.as_fd(), number, interest) {
            note(&format!("a connection cannot be watched: {error}"));
        }
    }

    fn refuse_client(&mut self, number: u64, why: &str) {
        note(&format!("a connection was closed: {why}"));
        self.answer(number, 0, &Event::Error { message: why.to_owned() });
        self.close_client(number);
    }

    fn close_client(&mut self, number: u64) {
        let Some(client) = self.clients.remove(&number) else { return };
        if self.server == Some(number) {
            self.server = None;
            self.outbox.attach(None);
        }
        // Explicitly, as a mover may hold the socket for a moment longer.
        if let Err(error) = self.epoll.remove(client.socket.as_fd()) {
            note(&format!("a connection cannot be left: {error}"));
        }
    }
}
