//! How things end: the engine with all that it runs, a server that was fenced off, a keeper whose
//! binary is another one.

use std::path::Path;
use std::sync::Arc;

use app::model::{Process, Status};

use super::{Engine, EngineError, EngineSettings};
use crate::keeper::client::{self, ClientError, Identity};
use crate::sys::procfs;
use crate::sys::spool::read_meta;

/// What runs in a data folder, as the keeper and the system tell it.
#[derive(Debug)]
pub struct Overview {
    /// The server.
    pub server_pid: Option<i32>,
    /// The keeper.
    pub keeper: Option<Identity>,
    /// The processes that run, or have left output that no server has taken in.
    pub runs: Vec<Running>,
}

/// One of them.
#[derive(Debug)]
pub struct Running {
    /// Its name: the process and the attempt.
    pub run: String,
    /// Of its root.
    pub pid: i32,
    /// In milliseconds since the epoch.
    pub started_at_ms: i64,
    /// Whether its root runs.
    pub is_alive: bool,
    /// Its command line; its program when it has ended.
    pub command: String,
}

impl Engine {
    /// Every process that has not ended.
    #[must_use]
    pub fn live_processes(&self) -> Vec<Arc<Process>> {
        self.shared.registry.live().iter().map(|handle| handle.snapshot()).collect()
    }

    /// Stops every process, those in the queue first, and refuses new ones. Resolves when all trees
    /// are gone; those that could not be stopped, and why.
    pub async fn stop_all(&self, by: &str) -> Vec<(Arc<Process>, EngineError)> {
        self.shared.closing.cancel();
        let mut live = self.live_processes();
        live.sort_by_key(|process| process.status != Status::Queued);
        let stops: Vec<_> = live
            .into_iter()
            .map(|process| {
                let (engine, by) = (self.clone(), by.to_owned());
                self.shared.tasks.spawn(async move {
                    let stopped = engine.stop_process(&process.id, &by, true).await;
                    stopped.err().map(|error| (process, error))
                })
            })
            .collect();
        let mut failed = Vec::new();
        for stop in stops {
            failed.extend(stop.await.ok().flatten());
        }
        // It has ended by itself meanwhile.
        failed.retain(|(_, error)| !matches!(error, EngineError::InvalidState(_)));
        failed
    }

    /// Resolves when another server has taken over the data folder. Nothing must be written any more.
    pub async fn fenced(&self) {
        self.shared.fenced.cancelled().await;
    }
}

/// Lets a keeper that is another program than this one become it. It goes on as it is when that cannot
/// be done.
pub(super) async fn renew_keeper(settings: &EngineSettings) {
    match client::upgrade(&settings.data_dir, &settings.exe).await {
        Ok(Some(done)) => {
            tracing::info!(pid = done.pid, pause = ?done.pause, "the keeper has become this binary");
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the keeper goes on with the binary that it has"),
    }
}

/// Lets the keeper of a data folder become `exe`. `None`: there is no keeper, or it is that already.
///
/// # Errors
/// When it cannot, and why; it goes on as it was.
pub async fn upgrade_keeper(
    data_dir: &Path,
    exe: &Path,
) -> Result<Option<client::Upgraded>, EngineError> {
    Ok(client::upgrade(data_dir, exe).await?)
}

/// Ends the keeper of a data folder; what it runs goes on.
///
/// # Errors
/// When it does not answer.
pub async fn end_keeper(data_dir: &Path) -> Result<(), EngineError> {
    Ok(client::end(data_dir).await?)
}

/// Looks at what runs in a data folder; nobody needs to serve it.
///
/// # Errors
/// When there is a keeper that does not answer, or the folder cannot be read.
pub async fn look_at(data_dir: &Path) -> Result<Overview, EngineError> {
    let server_pid = super::server_of(data_dir).map_err(ClientError::from)?;
    let keeper = client::identify(data_dir).await?;
    let mut runs = Vec::new();
    for info in client::list_runs(data_dir).await? {
        let command = match procfs::cmdline(info.pid) {
            line if info.alive && !line.is_empty() => line,
            _ => {
                let meta = read_meta(&super::runs_dir(data_dir).join(&info.run)).ok().flatten();
                meta.map(|meta| meta.program.display().to_string()).unwrap_or_default()
            }
        };
        let (pid, started_at_ms, is_alive) = (info.pid, info.started_at_ms, info.alive);
        runs.push(Running { run: info.run, pid, started_at_ms, is_alive, command });
    }
    runs.sort_by_key(|run| run.started_at_ms);
    Ok(Overview { server_pid, keeper, runs })
}
