//! `/api/tokens`.

use app::model::{NewToken, TokenList, TokenMade};
use axum::Json;
use axum::http::StatusCode;

use crate::http::extract::{Body, Key, Who};
use crate::service::ServiceError;

/// `GET /api/tokens`: one's own; with `admin`, everybody's.
#[utoipa::path(
    get,
    path = "/api/tokens",
    tag = "tokens",
    responses((status = 200, description = "newest first", body = TokenList)),
)]
pub(in crate::http) async fn list(Who(caller): Who) -> Json<TokenList> {
    Json(caller.list_tokens())
}

/// `POST /api/tokens`: a new one, shown this once.
#[utoipa::path(
    post,
    path = "/api/tokens",
    tag = "tokens",
    request_body = NewToken,
    responses((status = 201, description = "shown this once", body = TokenMade)),
)]
pub(in crate::http) async fn create(
    Who(caller): Who,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<TokenMade>), ServiceError> {
    Ok((StatusCode::CREATED, Json(caller.create_token(new).await?)))
}

/// `DELETE /api/tokens/:id`: takes one back.
#[utoipa::path(
    delete,
    path = "/api/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "the id of the token")),
    responses((status = 204, description = "it is good for nothing any more")),
)]
pub(in crate::http) async fn revoke(
    Who(caller): Who,
    Key(id): Key,
) -> Result<StatusCode, ServiceError> {
    caller.revoke_token(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
