//! Processes: list, look, start, stop.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::context::{answer, backend};
use super::json::Json;
#[cfg(feature = "ssr")]
use super::{Backend, ProcessFilter};
#[cfg(feature = "ssr")]
use crate::live::now_ms;
use crate::model::{
    LogPage, Problem, Process, ProcessId, ProcessList, StartRequest, Started, Verb,
};
#[cfg(feature = "ssr")]
use crate::report;

/// Processes in a page: a few screens, and the first HTML stays small.
#[cfg(feature = "ssr")]
const PAGE: u32 = 100;

/// A page of processes, newest first. `q`: text in script, project, args or id; `status` by name.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "list_processes", input = Json, output = Json)]
pub async fn list_processes(
    q: Option<String>,
    status: Option<String>,
    cursor: Option<String>,
) -> Result<ProcessList, Problem> {
    let limit = Some(PAGE);
    let filter = ProcessFilter { q, status, cursor, limit, ..ProcessFilter::default() };
    answer(backend()?.list_processes(filter).await)
}

/// One process with its attempts.
///
/// # Errors
/// The server's problem; 404 when there is none of that id.
#[server(prefix = "/api/ui", endpoint = "get_process", input = Json, output = Json)]
pub async fn get_process(id: ProcessId) -> Result<Process, Problem> {
    answer(backend()?.get_process(id).await)
}

/// What one may do to a process.
///
/// # Errors
/// The server's problem; 404 when there is none of that id.
#[server(prefix = "/api/ui", endpoint = "allowed_verbs", input = Json, output = Json)]
pub async fn allowed_verbs(id: ProcessId) -> Result<Vec<Verb>, Problem> {
    answer(backend()?.allowed_verbs(id).await)
}

/// The newest `tail` entries of a log, or as many `around` one.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "tail_log", input = Json, output = Json)]
pub async fn tail_log(id: ProcessId, tail: u32, around: Option<i64>) -> Result<LogPage, Problem> {
    answer(backend()?.tail_log(id, tail, around).await)
}

/// A tab of a process, as HTML of the server's own making: `attempts`, `configuration` or
/// `audit`. `before` is where its page begins; times are `zone_min` minutes east of UTC.
///
/// # Errors
/// The server's problem; 404 when there is no such tab.
#[server(prefix = "/api/ui", endpoint = "process_tab", input = Json, output = Json)]
pub async fn process_tab(
    id: ProcessId,
    tab: String,
    before: Option<i64>,
    zone_min: i64,
) -> Result<String, Problem> {
    answer(render_tab(&*backend()?, id, &tab, before, zone_min).await)
}

#[cfg(feature = "ssr")]
async fn render_tab(
    backend: &dyn Backend,
    id: ProcessId,
    tab: &str,
    before: Option<i64>,
    zone_min: i64,
) -> Result<String, Problem> {
    Ok(match tab {
        "attempts" => {
            // What is no number of an attempt is after all of them.
            let before = before.and_then(|n| u32::try_from(n).ok());
            let page = backend.list_attempts(id.clone(), before).await?;
            report::render_attempts(&id, &page, now_ms(), zone_min)
        }
        "configuration" => report::render_configuration(&backend.process_configuration(id).await?),
        "audit" => report::render_trail(backend.process_audit(id, before).await?, zone_min),
        _ => {
            let words = format!(
                "a process has no {tab:?}: it has attempts, figures, configuration and audit"
            );
            return Err(Problem::new(404, "not_found", words));
        }
    })
}

/// Starts a script.
///
/// # Errors
/// The server's problem, which says what would be right.
#[server(prefix = "/api/ui", endpoint = "start_process", input = Json, output = Json)]
pub async fn start_process(request: StartRequest) -> Result<Started, Problem> {
    answer(backend()?.start_process(request).await)
}

/// Asks a process to end; the answer is the process as it is then.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "stop_process", input = Json, output = Json)]
pub async fn stop_process(id: ProcessId) -> Result<Process, Problem> {
    answer(backend()?.stop_process(id).await)
}

/// Stops a process if it runs, and starts a new attempt.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "restart_process", input = Json, output = Json)]
pub async fn restart_process(id: ProcessId) -> Result<Process, Problem> {
    answer(backend()?.restart_process(id).await)
}

/// Sends a signal by its name (`SIGHUP`).
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "signal_process", input = Json, output = Json)]
pub async fn signal_process(id: ProcessId, signal: String) -> Result<(), Problem> {
    answer(backend()?.signal_process(id, signal).await)
}
