//! What can be started, who asks, and how things stand.

use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::context::{answer, backend};
use super::json::Json;
use crate::model::{Catalogue, Problem};

/// The name of the signed-in user.
///
/// # Errors
/// The server's problem; 401 without a session.
#[server(prefix = "/api/ui", endpoint = "get_user_name", input = Json, output = Json)]
pub async fn get_user_name() -> Result<String, Problem> {
    Ok(backend()?.user_name())
}

/// Every script of every project.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "list_scripts", input = Json, output = Json)]
pub async fn list_scripts() -> Result<Catalogue, Problem> {
    answer(backend()?.list_scripts().await)
}

/// The overview of the start page, as HTML of the server's own making.
///
/// # Errors
/// The server's problem.
#[server(prefix = "/api/ui", endpoint = "overview", input = Json, output = Json)]
pub async fn overview() -> Result<String, Problem> {
    let overview = answer(backend()?.overview().await)?;
    Ok(crate::report::render_overview(&overview))
}
