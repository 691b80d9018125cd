//! The one place where it is asked whether an act is allowed.
//!
//! What one may not see is not there: the answer is the same 404 as for what never was. What one may
//! see and not do is refused with 403. Both are written into the audit.

use std::sync::Arc;

use app::model::{Process, ProcessId, StartRequest, Verb};

use super::audit::About;
use super::{Caller, ServiceError};
use crate::auth::Target;
use crate::engine::EngineError;
use crate::project::Catalog;
use crate::store::ListQuery;

/// Processes read at a time when some of them may have to be left out.
const READ: u32 = 500;

impl Caller {
    /// Whether a process may be seen.
    #[must_use]
    pub fn may_see(&self, process: &Process) -> bool {
        self.access().allows(Verb::View, target(process))
    }

    /// Refuses who may not do `verb` to Runyard as a whole. `action` is what the audit calls it.
    pub(super) async fn authorise(&self, verb: Verb, action: &str) -> Result<(), ServiceError> {
        if self.access().allows(verb, Target::System) {
            return Ok(());
        }
        let role = self.access().role().name();
        let detail = format!("the role {role} does not allow {verb}");
        let error = ServiceError::new(403, "forbidden", detail);
        self.audit(action, About::thing("runyard"), error.code, error.detail.clone()).await;
        Err(error)
    }

    /// The process, for one who may do `verb` to it.
    pub(super) async fn authorise_process(
        &self,
        verb: Verb,
        action: &str,
        id: &ProcessId,
    ) -> Result<Arc<Process>, ServiceError> {
        let process = self.service().engine.process(id).await?;
        if self.access().allows(verb, target(&process)) {
            return Ok(process);
        }
        let (shown, audited) = if self.may_see(&process) {
            let error = self.forbidden(verb, &process.project, &process.script);
            (error.clone(), error)
        } else {
            let audited = self.forbidden(verb, &process.project, &process.script);
            (EngineError::NotFound(id.clone()).into(), audited)
        };
        self.audit(action, About::from(&*process), audited.code, audited.detail).await;
        Err(shown)
    }

    /// The catalog as this caller may know it: what they can neither see nor start is not there.
    pub(super) fn known_catalog(&self) -> Arc<Catalog> {
        let catalog = self.service().catalog.current();
        let access = self.access();
        if access.allows_all(Verb::View) || access.allows_all(Verb::Start) {
            return catalog;
        }
        Arc::new(catalog.only(|project, script| {
            let target = Target::Script { project, script };
            access.allows(Verb::View, target) || access.allows(Verb::Start, target)
        }))
    }

    /// Refuses a start of what the catalog has and the role does not allow.
    pub(super) fn authorise_start(
        &self,
        catalog: &Catalog,
        request: &StartRequest,
    ) -> Result<(), ServiceError> {
        let (project, script) = catalog.locate(request)?;
        if self.access().allows(Verb::Start, Target::Script { project, script }) {
            return Ok(());
        }
        Err(self.forbidden(Verb::Start, project, script))
    }

    /// At most `limit` of the processes that `query` finds and `verb` may be done to, newest first,
    /// and whether there are more.
    pub(super) async fn allowed_processes(
        &self,
        verb: Verb,
        mut query: ListQuery,
        limit: u32,
    ) -> Result<(Vec<Process>, bool), ServiceError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let takes_all = self.access().allows_all(verb);
        query.limit = if takes_all { u32::try_from(limit).unwrap_or(READ) + 1 } else { READ };
        let mut found = Vec::new();
        loop {
            let page = self.service().store.list_processes(&query).await?;
            let is_last = page.len() < usize::try_from(query.limit).unwrap_or(usize::MAX);
            query.before = page.last().map(|process| process.id.clone());
            found.extend(
                page.into_iter()
                    .filter(|process| takes_all || self.access().allows(verb, target(process))),
            );
            if found.len() > limit || is_last {
                let more = found.len() > limit;
                found.truncate(limit);
                return Ok((found, more));
            }
        }
    }

    fn forbidden(&self, verb: Verb, project: &str, script: &str) -> ServiceError {
        let role = self.access().role().name();
        let detail = format!("the role {role} does not allow {verb} on {project}/{script}");
        ServiceError::new(403, "forbidden", detail)
    }
}

/// A process is what its script is.
fn target(process: &Process) -> Target<'_> {
    Target::Script { project: &process.project, script: &process.script }
}
