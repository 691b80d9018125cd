//! The REST door: one file per noun.

pub(super) mod audit;
pub(super) mod audit_export;
pub(super) mod declared;
pub(super) mod health;
pub(super) mod logs;
pub(super) mod processes;
pub(super) mod scripts;
pub(super) mod search;
pub(super) mod sessions;
pub(super) mod tokens;
pub(super) mod users;

use axum::http::Uri;

use crate::service::ServiceError;

/// Any other path below `/api`.
pub(super) async fn unknown(uri: Uri) -> ServiceError {
    ServiceError::new(404, "not_found", format!("there is no {} in the API", uri.path()))
}
