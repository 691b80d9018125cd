//! What the tabs of a process show: its attempts, what it was started with, what was done to it.

use std::collections::BTreeMap;

use app::model::{AttemptPage, AuditPage, ProcessConfiguration, ProcessId, Verb};

use super::{AuditParams, Caller, ServiceError};
use crate::engine::EngineError;

/// A page's size when nothing is said, and its largest.
const DEFAULT_PAGE: u32 = 50;
const MAX_PAGE: u32 = 500;

impl Caller {
    /// A page of a process's attempts, newest first; those with a number below `before`.
    ///
    /// # Errors
    /// 404 when there is no such process, 400 when the limit does not fit.
    pub async fn list_attempts(
        &self,
        id: &ProcessId,
        before: Option<u32>,
        limit: Option<u32>,
    ) -> Result<AttemptPage, ServiceError> {
        let limit = limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to {MAX_PAGE}");
            return Err(ServiceError::bad_request(detail));
        }
        let before = before.unwrap_or(u32::MAX);
        let process = self.authorise_process(Verb::View, "process.view", id).await?;
        // The newest may be newer in memory.
        let stored = self.service().store.attempts(id, before, limit + 1).await?;
        let known = process.attempts.iter().filter(|attempt| attempt.n < before).cloned();
        let merged: BTreeMap<u32, _> =
            stored.into_iter().chain(known).map(|attempt| (attempt.n, attempt)).collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_last = merged.len() <= limit;
        let attempts: Vec<_> = merged.into_values().rev().take(limit).collect();
        let next_before = attempts.last().filter(|_| !is_last).map(|attempt| attempt.n);
        Ok(AttemptPage { attempts, next_before })
    }

    /// What the newest attempt was started with, without what may be a secret.
    ///
    /// # Errors
    /// 404 when there is no such process.
    pub async fn process_configuration(
        &self,
        id: &ProcessId,
    ) -> Result<ProcessConfiguration, ServiceError> {
        let process = self.authorise_process(Verb::View, "process.view", id).await?;
        let record = self.service().store.get_process(id).await?;
        let record = record.ok_or_else(|| EngineError::NotFound(id.clone()))?;
        let plan = self.service().engine.plan_of(&record)?;
        let newest = process.attempts.last();
        let config_hash = newest.and_then(|attempt| attempt.config_hash.clone());
        Ok(ProcessConfiguration { config_hash, ..plan.describe() })
    }

    /// What the audit says of a process, newest first, from `cursor` on.
    ///
    /// # Errors
    /// 404 when there is no such process.
    pub async fn process_audit(
        &self,
        id: &ProcessId,
        cursor: Option<i64>,
    ) -> Result<AuditPage, ServiceError> {
        let process = self.authorise_process(Verb::View, "process.view", id).await?;
        let params = AuditParams {
            process: Some(id.0.clone()),
            since: Some(process.created_at),
            cursor,
            limit: Some(DEFAULT_PAGE),
            ..AuditParams::default()
        };
        self.audit_page(&params).await
    }
}
