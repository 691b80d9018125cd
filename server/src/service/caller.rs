//! The use-cases of processes and scripts, for one who asks.

use std::sync::Arc;

use app::api::ProcessFilter;
use app::model::{
    Catalogue, Process, ProcessId, ProcessList, Script, StartRequest, Started, Status, Verb,
};

use super::{Service, ServiceError};
use crate::auth::{Access, Identity, Target};
use crate::engine::{Figures, Update};
use crate::project::{ProcessEnv, signal_number};
use crate::store::{AuditRecord, ListQuery};

/// A page's size when nothing is said, and its largest.
const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1000;

/// The service, bound to the one who asks.
#[derive(Clone)]
pub struct Caller {
    service: Arc<Service>,
    identity: Arc<Identity>,
    access: Arc<Access>,
}

impl Caller {
    pub(super) fn new(service: Arc<Service>, identity: Identity, access: Access) -> Self {
        Self { service, identity: Arc::new(identity), access: Arc::new(access) }
    }

    /// Who asks.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// What they may do.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// Everything startable that one may see.
    #[must_use]
    pub fn list_scripts(&self) -> Catalogue {
        let mut catalogue = self.service.catalog.current().catalogue();
        for project in &mut catalogue.projects {
            project.scripts.retain_mut(|Script { project, name, can_start, .. }| {
                let target = Target::Script { project, script: name };
                *can_start = self.access.allows(Verb::Start, target);
                self.access.allows(Verb::View, target)
            });
        }
        if !self.access.allows_all(Verb::View) {
            // A problem of a project is for those who see more of it than that.
            catalogue.projects.retain(|project| !project.scripts.is_empty());
        }
        catalogue
    }

