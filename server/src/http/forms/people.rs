//! `/people`.

use app::admin::{Notice, PeoplePage, render_people};
use app::model::{NewUser, UserChange};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::AppState;
use super::super::extract::{Fields, Key, Who};
use super::{done, frame, html, refusal};
use crate::service::{Caller, ServiceError};

/// The form of somebody new.
#[derive(Deserialize)]
pub(in crate::http) struct NewUserForm {
    name: String,
    role: String,
    password: String,
}

/// What is done to somebody; `act` is the button that was pressed.
#[derive(Deserialize)]
pub(in crate::http) struct ChangeForm {
    act: Act,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    Role,
    Password,
    KeepOut,
    LetIn,
    Delete,
}

/// `GET /people`.
pub(in crate::http) async fn show(State(state): State<AppState>, Who(caller): Who) -> Response {
    page(&state, &caller, StatusCode::OK, None).await
}

/// `POST /people`: adds somebody.
pub(in crate::http) async fn create(
    State(state): State<AppState>,
    Who(caller): Who,
    Fields(NewUserForm { name, role, password }): Fields<NewUserForm>,
) -> Response {
    let made = caller.create_user(NewUser { name, role, password }).await;
    answer(&state, &caller, made.map(|_| ())).await
}

/// `POST /people/:id`.
pub(in crate::http) async fn change(
    State(state): State<AppState>,
    Who(caller): Who,
    Key(id): Key,
    Fields(form): Fields<ChangeForm>,
) -> Response {
    let change = match form.act {
        Act::Role => UserChange { role: form.role, ..UserChange::default() },
        Act::Password => UserChange { password: form.password, ..UserChange::default() },
        Act::KeepOut => UserChange { is_disabled: Some(true), ..UserChange::default() },
        Act::LetIn => UserChange { is_disabled: Some(false), ..UserChange::default() },
        Act::Delete => {
            let deleted = caller.delete_user(&id).await;
            return answer(&state, &caller, deleted).await;
        }
    };
    let changed = caller.change_user(&id, change).await;
    answer(&state, &caller, changed.map(|_| ())).await
}

async fn answer(state: &AppState, caller: &Caller, result: Result<(), ServiceError>) -> Response {
    match result {
        Ok(()) => done("/people"),
        Err(error) => {
            let (status, notice) = refusal(&error);
            page(state, caller, status, notice).await
        }
    }
}

async fn page(
    state: &AppState,
    caller: &Caller,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let lists = async { Ok((caller.list_users().await?.users, caller.list_roles().await?.roles)) };
    match lists.await {
        Ok((users, roles)) => html(status, frame(state, caller, notice), |frame| {
            render_people(PeoplePage { frame, users, roles })
        }),
        Err::<_, ServiceError>(error) => error.into_response(),
    }
}
