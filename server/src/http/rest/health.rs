//! `/healthz` and `/readyz`.

use axum::extract::State;

use crate::http::AppState;
use crate::service::ServiceError;

/// `GET /healthz`: the server answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    security(()),
    responses((status = 200, description = "the server answers", body = String, content_type = "text/plain")),
)]
pub(in crate::http) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, too.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses((status = 200, description = "the database answers, too", body = String, content_type = "text/plain")),
)]
pub(in crate::http) async fn ready(
    State(state): State<AppState>,
) -> Result<&'static str, ServiceError> {
    state.service.check_ready().await?;
    Ok("ready\n")
}
