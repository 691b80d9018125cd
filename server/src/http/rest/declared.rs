//! `/api/declared`, `/api/pools`, `/api/config`, and what a process uses and is sent.

use app::model::{ConfigDiff, DeclaredList, Figures, PoolList};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::http::extract::{Body, Id, Who};
use crate::service::{ServiceError, config_schema};

/// The body of a line for a process.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LineBody {
    line: String,
}

/// The body of a reload.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ReloadBody {
    version: String,
}

/// `GET /api/declared`.
#[utoipa::path(
    get,
    path = "/api/declared",
    tag = "declared",
    responses((status = 200, description = "by name, with the next times", body = DeclaredList)),
)]
pub(in crate::http) async fn list(Who(caller): Who) -> Json<DeclaredList> {
    Json(caller.list_declared())
}

/// `POST /api/declared/start`: what is to be started with Runyard, as far as it is not there.
#[utoipa::path(
    post,
    path = "/api/declared/start",
    tag = "declared",
    responses((status = 200, description = "what is there now", body = DeclaredList)),
)]
pub(in crate::http) async fn start(Who(caller): Who) -> Result<Json<DeclaredList>, ServiceError> {
    Ok(Json(caller.start_declared().await?))
}

/// `POST /api/declared/stop`: everything declared, dependants first; answered when it is gone.
#[utoipa::path(
    post,
    path = "/api/declared/stop",
    tag = "declared",
    responses((status = 200, description = "when all of it is gone", body = DeclaredList)),
)]
pub(in crate::http) async fn stop(Who(caller): Who) -> Result<Json<DeclaredList>, ServiceError> {
    Ok(Json(caller.stop_declared().await?))
}

/// `GET /api/pools`.
#[utoipa::path(
    get,
    path = "/api/pools",
    tag = "pools",
    responses((status = 200, description = "by name", body = PoolList)),
)]
pub(in crate::http) async fn pools(Who(caller): Who) -> Result<Json<PoolList>, ServiceError> {
    Ok(Json(caller.list_pools().await?))
}

/// `POST /api/pools/:name/pause`.
#[utoipa::path(
    post,
    path = "/api/pools/{name}/pause",
    tag = "pools",
    params(("name" = String, Path, description = "the pool")),
    responses((status = 200, description = "nothing is started from it", body = PoolList)),
)]
pub(in crate::http) async fn pause(
    Who(caller): Who,
    Path(name): Path<String>,
) -> Result<Json<PoolList>, ServiceError> {
    Ok(Json(caller.pause_pool(&name, true).await?))
}

/// `POST /api/pools/:name/resume`.
#[utoipa::path(
    post,
    path = "/api/pools/{name}/resume",
    tag = "pools",
    params(("name" = String, Path, description = "the pool")),
    responses((status = 200, description = "it is served again", body = PoolList)),
)]
pub(in crate::http) async fn resume(
    Who(caller): Who,
    Path(name): Path<String>,
) -> Result<Json<PoolList>, ServiceError> {
    Ok(Json(caller.pause_pool(&name, false).await?))
}

/// `GET /api/processes/:id/figures`.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/figures",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    responses((status = 200, description = "CPU and memory of its tree", body = Figures)),
)]
pub(in crate::http) async fn figures(
    Who(caller): Who,
    Id(id): Id,
) -> Result<Json<Figures>, ServiceError> {
    Ok(Json(caller.process_figures(&id).await?))
}

/// `POST /api/processes/:id/stdin`.
#[utoipa::path(
    post,
    path = "/api/processes/{id}/stdin",
    tag = "processes",
    params(("id" = String, Path, description = "the id of the process")),
    request_body = LineBody,
    responses((status = 204, description = "it was sent")),
)]
pub(in crate::http) async fn send_line(
    Who(caller): Who,
    Id(id): Id,
    Body(body): Body<LineBody>,
) -> Result<StatusCode, ServiceError> {
    caller.send_line(&id, &body.line).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/config/diff`: what reading the file again would change.
#[utoipa::path(
    get,
    path = "/api/config/diff",
    tag = "configuration",
    responses((status = 200, description = "what reading the file again would change", body = ConfigDiff)),
)]
pub(in crate::http) async fn diff(Who(caller): Who) -> Result<Json<ConfigDiff>, ServiceError> {
    Ok(Json(caller.preview_reload().await?))
}

/// `POST /api/config/reload`.
#[utoipa::path(
    post,
    path = "/api/config/reload",
    tag = "configuration",
    request_body = ReloadBody,
    responses((status = 200, description = "what was put in force", body = ConfigDiff)),
)]
pub(in crate::http) async fn reload(
    Who(caller): Who,
    Body(body): Body<ReloadBody>,
) -> Result<Json<ConfigDiff>, ServiceError> {
    Ok(Json(caller.reload(&body.version).await?))
}

/// `GET /api/config.schema.json`: the schema of `runyard.toml`; it holds nothing of anybody's.
pub(in crate::http) async fn schema() -> Json<serde_json::Value> {
    Json(config_schema())
}
