//! Runs processes.
//!
//! Theory of operation: every process that has not ended has one task, its actor, which owns all of
//! its state and runs one `select!` over commands, the keeper's news, the clock and the store. What
//! others see is a snapshot that the actor publishes. The engine only knows who there is: it makes
//! actors, finds them, and takes up after a restart what the keeper and the store remember.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::model::{Figures as TreeFigures, Pool, Process, ProcessId, ProcessType, Status};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::PoolsConfig;
use crate::keeper::client::{ClientError, KeeperClient, KeeperEvent};
use crate::logs::hub::Log;
use crate::logs::read::LogReader;
use crate::project::LaunchPlan;
use crate::seal::Sealer;
use crate::store::{AuditRecord, Change, ProcessRecord, Store, StoreError, Writer};

mod actor;
mod board;
mod cause;
mod claim;
mod clock;
mod end;
mod fleet;
mod health;
mod leftovers;
mod mailbox;
mod meter;
pub mod queue;
mod reconcile;
mod recovery;
mod registry;
mod spec;
pub mod state;
mod stdin;
mod trees;
mod update;
mod warden;
mod watcher;
mod words;

pub use cause::Cause;
pub use claim::{Claim, ClaimError, ask_to_end, server_of};
pub use clock::{Clock, SystemClock};
pub use end::{Overview, Running, end_keeper, look_at, upgrade_keeper};
pub use fleet::{Fleet, FleetError};
pub use stdin::SendError;
pub use update::Update;

