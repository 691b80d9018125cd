//! The audit: writing a line for each act, and reading them.

mod export;
mod params;

use std::time::Duration;

use app::model::{AuditEntry, AuditPage, Process, ProcessId, Verb};

pub use export::{AuditExportParams, AuditFormat, AuditWalk};
pub use params::AuditParams;

use super::{Caller, Service, ServiceError};
use crate::auth::Target;
use crate::store::{AuditLine, AuditRecord, Change};

/// Lines read at a time.
const READ: u32 = 500;
/// Lines that one request looks at: a search for what is nowhere must not read for minutes.
const MOST_LOOKED_AT: usize = 100_000;
/// Lines in one answer.
const MOST: u32 = 10_000;

/// An answer waits so long for its line.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// What an act was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) target: String,
    pub(super) project: String,
    pub(super) script: String,
    pub(super) process_id: String,
    pub(super) attempt: Option<u32>,
}

impl About {
    /// Something that is no process.
    pub(super) fn thing(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }

    /// A script that is not a process yet.
    pub(super) fn script(project: &str, script: &str) -> Self {
        let (project, script) = (project.to_owned(), script.to_owned());
        Self { target: script.clone(), project, script, ..Self::default() }
    }
}

impl From<&Process> for About {
    fn from(process: &Process) -> Self {
        Self {
            target: process.id.0.clone(),
            project: process.project.clone(),
            script: process.script.clone(),
            process_id: process.id.0.clone(),
            attempt: process.attempts.last().map(|attempt| attempt.n),
        }
    }
}

impl From<&ProcessId> for About {
    fn from(id: &ProcessId) -> Self {
        Self { target: id.0.clone(), process_id: id.0.clone(), ..Self::default() }
    }
}

impl Caller {
    /// The audit as far as one may see it, newest first: all of it with `admin`, else one's own acts
    /// and what was done to the processes and scripts that one may see.
    ///
    /// # Errors
    /// 400 when the query does not fit.
    pub async fn audit_page(&self, params: &AuditParams) -> Result<AuditPage, ServiceError> {
        let limit = params.limit.unwrap_or(100);
        if !(1..=MOST).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to {MOST}");
            return Err(ServiceError::bad_request(detail));
        }
        params.check()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut cursor = params.cursor.unwrap_or(i64::MAX);
        let mut page = AuditPage::default();
        let mut looked_at = 0;
        loop {
            let lines = self.service().directory.store().audit_before(cursor, READ).await?;
            if lines.is_empty() {
                return Ok(page);
            }
            for line in lines {
                if params.is_beyond(&line) {
                    return Ok(page);
                }
                cursor = line.id;
                looked_at += 1;
                if self.may_see_line(&line.record) && params.fits(&line) {
                    page.lines.push(entry(line));
                }
                if page.lines.len() == limit {
                    page.next_cursor = Some(cursor);
                    return Ok(page);
                }
            }
            if looked_at >= MOST_LOOKED_AT {
                page.next_cursor = Some(cursor);
                return Ok(page);
            }
        }
    }

    fn may_see_line(&self, record: &AuditRecord) -> bool {
        let AuditRecord { project, script, actor_id, .. } = record;
        let is_about_a_script = !project.is_empty() && !script.is_empty();
        self.access().allows(Verb::Admin, Target::System)
            || (is_about_a_script
                && self.access().allows(Verb::View, Target::Script { project, script }))
            || (!is_about_a_script && self.own_id().is_some_and(|id| id == actor_id))
    }

    /// A line about an act of this caller.
    pub(super) fn record(
        &self,
        action: &str,
        about: About,
        outcome: &str,
        detail: String,
    ) -> AuditRecord {
        let who = self.who();
        AuditRecord {
            actor_id: who.user_id.clone().unwrap_or_default(),
            via: who.identity.via.as_str().to_owned(),
            address: who.peer.address.clone(),
            ..self.service().audit_record(self.name(), action, about, outcome, detail)
        }
    }

    /// Adds a line about an act of this caller.
    pub(super) async fn audit(&self, action: &str, about: About, outcome: &str, detail: String) {
        self.service().audit(self.record(action, about, outcome, detail)).await;
    }

    /// Adds a line about an act and how it went.
    pub(super) async fn audited<T>(
        &self,
        action: &str,
        about: About,
        detail: &str,
        result: Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let (outcome, detail) = match &result {
            Ok(_) => ("ok", detail.to_owned()),
            Err(error) => (error.code, error.detail.clone()),
        };
        self.audit(action, about, outcome, detail).await;
        result
    }
}

impl Service {
    /// A line about an act of `actor`.
    pub(super) fn audit_record(
        &self,
        actor: &str,
        action: &str,
        about: About,
        outcome: &str,
        detail: String,
    ) -> AuditRecord {
        let About { target, project, script, process_id, attempt } = about;
        AuditRecord {
            at: self.clock.now_ms(),
            actor: actor.into(),
            action: action.into(),
            target,
            project,
            script,
            process_id,
            attempt,
            outcome: outcome.into(),
            detail,
            ..AuditRecord::default()
        }
    }

    /// Adds a line to the audit, before the act is answered. It is not undone because its line cannot
    /// be written, and while the database is away the answer does not wait for it for long: the
    /// writer keeps the line, and goes on trying.
    pub(super) async fn audit(&self, record: AuditRecord) {
        let written = self.writer.submit(vec![Change::Audit(record)]);
        match tokio::time::timeout(WRITTEN_WITHIN, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a line of the audit cannot be written"),
            Err(_) => tracing::warn!("a line of the audit is not written yet"),
        }
    }

    /// Removes lines that are older than `keep_days`, and says so in the audit.
    pub(super) async fn prune_audit(&self, keep_days: u32) {
        let oldest = self.clock.now_ms() - i64::from(keep_days) * 86_400_000;
        match self.directory.store().prune_audit(oldest).await {
            Ok(0) => {}
            Ok(count) => {
                let detail = format!("{count} lines were older than audit.keep_days");
                let about = About::thing("audit");
                self.audit(self.audit_record("runyard", "audit.prune", about, "ok", detail)).await;
            }
            Err(error) => tracing::warn!(%error, "old lines of the audit cannot be removed"),
        }
    }
}

fn entry(line: AuditLine) -> AuditEntry {
    let AuditLine { id, record, pid, exit_code, signal, hash } = line;
    let AuditRecord { at, actor, actor_id, via, address, action, target, .. } = record;
    let AuditRecord { project, script, process_id, attempt, outcome, detail, .. } = record;
    AuditEntry {
        id,
        at,
        actor,
        actor_id,
        via,
        address,
        action,
        target,
        project,
        script,
        process_id,
        attempt,
        pid,
        exit_code,
        signal,
        outcome,
        detail,
        hash,
    }
}
