//! Who holds the output of a run whose root has ended.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::clearing::describe;
use super::{Actor, ActorError, Run};
use crate::keeper::client::{ClientError, Survivor};

/// Before anybody asks who it is. A program that is just being started has a copy of all that the keeper
/// has open, but only for a moment.
const LET_GO: Duration = Duration::from_millis(100);

type Answer = Result<Vec<Survivor>, ClientError>;

/// The keeper's answer, on its way.
pub(super) type Asking = Pin<Box<dyn Future<Output = Answer> + Send + Sync>>;

/// The answer, once; never, when nobody asks.
pub(super) async fn next(asking: &mut Option<Asking>) -> Answer {
    let Some(future) = asking else { return std::future::pending().await };
    let answer = future.await;
    *asking = None;
    answer
}

impl Actor {
    /// Asks who holds the pipes; what the keeper answers comes later.
    pub(super) fn ask_for_holders(&self, run: &mut Run) {
        let (keeper, name) = (self.shared.keeper.clone(), run.name.clone());
        let clock = Arc::clone(&self.shared.clock);
        run.holders = Some(Box::pin(async move {
            clock.sleep_until(clock.instant() + LET_GO).await;
            keeper.holders(&name).await
        }));
    }

    /// Says in the log who holds the pipes.
    pub(super) async fn name_holders(
        &mut self,
        answer: Answer,
        run: &mut Run,
    ) -> Result<(), ActorError> {
        match answer {
            // They have let go of it meanwhile.
            Ok(holders) if holders.is_empty() => Ok(()),
            Ok(holders) => {
                let who = describe(&holders, self.plan.has_secrets());
                let text = format!(
                    "its output is still held by {who}: what comes is taken in; stop the process \
                     to end them"
                );
                self.say(run, &text).await?;
                self.save_and_publish().await?;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(run = run.name, %error, "who holds the output is not known");
                Ok(())
            }
        }
    }
}
