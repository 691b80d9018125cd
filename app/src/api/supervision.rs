//! What is declared, pools, figures and standard input.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::context::{answer, backend};
use super::json::Json;
use crate::model::{ConfigDiff, DeclaredList, Figures, PoolList, Problem, ProcessId};

/// What is declared in `runyard.toml`.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "list_declared", input = Json, output = Json)]
pub async fn list_declared() -> Result<DeclaredList, Problem> {
    answer(backend()?.list_declared().await)
}

/// Starts what is to be started with Runyard, or stops everything declared in order.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "run_declared", input = Json, output = Json)]
pub async fn run_declared(start: bool) -> Result<DeclaredList, Problem> {
    answer(backend()?.run_declared(start).await)
}

/// The pools of slots.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "list_pools", input = Json, output = Json)]
pub async fn list_pools() -> Result<PoolList, Problem> {
    answer(backend()?.list_pools().await)
}

/// Stops serving a pool, or serves it again.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "pause_pool", input = Json, output = Json)]
pub async fn pause_pool(name: String, is_paused: bool) -> Result<PoolList, Problem> {
    answer(backend()?.pause_pool(name, is_paused).await)
}

/// What reading `runyard.toml` again would change.
///
/// # Errors
/// The server's problem, which says where the file is wrong.
#[server(prefix = "/api/ui", endpoint = "preview_reload", input = Json, output = Json)]
pub async fn preview_reload() -> Result<ConfigDiff, Problem> {
    answer(backend()?.preview_reload().await)
}

/// Puts the file in force, if its differences are those of `version`.
///
/// # Errors
/// The server's problem; nothing is changed then.
#[server(prefix = "/api/ui", endpoint = "reload", input = Json, output = Json)]
pub async fn reload(version: String) -> Result<ConfigDiff, Problem> {
    answer(backend()?.reload(version).await)
}

/// What a process used in the last quarter of an hour.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "process_figures", input = Json, output = Json)]
pub async fn process_figures(id: ProcessId) -> Result<Figures, Problem> {
    answer(backend()?.process_figures(id).await)
}

/// What every process that runs used in the last minute.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "list_sparks", input = Json, output = Json)]
pub async fn list_sparks() -> Result<Vec<Figures>, Problem> {
    answer(backend()?.list_sparks().await)
}

/// Sends a line to a process.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "send_line", input = Json, output = Json)]
pub async fn send_line(id: ProcessId, line: String) -> Result<(), Problem> {
    answer(backend()?.send_line(id, line).await)
}
