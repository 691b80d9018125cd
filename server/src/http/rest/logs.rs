//! `/api/processes/:id/logs` and what stands below it.

use app::model::{Entry, LogPage, Timeline};
use axum::Json;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::{Id, Params, Who};
use crate::http::stream::while_let_in;
use crate::logs::read::Page;
use crate::logs::terminal::tame;
use crate::service::{DownloadParams, LogFormat, LogParams, ServiceError};

/// `GET /api/processes/:id/logs`: a page in the asked format.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/logs",
    tag = "logs",
    params(("id" = String, Path, description = "the id of the process"), LogParams),
    responses((status = 200, description = "a page", content(
        (LogPage = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/plain"),
    ))),
)]
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
                write_json(&mut body, &entry)?;
                body.push(b'\n');
            }
            ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
        }
        LogFormat::Text => {
            let mut body = String::new();
            for entry in page.entries()? {
                body.push_str(&tame(&entry.line));
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

/// The query of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TimelineParams {
    /// At most so many spans, 1 to 1,000; 120 when nothing is said. A log of few milliseconds has fewer.
    buckets: Option<usize>,
}

/// `GET /api/processes/:id/logs/timeline`: how much the log said over time.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/logs/timeline",
    tag = "logs",
    params(("id" = String, Path, description = "the id of the process"), TimelineParams),
    responses((status = 200, description = "how much it said over time", body = Timeline)),
)]
pub(in crate::http) async fn timeline(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<TimelineParams>,
) -> Result<Json<Timeline>, ServiceError> {
    Ok(Json(caller.log_timeline(&id, params.buckets).await?))
}

/// `GET /api/processes/:id/logs/download`: all of it, or what the query wants, as a file that is
/// written while it is read. One that breaks off has no end: the connection is cut.
#[utoipa::path(
    get,
    path = "/api/processes/{id}/logs/download",
    tag = "logs",
    params(("id" = String, Path, description = "the id of the process"), DownloadParams),
    responses((status = 200, description = "a file", content(
        (String = "text/plain"),
        (String = "application/x-ndjson"),
    ))),
)]
pub(in crate::http) async fn download(
    Who(caller): Who,
    Id(id): Id,
    Params(params): Params<DownloadParams>,
) -> Result<Response, ServiceError> {
    let (script, walk) = caller.walk_log(&id, &params).await?;
    let format = params.format.unwrap_or(LogFormat::Text);
    let (kind, end) = match format {
        LogFormat::Text => ("text/plain; charset=utf-8", "log"),
        LogFormat::Ndjson => ("application/x-ndjson", "ndjson"),
        LogFormat::Json => {
            return Err(ServiceError::bad_request("a download is format=text or format=ndjson"));
        }
    };
    let name: String =
        script.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let disposition = format!("attachment; filename=\"{name}-{}.{end}\"", id.short());
    let parts = stream::try_unfold((walk, params.plain), move |(mut walk, plain)| async move {
        let Some(entries) = walk.next().await? else { return Ok(None) };
        let part = write_entries(entries, format, plain)?;
        Ok::<_, ServiceError>(Some((part, (walk, plain))))
    });
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(while_let_in(caller, parts))).into_response())
}

fn write_entries(
    entries: Vec<Entry>,
    format: LogFormat,
    plain: bool,
) -> Result<Vec<u8>, ServiceError> {
    let mut part = Vec::new();
    for mut entry in entries {
        if plain {
            entry.line = anstream::adapter::strip_str(&entry.line).to_string();
        }
        if format == LogFormat::Text {
            part.extend_from_slice(tame(&entry.line).as_bytes());
        } else {
            write_json(&mut part, &entry)?;
        }
        // What goes on in the next entry is one line in a text.
        if format != LogFormat::Text || !entry.continued {
            part.push(b'\n');
        }
    }
    Ok(part)
}

fn write_json(out: &mut Vec<u8>, entry: &Entry) -> Result<(), ServiceError> {
    serde_json::to_writer(out, entry).map_err(|error| {
        ServiceError::new(500, "internal", format!("an entry cannot be written: {error}"))
    })
}
