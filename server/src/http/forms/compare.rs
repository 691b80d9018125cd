//! `/processes/:id/compare`.

use app::report::{ComparePage, render_compare};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::AppState;
use super::super::extract::{Id, Params, Who};
use super::{frame, html};
use crate::service::{Comparison, ServiceError};

/// Where to begin, in the run and in the success; at the beginning of both when one is missing.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct CompareParams {
    left: Option<i64>,
    right: Option<i64>,
}

/// `GET /processes/:id/compare`: the newest run beside the last success.
pub(in crate::http) async fn show(
    State(state): State<AppState>,
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<CompareParams>,
) -> Result<Response, ServiceError> {
    let from = params.left.zip(params.right);
    let Comparison { process, success, rows, next } = caller.compare_process(&id, from).await?;
    let is_first = from.is_none();
    let render =
        |frame| render_compare(ComparePage { frame, process, success, rows, is_first, next });
    Ok(html(StatusCode::OK, frame(&state, &caller, None), render))
}
