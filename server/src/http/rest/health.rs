//! `/healthz` and `/readyz`.

use axum::extract::State;
use axum::http::{Extensions, HeaderMap, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::{AppState, guard, problem};

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

/// `GET /readyz`: the database answers, too. When it does not, those who bring a token of an admin are
/// told why.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses((status = 200, description = "the database answers, too", body = String, content_type = "text/plain")),
)]
pub(in crate::http) async fn ready(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let has_name = headers.contains_key(header::AUTHORIZATION);
    // Whoever brings a name that is none is a stranger here, as one who brings none.
    let caller = match has_name {
        true => guard::identify(&state, &extensions, &headers).await.ok(),
        false => None,
    };
    match state.service.check_ready(caller.as_ref().map(|(caller, _)| caller)).await {
        Ok(()) => "ready\n".into_response(),
        // What went wrong is in the log already.
        Err(error) => problem::answer(&error.into()),
    }
}