    /// A page of processes, newest first.
    ///
    /// # Errors
    /// When the filter does not fit or the store fails.
    pub async fn list_processes(&self, filter: ProcessFilter) -> Result<ProcessList, ServiceError> {
        let limit = filter.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let detail = format!("limit is {limit}: it must be from 1 to {MAX_PAGE}");
            return Err(ServiceError::bad_request(detail));
        }
        if let Some(status) = &filter.status {
            status.parse::<Status>().map_err(ServiceError::bad_request)?;
        }
        let query = ListQuery {
            q: filter.q.filter(|q| !q.is_empty()),
            status: filter.status,
            project: filter.project,
            before: filter.cursor.map(ProcessId),
            limit,
        };
        let (mut processes, more) = self.allowed_processes(Verb::View, query, limit).await?;
        let next_cursor =
            processes.last().filter(|_| more).map(|process| process.id.as_str().to_owned());
        for process in &mut processes {
            if let Some(newer) = self.service.engine.in_memory(&process.id) {
                *process = (*newer).clone();
            }
        }
        Ok(ProcessList { processes, next_cursor })
    }

    /// One process with its attempts.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get_process(&self, id: &ProcessId) -> Result<Arc<Process>, ServiceError> {
        self.authorise_process(Verb::View, "process.view", id).await
    }

    /// What one may do to a process that one may see.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn allowed_verbs(&self, id: &ProcessId) -> Result<Vec<Verb>, ServiceError> {
        let Process { project, script, .. } = &*self.get_process(id).await?;
        Ok(self.access.verbs(Target::Script { project, script }))
    }

    /// Starts a script; resolves when it runs or is queued.
    ///
    /// # Errors
    /// Whatever is wrong with the request, in words that say what would be right.
    pub async fn start_process(&self, request: StartRequest) -> Result<Started, ServiceError> {
        let script = request.script_name.clone();
        let started = self.try_start(request).await;
        if let Err(error) = &started {
            let detail = error.detail.clone();
            self.audit("process.start", &script, error.code, detail).await;
        }
        started
    }

    async fn try_start(&self, request: StartRequest) -> Result<Started, ServiceError> {
        let catalog = self.known_catalog();
        self.authorise_start(&catalog, &request)?;
        self.check_rate()?;
        let plan = catalog.plan(&request, &ProcessEnv)?;
        let detail = format!("{}/{}: {}", plan.project, plan.script, plan.command_line);
        let audit = |id: &ProcessId| self.record("process.start", id.as_str(), "ok", detail);
        let engine = &self.service.engine;
        let process = engine.start_process(plan, request.args, self.name(), audit).await?;
        // One that has ended already had a pid, too.
        let pid = process.attempts.last().and_then(|attempt| attempt.pid);
        Ok(Started { process_id: process.id.clone(), pid, status: process.status })
    }

    /// Asks a process to end; with `wait`, resolves when its tree is gone.
    ///
    /// # Errors
    /// 404 when there is none, 409 when it has ended.
    pub async fn stop_process(
        &self,
        id: &ProcessId,
        wait: bool,
    ) -> Result<Arc<Process>, ServiceError> {
        self.authorise_process(Verb::Stop, "process.stop", id).await?;
        let stopped = self.service.engine.stop_process(id, self.name(), wait).await;
        self.audited("process.stop", id, stopped).await
    }

    /// Starts a new attempt, stopping the present one first.
    ///
    /// # Errors
    /// 404 when there is none, 409 when it is queued, 429 when one starts too often.
    pub async fn restart_process(&self, id: &ProcessId) -> Result<Arc<Process>, ServiceError> {
        let process = self.authorise_process(Verb::Start, "process.restart", id).await?;
        if !process.status.is_ended() {
            self.authorise_process(Verb::Stop, "process.restart", id).await?;
        }
        self.check_rate()?;
        let restarted = self.service.engine.restart_process(id, self.name()).await;
        self.audited("process.restart", id, restarted).await
    }

    /// Sends a signal to the root of a process.
    ///
    /// # Errors
    /// 422 when there is no such signal, 404 or 409 as for a stop.
    pub async fn signal_process(&self, id: &ProcessId, signal: &str) -> Result<(), ServiceError> {
        self.authorise_process(Verb::Signal, "process.signal", id).await?;
        let number = signal_number(signal).ok_or_else(|| {
            let detail = format!("{signal:?} is no signal: use a name such as SIGTERM or SIGHUP");
            ServiceError::new(422, "signal_unknown", detail)
        })?;
        let sent = self.service.engine.signal_process(id, number).await;
        self.audited(&format!("process.signal {signal}"), id, sent).await
    }

    /// The figures of what is in memory, for those who may see all of it.
    ///
    /// # Errors
    /// 403 for others: a count would tell of what they may not see.
    pub async fn figures(&self) -> Result<Figures, ServiceError> {
        self.authorise(Verb::View, "metrics.view").await?;
        Ok(self.service.engine.figures())
    }

    /// Every change of every process from now on; what may be told is for [`Caller::may_see`] to say.
    #[must_use]
    pub fn updates(&self) -> tokio::sync::broadcast::Receiver<Arc<Update>> {
        self.service.engine.updates()
    }

    /// Refuses who starts too often.
    fn check_rate(&self) -> Result<(), ServiceError> {
        self.service.limits.check(self.name(), self.access.role().name()).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let detail = format!(
                "too many starts in a minute (limits.starts_per_minute, or the role's): try again in \
                 {seconds} s"
            );
            ServiceError {
                retry_after_s: Some(seconds),
                ..ServiceError::new(429, "too_many_starts", detail)
            }
        })
    }

    async fn audited<T>(
        &self,
        action: &str,
        id: &ProcessId,
        result: Result<T, crate::engine::EngineError>,
    ) -> Result<T, ServiceError> {
        let result = result.map_err(ServiceError::from);
        let (outcome, detail) = match &result {
            Ok(_) => ("ok", String::new()),
            Err(error) => (error.code, error.detail.clone()),
        };
        self.audit(action, id.as_str(), outcome, detail).await;
        result
    }

    fn record(&self, action: &str, target: &str, outcome: &str, detail: String) -> AuditRecord {
        self.service.audit_record(self.name(), action, target, outcome, detail)
    }

    pub(super) async fn audit(&self, action: &str, target: &str, outcome: &str, detail: String) {
        self.service.audit(self.record(action, target, outcome, detail)).await;
    }
}
