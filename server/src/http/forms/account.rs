//! `/account`.

use app::admin::{AccountPage, Notice, render_account};
use app::model::PasswordChange;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::super::AppState;
use super::super::extract::{Fields, Who};
use super::{done, frame, html, refusal};
use crate::service::{Caller, ServiceError};

/// The form of a new password. `username` is there for password managers.
#[derive(Deserialize)]
pub(in crate::http) struct PasswordForm {
    #[serde(default)]
    current: Option<String>,
    new: String,
}

/// `GET /account`.
pub(in crate::http) async fn show(State(state): State<AppState>, Who(caller): Who) -> Response {
    page(&state, &caller, StatusCode::OK, None)
}

/// `POST /account/password`.
pub(in crate::http) async fn change_password(
    State(state): State<AppState>,
    Who(caller): Who,
    Fields(PasswordForm { current, new }): Fields<PasswordForm>,
) -> Response {
    match caller.change_password(PasswordChange { current, new }).await {
        Ok(()) => {
            let words = "Your password was changed.".to_owned();
            page(&state, &caller, StatusCode::OK, Some(Notice::Done(words)))
        }
        Err(error) => {
            let (status, notice) = refusal(&error);
            page(&state, &caller, status, notice)
        }
    }
}

/// `POST /account/sign-out`: everywhere but here.
pub(in crate::http) async fn sign_out_elsewhere(
    Who(caller): Who,
) -> Result<Response, ServiceError> {
    caller.end_own_sessions(true).await?;
    Ok(done("/sessions"))
}

fn page(state: &AppState, caller: &Caller, status: StatusCode, notice: Option<Notice>) -> Response {
    let frame = frame(state, caller, notice);
    let is_person = frame.me.via == "session";
    html(status, frame, |frame| render_account(AccountPage { frame, is_person }))
}
