//! Signing in at a provider: the way there, and the way back.

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::AppState;
use crate::auth::{expired_sign_on_cookie, read_sign_on_cookie, session_cookie, sign_on_cookie};
use crate::service::{ProviderAnswer, ServiceError};

/// The session's cookie is not sent on a way that began at another site, so the first page is asked
/// for by a page of ours.
const WELCOME: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta http-equiv=\"refresh\" content=\"0;url=/\"><title>Signed in · Runyard</title>\
    <p>You are signed in. <a href=\"/\">Go on</a></p></html>";

/// The query of the way back.
#[derive(Debug, Deserialize)]
pub(super) struct BackParams {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// `GET /sign-in/oidc`: to the provider.
pub(super) async fn begin(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let peer = state.edge.peer(&extensions, &headers);
    let is_secure = state.edge.is_secure(&extensions, &headers);
    match state.service.begin_sign_on(&peer).await {
        Ok((url, kept)) => {
            ([(SET_COOKIE, sign_on_cookie(&kept, is_secure))], Redirect::to(&url)).into_response()
        }
        Err(error) => refuse(&error, is_secure),
    }
}

/// `GET /sign-in/callback`: back from it.
pub(super) async fn finish(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
    Query(params): Query<BackParams>,
) -> Response {
    let peer = state.edge.peer(&extensions, &headers);
    let is_secure = state.edge.is_secure(&extensions, &headers);
    let BackParams { code, state: given, error } = params;
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let kept = cookies.filter_map(|header| read_sign_on_cookie(header, is_secure)).next();
    let answer = ProviderAnswer { code, state: given, error };
    match state.service.finish_sign_on(kept.as_deref(), answer, &peer).await {
        Ok(token) => {
            let cookies = AppendHeaders([
                (SET_COOKIE, session_cookie(&token, is_secure)),
                (SET_COOKIE, expired_sign_on_cookie(is_secure)),
            ]);
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            (cookies, [(CONTENT_TYPE, html)], WELCOME).into_response()
        }
        Err(error) => refuse(&error, is_secure),
    }
}

/// To the provider, to sign out there. A form may lead nowhere else, not by a redirect either
/// (`form-action`), so a page of ours goes there.
pub(super) fn leave(url: &str) -> Response {
    let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Signed out · Runyard</title>\
         <p>You are signed out here. <a href=\"{url}\">Sign out at the provider, too</a></p></html>"
    );
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(CONTENT_TYPE, html)], page).into_response()
}

/// Back to the page that says how to get in, and why this was none.
fn refuse(error: &ServiceError, is_secure: bool) -> Response {
    let why = match (error.code, error.retry_after_s) {
        (_, Some(wait_s)) => format!("wait&s={wait_s}"),
        ("sign_on_role", _) => "role".to_owned(),
        ("sign_on_kept_out", _) => "out".to_owned(),
        ("sign_on_state", _) => "state".to_owned(),
        ("sign_on_unavailable" | "no_provider", _) => "unavailable".to_owned(),
        _ => "provider".to_owned(),
    };
    let cookie = [(SET_COOKIE, expired_sign_on_cookie(is_secure))];
    (cookie, Redirect::to(&format!("/sign-in?refused={why}"))).into_response()
}
