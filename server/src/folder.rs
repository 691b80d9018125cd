//! Commands for a data folder: what runs in it, ending it all, a newer keeper.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use server::cli::DataArgs;
use server::config::Config;
use server::engine::{Running, SystemClock, ask_to_end, end_keeper, look_at, upgrade_keeper};
use server::serve::Server;

use crate::{load_config, say};

/// The server may take a minute to end in order.
const SERVER_ENDS_WITHIN: Duration = Duration::from_secs(70);

fn config_of(args: DataArgs) -> anyhow::Result<Config> {
    let config = load_config(args.into_flags())?;
    let data_dir = &config.server.data_dir;
    if !data_dir.is_dir() {
        bail!("there is no data folder {}: give the right one with --data", data_dir.display());
    }
    Ok(config)
}

fn own_exe() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this binary")
}

/// Shows what runs.
pub(crate) async fn show_status(args: DataArgs) -> anyhow::Result<()> {
    let config = config_of(args)?;
    let seen = look_at(&config.server.data_dir).await?;
    let pid = |pid: Option<i32>| pid.map_or("not there".to_owned(), |pid| format!("pid {pid}"));
    say(&format!("server: {}", pid(seen.server_pid)))?;
    say(&format!("keeper: {}", pid(seen.keeper.map(|keeper| keeper.pid))))?;
    let (alive, ended): (Vec<&Running>, Vec<_>) = seen.runs.iter().partition(|run| run.is_alive);
    say(&format!("{} running, {} ended and not taken in yet", alive.len(), ended.len()))?;
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    for run in seen.runs {
        let for_ms = now_ms.saturating_sub(u128::try_from(run.started_at_ms).unwrap_or_default());
        let state = if run.is_alive { "running" } else { "ended" };
        let (name, pid, since) = (run.run, run.pid, for_ms / 1000);
        say(&format!("{name}  {state}  pid {pid}  for {since} s  {}", run.command))?;
    }
    Ok(())
}

/// Stops everything.
pub(crate) async fn take_down(args: DataArgs) -> anyhow::Result<()> {
    let mut config = config_of(args)?;
    let data_dir = config.server.data_dir.clone();
    // What waits in a line must not start in the place of what is stopped.
    config.limits.max_jobs = 0;
    config.pools.slots.values_mut().for_each(|slots| *slots = 0);
    if !ask_to_end(&data_dir, SERVER_ENDS_WITHIN).await? {
        bail!("the server of {} does not end: kill it, and try again", data_dir.display());
    }
    let before = look_at(&data_dir).await?;
    let alive = before.runs.iter().filter(|run| run.is_alive).count();
    let again = config.clone();
    let reader = Arc::new(move || Ok(again.clone()));
    let server = Server::open(&config, own_exe()?, Arc::new(SystemClock), reader).await?;
    let left = server.take_down("runyard down").await;
    if !left.is_empty() {
        bail!("the keeper is left running, as some could not be stopped: {}", left.join("; "));
    }
    end_keeper(&data_dir).await?;
    say(&format!("stopped {alive} running; nothing is left of {}", data_dir.display()))
}

/// Lets the keeper become this binary.
pub(crate) async fn upgrade(args: DataArgs) -> anyhow::Result<()> {
    let config = config_of(args)?;
    match upgrade_keeper(&config.server.data_dir, &own_exe()?).await? {
        Some(done) => say(&format!(
            "the keeper (pid {}) is this binary now; it moved no output for {:.1} ms",
            done.pid,
            done.pause.as_secs_f64() * 1e3
        )),
        None => say("there is no keeper, or it is this binary already"),
    }
}
