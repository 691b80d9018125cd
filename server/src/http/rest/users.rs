//! `/api/users`, `/api/roles` and `/api/me`.

use app::model::{Me, NewUser, PasswordChange, RoleList, User, UserChange, UserList};
use axum::Json;
use axum::http::StatusCode;

use crate::http::extract::{Body, Key, Who};
use crate::service::ServiceError;

/// `GET /api/me`: who asks, and what they may do.
#[utoipa::path(
    get,
    path = "/api/me",
    tag = "people",
    responses((status = 200, description = "name, role, and what may be done", body = Me)),
)]
pub(in crate::http) async fn me(Who(caller): Who) -> Json<Me> {
    Json(caller.me())
}

/// `POST /api/me/password`: another password of one's own; other sessions end.
#[utoipa::path(
    post,
    path = "/api/me/password",
    tag = "people",
    request_body = PasswordChange,
    responses((status = 204, description = "it was changed; other sessions ended")),
)]
pub(in crate::http) async fn change_password(
    Who(caller): Who,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, ServiceError> {
    caller.change_password(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/roles`: every role and its rules.
#[utoipa::path(
    get,
    path = "/api/roles",
    tag = "people",
    responses((status = 200, description = "by name", body = RoleList)),
)]
pub(in crate::http) async fn list_roles(Who(caller): Who) -> Result<Json<RoleList>, ServiceError> {
    Ok(Json(caller.list_roles().await?))
}

/// `GET /api/users`: everybody.
#[utoipa::path(
    get,
    path = "/api/users",
    tag = "people",
    responses((status = 200, description = "by name", body = UserList)),
)]
pub(in crate::http) async fn list(Who(caller): Who) -> Result<Json<UserList>, ServiceError> {
    Ok(Json(caller.list_users().await?))
}

/// `POST /api/users`: adds somebody.
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "people",
    request_body = NewUser,
    responses((status = 201, description = "they may come in", body = User)),
)]
pub(in crate::http) async fn create(
    Who(caller): Who,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<User>), ServiceError> {
    Ok((StatusCode::CREATED, Json(caller.create_user(new).await?)))
}

/// `PATCH /api/users/:id`: another role or password, or kept out.
#[utoipa::path(
    patch,
    path = "/api/users/{id}",
    tag = "people",
    params(("id" = String, Path, description = "the id of the person")),
    request_body = UserChange,
    responses((status = 200, description = "as they are now", body = User)),
)]
pub(in crate::http) async fn change(
    Who(caller): Who,
    Key(id): Key,
    Body(change): Body<UserChange>,
) -> Result<Json<User>, ServiceError> {
    Ok(Json(caller.change_user(&id, change).await?))
}

/// `DELETE /api/users/:id`: removes somebody, with their sessions and tokens.
#[utoipa::path(
    delete,
    path = "/api/users/{id}",
    tag = "people",
    params(("id" = String, Path, description = "the id of the person")),
    responses((status = 204, description = "gone, with sessions and tokens")),
)]
pub(in crate::http) async fn delete(
    Who(caller): Who,
    Key(id): Key,
) -> Result<StatusCode, ServiceError> {
    caller.delete_user(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
