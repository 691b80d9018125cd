//! What the engine does when time passes, with real children and a clock that is wound on by hand:
//! nothing here waits for a time to come, and nothing may happen before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant as RealInstant};

use app::model::{Breaker, CauseKind, EndKind, Process, ProcessId, StartRequest, Status};
use serde_json::json;
use server::config::{ProcessConfig, RunConfig, WhenFull};
use server::engine::{Cause, Claim, Clock, Engine, EngineSettings, Fleet};
use server::project::{Catalog, ProcessEnv, SharedCatalog};
use server::seal::Sealer;
use server::store::{AuditRecord, SqliteStore, Store, Writer};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use crate::support::{PATIENCE, end_all};

mod hand;

use hand::HandClock;

/// Noon of a day in June, in milliseconds since the epoch.
const NOON: i64 = 1_781_784_000_000;

/// An engine on a clock of its own.
struct Bench {
    folder: TempDir,
    engine: Engine,
    fleet: Arc<Fleet>,
    catalog: Arc<SharedCatalog>,
    clock: Arc<HandClock>,
    writer: Writer,
    tasks: TaskTracker,
}

impl Bench {
    async fn declaring(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(HandClock::new(NOON));
        Self::open(folder, toml, clock).await
    }

    async fn open(folder: TempDir, toml: &str, clock: Arc<HandClock>) -> Self {
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
    async fn start_script(&self, strategy: serde_json::Value) -> ProcessId {
        let strategy = Some(strategy);
        let script_name = "wait".to_owned();
        let request = StartRequest { script_name, strategy, ..StartRequest::default() };
        let plan = self.catalog.current().plan(&request, &ProcessEnv).unwrap();
        let cause = Cause::new(CauseKind::Person, "ann");
        self.engine.start_process(plan, cause, |_| AuditRecord::default()).await.unwrap().id.clone()
    }

    /// Starts a declared process.
    async fn start(&self, name: &str) -> ProcessId {
        let request = StartRequest { script_name: name.into(), ..StartRequest::default() };
        let cause = Cause::new(CauseKind::Person, "ann");
        self.fleet
            .start(name, &request, &cause, |_| AuditRecord::default())
            .await
            .unwrap()
            .id
            .clone()
    }

    async fn process(&self, id: &ProcessId) -> Arc<Process> {
        self.engine.process(id).await.unwrap()
    }

    async fn wait_for(&self, id: &ProcessId, wanted: impl Fn(&Process) -> bool) -> Arc<Process> {
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
    async fn wait_for_live(&self, name: &str) -> ProcessId {
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
    async fn pass(&self, left: Duration) {
        self.clock.wait_for_sleeper(left).await;
        self.clock.advance(left - Duration::from_millis(1));
        assert!(self.clock.is_waited_for(Duration::from_millis(1)), "something woke too early");
        self.clock.advance(Duration::from_millis(1));
    }

    async fn end(self) -> TempDir {
        self.engine.stop_all("tests").await;
        self.leave().await
    }

    /// Ends the engine; what it runs goes on.
    async fn leave(self) -> TempDir {
        self.engine.shut_down().await;
        self.writer.close().await;
        self.tasks.close();
        self.tasks.wait().await;
        let Self { folder, .. } = self;
        folder
    }
}

/// Ends what is left in it, whatever became of the test.
struct Sweeper(std::path::PathBuf);

impl Drop for Sweeper {
    fn drop(&mut self) {
        end_all(&self.0);
    }
}

fn sweep(bench: &Bench) -> Sweeper {
    Sweeper(bench.folder.path().join("data"))
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

const FLAKY: &str =
    "[flaky]\ncommand = [\"sh\", \"-c\", \"test -e ok && exec sleep 300; exit 3\"]\n";

#[tokio::test]
async fn pauses_grow_the_breaker_opens_cools_down_and_closes_once_it_has_held() {
    let toml = format!(
        "{FLAKY}restart = {{ delay_ms = 10000, factor = 3.0, jitter = 0.0, reset_after_s = 40 }}\n\
         breaker = {{ failures = 3, within_s = 600, cooldown_s = 300 }}\n"
    );
    let bench = Bench::declaring(&toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("flaky").await;
    let mut at = NOON;
    for (n, pause) in [(1, 10), (2, 30)] {
        let process =
            bench.wait_for(&id, |p| p.status == Status::BackingOff && p.attempts.len() == n).await;
        at += i64::try_from(pause).unwrap() * 1_000;
        assert_eq!(process.next_at, Some(at));
        bench.pass(seconds(pause)).await;
    }
    let process = bench.wait_for(&id, |p| p.breaker == Some(Breaker::Open)).await;
    assert_eq!((process.attempts.len(), process.next_at), (3, Some(at + 300_000)));
    bench.pass(seconds(300)).await;
    // The trial fails: it opens again, and for as long.
    let process =
        bench.wait_for(&id, |p| p.attempts.len() == 4 && p.breaker == Some(Breaker::Open)).await;
    assert!(process.reason.contains("the trial failed"), "{}", process.reason);
    std::fs::write(bench.folder.path().join("project/ok"), "").unwrap();
    bench.pass(seconds(300)).await;
    let process = bench
        .wait_for(&id, |p| p.status == Status::Running && p.breaker == Some(Breaker::HalfOpen))
        .await;
    assert_eq!(process.attempts.len(), 5);
    // The kernel counts how long it is up, so what is left of 40 s is a little less.
    bench.clock.wait_for_sleeper_within(seconds(30), seconds(40)).await;
    bench.clock.advance(seconds(30));
    assert_eq!(bench.process(&id).await.breaker, Some(Breaker::HalfOpen));
    bench.clock.advance(seconds(10));
    bench.wait_for(&id, |p| p.breaker == Some(Breaker::Closed)).await;
    bench.end().await;
}

#[tokio::test]
async fn a_pause_goes_on_after_a_restart_of_runyard_with_what_is_left_of_it() {
    let toml = format!("{FLAKY}restart = {{ delay_ms = 60000, jitter = 0.0 }}\n");
    let bench = Bench::declaring(&toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("flaky").await;
    bench.wait_for(&id, |p| p.status == Status::BackingOff).await;
    bench.clock.wait_for_sleeper(seconds(60)).await;
    bench.clock.advance(seconds(20));
    let clock = Arc::clone(&bench.clock);
    let bench = Bench::open(bench.leave().await, &toml, clock).await;
    bench.pass(seconds(40)).await;
    let process = bench.wait_for(&id, |p| p.attempts.len() == 2).await;
    assert_eq!(process.attempts[1].cause_kind, Some(CauseKind::Recovery));
    bench.end().await;
}

#[tokio::test]
async fn a_declared_job_has_sixty_seconds_and_three_retries_when_nothing_else_is_said() {
    let toml = "[slow]\ncommand = [\"sleep\", \"300\"]\ntype = \"short-lived\"\n\
                [never]\ncommand = [\"false\"]\nretries = {}\n\
                [free]\ncommand = [\"sleep\", \"300\"]\ntimeout_s = 0\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let slow = bench.start("slow").await;
    let process = bench.wait_for(&slow, |p| p.status == Status::Running).await;
    let times_out_at = process.started_at.unwrap() + 60_000;
    assert_eq!(process.next_at, Some(times_out_at));
    bench.clock.wait_for_sleeper_within(seconds(50), seconds(60)).await;
    bench.clock.advance(seconds(50));
    assert_eq!(bench.process(&slow).await.status, Status::Running);
    bench.clock.advance(seconds(10));
    let process = bench.wait_for(&slow, |p| p.status == Status::Failed).await;
    assert_eq!(process.attempts[0].end_kind, Some(EndKind::Timeout));
    assert!(process.reason.contains("it ran longer than 60 s"), "{}", process.reason);

    let never = bench.start("never").await;
    for (n, pause) in [(1, 1), (2, 2), (3, 4)] {
        bench.wait_for(&never, |p| p.status == Status::BackingOff && p.attempts.len() == n).await;
        bench.pass(seconds(pause)).await;
    }
    let process = bench.wait_for(&never, |p| p.status == Status::Failed).await;
    assert_eq!(process.attempts.len(), 4);
    assert!(process.reason.ends_with("that was attempt 4 of 4"), "{}", process.reason);

    let free = bench.start("free").await;
    let process = bench.wait_for(&free, |p| p.status == Status::Running).await;
    assert_eq!(process.next_at, None, "0 is no timeout");
    bench.end().await;
}

#[tokio::test]
async fn a_schedule_starts_its_job_at_its_time_and_not_before() {
    let toml = "[hourly]\ncommand = [\"sh\", \"-c\", \"until test -e go; do sleep 0.02; done\"]\n\
                schedule = \"0 * * * *\"\ntimeout_s = 0\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    bench.fleet.begin().await.unwrap();
    let hour = 3_600;
    let times: Vec<i64> = (1..=5).map(|n| NOON + n * hour * 1_000).collect();
    assert_eq!(bench.fleet.list().processes[0].next_times, times);
    // It is looked at every half minute, as clocks are set and machines sleep.
    for _ in 0..119 {
        bench.clock.wait_for_sleeper(seconds(30)).await;
        bench.clock.advance(seconds(30));
    }
    bench.clock.wait_for_sleeper(seconds(30)).await;
    assert_eq!(bench.fleet.list().processes[0].live, []);
    bench.pass(seconds(30)).await;
    let first = bench.wait_for_live("hourly").await;
    let process = bench.wait_for(&first, |p| p.status == Status::Running).await;
    assert_eq!(process.attempts[0].cause_kind, Some(CauseKind::Schedule));
    // The next time passes over it as long as it runs; a machine that slept meets the one after.
    bench.clock.wait_for_sleeper(seconds(30)).await;
    bench.clock.advance(Duration::from_secs(3_600));
    bench.clock.wait_for_sleeper(seconds(30)).await;
    assert_eq!(bench.fleet.list().processes[0].live, std::slice::from_ref(&first));
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    bench.wait_for(&first, |p| p.status == Status::Completed).await;
    // It may be over before anybody looks, so it is listened for.
    let mut updates = bench.engine.updates();
    bench.clock.advance(Duration::from_secs(3_600));
    let second = async {
        loop {
            let update = updates.recv().await.unwrap();
            if update.process.id != first {
                return update.process.id.clone();
            }
        }
    };
    let second = tokio::time::timeout(PATIENCE, second).await.unwrap();
    bench.wait_for(&second, |p| p.status == Status::Completed).await;
    bench.end().await;
}

/// A start with a schedule: what it waits for, run after run.
#[tokio::test]
async fn a_start_with_a_schedule_waits_for_its_times_run_after_run() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let id = bench.start_script(json!({"schedule": "* * * * *"})).await;
    let process = bench.process(&id).await;
    assert_eq!((process.status, process.next_at), (Status::BackingOff, Some(NOON + 60_000)));
    assert_eq!(process.reason, "it was not run yet; it waits for its time, * * * * * UTC");
    let list = bench.fleet.list().processes;
    assert_eq!((list[0].name.as_str(), list[0].is_declared), ("wait", false));
    let times: Vec<i64> = (1..=5).map(|n| NOON + n * 60_000).collect();
    assert_eq!(list[0].next_times, times);
    for n in 1..=3_usize {
        bench.clock.wait_for_sleeper(seconds(30)).await;
        bench.clock.advance(seconds(30));
        assert_eq!(bench.process(&id).await.attempts.len(), n - 1);
        bench.pass(seconds(30)).await;
        let waits = |p: &Process| p.attempts.len() == n && p.status == Status::BackingOff;
        let process = bench.wait_for(&id, waits).await;
        let next = NOON + (i64::try_from(n).unwrap() + 1) * 60_000;
        assert_eq!(process.next_at, Some(next));
        assert_eq!(process.attempts[n - 1].cause_kind, Some(CauseKind::Schedule));
    }
    bench.engine.stop_process(&id, "ann", true).await.unwrap();
    assert_eq!(bench.fleet.list().processes, []);
    bench.end().await;
}

#[tokio::test]
async fn a_time_during_a_run_is_passed_over_or_put_off() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    let schedule = |overlap| json!({"schedule": "* * * * *", "overlap": overlap, "timeoutS": 0});
    let skips = bench.start_script(schedule("skip")).await;
    let queues = bench.start_script(schedule("queue")).await;
    bench.clock.advance(seconds(60));
    for id in [&skips, &queues] {
        bench.wait_for(id, |p| p.status == Status::Running).await;
    }
    bench.clock.advance(Duration::from_secs(150));
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let is_put_off = |p: &Process| p.attempts.len() == 2 && p.status == Status::BackingOff;
    bench.wait_for(&queues, is_put_off).await;
    let process = bench.wait_for(&skips, |p| p.status == Status::BackingOff).await;
    assert_eq!(process.attempts.len(), 1);
    assert_eq!(process.next_at, Some(NOON + 240_000), "the minute after the end");
    bench.end().await;
}

#[tokio::test]
async fn a_time_that_was_missed_is_passed_over_or_made_up_for_once() {
    let bench = Bench::declaring("").await;
    let _sweeper = sweep(&bench);
    std::fs::write(bench.folder.path().join("project/go"), "").unwrap();
    let passes = bench.start_script(json!({"schedule": "0 * * * *"})).await;
    let makes_up = bench.start_script(json!({"schedule": "0 * * * *", "missed": "run-once"})).await;
    let clock = Arc::clone(&bench.clock);
    let folder = bench.leave().await;
    clock.advance(Duration::from_secs(5 * 3_600 + 600));
    let bench = Bench::open(folder, "", clock).await;
    let next = Some(NOON + 6 * 3_600_000);
    let waits = |p: &Process| p.status == Status::BackingOff && p.next_at == next;
    let process = bench.wait_for(&makes_up, waits).await;
    assert_eq!(process.attempts.len(), 1);
    assert_eq!(process.attempts[0].cause_kind, Some(CauseKind::Schedule));
    let process = bench.wait_for(&passes, waits).await;
    assert_eq!(process.attempts, []);
    assert!(process.reason.starts_with("a time was missed; "), "{}", process.reason);
    bench.end().await;
}

#[tokio::test]
async fn a_change_is_waited_out_before_it_counts() {
    let toml = "[dev]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                watch = { paths = [\"src/**\"], debounce_ms = 5000 }\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let source = bench.folder.path().join("project/src");
    std::fs::create_dir_all(&source).unwrap();
    let id = bench.start("dev").await;
    bench.wait_for(&id, |p| p.status == Status::Running).await;
    // Nothing tells when the watch has begun: the file is written until it is seen.
    let begin = RealInstant::now();
    while !bench.clock.is_waited_for(seconds(5)) {
        assert!(begin.elapsed() < PATIENCE, "it was never seen");
        std::fs::write(source.join("a.js"), "1").unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.clock.advance(seconds(4));
    // Another change: the quiet begins anew.
    std::fs::write(source.join("a.js"), "2").unwrap();
    bench.clock.wait_for_sleeper(seconds(5)).await;
    bench.pass(seconds(5)).await;
    let process = bench.wait_for(&id, |p| p.attempts.len() == 2).await;
    assert_eq!(process.attempts[0].end_kind, Some(EndKind::Watch));
    bench.end().await;
}

#[tokio::test]
async fn one_that_does_not_end_is_killed_when_its_grace_is_over() {
    let toml = "[deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo ready; while :; do sleep 0.02; \
                done\"]\ntype = \"long-running\"\nready = { log = \"ready\", period_s = 0.1 }\n\
                stop = { grace_s = 90 }\n";
    let bench = Bench::declaring(toml).await;
    let _sweeper = sweep(&bench);
    let id = bench.start("deaf").await;
    bench.wind_until(&id, |p| p.ready == Some(true)).await;
    let process = bench.engine.stop_process(&id, "ann", false).await.unwrap();
    assert_eq!(process.next_at, Some(bench.clock.now_ms() + 90_000));
    bench.pass(seconds(90)).await;
    let process = bench.wait_for(&id, |p| p.status == Status::Stopped).await;
    assert_eq!(process.signal.as_deref(), Some("SIGKILL"));
    bench.end().await;
}

impl Bench {
    /// Lets the clock run, a little faster than the world, until the process is so.
    async fn wind_until(&self, id: &ProcessId, wanted: impl Fn(&Process) -> bool) {
        let begin = RealInstant::now();
        while !wanted(&*self.process(id).await) {
            assert!(begin.elapsed() < PATIENCE);
            self.clock.advance(Duration::from_millis(50));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
