//! `/api/logs/search`.

use app::model::Problem;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Json};
use futures_util::{StreamExt as _, TryStreamExt as _, pin_mut};

use crate::http::extract::{Params, Who};
use crate::http::stream::while_let_in;
use crate::service::{LogFormat, SearchEvent, SearchParams, SearchResult, ServiceError};

/// `GET /api/logs/search`: lines that have a text, the newest first. As NDJSON they are sent as they
/// are found, and the search ends when the client goes away.
#[utoipa::path(
    get,
    path = "/api/logs/search",
    tag = "logs",
    params(SearchParams),
    responses(
        (status = 200, description = "the newest lines first", content(
            (SearchResult = "application/json"),
            (String = "application/x-ndjson"),
        )),
        (status = 404, description = "there is no process with that id", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(in crate::http) async fn search(
    Who(caller): Who,
    Params(params): Params<SearchParams>,
) -> Result<Response, ServiceError> {
    let events = caller.search_logs(&params).await?;
    let events = while_let_in(caller, events.map(Ok));
    match params.format {
        LogFormat::Ndjson => {
            let lines = events.map(|event| {
                let mut line = serde_json::to_vec(&event?)?;
                line.push(b'\n');
                Ok::<_, BoxError>(line)
            });
            let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
            Ok((headers, Body::from_stream(lines)).into_response())
        }
        LogFormat::Json => {
            let mut result = SearchResult::default();
            pin_mut!(events);
            while let Some(event) = events.try_next().await? {
                match event {
                    SearchEvent::Hit(hit) => result.hits.push(hit),
                    SearchEvent::End { matches, truncated, .. } => {
                        (result.matches, result.truncated) = (matches, truncated);
                    }
                    SearchEvent::Error(problem) => {
                        let Problem { status, detail, .. } = problem;
                        return Err(ServiceError::new(status, "search_failed", detail));
                    }
                    SearchEvent::Process(_) | SearchEvent::Progress { .. } => {}
                }
            }
            Ok(Json(result).into_response())
        }
        LogFormat::Text => Err(ServiceError::bad_request("a search is format=json or ndjson")),
    }
}
