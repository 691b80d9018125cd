//! What the server and the keeper say to each other.
//!
//! Each message is one datagram of a `SOCK_SEQPACKET` connection: the protocol's version (two bytes,
//! little endian), then in postcard a number and a [`Request`] or an [`Event`]. An answer bears the
//! number of its request; 0 is for what nobody asked for.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use crate::sys::spool::{ExitRecord, IndexRecord, WhenFull};

/// The version spoken here.
pub const VERSION: u16 = 3;
/// The oldest version that is understood here.
pub const OLDEST_VERSION: u16 = 3;
/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 128 * 1024;
/// The environment variable that every child has, with the name of its run.
pub const RUN_VARIABLE: &str = "RUNYARD_RUN";

/// What the server asks of the keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The first message of a connection. From the next epoch of the server on, older servers are
    /// fenced off. Answer: [`Event::Welcome`] or [`Event::Fenced`].
    Hello {
        /// Grows with every start of the server.
        epoch: u64,
        /// The server's process.
        server_pid: i32,
    },
    /// Asks for all runs. Answer: one or more [`Event::Runs`].
    List,
    /// Starts a run. A run that is known is not started again; the answer is the same. Answer:
    /// [`Event::Spawned`] or [`Event::SpawnFailed`].
    Spawn(SpawnSpec),
    /// Sends a signal; 0 only looks who is there. Answer: [`Event::Signalled`].
    Signal {
        /// Whose processes.
        run: String,
        /// Its number.
        signal: i32,
        /// Which of them.
        scope: Scope,
    },
    /// The server will not read below these offsets again. No answer.
    Release {
        /// Of which run.
        run: String,
        /// Offset in stdout.
        out: u64,
        /// Offset in stderr.
        err: u64,
        /// Offset in the index.
        idx: u64,
    },
    /// Deletes a run with its spool, at once or when it ends. Its pipes are closed; a process that
    /// still writes to them waits for ever. No answer.
    Forget {
        /// Which run.
        run: String,
    },
    /// Answer: [`Event::StatsReport`].
    Stats,
    /// Ends the keeper, not the children: the next keeper takes them over.
    Shutdown,
    /// Asks who has the pipes of a run open. Answer: [`Event::Holders`].
    Holders {
        /// Which run.
        run: String,
    },
    /// Asks what the control group of a run does. Answer: [`Event::Group`].
    Group {
        /// Which run.
        run: String,
    },
}

impl Request {
    /// Whether it only asks, and changes nothing: that may be done without being the server.
    #[must_use]
    pub fn is_question(&self) -> bool {
        match self {
            Self::List | Self::Stats | Self::Holders { .. } | Self::Group { .. } => true,
            Self::Signal { signal, .. } => *signal == 0,
            _ => false,
        }
    }
}

/// What the keeper tells the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The connection stands.
    Welcome {
        /// The keeper's process.
        keeper_pid: i32,
        /// Which boot of the machine this is.
        boot_id: String,
    },
    /// A server with a higher epoch is there. The connection is closed.
    Fenced,
    /// Some of the runs.
    Runs {
        /// In no order.
        runs: Vec<RunInfo>,
        /// No more follow.
        last: bool,
    },
    /// The run was started.
    Spawned(Spawned),
    /// The run was not started.
    SpawnFailed {
        /// Which run.
        run: String,
        /// The system's error number; 0 when it was not asked.
        errno: i32,
        /// What a person can act on.
        message: String,
    },
    /// A run's index has grown. Lossy: a slow receiver gets one message for many records, without
    /// them, and finds them in the spool.
    Advanced {
        /// Which run.
        run: String,
        /// Where in the index `records` begin; with no records, where the index ends.
        from_idx_off: u64,
        /// What was written there.
        records: Vec<IndexRecord>,
    },
    /// A run's root process has ended, and its output is in the spool. Told again on each new
    /// connection until [`Request::Forget`].
    Exited {
        /// Which run.
        run: String,
        /// How.
        exit: ExitRecord,
    },
    /// A signal was sent.
    Signalled(Signalled),
    /// How the keeper is.
    StatsReport(StatsReport),
    /// A request could not be done, and why. After one that could not be understood the connection
    /// is closed.
    Error {
        /// What a person can act on.
        message: String,
    },
    /// Who has the pipes of a run open, the keeper left out.
    Holders {
        /// Which run.
        run: String,
        /// At most 100.
        holders: Vec<Survivor>,
    },
    /// What the control group of a run does.
    Group(GroupReport),
}

