//! The pages of administration and all forms: plain HTML over the same use-cases as REST.
//!
//! A form is answered by the page it stands on: by going there again when it was done, and with the
//! refusal on it when it was not. The guard has looked at where it comes from.

use app::admin::{Frame, Notice};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::nonce::Nonce;

use super::{AppState, headers};
use crate::service::{Caller, ServiceError};

pub(super) mod account;
pub(super) mod audit;
pub(super) mod compare;
pub(super) mod people;
pub(super) mod processes;
pub(super) mod sessions;
pub(super) mod tokens;

/// What is around a page.
fn frame(state: &AppState, caller: &Caller, notice: Option<Notice>) -> Frame {
    let nonce = Nonce::new().to_string();
    Frame { me: caller.me(), styles: state.assets.plain_styles(), nonce, notice }
}

/// The answer with a page that `render` writes into the frame.
fn html(status: StatusCode, frame: Frame, render: impl FnOnce(Frame) -> String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, headers::policy(&frame.nonce)),
    ];
    (status, headers, render(frame)).into_response()
}

/// What a page says of a refusal, and with which status.
fn refusal(error: &ServiceError) -> (StatusCode, Option<Notice>) {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Some(Notice::Refused(error.detail.clone())))
}

/// Back to a page, so that loading it again does not send the form again.
fn done(path: &str) -> Response {
    Redirect::to(path).into_response()
}
