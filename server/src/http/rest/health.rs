//! `/healthz` and `/readyz`.

use axum::extract::State;

use crate::http::AppState;
use crate::service::ServiceError;

/// `GET /healthz`: the server answers.
pub(in crate::http) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, too.
pub(in crate::http) async fn ready(
    State(state): State<AppState>,
) -> Result<&'static str, ServiceError> {
    state.service.check_ready().await?;
    Ok("ready\n")
}
