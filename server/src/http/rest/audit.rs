//! `/api/audit`.

use app::model::{AuditEntry, AuditPage};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::extract::{Params, Who};
use crate::service::{AuditFormat, AuditParams, ServiceError};

/// Where the next page begins, for the formats that have no room for it.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// `GET /api/audit`: what was done, as far as one may see it, newest first.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "audit",
    params(AuditParams),
    responses((status = 200, description = "newest first", content(
        (AuditPage = "application/json"),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
    ))),
)]
pub(in crate::http) async fn list(
    Who(caller): Who,
    Params(params): Params<AuditParams>,
) -> Result<Response, ServiceError> {
    let page = caller.audit_page(&params).await?;
    let (kind, name, body) = match params.format {
        AuditFormat::Json => return Ok(Json(page).into_response()),
        AuditFormat::Ndjson => ("application/x-ndjson", "audit.ndjson", to_lines(&page.lines)?),
        AuditFormat::Csv => ("text/csv; charset=utf-8", "audit.csv", to_csv(&page.lines, true)?),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    let mut response = (headers, body).into_response();
    if let Some(cursor) = page.next_cursor {
        response.headers_mut().insert(NEXT_CURSOR, HeaderValue::from(cursor));
    }
    Ok(response)
}

const HEADINGS: [&str; 17] = [
    "id", "at", "actor", "via", "address", "action", "target", "project", "script", "process",
    "attempt", "pid", "exitCode", "signal", "outcome", "detail", "hash",
];

pub(super) fn to_json(line: &AuditEntry) -> Result<Vec<u8>, ServiceError> {
    serde_json::to_vec(line).map_err(unwritable)
}

pub(super) fn to_lines(lines: &[AuditEntry]) -> Result<Vec<u8>, ServiceError> {
    let mut body = Vec::new();
    for line in lines {
        body.append(&mut to_json(line)?);
        body.push(b'\n');
    }
    Ok(body)
}

pub(super) fn to_csv(lines: &[AuditEntry], has_headings: bool) -> Result<Vec<u8>, ServiceError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if has_headings {
        writer.write_record(HEADINGS).map_err(unwritable)?;
    }
    for line in lines {
        writer.write_record(record(line)).map_err(unwritable)?;
    }
    writer.into_inner().map_err(unwritable)
}

fn record(line: &AuditEntry) -> [String; 17] {
    let number = |number: Option<i64>| number.map_or_else(String::new, |n| n.to_string());
    [
        line.id.to_string(),
        line.at.to_string(),
        plain(&line.actor),
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
