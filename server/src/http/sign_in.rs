//! Signing in, with the one-time link or a password, and out again.

use axum::extract::{Query, Request, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{Extensions, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::extract::{Fields, Who};
use super::{AppState, guard, pages, sign_on};
use crate::auth::{expired_session_cookie, session_cookie};
use crate::service::{ServiceError, SignedOut};

/// The query of the link.
#[derive(Debug, Deserialize)]
pub(super) struct SignInParams {
    code: Option<String>,
}

/// The form of the sign-in page.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: String,
}

/// `GET /sign-in`: with a good `code` a session and the way home, else the page that says how.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    Query(params): Query<SignInParams>,
    request: Request,
) -> Response {
    let Some(code) = params.code else { return pages::render_open(state, request).await };
    let (extensions, headers) = (request.extensions(), request.headers());
    let peer = state.edge.peer(extensions, headers);
    let is_secure = state.edge.is_secure(extensions, headers);
    match state.service.sign_in_by_code(&code, &peer).await {
        Ok(token) => welcome(&token, is_secure),
        Err(_) => Redirect::to("/sign-in?refused=link").into_response(),
    }
}

/// `POST /sign-in`: with name and password. It works without scripts, so it is a form; another site
/// that sends it could sign somebody in as somebody else, so it must come from our own page.
pub(super) async fn by_password(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    Fields(form): Fields<SignInForm>,
) -> Response {
    let is_secure = state.edge.is_secure(&extensions, &headers);
    if !guard::is_same_origin(&headers, is_secure) {
        let detail = "signing in must come from runyard's own page (Origin)";
        return ServiceError::new(403, "origin_denied", detail).into_response();
    }
    let peer = state.edge.peer(&extensions, &headers);
    match state.service.sign_in_by_password(form.name.trim(), form.password, &peer).await {
        Ok(token) => welcome(&token, is_secure),
        Err(error) => match error.retry_after_s {
            Some(wait_s) => {
                let next = Redirect::to(&format!("/sign-in?refused=wait&s={wait_s}"));
                ([(RETRY_AFTER, HeaderValue::from(wait_s))], next).into_response()
            }
            None => Redirect::to("/sign-in?refused=password").into_response(),
        },
    }
}

/// `POST /sign-out`: ends the session, and forgets it in this browser.
pub(super) async fn sign_out(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    Who(caller): Who,
) -> Result<Response, ServiceError> {
    let signed_out = caller.sign_out().await?;
    let cookie = expired_session_cookie(state.edge.is_secure(&extensions, &headers));
    let next = match signed_out {
        SignedOut::Here => Redirect::to("/sign-in").into_response(),
        SignedOut::HereAlone => Redirect::to("/sign-in?left=here").into_response(),
        SignedOut::Then(url) => sign_on::leave(&url),
    };
    Ok(([(SET_COOKIE, cookie)], next).into_response())
}

fn welcome(token: &str, is_secure: bool) -> Response {
    ([(SET_COOKIE, session_cookie(token, is_secure))], Redirect::to("/")).into_response()
}
