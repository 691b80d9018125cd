//! Runs processes.
//!
//! Theory of operation: every process that has not ended has one task, its actor, which owns all of
//! its state and runs one `select!` over commands, the keeper's news, the clock and the store. What
//! others see is a snapshot that the actor publishes. The engine only knows who there is: it makes
//! actors, finds them, and takes up after a restart what the keeper and the store remember.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::model::{ProcessId, Status};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::WhenFull;
use crate::keeper::client::{ClientError, KeeperClient, KeeperEvent};
use crate::project::LaunchPlan;
use crate::seal::Sealer;
use crate::store::{ProcessRecord, Store, StoreError, Writer};

mod actor;
mod acts;
mod board;
mod cause;
mod claim;
mod clock;
mod due;
mod end;
mod fleet;
mod health;
mod leftovers;
mod mailbox;
mod meter;
mod orphans;
mod pooling;
pub mod queue;
mod reconcile;
mod recovery;
mod registry;
mod release;
mod spec;
pub mod state;
mod stdin;
mod trees;
mod update;
mod views;
mod warden;
mod watcher;
mod words;

pub use cause::Cause;
pub use claim::{Claim, ClaimError, ask_to_end, server_of};
pub use clock::{Clock, Sleep, SystemClock};
pub use end::{Overview, Running, end_keeper, look_at, upgrade_keeper};
pub use fleet::{Fleet, FleetError};
pub use stdin::SendError;
pub use update::Update;

use board::{Board, Want};
use mailbox::Mailboxes;
use meter::Meter;
use queue::{Full, Pools};
use registry::Registry;
use release::Releases;
use warden::Warden;

/// How the pause of a pool is kept.
const KEPT_PAUSE: &str = "pool-paused/";
/// Restarts at the same time, of different processes.
const TURNS: usize = 64;
/// Snapshots that a slow listener may be behind before it is given the list anew.
const UPDATES: usize = 1024;

/// What the engine is given.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Holds `keeper.sock` and `runs/`.
    pub data_dir: PathBuf,
    /// The binary to start the keeper from.
    pub exe: PathBuf,
    /// Seconds between being asked to end and SIGKILL.
    pub grace_s: u64,
    /// Slots for jobs, by the name of their pool.
    pub pools: Vec<(String, usize)>,
    /// Jobs that may wait in each pool.
    pub max_queue: usize,
    /// Services at the same time.
    pub max_services: u32,
    /// Bytes of output after which a process is killed, when its start does not say; 0 is no limit.
    pub max_buffer: u64,
    /// What becomes of output that cannot be kept, when its start does not say.
    pub when_full: WhenFull,
    /// Bytes of output that may wait to be stored, of each process; 0 is no limit.
    pub max_backlog: u64,
    /// Seals what is stored of a start with secrets.
    pub sealer: Sealer,
}

/// Why the engine refused.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No process has this id.
    #[error("no process has the id {0}")]
    NotFound(ProcessId),
    /// The process is not in a state for this.
    #[error("{0}")]
    InvalidState(String),
    /// All services are in use.
    #[error(
        "{there} services run, {asked} more would be beyond limits.max_services, which is {most}: stop \
         some or raise the limit"
    )]
    TooManyServices {
        /// So many run.
        there: usize,
        /// So many are to be started.
        asked: usize,
        /// The limit.
        most: u32,
    },
    /// No further job may wait.
    #[error(transparent)]
    QueueFull(#[from] Full),
    /// No pool has this name.
    #[error("there is no pool {0:?}: the pools are {1}")]
    NoPool(String, String),
    /// Nothing could be sent to a process.
    #[error(transparent)]
    Stdin(#[from] SendError),
    /// The system could not start it.
    #[error("{why}")]
    SpawnFailed {
        /// The process, which stays in the list with its reason.
        id: ProcessId,
        /// What the system said.
        why: String,
    },
    /// The keeper does not answer.
    #[error("the keeper does not answer: {0}")]
    Keeper(#[from] ClientError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored about a process cannot be read.
    #[error("process {id} cannot be taken up: {why}")]
    Spec {
        /// Which.
        id: ProcessId,
        /// Why.
        why: String,
    },
    /// What is stored about a process is sealed with another key.
    #[error(
        "process {0} was started with secrets, and they are sealed with another key than seal.key in \
         the data folder: put the old key back, or start it anew"
    )]
    Unsealed(ProcessId),
    /// The database is a new one, and processes run.
    #[error(
        "the database knows no process at all, and {} run here: put the database of before back, or end \
         them and start runyard anew (they are {})",
        .0.len(),
        .0.join(", ")
    )]
    Forgotten(Vec<String>),
    /// Runyard is ending.
    #[error("runyard is shutting down: try again in a moment")]
    ShuttingDown,
}

/// What there is in memory.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The status of each process.
    pub by_status: Vec<Status>,
    /// Job slots in use.
    pub slots_used: usize,
    /// All job slots.
    pub slots: usize,
    /// Jobs that wait for a slot.
    pub queued: usize,
}

