//! All of the audit that one may see, a few lines at a time: an export holds no more in memory,
//! however long the audit is.

use app::model::AuditEntry;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{AuditParams, READ, entry};
use crate::service::{Caller, ServiceError};

/// The query of `GET /api/audit/export`: as [`AuditParams`], for all there is. Its fields stand here again,
/// as what reads a query cannot read numbers through a flattened struct.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditExportParams {
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
    /// `csv` (default), `json` or `ndjson`.
    #[serde(default)]
    pub format: AuditFormat,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFormat {
    /// With a line of headings.
    #[default]
    Csv,
    /// One array.
    Json,
    /// A line of JSON each.
    Ndjson,
}

/// An export that is under way.
pub struct AuditWalk {
    caller: Caller,
    params: AuditParams,
    cursor: i64,
    is_over: bool,
}

impl AuditWalk {
    /// The next lines, newest first: at most a few hundred, and never none; `None` behind the last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<AuditEntry>>, ServiceError> {
        while !self.is_over {
            let store = self.caller.service().directory.store();
            let lines = store.audit_before(self.cursor, READ).await?;
            self.is_over = lines.is_empty();
            let mut wanted = Vec::new();
            for line in lines {
                self.cursor = line.id;
                if self.params.is_beyond(&line) {
                    self.is_over = true;
                    break;
                }
                if self.caller.may_see_line(&line.record) && self.params.fits(&line) {
                    wanted.push(entry(line));
                }
            }
            if !wanted.is_empty() {
                return Ok(Some(wanted));
            }
        }
        Ok(None)
    }
}

impl Caller {
    /// The audit as far as one may see it, newest first, to its end.
    ///
    /// # Errors
    /// 400 when the query does not fit.
    pub fn export_audit(self, params: AuditExportParams) -> Result<AuditWalk, ServiceError> {
        let AuditExportParams { q, actor, action, outcome, process, since, before, .. } = params;
        let params = AuditParams {
            q,
            actor,
            action,
            outcome,
            process,
            since,
            before,
            ..AuditParams::default()
        };
        params.check()?;
        Ok(AuditWalk { caller: self, params, cursor: i64::MAX, is_over: false })
    }
}
