//! The pages' port, as a caller: thin, so that pages can do nothing that REST cannot.

use app::api::{Backend, ProcessFilter};
use app::model::{
    AttemptPage, AuditPage, Catalogue, ConfigDiff, DeclaredList, Figures, LogPage, PoolList,
    Problem, Process, ProcessConfiguration, ProcessId, ProcessList, StartRequest, Started, Verb,
};
use async_trait::async_trait;

use super::{Caller, LogParams};

#[async_trait]
impl Backend for Caller {
    fn user_name(&self) -> String {
        self.name().to_owned()
    }

    async fn list_scripts(&self) -> Result<Catalogue, Problem> {
        let mut catalogue = Self::list_scripts(self);
        self.service().starts.sort(&mut catalogue);
        Ok(catalogue)
    }

    async fn list_processes(&self, filter: ProcessFilter) -> Result<ProcessList, Problem> {
        Ok(Self::list_processes(self, filter).await?)
    }

    async fn get_process(&self, id: ProcessId) -> Result<Process, Problem> {
        Ok((*Self::get_process(self, &id).await?).clone())
    }

    async fn allowed_verbs(&self, id: ProcessId) -> Result<Vec<Verb>, Problem> {
        Ok(Self::allowed_verbs(self, &id).await?)
    }

    async fn tail_log(
        &self,
        id: ProcessId,
        tail: u32,
        around: Option<i64>,
    ) -> Result<LogPage, Problem> {
        let params = match around {
            // Half of them stand before it, or more, where the log ends behind it.
            Some(idx) => LogParams {
                before: Some(idx.saturating_add(i64::from(tail) / 2)),
                limit: Some(tail),
                ..LogParams::default()
            },
            None => LogParams { tail: Some(tail), ..LogParams::default() },
        };
        let page = self.read_log(&id, &params).await?;
        let entries = page.entries().map_err(super::ServiceError::from)?;
        Ok(LogPage { entries, next_after: page.last_idx })
    }

    async fn list_attempts(
        &self,
        id: ProcessId,
        before: Option<u32>,
    ) -> Result<AttemptPage, Problem> {
        Ok(Self::list_attempts(self, &id, before, None).await?)
    }

    async fn process_configuration(&self, id: ProcessId) -> Result<ProcessConfiguration, Problem> {
        Ok(Self::process_configuration(self, &id).await?)
    }

    async fn process_audit(
        &self,
        id: ProcessId,
        cursor: Option<i64>,
    ) -> Result<AuditPage, Problem> {
        Ok(Self::process_audit(self, &id, cursor).await?)
    }

    async fn start_process(&self, request: StartRequest) -> Result<Started, Problem> {
        Ok(Self::start_process(self, request).await?)
    }

    async fn stop_process(&self, id: ProcessId) -> Result<Process, Problem> {
        Ok((*Self::stop_process(self, &id, false).await?).clone())
    }

    async fn restart_process(&self, id: ProcessId) -> Result<Process, Problem> {
        Ok((*Self::restart_process(self, &id).await?).clone())
    }

    async fn signal_process(&self, id: ProcessId, signal: String) -> Result<(), Problem> {
        Ok(Self::signal_process(self, &id, &signal).await?)
    }

    async fn overview(&self) -> Result<app::report::Overview, Problem> {
        Ok(Self::overview(self).await?)
    }

    async fn list_declared(&self) -> Result<DeclaredList, Problem> {
        Ok(Self::list_declared(self))
    }

    async fn run_declared(&self, start: bool) -> Result<DeclaredList, Problem> {
        Ok(if start { self.start_declared().await? } else { self.stop_declared().await? })
    }

    async fn list_pools(&self) -> Result<PoolList, Problem> {
        Ok(Self::list_pools(self).await?)
    }

    async fn pause_pool(&self, name: String, is_paused: bool) -> Result<PoolList, Problem> {
        Ok(Self::pause_pool(self, &name, is_paused).await?)
    }

    async fn preview_reload(&self) -> Result<ConfigDiff, Problem> {
        Ok(Self::preview_reload(self).await?)
    }

    async fn reload(&self, version: String) -> Result<ConfigDiff, Problem> {
        Ok(Self::reload(self, &version).await?)
    }

    async fn process_figures(&self, id: ProcessId) -> Result<Figures, Problem> {
        Ok(Self::process_figures(self, &id).await?)
    }

    async fn list_sparks(&self) -> Result<Vec<Figures>, Problem> {
        Ok(Self::list_sparks(self))
    }

    async fn send_line(&self, id: ProcessId, line: String) -> Result<(), Problem> {
        Ok(Self::send_line(self, &id, &line).await?)
    }
}
