//! `/api/sessions`.

use app::model::SessionList;
use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::{Key, Params, Who};
use crate::service::ServiceError;

/// The query of an end of all of one's own sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EndParams {
    /// Leaves the session that asks.
    #[serde(default)]
    keep: bool,
}

/// `GET /api/sessions`: one's own; with `admin`, everybody's.
#[utoipa::path(
    get,
    path = "/api/sessions",
    tag = "sessions",
    responses((status = 200, description = "newest first", body = SessionList)),
)]
pub(in crate::http) async fn list(Who(caller): Who) -> Json<SessionList> {
    Json(caller.list_sessions())
}

/// `DELETE /api/sessions`: signs out everywhere.
#[utoipa::path(
    delete,
    path = "/api/sessions",
    tag = "sessions",
    params(EndParams),
    responses((status = 204, description = "they have ended")),
)]
pub(in crate::http) async fn end_all(
    Who(caller): Who,
    Params(params): Params<EndParams>,
) -> Result<StatusCode, ServiceError> {
    caller.end_own_sessions(params.keep).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/sessions/:id`: ends one, and its open connections.
#[utoipa::path(
    delete,
    path = "/api/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "the id of the session")),
    responses((status = 204, description = "it has ended")),
)]
pub(in crate::http) async fn end(
    Who(caller): Who,
    Key(id): Key,
) -> Result<StatusCode, ServiceError> {
    caller.end_session(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
