//! `/api/scripts`.

use app::model::Catalogue;
use axum::Json;

use crate::http::extract::Who;
use crate::service::ServiceError;

/// `GET /api/scripts`: everything startable, by project.
pub(in crate::http) async fn list(Who(caller): Who) -> Result<Json<Catalogue>, ServiceError> {
    Ok(Json(caller.list_scripts()?))
}
