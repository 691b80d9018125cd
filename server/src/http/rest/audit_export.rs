//! `/api/audit/export`: a file that is written while it is read.

use app::model::AuditEntry;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::audit::{to_csv, to_json, to_lines};
use crate::http::extract::{Params, Who};
use crate::service::{AuditExportFormat, AuditExportParams, AuditWalk, ServiceError};

/// An export, and what was written of it.
struct Writing {
    walk: AuditWalk,
    format: AuditExportFormat,
    has_begun: bool,
    is_over: bool,
}

/// `GET /api/audit/export`: all of what was done that the query wants, as far as one may see it, newest
/// first. One that breaks off has no end: the connection is cut.
#[utoipa::path(
    get,
    path = "/api/audit/export",
    tag = "audit",
    params(AuditExportParams),
    responses((status = 200, description = "a file", content(
        (String = "text/csv"),
        (Vec<AuditEntry> = "application/json"),
        (String = "application/x-ndjson"),
    ))),
)]
pub(in crate::http) async fn export(
    Who(caller): Who,
    Params(params): Params<AuditExportParams>,
) -> Result<Response, ServiceError> {
    let format = params.format;
    let (kind, name) = match format {
        AuditExportFormat::Csv => ("text/csv; charset=utf-8", "audit.csv"),
        AuditExportFormat::Json => ("application/json", "audit.json"),
        AuditExportFormat::Ndjson => ("application/x-ndjson", "audit.ndjson"),
    };
    let walk = caller.export_audit(params)?;
    let writing = Writing { walk, format, has_begun: false, is_over: false };
    let parts = stream::try_unfold(writing, |mut writing| async move {
        let part = writing.next().await?;
        Ok::<_, ServiceError>(part.map(|part| (part, writing)))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

impl Writing {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ServiceError> {
        if self.is_over {
            return Ok(None);
        }
        let lines = self.walk.next().await?;
        self.is_over = lines.is_none();
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        self.write(&lines.unwrap_or_default(), is_first).map(Some)
    }

    fn write(&self, lines: &[AuditEntry], is_first: bool) -> Result<Vec<u8>, ServiceError> {
        match self.format {
            AuditExportFormat::Csv => to_csv(lines, is_first),
            AuditExportFormat::Ndjson => to_lines(lines),
            AuditExportFormat::Json => {
                let mut part = Vec::new();
                for (n, line) in lines.iter().enumerate() {
                    let before: &[u8] = if is_first && n == 0 { b"[\n" } else { b",\n" };
                    part.extend_from_slice(before);
                    part.append(&mut to_json(line)?);
                }
                if self.is_over {
                    part.extend_from_slice(if is_first { b"[]\n" } else { b"\n]\n" });
                }
                Ok(part)
            }
        }
    }
}
