//! Questions to a keeper outside of the server's connection: who it is, whether it becomes another
//! program, what runs. None of them fences anybody off.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, timeout_at};

use super::{ClientError, RunInfo};
use crate::keeper::handshake::{self, Answer, Ask, Identity};
use crate::keeper::protocol::{self, Event, Request};
use crate::keeper::{PID_FILE, SOCKET};
use crate::sys::process;
use crate::sys::readiness;
use crate::sys::socket::Socket;

/// A keeper answers in microseconds, but for a program that it tries out first.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What came of asking a keeper to become another program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Its process, which is the same as before.
    pub pid: i32,
    /// So long nothing was moved.
    pub pause: Duration,
}

/// A connection for questions.
pub(super) struct Questions {
    socket: AsyncFd<Socket>,
    buffer: Vec<u8>,
    deadline: Instant,
}

impl Questions {
    /// `None`: nobody listens there.
    pub(super) fn open(data_dir: &Path) -> Result<Option<Self>, ClientError> {
        let socket = match Socket::connect(&data_dir.join(SOCKET)) {
            Ok(socket) => socket,
            Err(error) if super::connect::is_absence(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if socket.peer()?.uid != process::effective_uid() {
            let error = io::Error::new(ErrorKind::PermissionDenied, "it is another user's");
            return Err(error.into());
        }
        Ok(Some(Self {
            socket: readiness::register(socket)?,
            buffer: vec![0; protocol::MAX_MESSAGE],
            deadline: Instant::now() + ANSWERS_WITHIN,
        }))
    }

    /// `None`: the connection has ended.
    async fn receive(&mut self) -> Result<Option<&[u8]>, ClientError> {
        let receive = self.socket.async_io(Interest::READABLE, |it| it.recv(&mut self.buffer));
        match timeout_at(self.deadline, receive).await {
            Err(_) => Err(ClientError::Late),
            Ok(Ok(0)) => Ok(None),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(len)) => Ok(Some(&self.buffer[..len])),
        }
    }

    async fn ask(&mut self, ask: &Ask) -> Result<Option<Answer>, ClientError> {
        self.socket.get_ref().send(&handshake::encode(ask)?)?;
        match self.receive().await? {
            None => Ok(None),
            Some(bytes) => match handshake::decode(bytes) {
                Some(answer) => Ok(Some(answer?)),
                None => Err(ClientError::Protocol(protocol::ProtocolError::Undecodable)),
            },
        }
    }

    pub(super) async fn who(&mut self) -> Result<Identity, ClientError> {
        match self.ask(&Ask::Who).await? {
            Some(Answer::Is(identity)) => Ok(identity),
            Some(Answer::Refused { message }) => Err(ClientError::Refused(message)),
            None => Err(ClientError::Gone),
        }
    }
}

/// Who the keeper of a data folder is; `None` when there is none.
///
/// # Errors
/// When there is one, and it does not answer.
pub async fn identify(data_dir: &Path) -> Result<Option<Identity>, ClientError> {
    match Questions::open(data_dir)? {
        Some(mut keeper) => Ok(Some(keeper.who().await?)),
        None => Ok(None),
    }
}

/// The process of the keeper of a data folder, as the last one has written it down.
#[must_use]
pub fn pid_of_keeper(data_dir: &Path) -> Option<i32> {
    std::fs::read_to_string(data_dir.join(PID_FILE)).ok()?.trim().parse().ok()
}

/// Every run that the keeper of a data folder knows; nothing when there is no keeper.
///
/// # Errors
/// When there is one, and it does not answer, or speaks another version.
pub async fn list_runs(data_dir: &Path) -> Result<Vec<RunInfo>, ClientError> {
    let mut all = Vec::new();
    let Some(mut keeper) = Questions::open(data_dir)? else { return Ok(all) };
    keeper.socket.get_ref().send(&protocol::encode(1, &Request::List)?)?;
    loop {
        let Some(bytes) = keeper.receive().await? else { return Err(ClientError::Gone) };
        if let Some(answer) = handshake::decode::<Answer>(bytes) {
            return Err(strange(answer?));
        }
        match protocol::decode(bytes)?.1 {
            Event::Runs { runs, last } => {
                all.extend(runs);
                if last {
                    return Ok(all);
                }
            }
            other => return Err(super::unexpected(other)),
        }
    }
}

/// Asks the keeper of a data folder to become this program, and waits until it has; `None` when there
/// is no keeper, or it is this program already.
///
/// # Errors
/// [`ClientError::Refused`] when it does not, and why; it goes on as it was.
pub async fn upgrade(data_dir: &Path, exe: &Path) -> Result<Option<Upgraded>, ClientError> {
    let wanted = process::build_of(exe)?;
    let Some(mut keeper) = Questions::open(data_dir)? else { return Ok(None) };
    let before = keeper.who().await?;
    if before.build == wanted {
        return Ok(None);
    }
    let exe = std::path::absolute(exe)?;
    if let Some(Answer::Refused { message }) = keeper.ask(&Ask::Become { exe }).await? {
        return Err(ClientError::Refused(message));
    }
    // Whoever answers now has the same process and another program.
    let deadline = keeper.deadline;
    loop {
        let asked = match Questions::open(data_dir) {
            Ok(Some(mut keeper)) => keeper.who().await,
            Ok(None) => Err(ClientError::Gone),
            Err(error) => Err(error),
        };
        match asked {
            Ok(now) if now.build == wanted => {
                let pause = Duration::from_micros(now.pause_us.unwrap_or_default());
                return Ok(Some(Upgraded { pid: now.pid, pause }));
            }
            // Another name of the same file, or a keeper that was started meanwhile.
            Ok(now) if now.build != before.build || now.pid != before.pid => {
                return Err(ClientError::Refused(format!("it has become {}", now.build)));
            }
            Ok(_) | Err(_) if Instant::now() >= deadline => return Err(ClientError::Late),
            Ok(_) | Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

/// Tells the keeper of a data folder that a newer server is there: older ones are fenced off. Nothing
/// is done when there is no keeper.
///
/// # Errors
/// When it does not answer.
pub async fn fence(data_dir: &Path, epoch: u64) -> Result<(), ClientError> {
    let Some(mut keeper) = Questions::open(data_dir)? else { return Ok(()) };
    let hello = Request::Hello { epoch, server_pid: process::own_pid() };
    keeper.socket.get_ref().send(&protocol::encode(1, &hello)?)?;
    let Some(bytes) = keeper.receive().await? else { return Err(ClientError::Gone) };
    if let Some(answer) = handshake::decode::<Answer>(bytes) {
        return Err(strange(answer?));
    }
    match protocol::decode(bytes)?.1 {
        Event::Welcome { .. } => Ok(()),
        other => Err(super::unexpected(other)),
    }
}

/// Ends the keeper of a data folder, and waits until it has ended. Its children go on.
///
/// # Errors
/// When it does not end.
pub async fn end(data_dir: &Path) -> Result<(), ClientError> {
    let Some(mut keeper) = Questions::open(data_dir)? else { return Ok(()) };
    match keeper.ask(&Ask::End).await? {
        Some(Answer::Refused { message }) => Err(ClientError::Refused(message)),
        _ => Ok(()),
    }
}

/// What an answer of the handshake means to somebody who has asked for something else.
pub(super) fn strange(answer: Answer) -> ClientError {
    match answer {
        Answer::Is(Identity { oldest, newest, .. }) => ClientError::Versions { oldest, newest },
        Answer::Refused { message } => ClientError::Refused(message),
    }
}
