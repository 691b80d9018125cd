//! Errors as `application/problem+json`.
//!
//! A handler returns `Result<_, ServiceError>` whatever went wrong; this is where it becomes an
//! answer, and where what is the server's own fault is logged, once.

use std::any::Any;

use app::model::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::service::ServiceError;

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        if self.status >= 500 {
            tracing::error!(code = self.code, detail = self.detail, "a request failed");
        }
        let retry_after = self.retry_after_s;
        let mut response = answer(&self.into());
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if response.status() == StatusCode::REQUEST_TIMEOUT {
            // What is left of the body would be taken for the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A problem as an answer.
pub(super) fn answer(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// The body limit answers in plain text; whoever asks expects a problem.
pub(super) async fn from_body_limit(response: Response) -> Response {
    let is_problem = |value: &HeaderValue| value == "application/problem+json";
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE
        && !response.headers().get(header::CONTENT_TYPE).is_some_and(is_problem)
    {
        return ServiceError::body_too_large().into_response();
    }
    response
}

/// A handler panicked: the others go on, and the one who asked is told.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub(super) fn from_panic(panic: Box<dyn Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(panic = words, "a handler panicked");
    ServiceError::new(500, "internal", "something inside went wrong; it is in the server's log")
        .into_response()
}
