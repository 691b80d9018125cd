//! `/tokens`.

use app::admin::{Notice, TokensPage, render_tokens};
use app::model::NewToken;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::AppState;
use super::super::extract::{Fields, Key, Who};
use super::{done, frame, html, refusal};
use crate::service::Caller;

/// The form of a new token.
#[derive(Deserialize)]
pub(in crate::http) struct TokenForm {
    name: String,
    role: String,
    /// A rule a line.
    #[serde(default)]
    scope: String,
    days: u64,
}

/// `GET /tokens`.
pub(in crate::http) async fn show(State(state): State<AppState>, Who(caller): Who) -> Response {
    page(&state, &caller, StatusCode::OK, None, None).await
}

/// `POST /tokens`: the page with the new token on it. It is not gone to anew, for it is shown once.
pub(in crate::http) async fn create(
    State(state): State<AppState>,
    Who(caller): Who,
    Fields(form): Fields<TokenForm>,
) -> Response {
    let rules = form.scope.lines().map(str::trim).filter(|line| !line.is_empty());
    let new = NewToken {
        name: form.name,
        role: Some(form.role),
        scope: rules.map(str::to_owned).collect(),
        ttl_s: form.days.saturating_mul(86_400),
    };
    match caller.create_token(new).await {
        Ok(made) => page(&state, &caller, StatusCode::CREATED, None, Some(made.token)).await,
        Err(error) => {
            let (status, notice) = refusal(&error);
            page(&state, &caller, status, notice, None).await
        }
    }
}

/// `POST /tokens/:id/revoke`.
pub(in crate::http) async fn revoke(
    State(state): State<AppState>,
    Who(caller): Who,
    Key(id): Key,
) -> Response {
    match caller.revoke_token(&id).await {
        Ok(()) => done("/tokens"),
        Err(error) => {
            let (status, notice) = refusal(&error);
            page(&state, &caller, status, notice, None).await
        }
    }
}

async fn page(
    state: &AppState,
    caller: &Caller,
    status: StatusCode,
    notice: Option<Notice>,
    made: Option<String>,
) -> Response {
    let (tokens, roles) = (caller.list_tokens().tokens, caller.grantable_roles());
    let now_ms = caller.now_ms();
    html(status, frame(state, caller, notice), |frame| {
        render_tokens(TokensPage { frame, tokens, roles, made, now_ms })
    })
}
