//! Processes that an attempt has left behind, after all of its output was taken in: nobody follows
//! them, but they can be asked for, and ended.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Process, ProcessId};
use tokio::time::{Instant, sleep};

use super::actor::describe;
use super::{Engine, EngineError};
use crate::keeper::client::{Scope, Survivor};
use crate::project::LaunchPlan;

/// Between two looks at those who were asked to end.
const PAUSE: Duration = Duration::from_millis(50);

impl Engine {
    /// Refuses to start a process anew while some of its last attempt are there.
    ///
    /// # Errors
    /// [`EngineError::InvalidState`], which names them.
    pub(super) async fn refuse_leftovers(
        &self,
        process: &Process,
        plan: &LaunchPlan,
    ) -> Result<(), EngineError> {
        let leftovers = self.leftovers(process).await?;
        if leftovers.is_empty() {
            return Ok(());
        }
        Err(EngineError::InvalidState(format!(
            "of its last attempt there is still {}: stop it to end them, then restart it",
            describe(&leftovers, plan.has_secrets())
        )))
    }

    /// Who is left of a process's last attempt.
    pub(super) async fn leftovers(&self, process: &Process) -> Result<Vec<Survivor>, EngineError> {
        let Some(run) = last_run(process) else { return Ok(Vec::new()) };
        Ok(self.shared.keeper.signal(&run, 0, Scope::Tree).await?.survivors)
    }

    /// Ends those whom a process that has ended has left behind; `why` it is refused when there are
    /// none.
    pub(super) async fn stop_ended(
        &self,
        id: &ProcessId,
        wait: bool,
        why: String,
    ) -> Result<Arc<Process>, EngineError> {
        let process = self.process(id).await?;
        if self.leftovers(&process).await?.is_empty() {
            return Err(EngineError::InvalidState(why));
        }
        let record = self.shared.store.get_process(id).await?;
        let record = record.ok_or_else(|| EngineError::NotFound(id.clone()))?;
        let plan = self.shared.decode_plan(&record)?;
        if wait {
            self.end_leftovers(&process, &plan).await?;
            return Ok(process);
        }
        let (engine, of) = (self.clone(), Arc::clone(&process));
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = engine.end_leftovers(&of, &plan) => ended,
            };
            if let Err(error) = ended {
                tracing::warn!(process = %of.id, %error, "what it has left behind is still there");
            }
        });
        Ok(process)
    }

    /// Ends those who are left: asks, waits for the grace, kills.
    ///
    /// # Errors
    /// When some cannot be killed, and who.
    pub(super) async fn end_leftovers(
        &self,
        process: &Process,
        plan: &LaunchPlan,
    ) -> Result<(), EngineError> {
        let Some(run) = last_run(process) else { return Ok(()) };
        let keeper = &self.shared.keeper;
        let patience = Instant::now() + Duration::from_secs(self.shared.settings.grace_s);
        keeper.signal(&run, plan.kill_signal, Scope::Tree).await?;
        while !keeper.signal(&run, 0, Scope::Tree).await?.survivors.is_empty() {
            if Instant::now() >= patience {
                let left = keeper.signal(&run, libc::SIGKILL, Scope::Tree).await?.survivors;
                if left.is_empty() {
                    break;
                }
                let who = describe(&left, plan.has_secrets());
                return Err(EngineError::InvalidState(format!("it cannot be killed: {who}")));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

fn last_run(process: &Process) -> Option<String> {
    let attempt = process.attempts.last().filter(|attempt| attempt.pid.is_some())?;
    Some(format!("{}.{}", process.id, attempt.n))
}
