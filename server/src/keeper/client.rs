//! The server's side of the keeper: starts it when it is not there, asks, and hears its news.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::protocol::{Event, OLDEST_VERSION, ProtocolError, Request, VERSION};
use crate::sys::spool::is_run_name;
use link::{Links, Waiting};

mod ask;
mod connect;
mod link;

pub use super::handshake::Identity;
pub use ask::{Upgraded, end, fence, identify, list_runs, pid_of_keeper, upgrade};

pub use super::protocol::{
    ExitRecord, GroupReport, IndexRecord, RUN_VARIABLE, RunInfo, Scope, Signalled, SpawnSpec,
    Spawned, StatsReport, Survivor, TreeLimits, WhenFull,
};

/// The keeper answers in microseconds. One that takes so long is stopped or swaps.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Who is told of the keeper's news, in the task that reads them: it must not wait.
pub type EventSink = Arc<dyn Fn(KeeperEvent) + Send + Sync>;

/// What happens at the keeper without being asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum KeeperEvent {
    /// A run's index has grown. One may stand for many: what it does not hold is in the spool.
    Advanced {
        /// Which run.
        run: String,
        /// Where in the index `records` begin; with no records, where the index ends.
        from_idx_off: u64,
        /// What was written there.
        records: Vec<IndexRecord>,
    },
    /// A run's root process has ended. Told again after a reconnection, until
    /// [`KeeperClient::forget`].
    Exited {
        /// Which run.
        run: String,
        /// How.
        exit: ExitRecord,
    },
    /// The connection is lost; the children go on. Another is being made.
    Disconnected,
    /// There is a connection again, maybe to another keeper: ask it how the runs are.
    Reconnected,
    /// Another server has taken the keeper over. There will be no connection again.
    Fenced,
}

/// Why the keeper did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection was lost; nobody knows whether it did what was asked.
    #[error("the connection to the keeper is lost")]
    Gone,
    /// Another server is there.
    #[error("another runyard has taken over this data folder")]
    Fenced,
    /// It takes too long.
    #[error("the keeper does not answer in time")]
    Late,
    /// It said no.
    #[error("the keeper refused: {0}")]
    Refused(String),
    /// It is another version of Runyard, and no version of the protocol is common to both.
    #[error(
        "the keeper speaks versions {oldest} to {newest} of its protocol, and this runyard          {OLDEST_VERSION} to {VERSION}: `runyard upgrade` with the newer binary replaces it, the          processes go on"
    )]
    Versions {
        /// The oldest that it speaks.
        oldest: u16,
        /// The newest that it speaks.
        newest: u16,
    },
    /// It speaks another version, or the request is too long.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// It could not be started, or its socket cannot be used.
    #[error("cannot reach the keeper: {0}")]
    Io(#[from] io::Error),
}

/// Why a run was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The system or the keeper refused.
    #[error("{message}")]
    Refused {
        /// The system's error number; 0 when it was not asked.
        errno: i32,
        /// What a person can act on.
        message: String,
    },
    /// The keeper could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The connection to the keeper, made again when it breaks. Clones are the same connection; it ends
/// with the last of them.
#[derive(Clone)]
pub struct KeeperClient {
    shared: Arc<Shared>,
    _stop: Arc<DropGuard>,
}

