//! Finding the keeper, starting it when there is none, and doing so again when it is lost.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::ask::strange;
use super::link::{Link, LinkEnd};
use super::{ANSWER_WITHIN, ClientError, KeeperEvent, Shared};
use crate::keeper::SOCKET;
use crate::keeper::handshake::{self, Answer};
use crate::keeper::protocol::{self, Event, Request};
use crate::sys::dir::{Dir, create_private_dirs};
use crate::sys::process;
use crate::sys::readiness;
use crate::sys::schedule::Starting;
use crate::sys::socket::Socket;
use crate::sys::spawn::{Command, spawn};

/// So long a keeper may take to listen from its start.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks whether it listens.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A keeper that does not listen by then has probably found the folder locked by one that was just
/// dying, and has ended.
const START_AGAIN: Duration = Duration::from_millis(200);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const LOG: &str = "keeper.log";

/// A connection, and what is queued for it.
pub(super) type OpenLink = (Arc<Link>, mpsc::Receiver<Vec<u8>>);

impl Shared {
    /// Serves a connection and its successors, until the client is closed or fenced off.
    pub(super) async fn stay_connected(self: Arc<Self>, mut open: OpenLink) {
        let stop = self.stop.clone();
        loop {
            let (link, queued) = open;
            // A client that is closed must not start a keeper any more: that is looked at first.
            let end = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                end = link.serve(queued, &self.sink) => Some(end),
            };
            self.links.set(None);
            match end {
                None => return,
                Some(LinkEnd::Fenced) => return (self.sink)(KeeperEvent::Fenced),
                Some(LinkEnd::Gone) => {
                    tracing::warn!("the connection to the keeper is lost");
                    (self.sink)(KeeperEvent::Disconnected);
                }
            }
            drop(link);
            let again = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                again = self.reconnect() => again,
            };
            let Some(again) = again else { return (self.sink)(KeeperEvent::Fenced) };
            self.links.set(Some(Arc::clone(&again.0)));
            tracing::info!("connected to the keeper again");
            (self.sink)(KeeperEvent::Reconnected);
            open = again;
        }
    }

    /// `None`: another server has it.
    async fn reconnect(&self) -> Option<OpenLink> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.open_link().await {
                Ok(open) => return Some(open),
                Err(ClientError::Fenced) => return None,
                Err(error) => tracing::warn!(%error, "the keeper is not there, trying again"),
            }
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Connects, starting a keeper when there is none.
    pub(super) async fn open_link(&self) -> Result<OpenLink, ClientError> {
        let deadline = Instant::now() + LISTENS_WITHIN;
        let path = self.data_dir.join(SOCKET);
        let mut start_at = Instant::now();
        loop {
            match Socket::connect(&path) {
                Ok(socket) => return self.greet(socket).await,
                Err(error) if !is_absence(&error) => return Err(error.into()),
                Err(_) if Instant::now() >= deadline => return Err(ClientError::Late),
                Err(_) if Instant::now() < start_at => sleep(LOOK_EVERY).await,
                Err(_) => {
                    self.start_keeper()?;
                    start_at = Instant::now() + START_AGAIN;
                }
            }
        }
    }

    /// One that listens may still be taking up thousands of runs.
    async fn greet(&self, socket: Socket) -> Result<OpenLink, ClientError> {
        if socket.peer()?.uid != process::effective_uid() {
            let error = io::Error::new(ErrorKind::PermissionDenied, "it is another user's");
            return Err(error.into());
        }
        let hello = Request::Hello { epoch: self.epoch, server_pid: process::own_pid() };
        socket.send(&protocol::encode(0, &hello)?)?;
        let (link, queued) = Link::new(socket)?;
        let mut buffer = vec![0; protocol::MAX_MESSAGE];
        let answer = timeout(ANSWER_WITHIN, link.receive(&mut buffer)).await;
        let len = answer.map_err(|_| ClientError::Late)??;
        if len == 0 {
            return Err(ClientError::Gone);
        }
        if let Some(answer) = handshake::decode::<Answer>(&buffer[..len]) {
            return Err(strange(answer?));
        }
        match protocol::decode(&buffer[..len])? {
            (_, Event::Welcome { .. }) => Ok((Arc::new(link), queued)),
            (_, other) => Err(super::unexpected(other)),
        }
    }

    /// Starts a keeper that outlives this process. When two are started, one of them finds the
    /// folder locked and ends.
    fn start_keeper(&self) -> Result<(), ClientError> {
        create_private_dirs(&self.data_dir)?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND;
        let log = Dir::open(&self.data_dir)?.open_file(LOG, flags)?;
        let text = |path: &std::path::Path| {
            let error = || io::Error::new(ErrorKind::InvalidInput, "a path is not UTF-8");
            path.to_str().map(str::to_owned).ok_or_else(error)
        };
        let (exe, data_dir) = (text(&self.exe)?, text(&self.data_dir)?);
        let argv = [exe, "keeper".to_owned(), "--data".to_owned(), data_dir];
        // Nothing of this process's environment: a keeper serves many servers, and children get
        // what the server gives them.
        let starting = Starting::begin();
        let child = spawn(&Command {
            program: &self.exe,
            argv: &argv,
            env: &[],
            cwd: &self.data_dir,
            stdout: log.as_fd(),
            stderr: log.as_fd(),
            group: None,
        })?;
        drop(starting);
        tracing::info!(pid = child.pid, "started the keeper");
        // It is a child of this process as long as both are there, and has to be reaped.
        let pidfd = readiness::register(child.pidfd)?;
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                ready = pidfd.readable() => drop((ready, pidfd.get_ref().reap())),
                () = stop.cancelled() => {}
            }
        });
        Ok(())
    }
}

/// Nobody listens there.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}
