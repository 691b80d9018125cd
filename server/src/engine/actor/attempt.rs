//! Attempt after attempt, each from the queue to its end.

use app::model::{Attempt, ProcessType};
use tokio::time::Instant;

use super::{
    Actor, ActorError, Cause, Change, Event, Next, SHOWN_ATTEMPTS, Spawning, State, hash_of, named,
};
use crate::engine::queue::Asked;
use crate::logs::carry::Carry;

impl Actor {
    /// Attempt after attempt, until the process is over.
    pub(super) async fn follow(&mut self, first: Result<Next, ActorError>) {
        let mut outcome = first;
        loop {
            outcome = match outcome {
                Ok(Next::Again(cause)) => {
                    // The slot is given back and asked for anew: others are in line before it.
                    self.slot = None;
                    match self.apply(Event::Rerun) {
                        Ok(()) => self.attempt(cause, vec![]).await,
                        Err(error) => Err(error),
                    }
                }
                Ok(Next::Later(cause)) => {
                    self.slot = None;
                    self.wait_for_next_try(cause).await
                }
                Ok(Next::Leave) => return,
                Ok(Next::Over) if matches!(self.state, State::BackingOff(_)) => {
                    // Taken up after a crash, between the decision and the pause.
                    self.wait_for_next_try(Cause::recovery()).await
                }
                Ok(Next::Over) => break,
                Err(error) => {
                    let id = &self.process.id;
                    tracing::error!(process = %id, %error, "the process cannot be followed");
                    self.fail(error.to_string()).await;
                    break;
                }
            };
        }
        self.slot = None;
        self.shared.registry.retire(&self.process.id);
    }

    /// One attempt from the queue to its end.
    pub(super) async fn attempt(
        &mut self,
        cause: Cause,
        also: Vec<Change>,
    ) -> Result<Next, ActorError> {
        let mut also = also;
        if !self.plan.strategy.depends_on.is_empty()
            && let Some(next) = self.wait_for_others(&mut also).await?
        {
            return Ok(next);
        }
        if self.process.kind == ProcessType::ShortLived {
            let asked = self.asked.take();
            let ask = || self.pool().ask(&self.process.id, self.process.priority);
            match asked.unwrap_or_else(ask) {
                Asked::Now(slot) => self.slot = Some(slot),
                Asked::Later(waiting) => {
                    match self.wait_in_line(waiting, std::mem::take(&mut also)).await? {
                        Some(slot) => self.slot = Some(slot),
                        None if self.shared.stop.is_cancelled() => return Ok(Next::Leave),
                        None => return Ok(Next::Over),
                    }
                }
            }
        }
        if let Some(slot) = &self.slot {
            self.process.pool = named(slot.pool());
        }
        self.apply(Event::SlotGranted)?;
        let n = self.process.attempts.last().map_or(1, |attempt| attempt.n + 1);
        self.process.attempts.push(Attempt {
            n,
            cause: cause.words(),
            cause_kind: Some(cause.kind),
            cause_by: Some(cause.by.clone()),
            config_hash: Some(hash_of(&self.spec)),
            ..Attempt::default()
        });
        let surplus = self.process.attempts.len().saturating_sub(SHOWN_ATTEMPTS);
        self.process.attempts.drain(..surplus);
        (self.process.started_at, self.process.ended_at) = (None, None);
        (self.process.exit_code, self.process.signal) = (None, None);
        (self.begun, self.begun_ms) = (Some(Instant::now()), Some(self.shared.clock.now_ms()));
        if cause.kind.begins_anew() {
            self.history.begin_anew();
        }
        // Stored before the spawn: a crash in between leaves a run that is known, not a stray.
        also.splice(..0, self.record_changes());
        self.tell(also, || format!("attempt {n}: {}", cause.words())).await?;
        // Another program: it does not begin in the colours of the last one.
        self.recorder.resume(Carry::default());
        match self.spawn(n).await {
            Ok(mut run) => {
                self.look_after(&mut run);
                self.supervise(run).await
            }
            Err(Spawning::Failed(why)) => self.conclude_unstarted(why).await,
            Err(Spawning::Tail(error)) => Err(error.into()),
        }
    }
}
