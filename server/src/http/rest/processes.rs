//! `/api/processes`.

use app::api::ProcessFilter;
use app::model::{
    AttemptPage, Process, ProcessConfiguration, ProcessList, StartRequest, Started, Status,
};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::{Body, Id, Params, Who};
use crate::service::ServiceError;

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ListParams {
    q: Option<String>,
    status: Option<String>,
    project: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The query of a stop.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StopParams {
    #[serde(default)]
    wait: bool,
}

/// The query of a list of attempts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AttemptParams {
    /// Only attempts with a number below this: `nextBefore` of the page before.
    before: Option<u32>,
    /// At most so many, 1 to 500; 50 when nothing is said.
    limit: Option<u32>,
}

/// The body of a signal.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SignalBody {
    signal: String,
}

/// `GET /api/processes`.
#[utoipa::path(
    get,
    path = "/api/processes",
    tag = "processes",
    params(ListParams),
    responses((status = 200, description = "a page, newest first", body = ProcessList)),
)]
pub(in crate::http) async fn list(
    Who(caller): Who,
    Params(params): Params<ListParams>,
) -> Result<Json<ProcessList>, ServiceError> {
    let ListParams { q, status, project, limit, cursor } = params;
    let filter = ProcessFilter { q, status, project, limit, cursor };
    Ok(Json(caller.list_processes(filter).await?))
}

/// `POST /api/processes`: 201, or 202 when it is queued or waits for others.
#[utoipa::path(
    post,
    path = "/api/processes",
    tag = "processes",
    request_body = StartRequest,
    responses(
        (status = 201, description = "it runs", body = Started),
        (status = 202, description = "it waits for a slot, for others, or for its time", body = Started),
    ),
)]
pub(in crate::http) async fn start(
    Who(caller): Who,
    Body(request): Body<StartRequest>,
) -> Result<Response, ServiceError> {
    let started = caller.start_process(request).await?;
    let status = match (started.status, started.pid) {
        (Status::Queued | Status::Waiting, _) | (Status::BackingOff, None) => StatusCode::ACCEPTED,
        _ => StatusCode::CREATED,
    };
    let location = format!("/api/processes/{}", started.process_id);
    Ok((status, [(header::LOCATION, location)], Json(started)).into_response())
}

/// `GET /api/processes/:id`.
#[utoipa::path(
    get,
    path = "/api/processes/{id}",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    responses((status = 200, description = "with its attempts", body = Process)),
)]
pub(in crate::http) async fn show(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.get_process(&id).await?).clone()))
}

/// `DELETE /api/processes/:id`: the process as it is once it was asked to end, or, with
/// `wait=true`, has ended.
#[utoipa::path(
    delete,
    path = "/api/processes/{id}",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process"), StopParams),
    responses((status = 200, description = "as it is once it was asked to end", body = Process)),
)]
pub(in crate::http) async fn stop(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<StopParams>,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.stop_process(&id, params.wait).await?).clone()))
}

/// `POST /api/processes/:id/signal`.
#[utoipa::path(
    post,
    path = "/api/processes/{id}/signal",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    request_body = SignalBody,
    responses((status = 204, description = "it was sent")),
)]
pub(in crate::http) async fn signal(
    Who(caller): Who,
    Id(id): Id,
    Body(body): Body<SignalBody>,
) -> Result<StatusCode, ServiceError> {
    caller.signal_process(&id, &body.signal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/processes/:id/restart`.
#[utoipa::path(
    post,
    path = "/api/processes/{id}/restart",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    responses((status = 200, description = "with the new attempt", body = Process)),
)]
pub(in crate::http) async fn restart(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<Process>, ServiceError> {
    Ok(Json((*caller.restart_process(&id).await?).clone()))
}

/// `GET /api/processes/:id/attempts`.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/attempts",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process"), AttemptParams),
    responses((status = 200, description = "a page, newest first", body = AttemptPage)),
)]
pub(in crate::http) async fn attempts(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<AttemptParams>,
) -> Result<Json<AttemptPage>, ServiceError> {
    Ok(Json(caller.list_attempts(&id, params.before, params.limit).await?))
}

/// `GET /api/processes/:id/configuration`.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/configuration",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    responses((
        status = 200,
        description = "what the newest attempt was started with",
        body = ProcessConfiguration
    )),
)]
pub(in crate::http) async fn configuration(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<ProcessConfiguration>, ServiceError> {
    Ok(Json(caller.process_configuration(&id).await?))
}
