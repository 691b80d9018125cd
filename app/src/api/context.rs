//! What a server function finds around it: the backend of the one who asks, and the response.

use http::StatusCode;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::BackendRef;
use crate::model::Problem;

/// The backend of this request.
///
/// # Errors
/// `no_backend` when the server did not provide one.
pub(super) fn backend() -> Result<BackendRef, Problem> {
    use_context::<BackendRef>()
        .ok_or_else(|| Problem::new(500, "no_backend", "this request was given no backend"))
}

/// Gives the response the status of the problem, and hands the result on.
pub(super) fn answer<T>(result: Result<T, Problem>) -> Result<T, Problem> {
    if let (Err(problem), Some(response)) = (&result, use_context::<ResponseOptions>())
        && let Ok(status) = StatusCode::from_u16(problem.status)
    {
        response.set_status(status);
    }
    result
}
