//! `/sessions`.

use app::admin::{Notice, render_sessions};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::AppState;
use super::super::extract::{Key, Who};
use super::{done, frame, html, refusal};
use crate::service::Caller;

/// `GET /sessions`.
pub(in crate::http) async fn show(State(state): State<AppState>, Who(caller): Who) -> Response {
    page(&state, &caller, StatusCode::OK, None)
}

/// `POST /sessions/:id/end`.
pub(in crate::http) async fn end(
    State(state): State<AppState>,
    Who(caller): Who,
    Key(id): Key,
) -> Response {
    match caller.end_session(&id).await {
        Ok(()) => done("/sessions"),
        Err(error) => {
            let (status, notice) = refusal(&error);
            page(&state, &caller, status, notice)
        }
    }
}

fn page(state: &AppState, caller: &Caller, status: StatusCode, notice: Option<Notice>) -> Response {
    let sessions = caller.list_sessions().sessions;
    html(status, frame(state, caller, notice), |frame| render_sessions(frame, sessions))
}
