//! `/api/scripts`.

use app::model::Catalogue;
use axum::Json;

use crate::http::extract::Who;

/// `GET /api/scripts`: everything startable that one may see, by project.
#[utoipa::path(
    get,
    path = "/api/scripts",
    tag = "scripts",
    responses((status = 200, description = "by project", body = Catalogue)),
)]
pub(in crate::http) async fn list(Who(caller): Who) -> Json<Catalogue> {
    Json(caller.list_scripts())
}
