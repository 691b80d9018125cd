//! `/api/users`, `/api/roles` and `/api/me`.

use app::model::{Me, NewUser, PasswordChange, RoleList, User, UserChange, UserList};
use axum::Json;
use axum::http::StatusCode;

use crate::http::extract::{Body, Key, Who};
use crate::service::ServiceError;

/// `GET /api/me`: who asks, and what they may do.
pub(in crate::http) async fn me(Who(caller): Who) -> Json<Me> {
    Json(caller.me())
}

/// `POST /api/me/password`: another password of one's own; other sessions end.
pub(in crate::http) async fn change_password(
    Who(caller): Who,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, ServiceError> {
    caller.change_password(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/roles`: every role and its rules.
pub(in crate::http) async fn list_roles(Who(caller): Who) -> Result<Json<RoleList>, ServiceError> {
    Ok(Json(caller.list_roles().await?))
}

/// `GET /api/users`: everybody.
pub(in crate::http) async fn list(Who(caller): Who) -> Result<Json<UserList>, ServiceError> {
    Ok(Json(caller.list_users().await?))
}

/// `POST /api/users`: adds somebody.
pub(in crate::http) async fn create(
    Who(caller): Who,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<User>), ServiceError> {
    Ok((StatusCode::CREATED, Json(caller.create_user(new).await?)))
}

/// `PATCH /api/users/:id`: another role or password, or kept out.
pub(in crate::http) async fn change(
    Who(caller): Who,
    Key(id): Key,
    Body(change): Body<UserChange>,
) -> Result<Json<User>, ServiceError> {
    Ok(Json(caller.change_user(&id, change).await?))
}

/// `DELETE /api/users/:id`: removes somebody, with their sessions and tokens.
pub(in crate::http) async fn delete(
    Who(caller): Who,
    Key(id): Key,
) -> Result<StatusCode, ServiceError> {
    caller.delete_user(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
