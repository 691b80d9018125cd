//! `/api/audit/export`: a file that is written while it is read.

use app::model::AuditEntry;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::http::extract::{Params, Who};
use crate::http::stream::while_let_in;
use crate::service::{AuditExportParams, AuditFormat, AuditWalk, ServiceError};

/// An export, and what was written of it.
struct Writing {
    walk: AuditWalk,
    format: AuditFormat,
    has_begun: bool,
    is_over: bool,
}

/// `GET /api/audit/export`: all of what was done that the query wants, as far as one may see it, newest
/// first. One that breaks off, as when the token that asks is taken back, has no end: the connection is cut.
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
        AuditFormat::Csv => ("text/csv; charset=utf-8", "audit.csv"),
        AuditFormat::Json => ("application/json", "audit.json"),
        AuditFormat::Ndjson => ("application/x-ndjson", "audit.ndjson"),
    };
    let walk = caller.clone().export_audit(params)?;
    let writing = Writing { walk, format, has_begun: false, is_over: false };
    let parts = stream::try_unfold(writing, |mut writing| async move {
        let part = writing.next().await?;
        Ok::<_, ServiceError>(part.map(|part| (part, writing)))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(while_let_in(caller, parts))).into_response())
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
            AuditFormat::Csv => to_csv(lines, is_first),
            AuditFormat::Ndjson => to_lines(lines),
            AuditFormat::Json => {
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

const HEADINGS: [&str; 18] = [
    "id", "at", "actor", "actorId", "via", "address", "action", "target", "project", "script",
    "process", "attempt", "pid", "exitCode", "signal", "outcome", "detail", "hash",
];

fn to_json(line: &AuditEntry) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(line).map_err(unwritable)
}

fn to_lines(lines: &[AuditEntry]) -> Result<Vec<u8>, ServiceError> {
    let mut body = Vec::new();
    for line in lines {
        body.append(&mut to_json(line)?);
        body.push(b'\n');
    }
    Ok(body)
}

fn to_csv(lines: &[AuditEntry], has_headings: bool) -> Result<Vec<u8>, ServiceError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if has_headings {
        writer.write_record(HEADINGS).map_err(unwritable)?;
    }
    for line in lines {
        writer.write_record(record(line)).map_err(unwritable)?;
    }
    writer.into_inner().map_err(unwritable)
}

fn record(line: &AuditEntry) -> [String; 18] {
    let number = |number: Option<i64>| number.map_or_else(String::new, |n| n.to_string());
    [
        line.id.to_string(),
        line.at.to_string(),
        plain(&line.actor),
        plain(&line.actor_id),
        plain(&line.via),
        plain(&line.address),
        plain(&line.action),
        plain(&line.target),
        plain(&line.project),
        plain(&line.script),
        plain(&line.process_id),
        number(line.attempt.map(i64::from)),
        number(line.pid.map(i64::from)),
        number(line.exit_code.map(i64::from)),
        plain(line.signal.as_deref().unwrap_or_default()),
        plain(&line.outcome),
        plain(&line.detail),
        line.hash.clone(),
    ]
}

/// A text that a spreadsheet does not take for a formula.
fn plain(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

fn unwritable(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::new(500, "internal", format!("the audit cannot be written out: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_formula_or_another_column() {
        for (text, expected) in
            [("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"), ("-1", "'-1"), ("a=b", "a=b"), ("", "")]
        {
            assert_eq!(plain(text), expected);
        }
    }
}
