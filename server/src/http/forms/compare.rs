//! `/processes/:id/compare`.

use app::report::{ComparePage, render_compare};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::AppState;
use super::super::extract::{Id, Who};
use super::{frame, html};
use crate::service::{Comparison, ServiceError};

/// `GET /processes/:id/compare`: the newest run beside the last success.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Who(caller): Who,
    Id(id): Id,
) -> Result<Response, ServiceError> {
    let Comparison { process, success, rows, cut_at } = caller.compare_process(&id).await?;
    let render = |frame| render_compare(ComparePage { frame, process, success, rows, cut_at });
    Ok(html(StatusCode::OK, frame(&state, &caller, None), render))
}
