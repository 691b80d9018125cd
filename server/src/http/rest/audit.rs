//! `/api/audit`.

use app::model::AuditPage;
use axum::Json;

use crate::http::extract::{Params, Who};
use crate::service::{AuditParams, ServiceError};

/// `GET /api/audit`: what was done, as far as one may see it, newest first.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "audit",
    params(AuditParams),
    responses((status = 200, description = "newest first", body = AuditPage)),
)]
pub(in crate::http) async fn list(
    Who(caller): Who,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPage>, ServiceError> {
    caller.audit_page(&params).await.map(Json)
}
