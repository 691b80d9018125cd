//! The use-cases of processes and scripts, for one who asks.

use std::sync::Arc;

use app::api::ProcessFilter;
use app::model::{
    Catalogue, CauseKind, Process, ProcessId, ProcessList, Script, StartRequest, Started, Status,
    Verb,
};

use super::audit::About;
use super::identify::Who;
use super::{Service, ServiceError};
use crate::auth::{Access, Target, Via};
use crate::engine::{Cause, Figures, Update};
use crate::project::{ProcessEnv, signal_number};
use crate::store::{AuditRecord, ListQuery};

/// A page's size when nothing is said, and its largest.
const DEFAULT_PAGE: u32 = 100;
const MAX_PAGE: u32 = 1000;

/// The service, bound to the one who asks.
#[derive(Clone)]
pub struct Caller {
    service: Arc<Service>,
    who: Arc<Who>,
    access: Arc<Access>,
}

impl Caller {
    pub(super) fn new(service: Arc<Service>, who: Who, access: Access) -> Self {
        Self { service, who: Arc::new(who), access: Arc::new(access) }
    }

    /// Who asks, as the audit has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.who.actor
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// Whether nobody was asked who they are.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.who.identity.via == Via::Nobody
    }

    /// What their requests, sockets and starts are counted by: the person, with all tokens that they
    /// made, or the token that nobody here made.
    pub(super) fn key(&self) -> String {
        let identity = &self.who.identity;
        match (&self.who.user_id, identity.via) {
            (Some(id), _) => format!("user:{id}"),
            // Another issuer gives as many tokens to one as it likes.
            (None, Via::External) => format!("external:{}", identity.name),
            (None, _) => format!("token:{}", identity.token_id),
        }
    }

    /// The person who asks; `None` for a token, also for one that a person made.
    pub(super) fn own_id(&self) -> Option<&str> {
        self.who.user_id.as_deref().filter(|_| self.who.identity.via == Via::Session)
    }

    /// What they may do.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// As what starts an attempt.
    pub(super) fn cause(&self) -> Cause {
        let kind = match self.who().identity.via {
            Via::Session | Via::Nobody => CauseKind::Person,
            Via::Bearer | Via::External => CauseKind::Token,
        };
        Cause::new(kind, self.name())
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
        let sees_pools = self.access.allows(Verb::View, Target::System);
        catalogue.has_declared = !self.list_declared().processes.is_empty()
            || (sees_pools && self.service.engine.pools().len() > 1);
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
        let status = filter.status.as_deref().map(str::parse::<Status>);
        let status = status.transpose().map_err(ServiceError::bad_request)?;
        let engine = &self.service.engine;
        let query = ListQuery {
            q: filter.q.filter(|q| !q.is_empty()),
            status: filter.status,
            also: status.map(|status| engine.ids_with_status(status)).unwrap_or_default(),
            project: filter.project,
            ended_after: None,
            before: filter.cursor.map(ProcessId),
            limit,
        };
        let (mut processes, more) = self.allowed_processes(Verb::View, query, limit).await?;
        let next_cursor =
            processes.last().filter(|_| more).map(|process| process.id.as_str().to_owned());
        for process in &mut processes {
            if let Some(newer) = engine.in_memory(&process.id) {
                *process = (*newer).clone();
            }
        }
        processes.retain(|process| status.is_none_or(|status| process.status == status));
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
        let project = request.project.clone().unwrap_or_default();
        let started = self.try_start(request).await;
        if let Err(error) = &started {
            let about = About::script(&project, &script);
            self.audit("process.start", about, error.code, error.detail.clone()).await;
        }
        started
    }

    async fn try_start(&self, request: StartRequest) -> Result<Started, ServiceError> {
        let catalog = self.known_catalog();
        self.authorise_start(&catalog, &request)?;
        self.check_rate()?;
        let engine = &self.service.engine;
        let process = match catalog.declared_by(&request) {
            Some(name) => {
                let detail = format!("the declared process {name}");
                let audit = |process: &Process| self.started(process, detail.clone());
                self.service.fleet.start(name, &request, &self.cause(), audit).await?
            }
            None => {
                let plans = catalog.plan_all(&request, &ProcessEnv)?;
                let detail = plans.first().map(|plan| plan.command_line.clone());
                let detail = detail.unwrap_or_default();
                let audit = |process: &Process| self.started(process, detail.clone());
                engine.start_together(plans, self.cause(), audit).await?
            }
        };
        self.service.starts.count(&process);
        // One that has ended already had a pid, too.
        let pid = process.attempts.last().and_then(|attempt| attempt.pid);
        Ok(Started { process_id: process.id.clone(), pid, status: process.status })
    }

    /// The line of a start.
    fn started(&self, process: &Process, detail: String) -> AuditRecord {
        let about = About { attempt: Some(1), ..About::from(process) };
        self.record("process.start", about, "ok", detail)
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
        let process = self.authorise_process(Verb::Stop, "process.stop", id).await?;
        let stopped = self.service.engine.stop_process(id, self.name(), wait).await;
        let stopped = stopped.map_err(ServiceError::from);
        self.audited("process.stop", About::from(&*process), "", stopped).await
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
        let restarted = self.service.engine.restart_process(id, self.cause()).await;
        let restarted = restarted.map_err(ServiceError::from);
        // The new attempt, when there is one.
        let about = About::from(restarted.as_deref().unwrap_or(&process));
        self.audited("process.restart", about, "", restarted).await
    }

    /// Sends a signal to the root of a process.
    ///
    /// # Errors
    /// 422 when there is no such signal, 404 or 409 as for a stop.
    pub async fn signal_process(&self, id: &ProcessId, signal: &str) -> Result<(), ServiceError> {
        let process = self.authorise_process(Verb::Signal, "process.signal", id).await?;
        let number = signal_number(signal).ok_or_else(|| {
            let detail = format!("{signal:?} is no signal: use a name such as SIGTERM or SIGHUP");
            ServiceError::new(422, "signal_unknown", detail)
        })?;
        let sent = self.service.engine.signal_process(id, number).await;
        let sent = sent.map_err(ServiceError::from);
        self.audited("process.signal", About::from(&*process), signal, sent).await
    }

    /// The figures of what is in memory, for those who may see all of it.
    ///
    /// # Errors
    /// 403 for others: a count would tell of what they may not see.
    pub async fn figures(&self) -> Result<Figures, ServiceError> {
        self.authorise(Verb::View, "metrics.view").await?;
        Ok(self.service.engine.figures())
    }

    /// How many searches of logs are under way, for the same.
    ///
    /// # Errors
    /// 403 for others.
    pub async fn count_searches(&self) -> Result<usize, ServiceError> {
        self.authorise(Verb::View, "metrics.view").await?;
        Ok(self.service.searches.count())
    }

    /// Every change of every process from now on; what may be told is for [`Caller::may_see`] to say.
    #[must_use]
    pub fn updates(&self) -> tokio::sync::broadcast::Receiver<Arc<Update>> {
        self.service.engine.updates()
    }

    /// Refuses who starts too often.
    fn check_rate(&self) -> Result<(), ServiceError> {
        self.service.limits.check(&self.key(), self.access.role().name()).map_err(|wait| {
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
}