use actor::{Actor, Command};
use board::Board;
use mailbox::Mailboxes;
use meter::Meter;
use queue::{Full, Pools};
use registry::{Handle, Registry};
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
    #[error("{0} services run, which is limits.max_services: stop one or raise the limit")]
    TooManyServices(u32),
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
    probe_permits: Arc<Semaphore>,
    /// Restarts of a process take turns; several processes may share one.
    turns: Vec<tokio::sync::Mutex<()>>,
    /// Names that somebody waits for, and who.
    wanted: mpsc::UnboundedSender<(String, String)>,
    /// The other end, until the fleet takes it.
    wants: Mutex<Option<mpsc::UnboundedReceiver<(String, String)>>>,
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
            probe_permits: Arc::new(Semaphore::new(health::AT_ONCE)),
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
                shared.pools.get(name).pause(true);
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
        Ok(Self { shared })
    }

    /// Starts what `plan` says; resolves when it runs, waits or is
    /// queued. `audit` is stored together with the process.
    ///
    /// # Errors
    /// When it cannot be started; the process then stays in the list with its reason.
    pub async fn start_process(
        &self,
        plan: LaunchPlan,
        cause: Cause,
        audit: impl FnOnce(&ProcessId) -> Option<AuditRecord>,
    ) -> Result<Arc<Process>, EngineError> {
        let shared = &self.shared;
        if shared.closing.is_cancelled() {
            return Err(EngineError::ShuttingDown);
        }
        let strategy = &plan.strategy;
        let pool = match plan.kind {
            ProcessType::LongRunning => {
                let running = shared.registry.count_services();
                if running >= usize::try_from(shared.settings.max_services).unwrap_or(usize::MAX) {
                    return Err(EngineError::TooManyServices(shared.settings.max_services));
                }
                None
            }
            ProcessType::ShortLived => {
                let name = strategy.pool.as_deref().unwrap_or(PoolsConfig::DEFAULT);
                shared.pools.check_room(name)?;
                strategy.pool.clone()
            }
        };
        let id = ProcessId(uuid::Uuid::now_v7().to_string());
        let declared = strategy.declared.as_ref();
        let process = Process {
            id: id.clone(),
            project: plan.project.clone(),
            script: plan.script.clone(),
            args: plan.args.clone(),
            kind: plan.kind,
            status: Status::Queued,
            reason: "queued".into(),
            created_at: shared.clock.now_ms(),
            declared: declared.map(|declared| declared.name.clone()),
            replica: declared.filter(|it| it.replicas > 1).map(|declared| declared.replica),
            pool,
            priority: strategy.priority,
            stdin: strategy.stdin,
            ..Process::default()
        };
        let record = ProcessRecord {
            process,
            spec: spec::encode_plan(&shared.settings.sealer, &id, &plan)?,
        };
        let audit = audit(&id).map(Change::Audit);
        let also = audit.into_iter().collect();
        let handle = Actor::launch(shared, record, plan, cause, also)?;
        self.settled(&handle).await
    }

    /// The process as it is, once it is past its start.
    async fn settled(&self, handle: &Arc<Handle>) -> Result<Arc<Process>, EngineError> {
        let mut snapshots = handle.watch();
        let settled = snapshots.wait_for(|process| {
            let placed = process.status != Status::Queued || process.reason != "queued";
            placed && process.status != Status::Starting
        });
        let process = settled.await.map(|process| Arc::clone(&process));
        let process = process.map_err(|_| EngineError::ShuttingDown)?;
        if process.status == Status::Failed && process.pid.is_none() && process.started_at.is_none()
        {
            let why = process.reason.clone();
            return Err(EngineError::SpawnFailed { id: process.id.clone(), why });
        }
        Ok(process)
    }

    /// One process: from memory, else from the store.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn process(&self, id: &ProcessId) -> Result<Arc<Process>, EngineError> {
        if let Some(process) = self.in_memory(id) {
            return Ok(process);
        }
        let record = self.shared.store.get_process(id).await?;
        record
            .map(|record| Arc::new(record.process))
            .ok_or_else(|| EngineError::NotFound(id.clone()))
    }

    /// The snapshot in memory, if it is there: newer than what the store lists.
    #[must_use]
    pub fn in_memory(&self, id: &ProcessId) -> Option<Arc<Process>> {
        let process = self.shared.registry.get(id)?.newest();
        if process.status != Status::Queued {
            return Some(process);
        }
        // Those far behind are not told of every move of the line: where they stand is looked up.
        let pool = process.pool.as_deref().unwrap_or(PoolsConfig::DEFAULT);
        let Some(place) = self.shared.pools.get(pool).place_of(id) else { return Some(process) };
        let mut process = (*process).clone();
        process.position = u32::try_from(place.ahead + 1).ok();
        process.reason = place.describe(pool);
        Some(Arc::new(process))
    }

    /// The processes in memory that have this status: what is stored of them may be older.
    #[must_use]
    pub fn ids_with_status(&self, status: Status) -> Vec<ProcessId> {
        self.shared.registry.ids_with_status(status)
    }

    /// The live end of a log, when the process is in memory.
    #[must_use]
    pub fn log(&self, id: &ProcessId) -> Option<Arc<Log>> {
        self.shared.registry.get(id).map(|handle| Arc::clone(handle.log()))
    }

    /// Reads the log of a process.
    #[must_use]
    pub fn log_reader(&self, id: &ProcessId) -> LogReader {
        LogReader::new(Arc::clone(&self.shared.store), id.clone(), self.log(id))
    }

    /// The live end of a log; a process that is not in memory is brought back to it.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn open_log(&self, id: &ProcessId) -> Result<Arc<Log>, EngineError> {
        if let Some(log) = self.log(id) {
            return Ok(log);
        }
        let record = self.shared.store.get_process(id).await?;
        let process = record.ok_or_else(|| EngineError::NotFound(id.clone()))?.process;
        let log = Log::new(id.clone(), process.next_idx);
        Ok(self.shared.registry.recall(Handle::ended(process, log)))
    }

    /// Asks a process to end. With `wait`, resolves when its tree is gone.
    ///
    /// # Errors
    /// When there is none, or it has ended and left nobody behind.
    pub async fn stop_process(
        &self,
        id: &ProcessId,
        by: &str,
        wait: bool,
    ) -> Result<Arc<Process>, EngineError> {
        let handle = match self.live(id).await {
            Err(EngineError::InvalidState(why)) => return self.stop_ended(id, wait, why).await,
            live => live?,
        };
        let asked = self.command(&handle, |reply| Command::Stop { by: by.into(), reply }).await;
        let process = match asked {
            // It ended just now: it is stopped like any that has ended.
            Err(EngineError::InvalidState(why)) if !handle.has_actor() => {
                return self.stop_ended(id, wait, why).await;
            }
            asked => asked?,
        };
        if !wait || process.status.is_ended() {
            return Ok(process);
        }
        let mut snapshots = handle.watch();
        let ended = snapshots.wait_for(|process| process.status.is_ended()).await;
        ended.map(|process| Arc::clone(&process)).map_err(|_| EngineError::ShuttingDown)
    }

    /// Starts a new attempt, stopping the present one first.
    ///
    /// # Errors
    /// When there is none, or it is queued.
    pub async fn restart_process(
        &self,
        id: &ProcessId,
        cause: Cause,
    ) -> Result<Arc<Process>, EngineError> {
        let asked = Instant::now();
        if self.shared.closing.is_cancelled() {
            return Err(EngineError::ShuttingDown);
        }
        // One after the other: the second finds what the first has started, and takes it for its own.
        let _turn = self.shared.turn(id).lock().await;
        if let Ok(handle) = self.live(id).await {
            let again = cause.clone();
            let answer =
                self.command(&handle, |reply| Command::Restart { cause: again, asked, reply });
            match answer.await {
                // It ended just now: it is started like any that has ended.
                Err(EngineError::InvalidState(_)) if !handle.has_actor() => {}
                other => return other,
            }
        }
        let record = self.shared.store.get_process(id).await?;
        let mut record = record.ok_or_else(|| EngineError::NotFound(id.clone()))?;
        if let Some(newest) = self.in_memory(id) {
            record.process = (*newest).clone();
        }
        let plan = self.shared.decode_plan(&record)?;
        self.refuse_leftovers(&record.process, &plan).await?;
        if let Some(declared) = &plan.strategy.declared
            && plan.kind == ProcessType::LongRunning
        {
            let live = self.shared.registry.live_of(&declared.name);
            if let Some((_, other)) =
                live.iter().find(|(n, other)| *n == declared.replica && other != id)
            {
                let name = &declared.name;
                let why = format!("{name} runs already, as process {other}: restart that one");
                return Err(EngineError::InvalidState(why));
            }
        }
        let handle = Actor::launch(&self.shared, record, plan, cause, vec![])?;
        self.settled(&handle).await
    }

    /// Sends a signal to the root of a process.
    ///
    /// # Errors
    /// When there is none or it does not run.
    pub async fn signal_process(&self, id: &ProcessId, signal: i32) -> Result<(), EngineError> {
        let handle = self.live(id).await?;
        self.command(&handle, |reply| Command::Signal { signal, reply }).await.map(|_| ())
    }

    /// What is stored of how a process is started.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan_of(&self, record: &ProcessRecord) -> Result<LaunchPlan, EngineError> {
        self.shared.decode_plan(record)
    }

    /// The figures of what is in memory.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let pools = self.shared.pools.list();
        let sum = |of: fn(&Pool) -> u32| pools.iter().map(|pool| of(pool) as usize).sum();
        let (slots_used, queued) = (sum(|pool| pool.used), sum(|pool| pool.waiting));
        let slots = sum(|pool| pool.slots);
        Figures { by_status: self.shared.registry.statuses(), slots_used, slots, queued }
    }

    /// The pools of slots.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool> {
        self.shared.pools.list()
    }

    /// Changes the slots of pools.
    pub fn resize_pools(&self, slots: Vec<(String, usize)>) {
        self.shared.pools.resize(slots);
    }

    /// Stops serving a pool, or serves it again; it is remembered over a restart.
    ///
    /// # Errors
    /// When there is none of this name, or the store fails.
    pub async fn pause_pool(&self, name: &str, is_paused: bool) -> Result<(), EngineError> {
        let pool = self.shared.pools.find(name).ok_or_else(|| {
            let names: Vec<String> = self.pools().into_iter().map(|pool| pool.name).collect();
            EngineError::NoPool(name.to_owned(), names.join(", "))
        })?;
        let value = is_paused.then(|| "true".to_owned());
        let change = Change::Keep { key: format!("{KEPT_PAUSE}{name}"), value };
        self.shared.writer.submit(vec![change]).await?;
        pool.pause(is_paused);
        Ok(())
    }

    /// What a process and all that it started used: the newest `most` looks.
    #[must_use]
    pub fn tree_figures(&self, id: &ProcessId, most: usize) -> TreeFigures {
        self.shared.meter.figures(id, most)
    }

    /// The processes that run.
    #[must_use]
    pub fn running(&self) -> Vec<Arc<Process>> {
        let roots = self.shared.registry.roots();
        roots.iter().filter_map(|(id, _)| self.in_memory(id)).collect()
    }

    /// Sends a line to the standard input of a process.
    ///
    /// # Errors
    /// When it does not run, has none, or does not read it.
    pub async fn send_line(&self, id: &ProcessId, line: &str) -> Result<(), EngineError> {
        let process = self.live(id).await?.snapshot();
        if process.pid.is_none() {
            let why = format!("the process does not run: {}", process.reason);
            return Err(EngineError::InvalidState(why));
        }
        Ok(stdin::send_line(&self.shared.settings.data_dir, id, line)?)
    }

    /// Every change of every process from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Arc<Update>> {
        self.shared.updates.subscribe()
    }

    /// Ends the engine. The children run on; all that was taken in is stored.
    pub async fn shut_down(&self) {
        self.shared.closing.cancel();
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    async fn live(&self, id: &ProcessId) -> Result<Arc<Handle>, EngineError> {
        match self.shared.registry.get(id) {
            Some(handle) if handle.has_actor() => Ok(handle),
            _ => {
                let process = self.process(id).await?;
                Err(EngineError::InvalidState(format!(
                    "the process has ended ({}): restart it to run it again",
                    process.reason
                )))
            }
        }
    }

    async fn command(
        &self,
        handle: &Handle,
        make: impl FnOnce(oneshot::Sender<Result<Arc<Process>, EngineError>>) -> Command,
    ) -> Result<Arc<Process>, EngineError> {
        let (reply, answer) = oneshot::channel();
        let ended = || EngineError::InvalidState("the process has just ended".into());
        handle.send(make(reply)).await.map_err(|()| ended())?;
        answer.await.map_err(|_| ended())?
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