/// What to start.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnSpec {
    /// The run's name, `PROCESS.ATTEMPT`.
    pub run: String,
    /// The executable, absolute.
    pub program: PathBuf,
    /// Its arguments, its own name first.
    pub argv: Vec<String>,
    /// The folder to start in, absolute.
    pub cwd: PathBuf,
    /// Its whole environment, to which [`RUN_VARIABLE`] is added.
    pub env: Vec<(String, String)>,
    /// What its control group shall hold it to, where there is one that can.
    pub limits: TreeLimits,
    /// What becomes of output that cannot be kept.
    pub when_full: WhenFull,
}

/// What a tree may use; `None` is as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeLimits {
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a core.
    pub cpu_milli: Option<u32>,
    /// Processes and threads.
    pub pids: Option<u32>,
}

impl std::fmt::Debug for SpawnSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An environment holds secrets, and arguments may.
        f.debug_struct("SpawnSpec")
            .field("run", &self.run)
            .field("program", &self.program)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

/// Which of a run's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Its root.
    Process,
    /// The process group of its root.
    Group,
    /// Everything that came of it: its control group, its session and group, their descendants, and
    /// every process that bears its mark in the environment. Also when the root is gone, and for a
    /// run that is not known any more.
    Tree,
}

/// A run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawned {
    /// Which.
    pub run: String,
    /// Its root process.
    pub pid: i32,
    /// When, in milliseconds since the epoch.
    pub started_at_ms: i64,
}

/// What came of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// Whose processes.
    pub run: String,
    /// Its number.
    pub signal: i32,
    /// How many different processes it was sent to.
    pub delivered: u32,
    /// Who is still there: after `SIGKILL`, and for signal 0. Empty for other signals, which take
    /// their time. At most 100.
    pub survivors: Vec<Survivor>,
}

/// A process of a run that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivor {
    /// Its number.
    pub pid: i32,
    /// Its command line, at most 200 characters.
    pub cmdline: String,
}

/// A run as the keeper knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Its name.
    pub run: String,
    /// Its root process; 0 when the keeper never knew it.
    pub pid: i32,
    /// When it was started, in milliseconds since the epoch.
    pub started_at_ms: i64,
    /// Whether its root process runs.
    pub alive: bool,
    /// How that ended.
    pub exit: Option<ExitRecord>,
    /// Bytes of its index.
    pub idx_off: u64,
}

/// What the control group of a run does. All is as if there were none when it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Which run.
    pub run: String,
    /// It limits memory.
    pub limits_memory: bool,
    /// It limits CPU time.
    pub limits_cpu: bool,
    /// It limits the number of processes.
    pub limits_pids: bool,
    /// How often the kernel ended somebody in it for its memory.
    pub oom_kills: u64,
    /// The most memory that it has had, in bytes, where the kernel tells.
    pub peak_bytes: Option<u64>,
}

/// How the keeper is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsReport {
    /// Runs that it knows.
    pub runs: u64,
    /// Those whose root process runs.
    pub alive: u64,
    /// How often its movers woke.
    pub wakes: u64,
    /// Bytes of output moved.
    pub bytes: u64,
}

/// Why a message is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The other side speaks another version.
    #[error(
        "the other side speaks version {0} of the keeper's protocol, this one version {VERSION}"
    )]
    Version(u16),
    /// The bytes mean nothing.
    #[error("the message cannot be understood")]
    Undecodable,
    /// It would not fit a datagram.
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
}

/// A message as it goes over the socket.
///
/// # Errors
/// [`ProtocolError::TooLong`], and [`ProtocolError::Undecodable`] for a path that is not UTF-8.
pub fn encode<T: Serialize>(id: u64, body: &T) -> Result<Vec<u8>, ProtocolError> {
    let bytes = postcard::to_extend(&(id, body), VERSION.to_le_bytes().to_vec())
        .map_err(|_| ProtocolError::Undecodable)?;
    if bytes.len() > MAX_MESSAGE { Err(ProtocolError::TooLong) } else { Ok(bytes) }
}

/// Reads a message with its number.
///
/// # Errors
/// When it is of another version, or not a message.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<(u64, T), ProtocolError> {
    let (version, body) = bytes.split_first_chunk::<2>().ok_or(ProtocolError::Undecodable)?;
    match u16::from_le_bytes(*version) {
        VERSION => postcard::from_bytes(body).map_err(|_| ProtocolError::Undecodable),
        other => Err(ProtocolError::Version(other)),
    }
}

#[cfg(test)]
mod tests;
