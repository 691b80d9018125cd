//! One connection to the keeper, and the questions that wait for their answers on it.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use super::{ClientError, EventSink, KeeperEvent, RunInfo};
use crate::keeper::protocol::{self, Event, MAX_MESSAGE, Request};
use crate::sys::readiness;
use crate::sys::socket::Socket;

/// Messages that wait for a keeper that does not read.
const QUEUE: usize = 4096;

/// The current connection, if there is one.
#[derive(Debug, Default)]
pub(super) struct Links {
    current: Mutex<Option<Arc<Link>>>,
    last_id: AtomicU64,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    socket: AsyncFd<Socket>,
    /// For what the socket has no room for.
    queue: mpsc::Sender<Vec<u8>>,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(super) enum Waiting {
    /// Nobody.
    Nobody,
    /// Somebody for one message.
    Event(oneshot::Sender<Result<Event, ClientError>>),
    /// Somebody for a list that comes in parts.
    Runs(Vec<RunInfo>, oneshot::Sender<Result<Vec<RunInfo>, ClientError>>),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkEnd {
    /// The keeper is gone.
    Gone,
    /// Another server has taken over.
    Fenced,
}

impl Links {
    pub(super) fn set(&self, link: Option<Arc<Link>>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// Sends a request over the current connection.
    pub(super) fn post(&self, request: &Request, waiting: Waiting) -> Result<(), ClientError> {
        let link = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let link = link.ok_or(ClientError::Gone)?;
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        link.post(id, request, waiting)
    }
}

impl Link {
    pub(super) fn new(socket: Socket) -> io::Result<(Self, mpsc::Receiver<Vec<u8>>)> {
        let (queue, queued) = mpsc::channel(QUEUE);
        let socket = readiness::register(socket)?;
        Ok((Self { socket, queue, waiting: Mutex::default() }, queued))
    }

    fn post(&self, id: u64, request: &Request, waiting: Waiting) -> Result<(), ClientError> {
        let message = protocol::encode(id, request)?;
        // Before it is sent: the answer may come before this thread goes on.
        let is_awaited = !matches!(waiting, Waiting::Nobody);
        if is_awaited {
            self.lock().retain(|_, waiting| !waiting.is_given_up());
            self.lock().insert(id, waiting);
        }
        let sent = match self.socket.get_ref().send(&message) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.queue.try_send(message).map_err(|_| ClientError::Late)
            }
            Err(_) => Err(ClientError::Gone),
            Ok(()) => Ok(()),
        };
        if sent.is_err() && is_awaited {
            self.lock().remove(&id);
        }
        sent
    }

    /// Receives one message.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.async_io(Interest::READABLE, |socket| socket.recv(buffer)).await
    }

    /// Hands every message on, until the connection ends; sends what is queued meanwhile.
    pub(super) async fn serve(
        &self,
        mut queued: mpsc::Receiver<Vec<u8>>,
        sink: &EventSink,
    ) -> LinkEnd {
        let end = tokio::select! {
            end = self.read(sink) => end,
            () = self.write(&mut queued) => LinkEnd::Gone,
        };
        for (_, waiting) in self.lock().drain() {
            waiting.fail(end);
        }
        end
    }

    async fn write(&self, queued: &mut mpsc::Receiver<Vec<u8>>) {
        while let Some(message) = queued.recv().await {
            let send = |socket: &Socket| socket.send(&message);
            if self.socket.async_io(Interest::WRITABLE, send).await.is_err() {
                return;
            }
        }
    }

    async fn read(&self, sink: &EventSink) -> LinkEnd {
        let mut buffer = vec![0; MAX_MESSAGE];
        loop {
            let len = match self.receive(&mut buffer).await {
                Ok(0) | Err(_) => return LinkEnd::Gone,
                Ok(len) => len,
            };
            match protocol::decode(&buffer[..len]) {
                Ok((0, event)) => match event {
                    Event::Advanced { run, from_idx_off, records } => {
                        sink(KeeperEvent::Advanced { run, from_idx_off, records });
                        // First what comes of it: a line is on its way before the next is looked for.
                        yield_now().await;
                    }
                    Event::Exited { run, exit } => sink(KeeperEvent::Exited { run, exit }),
                    Event::Fenced => return LinkEnd::Fenced,
                    other => tracing::warn!(?other, "the keeper says what nobody asked for"),
                },
                Ok((id, event)) => self.settle(id, event),
                Err(error) => {
                    tracing::error!(%error, "the keeper cannot be understood");
                    return LinkEnd::Gone;
                }
            }
        }
    }

    /// Gives an answer to who waits for it. Who has given up is not there any more.
    fn settle(&self, id: u64, event: Event) {
        let mut all = self.lock();
        match (all.remove(&id), event) {
            (Some(Waiting::Runs(mut known, send)), Event::Runs { runs, last }) => {
                known.extend(runs);
                if last {
                    let _ = send.send(Ok(known));
                } else {
                    all.insert(id, Waiting::Runs(known, send));
                }
            }
            (Some(Waiting::Runs(_, send)), other) => {
                let _ = send.send(Err(super::unexpected(other)));
            }
            (Some(Waiting::Event(send)), event) => {
                let _ = send.send(Ok(event));
            }
            (Some(Waiting::Nobody) | None, _) => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_given_up(&self) -> bool {
        match self {
            Self::Nobody => true,
            Self::Event(send) => send.is_closed(),
            Self::Runs(_, send) => send.is_closed(),
        }
    }

    fn fail(self, end: LinkEnd) {
        let error = match end {
            LinkEnd::Gone => ClientError::Gone,
            LinkEnd::Fenced => ClientError::Fenced,
        };
        match self {
            Self::Nobody => {}
            Self::Event(send) => drop(send.send(Err(error))),
            Self::Runs(_, send) => drop(send.send(Err(error))),
        }
    }
}