struct Shared {
    data_dir: PathBuf,
    exe: PathBuf,
    epoch: u64,
    sink: EventSink,
    links: Links,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl KeeperClient {
    /// Connects to the keeper of a data folder; starts `exe keeper --data DATA_DIR` when nobody
    /// answers. Servers with a lower `epoch` are fenced off. `sink` is told of the news, from the
    /// first one on.
    ///
    /// # Errors
    /// When no keeper listens within five seconds, or it does not answer in thirty, or a newer server
    /// has it.
    pub async fn connect(
        data_dir: &Path,
        epoch: u64,
        exe: &Path,
        sink: EventSink,
    ) -> Result<Self, ClientError> {
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            data_dir: std::path::absolute(data_dir)?,
            exe: exe.to_owned(),
            epoch,
            sink,
            links: Links::default(),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
        });
        let link = shared.open_link().await?;
        shared.links.set(Some(Arc::clone(&link.0)));
        let task = Arc::clone(&shared).stay_connected(link);
        shared.tasks.spawn(task);
        shared.tasks.close();
        Ok(Self { shared, _stop: Arc::new(stop.drop_guard()) })
    }

    /// Starts a run. One that is known is not started again; the answer is the same.
    ///
    /// # Errors
    /// When it cannot be started, and why.
    pub async fn spawn(&self, spec: SpawnSpec) -> Result<Spawned, SpawnError> {
        match self.ask(&Request::Spawn(spec)).await? {
            Event::Spawned(spawned) => Ok(spawned),
            Event::SpawnFailed { errno, message, .. } => {
                Err(SpawnError::Refused { errno, message })
            }
            other => Err(unexpected(other).into()),
        }
    }

    /// Sends a signal. Signal 0 is sent to nobody, and tells who is there.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no such run or signal.
    pub async fn signal(
        &self,
        run: &str,
        signal: i32,
        scope: Scope,
    ) -> Result<Signalled, ClientError> {
        match self.ask(&Request::Signal { run: run.to_owned(), signal, scope }).await? {
            Event::Signalled(signalled) => Ok(signalled),
            other => Err(unexpected(other)),
        }
    }

    /// Who has the pipes of a run open.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when there is no such run.
    pub async fn holders(&self, run: &str) -> Result<Vec<Survivor>, ClientError> {
        match self.ask(&Request::Holders { run: run.to_owned() }).await? {
            Event::Holders { holders, .. } => Ok(holders),
            other => Err(unexpected(other)),
        }
    }

    /// What the control group of a run does.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn group(&self, run: &str) -> Result<GroupReport, ClientError> {
        match self.ask(&Request::Group { run: run.to_owned() }).await? {
            Event::Group(report) => Ok(report),
            other => Err(unexpected(other)),
        }
    }

    /// Every run that the keeper knows.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn list(&self) -> Result<Vec<RunInfo>, ClientError> {
        let (send, receive) = oneshot::channel();
        self.shared.links.post(&Request::List, Waiting::Runs(Vec::new(), send))?;
        within(receive).await
    }

    /// How the keeper is.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn stats(&self) -> Result<StatsReport, ClientError> {
        match self.ask(&Request::Stats).await? {
            Event::StatsReport(report) => Ok(report),
            other => Err(unexpected(other)),
        }
    }

    /// Nothing below these offsets of a run's streams will be read again.
    pub fn release(&self, run: &str, out: u64, err: u64, idx: u64) {
        self.tell(run, |run| Request::Release { run, out, err, idx });
    }

    /// Nobody needs a run's spool any more; one that has not ended is deleted when it does.
    pub fn forget(&self, run: &str) {
        self.tell(run, |run| Request::Forget { run });
    }

    /// Closes the connection and waits for the tasks behind it. The keeper and the children go on.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.wait().await;
    }

    async fn ask(&self, request: &Request) -> Result<Event, ClientError> {
        let (send, receive) = oneshot::channel();
        self.shared.links.post(request, Waiting::Event(send))?;
        within(receive).await
    }

    fn tell(&self, run: &str, request: impl FnOnce(String) -> Request) {
        if !is_run_name(run) {
            return;
        }
        if let Err(error) = self.shared.links.post(&request(run.to_owned()), Waiting::Nobody) {
            // What was not released, acknowledged or forgotten is found again at the next start.
            tracing::warn!(run, %error, "the keeper was not told");
        }
    }
}

impl fmt::Debug for KeeperClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperClient")
            .field("data_dir", &self.shared.data_dir)
            .field("epoch", &self.shared.epoch)
            .finish_non_exhaustive()
    }
}

async fn within<T>(receive: oneshot::Receiver<Result<T, ClientError>>) -> Result<T, ClientError> {
    match tokio::time::timeout(ANSWER_WITHIN, receive).await {
        Ok(answer) => answer.unwrap_or(Err(ClientError::Gone)),
        Err(_) => Err(ClientError::Late),
    }
}

fn unexpected(event: Event) -> ClientError {
    match event {
        Event::Error { message } => ClientError::Refused(message),
        Event::Fenced => ClientError::Fenced,
        _ => ClientError::Protocol(ProtocolError::Undecodable),
    }
}
