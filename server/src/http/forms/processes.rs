//! Starting, stopping and restarting without scripts: the buttons of the pages are forms.

use app::admin::render_refused;
use app::model::{ProcessId, StartRequest};
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::super::AppState;
use super::super::extract::{Id, Who};
use super::{done, frame, html, refusal};
use crate::service::{Caller, ServiceError};

/// What the button of a script says.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct StartForm {
    project: String,
    script: String,
}

/// `POST /start`: starts a script and goes to its process.
pub(in crate::http) async fn start(
    State(state): State<AppState>,
    Who(caller): Who,
    Form(form): Form<StartForm>,
) -> Response {
    let request = StartRequest {
        script_name: form.script,
        project: Some(form.project),
        ..StartRequest::default()
    };
    let started = caller.start_process(request).await;
    go(&state, &caller, started.map(|started| started.process_id), "/")
}

/// `POST /processes/:id/stop`.
pub(in crate::http) async fn stop(
    State(state): State<AppState>,
    Who(caller): Who,
    Id(id): Id,
) -> Response {
    let stopped = caller.stop_process(&id, false).await;
    go(&state, &caller, stopped.map(|process| process.id.clone()), &format!("/processes/{id}"))
}

/// `POST /processes/:id/restart`.
pub(in crate::http) async fn restart(
    State(state): State<AppState>,
    Who(caller): Who,
    Id(id): Id,
) -> Response {
    let restarted = caller.restart_process(&id).await;
    go(&state, &caller, restarted.map(|process| process.id.clone()), &format!("/processes/{id}"))
}

/// To the process when it was done; else the refusal, with the way `back`.
fn go(
    state: &AppState,
    caller: &Caller,
    result: Result<ProcessId, ServiceError>,
    back: &str,
) -> Response {
    match result {
        Ok(id) => done(&format!("/processes/{id}")),
        Err(error) => {
            let (status, notice) = refusal(&error);
            html(status, frame(state, caller, notice), |frame| render_refused(frame, back))
        }
    }
}
