//! The use-cases of what is declared, of pools, of figures and of standard input.

use app::model::{DeclaredList, Figures, PoolList, ProcessId, Verb};

use super::audit::About;
use super::{Caller, ServiceError};
use crate::auth::Target;

/// Looks in a sparkline.
const SPARK: usize = 30;

impl Caller {
    /// What is declared, as far as one may see it.
    #[must_use]
    pub fn list_declared(&self) -> DeclaredList {
        let mut list = self.service().fleet.list();
        list.processes.retain(|one| {
            let target = Target::Script { project: &one.project, script: &one.name };
            self.access().allows(Verb::View, target)
        });
        list
    }

    /// Starts everything that is to be started together with Runyard and is not there.
    ///
    /// # Errors
    /// 403 for those who may not start everything.
    pub async fn start_declared(&self) -> Result<DeclaredList, ServiceError> {
        self.authorise(Verb::Start, "declared.start").await?;
        self.service().fleet.start_all(&self.cause()).await;
        let about = About::thing("runyard.toml");
        self.audit("declared.start", about, "ok", String::new()).await;
        Ok(self.list_declared())
    }

    /// Stops everything declared, dependants first; resolves when it is gone.
    ///
    /// # Errors
    /// 403 for those who may not stop everything.
    pub async fn stop_declared(&self) -> Result<DeclaredList, ServiceError> {
        self.authorise(Verb::Stop, "declared.stop").await?;
        self.service().fleet.stop_all(self.name()).await;
        let about = About::thing("runyard.toml");
        self.audit("declared.stop", about, "ok", String::new()).await;
        Ok(self.list_declared())
    }

    /// The pools of slots.
    ///
    /// # Errors
    /// 403 for those who may not see everything: a count would tell of what they may not see.
    pub async fn list_pools(&self) -> Result<PoolList, ServiceError> {
        self.authorise(Verb::View, "pools.view").await?;
        Ok(PoolList { pools: self.service().engine.pools() })
    }

    /// Stops serving a pool, or serves it again.
    ///
    /// # Errors
    /// 404 when there is none of this name.
    pub async fn pause_pool(&self, name: &str, is_paused: bool) -> Result<PoolList, ServiceError> {
        let action = if is_paused { "pool.pause" } else { "pool.resume" };
        self.authorise(Verb::Edit, action).await?;
        let done = self.service().engine.pause_pool(name, is_paused).await;
        let done = done.map_err(ServiceError::from);
        self.audited(action, About::thing(name), "", done).await?;
        Ok(PoolList { pools: self.service().engine.pools() })
    }

    /// What a process and all that it started used in the last quarter of an hour.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn process_figures(&self, id: &ProcessId) -> Result<Figures, ServiceError> {
        self.authorise_process(Verb::View, "process.view", id).await?;
        Ok(self.service().engine.tree_figures(id, usize::MAX))
    }

    /// The same of every process that runs, for the last minute.
    #[must_use]
    pub fn list_sparks(&self) -> Vec<Figures> {
        let engine = &self.service().engine;
        let running = engine.running();
        let seen = running.iter().filter(|process| self.may_see(process));
        seen.map(|process| engine.tree_figures(&process.id, SPARK)).collect()
    }

    /// Sends a line to the standard input of a process.
    ///
    /// # Errors
    /// 409 when it is not open, or not read.
    pub async fn send_line(&self, id: &ProcessId, line: &str) -> Result<(), ServiceError> {
        let process = self.authorise_process(Verb::Stdin, "process.stdin", id).await?;
        let sent = self.service().engine.send_line(id, line).await;
        // What was sent may be a secret: it is not written down.
        let sent = sent.map_err(ServiceError::from);
        self.audited("process.stdin", About::from(&*process), "", sent).await
    }
}
