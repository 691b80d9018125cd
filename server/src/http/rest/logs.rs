//! `/api/processes/:id/logs` and `/api/logs/search`.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::http::extract::{Id, Params, Who};
use crate::logs::read::Page;
use crate::logs::search::SearchResult;
use crate::service::{LogFormat, LogParams, SearchParams, ServiceError};

/// `GET /api/processes/:id/logs`: a page in the asked format.
pub(in crate::http) async fn read(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<LogParams>,
) -> Result<Response, ServiceError> {
    let page = caller.read_log(&id, &params).await?;
    Ok(match params.format {
        LogFormat::Json => {
            let next_after = page.last_idx.or(params.after);
            ([(header::CONTENT_TYPE, "application/json")], to_json(&page, next_after))
                .into_response()
        }
        LogFormat::Ndjson => {
            let mut body = Vec::new();
            for entry in page.entries()? {
                serde_json::to_writer(&mut body, &entry).map_err(|error| {
                    ServiceError::new(
                        500,
                        "internal",
                        format!("an entry cannot be written: {error}"),
                    )
                })?;
                body.push(b'\n');
            }
            ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
        }
        LogFormat::Text => {
            let mut body = String::new();
            for entry in page.entries()? {
                body.push_str(&entry.line);
                if !entry.continued {
                    body.push('\n');
                }
            }
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
        }
    })
}

/// The entries are JSON already: they are only put together.
fn to_json(page: &Page, next_after: Option<i64>) -> Vec<u8> {
    let size: usize = page.parts.iter().map(|part| part.len() + 1).sum();
    let mut body = Vec::with_capacity(size + 48);
    body.extend_from_slice(b"{\"entries\":");
    page.write_array(&mut body);
    body.extend_from_slice(b",\"nextAfter\":");
    match next_after {
        Some(idx) => body.extend_from_slice(idx.to_string().as_bytes()),
        None => body.extend_from_slice(b"null"),
    }
    body.push(b'}');
    body
}

/// `GET /api/logs/search`: lines that contain a text, newest process first.
pub(in crate::http) async fn search(
    Who(caller): Who,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchResult>, ServiceError> {
    Ok(Json(caller.search_logs(&params).await?))
}
