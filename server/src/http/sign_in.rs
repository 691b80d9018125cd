//! Signing in with the one-time link, and out again.

use axum::extract::{Query, Request, State};
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{AppState, pages};
use crate::auth::{expired_session_cookie, session_cookie};

/// The query of the link.
#[derive(Debug, Deserialize)]
pub(super) struct SignInParams {
    code: Option<String>,
}

/// `GET /sign-in`: with a good `code` a session and the way home, else the page that says how.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    Query(params): Query<SignInParams>,
    request: Request,
) -> Response {
    let Some(code) = params.code else { return pages::render_open(state, request).await };
    match state.service.sign_in(&code).await {
        Ok(token) => {
            ([(SET_COOKIE, session_cookie(&token, false))], Redirect::to("/")).into_response()
        }
        Err(_) => Redirect::to("/sign-in?refused=1").into_response(),
    }
}

/// `POST /sign-out`: forgets the session in this browser.
pub(super) async fn sign_out() -> Response {
    ([(SET_COOKIE, expired_session_cookie(false))], Redirect::to("/sign-in")).into_response()
}
