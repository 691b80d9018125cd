//! An engine with real children, on a clock that is wound on by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as RealInstant};

use app::model::{CauseKind, Process, ProcessId, StartRequest};
use server::config::{ProcessConfig, RunConfig, WhenFull};
use server::engine::{Cause, Claim, Engine, EngineSettings, Fleet};
use server::project::{Catalog, ProcessEnv, SharedCatalog};
use server::seal::Sealer;
use server::store::{AuditRecord, SqliteStore, Store, Writer};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::hand::HandClock;
use crate::support::{PATIENCE, end_all};

/// Noon of a day in June, in milliseconds since the epoch.
pub(super) const NOON: i64 = 1_781_784_000_000;

/// An engine on a clock of its own.
pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) engine: Engine,
    pub(super) fleet: Arc<Fleet>,
    catalog: Arc<SharedCatalog>,
    pub(super) clock: Arc<HandClock>,
    writer: Writer,
    tasks: TaskTracker,
}

impl Bench {
    pub(super) async fn declaring(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::new(NOON));
        Self::open(folder, toml, clock).await
    }

    pub(super) async fn open(folder: TempDir, toml: &str, clock: Arc<HandClock>) -> Self {
        let (project, data) = (folder.path().join("project"), folder.path().join("data"));
        std::fs::create_dir_all(&project).unwrap();
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(
            project.join("package.json"),
            r#"{"name": "p", "scripts": {"wait": "until test -e go; do sleep 0.02; done"}}"#,
        )
        .unwrap();
        let processes: BTreeMap<String, ProcessConfig> = toml::from_str(toml).unwrap();
        for (name, config) in &processes {
            assert_eq!(config.validate(&["jobs"]), Ok(()), "{name}");
        }
        let catalog = Catalog::load(&[project], &RunConfig::default());
        let catalog = catalog.declare(processes, vec!["jobs".into()]);
        assert!(catalog.check_declared().is_ok());
        let location = format!("sqlite:{}", data.join("runyard.db").display());
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&location).await.unwrap());
        let tasks = TaskTracker::new();
        let writer = Writer::start(Arc::clone(&store), &tasks);
        let claim = Claim::take(&data).await.unwrap();
        let settings = EngineSettings {
            data_dir: data,
            exe: env!("CARGO_BIN_EXE_runyard").into(),
            grace_s: 10,
            pools: vec![("jobs".into(), 5)],
            max_queue: 10,
            max_services: 10,
            max_buffer: 0,
            when_full: WhenFull::Block,
            max_backlog: 0,
            sealer: Sealer::new(&[7; 32]).unwrap(),
        };
        let engine =
            Engine::start(settings, &claim, clock.clone(), store, writer.clone()).await.unwrap();
        let catalog = Arc::new(SharedCatalog::new(catalog));
        let fleet = Fleet::new(engine.clone(), Arc::clone(&catalog));
        Self { folder, engine, fleet, catalog, clock, writer, tasks }
    }

    /// Starts a script of the project, with a strategy.
    pub(super) async fn start_script(&self, strategy: serde_json::Value) -> ProcessId {
        let strategy = Some(strategy);
        let script_name = "wait".to_owned();
        let request = StartRequest { script_name, strategy, ..StartRequest::default() };
        let plan = self.catalog.current().plan(&request, &ProcessEnv).unwrap();
        let cause = Cause::new(CauseKind::Person, "ann");
        self.engine.start_process(plan, cause, |_| AuditRecord::default()).await.unwrap().id.clone()
    }

    /// Starts a declared process.
    pub(super) async fn start(&self, name: &str) -> ProcessId {
        let request = StartRequest { script_name: name.into(), ..StartRequest::default() };
        let cause = Cause::new(CauseKind::Person, "ann");
        self.fleet
            .start(name, &request, &cause, |_| AuditRecord::default())
            .await
            .unwrap()
            .id
            .clone()
    }

    pub(super) async fn process(&self, id: &ProcessId) -> Arc<Process> {
        self.engine.process(id).await.unwrap()
    }

    pub(super) async fn wait_for(
        &self,
        id: &ProcessId,
        wanted: impl Fn(&Process) -> bool,
    ) -> Arc<Process> {
        let begin = RealInstant::now();
        loop {
            let process = self.process(id).await;
            if wanted(&process) {
                return process;
            }
            assert!(begin.elapsed() < PATIENCE, "still {process:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The process that runs of a declaration, once there is one.
    pub(super) async fn wait_for_live(&self, name: &str) -> ProcessId {
        let begin = RealInstant::now();
        loop {
            let list = self.fleet.list();
            let live = list.processes.iter().filter(|one| one.name == name);
            if let Some(id) = live.flat_map(|one| &one.live).next() {
                return id.clone();
            }
            assert!(begin.elapsed() < PATIENCE, "{name} was never started");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Winds the clock on to just before something is to happen in `left`, sees that it waits for
    /// exactly that, and then to that moment.
    pub(super) async fn pass(&self, left: Duration) {
        self.clock.wait_for_sleeper(left).await;
        self.clock.advance(left - Duration::from_millis(1));
        assert!(self.clock.is_waited_for(Duration::from_millis(1)), "something woke too early");
        self.clock.advance(Duration::from_millis(1));
    }

    /// Lets the clock run, a little faster than the world, until the process is so.
    pub(super) async fn wind_until(&self, id: &ProcessId, wanted: impl Fn(&Process) -> bool) {
        let begin = RealInstant::now();
        while !wanted(&*self.process(id).await) {
            assert!(begin.elapsed() < PATIENCE);
            self.clock.advance(Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn end(self) -> TempDir {
        self.engine.stop_all("tests").await;
        self.leave().await
    }

    /// Ends the engine; what it runs goes on.
    pub(super) async fn leave(self) -> TempDir {
        self.engine.shut_down().await;
        self.writer.close().await;
        self.tasks.close();
        self.tasks.wait().await;
        let Self { folder, .. } = self;
        folder
    }
}

/// Ends what is left in it, whatever became of the test.
pub(super) struct Sweeper(std::path::PathBuf);

impl Drop for Sweeper {
    fn drop(&mut self) {
        end_all(&self.0);
    }
}

pub(super) fn sweep(bench: &Bench) -> Sweeper {
    Sweeper(bench.folder.path().join("data"))
}

pub(super) fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}