/// Runs processes. Cheap to share.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What every actor shares.
pub(crate) struct Shared {
    settings: EngineSettings,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    writer: Writer,
    keeper: KeeperClient,
    mailboxes: Arc<Mailboxes>,
    registry: Registry,
    pools: Pools,
    board: Board,
    meter: Meter,
    warden: Arc<Warden>,
    releases: Releases,
    probe_permits: Arc<Semaphore>,
    /// Whether there is room for one more is found out, and used, by one at a time.
    admission: Mutex<()>,
    /// Restarts of a process take turns; several processes may share one.
    turns: Vec<tokio::sync::Mutex<()>>,
    /// What somebody waits for.
    wanted: mpsc::UnboundedSender<Want>,
    /// The other end, until the fleet takes it.
    wants: Mutex<Option<mpsc::UnboundedReceiver<Want>>>,
    updates: broadcast::Sender<Arc<Update>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Nothing is started any more.
    closing: CancellationToken,
    /// Another server has this data folder.
    fenced: CancellationToken,
}

impl Engine {
    /// Connects to the keeper (starting it when there is none) and takes up what runs.
    ///
    /// # Errors
    /// When the keeper cannot be reached or the store fails.
    pub async fn start(
        settings: EngineSettings,
        claim: &Claim,
        clock: Arc<dyn Clock>,
        store: Arc<dyn Store>,
        writer: Writer,
    ) -> Result<Self, EngineError> {
        let mailboxes = Arc::new(Mailboxes::default());
        let sink = Arc::clone(&mailboxes);
        let fenced = CancellationToken::new();
        let is_fenced = fenced.clone();
        end::renew_keeper(&settings).await;
        let keeper = KeeperClient::connect(
            &settings.data_dir,
            claim.epoch(),
            &settings.exe,
            Arc::new(move |event| {
                if event == KeeperEvent::Fenced {
                    is_fenced.cancel();
                }
                sink.deliver(event);
            }),
        )
        .await?;
        let (wanted, wants) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            pools: Pools::new(settings.pools.clone(), settings.max_queue),
            board: Board::default(),
            meter: Meter::default(),
            warden: Arc::default(),
            releases: Releases::default(),
            probe_permits: Arc::new(Semaphore::new(health::AT_ONCE)),
            admission: Mutex::default(),
            turns: (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect(),
            wanted,
            wants: Mutex::new(Some(wants)),
            settings,
            clock,
            store,
            writer,
            keeper,
            mailboxes,
            registry: Registry::default(),
            updates: broadcast::channel(UPDATES).0,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            closing: CancellationToken::new(),
            fenced,
        });
        for (key, _) in shared.store.kept(KEPT_PAUSE).await? {
            if let Some(name) = key.strip_prefix(KEPT_PAUSE) {
                // Of one that is not configured any more, nothing is left to pause.
                if let Some(pool) = shared.pools.find(name) {
                    pool.pause(true);
                }
            }
        }
        reconcile::take_up(&shared).await?;
        shared.mailboxes.taken_up();
        let (meter, stop) = (Arc::clone(&shared), shared.stop.clone());
        shared.tasks.spawn(async move {
            stop.run_until_cancelled(meter::look_on(meter)).await;
        });
        let (warden, stop) = (Arc::clone(&shared), shared.stop.clone());
        shared.tasks.spawn(async move {
            stop.run_until_cancelled(warden::look_on(warden)).await;
        });
        let (spool, stop) = (Arc::clone(&shared), shared.stop.clone());
        shared.tasks.spawn(async move {
            let giving = spool.releases.give_back(&spool.store, &spool.keeper);
            stop.run_until_cancelled(giving).await;
        });
        let stop = shared.stop.clone();
        shared.tasks.spawn(async move {
            stop.run_until_cancelled(orphans::reap_orphans()).await;
        });
        Ok(Self { shared })
    }

    /// Ends the engine. The children run on; all that was taken in is stored.
    pub async fn shut_down(&self) {
        self.shared.closing.cancel();
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        let shared = &self.shared;
        if let Err(why) = shared.releases.give_back_now(&shared.store, &shared.keeper).await {
            // The next server finds it again.
            tracing::warn!(why, "the spool is kept: the database is not on its disk");
        }
    }
}

impl Shared {
    /// Whose turn it is to restart a process.
    fn turn(&self, id: &ProcessId) -> &tokio::sync::Mutex<()> {
        let hash = crc32fast::hash(id.as_str().as_bytes());
        let place = usize::try_from(hash).unwrap_or_default() % self.turns.len();
        &self.turns[place]
    }

    /// What is stored of how a process is started.
    fn decode_plan(&self, record: &ProcessRecord) -> Result<LaunchPlan, EngineError> {
        spec::decode_plan(&self.settings.sealer, &record.process.id, &record.spec)
    }

    fn run_dir(&self, run: &str) -> PathBuf {
        runs_dir(&self.settings.data_dir).join(run)
    }
}

/// Where the keeper's spool is.
fn runs_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("runs")
}
