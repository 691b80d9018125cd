//! `/api/processes`.

use app::api::ProcessFilter;
use app::model::{Process, ProcessList, StartRequest, Status};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::http::extract::{Body, Id, Params, Who};
use crate::service::ServiceError;

/// The query of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ListParams {
    q: Option<String>,
    status: Option<String>,
    project: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The query of a stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StopParams {
    #[serde(default)]
    wait: bool,
}

/// The body of a signal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SignalBody {
    signal: String,
}

/// `GET /api/processes`.
pub(in crate::http) async fn list(
    Who(caller): Who,
    Params(params): Params<ListParams>,
) -> Result<Json<ProcessList>, ServiceError> {
    let ListParams { q, status, project, limit, cursor } = params;
    let filter = ProcessFilter { q, status, project, limit, cursor };
    Ok(Json(caller.list_processes(filter).await?))
}

/// `POST /api/processes`: 201, or 202 when it is queued.
pub(in crate::http) async fn start(
    Who(caller): Who,
    Body(request): Body<StartRequest>,
) -> Result<Response, ServiceError> {
    let started = caller.start_process(request).await?;
    let status = match started.status {
        Status::Queued => StatusCode::ACCEPTED,
        _ => StatusCode::CREATED,
    };
    let location = format!("/api/processes/{}", started.process_id);
    Ok((status, [(header::LOCATION, location)], Json(started)).into_response())
}

/// `GET /api/processes/:id`.
pub(in crate::http) async fn show(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.get_process(&id).await?).clone()))
}

/// `DELETE /api/processes/:id`: the process as it is once it was asked to end, or, with
/// `wait=true`, has ended.
pub(in crate::http) async fn stop(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<StopParams>,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.stop_process(&id, params.wait).await?).clone()))
}

/// `POST /api/processes/:id/signal`.
pub(in crate::http) async fn signal(
    Who(caller): Who,
    Id(id): Id,
    Body(body): Body<SignalBody>,
) -> Result<StatusCode, ServiceError> {
    caller.signal_process(&id, &body.signal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/processes/:id/restart`.
pub(in crate::http) async fn restart(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.restart_process(&id).await?).clone()))
}
