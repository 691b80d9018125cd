//! `/api/audit`.

use axum::Json;
use serde::{Deserialize, Serialize};

use crate::http::extract::{Params, Who};
use crate::service::ServiceError;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AuditParams {
    before: Option<i64>,
    limit: Option<u32>,
}

/// One line: who did what, with which outcome.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Line {
    at: i64,
    actor: String,
    action: String,
    target: String,
    outcome: String,
    detail: String,
}

/// The answer, newest first.
#[derive(Debug, Serialize)]
pub(in crate::http) struct Lines {
    lines: Vec<Line>,
}

/// `GET /api/audit`.
pub(in crate::http) async fn list(
    Who(caller): Who,
    Params(params): Params<AuditParams>,
) -> Result<Json<Lines>, ServiceError> {
    let records = caller.audit_lines(params.before, params.limit).await?;
    let lines = records.into_iter().map(|record| Line {
        at: record.at,
        actor: record.actor,
        action: record.action,
        target: record.target,
        outcome: record.outcome,
        detail: record.detail,
    });
    Ok(Json(Lines { lines: lines.collect() }))
}
