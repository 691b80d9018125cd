//! What is wanted of the audit.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::ServiceError;
use crate::store::{AuditLine, AuditRecord, PROCESS_END};

/// The query of `GET /api/audit`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    /// Text in any part of a line, without case.
    pub q: Option<String>,
    /// Only acts of this name.
    pub actor: Option<String>,
    /// Only acts whose name begins with this: `process`, `session.create`.
    pub action: Option<String>,
    /// `ok`, or `refused` for all that were not.
    pub outcome: Option<String>,
    /// Only acts on this process.
    pub process: Option<String>,
    /// Only acts at this time (milliseconds since the epoch) or later.
    pub since: Option<i64>,
    /// Only acts before this time.
    pub before: Option<i64>,
    /// `nextCursor` of the page before.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 10,000; 100 when nothing is said.
    pub limit: Option<u32>,
}

/// Lines stand in the order of their times, but for clocks that were set back by so much.
const CLOCK_SLACK_MS: i64 = 3_600_000;

impl AuditParams {
    /// Whether the query can be answered.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        match self.outcome.as_deref() {
            None | Some("" | "ok" | "refused") => Ok(()),
            Some(_) => Err(ServiceError::bad_request("outcome must be ok or refused")),
        }
    }

    /// Whether neither this line nor one behind it can be wanted.
    pub(super) fn is_beyond(&self, line: &AuditLine) -> bool {
        self.since.is_some_and(|since| line.record.at < since.saturating_sub(CLOCK_SLACK_MS))
    }

    /// Whether a line is wanted.
    pub(super) fn fits(&self, line: &AuditLine) -> bool {
        let record = &line.record;
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.is_empty() || wanted == value)
        };
        let has_text = |q: &String| {
            let AuditRecord { actor, address, action, target, .. } = record;
            let AuditRecord { project, script, process_id, outcome, detail, .. } = record;
            let wanted = q.to_lowercase();
            [actor, address, action, target, project, script, process_id, outcome, detail]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let is_ok = record.outcome == "ok";
        is(&self.actor, &record.actor)
            && is(&self.process, &record.process_id)
            && self.action.as_ref().is_none_or(|action| record.action.starts_with(action.as_str()))
            && match self.outcome.as_deref() {
                // An end is neither: it tells what came of what was ok.
                Some("refused") => !is_ok && record.action != PROCESS_END,
                Some("ok") => is_ok,
                _ => true,
            }
            && self.since.is_none_or(|since| record.at >= since)
            && self.before.is_none_or(|before| record.at < before)
            && self.q.as_ref().is_none_or(|q| q.is_empty() || has_text(q))
    }
}
