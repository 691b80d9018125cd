//! `/metrics`, in the text format of Prometheus.

use std::fmt::Write as _;

use app::model::Status;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::extract::Who;
use crate::service::ServiceError;

/// `GET /metrics`.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "for Prometheus", body = String, content_type = "text/plain")),
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Who(caller): Who,
) -> Result<Response, ServiceError> {
    let figures = caller.figures().await?;
    let mut text = String::from(
        "# HELP runyard_processes Processes in memory by status.\n\
         # TYPE runyard_processes gauge\n",
    );
    for status in Status::ALL {
        let count = figures.by_status.iter().filter(|s| **s == status).count();
        // Writing into a string cannot fail.
        let _ = writeln!(text, "runyard_processes{{status=\"{}\"}} {count}", status.as_str());
    }
    let sockets = state.sockets.len();
    let searches = caller.count_searches().await?;
    let _ = write!(
        text,
        "# HELP runyard_websockets Open WebSockets.\n\
         # TYPE runyard_websockets gauge\nrunyard_websockets {sockets}\n\
         # HELP runyard_job_slots_used Job slots in use.\n\
         # TYPE runyard_job_slots_used gauge\nrunyard_job_slots_used {}\n\
         # HELP runyard_jobs_queued Jobs that wait for a slot.\n\
         # TYPE runyard_jobs_queued gauge\nrunyard_jobs_queued {}\n\
         # HELP runyard_log_searches Searches of logs under way.\n\
         # TYPE runyard_log_searches gauge\nrunyard_log_searches {searches}\n",
        figures.slots_used, figures.queued,
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
