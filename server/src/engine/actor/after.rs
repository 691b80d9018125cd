//! What follows the end of an attempt, and what the log says about it.

use app::model::{Breaker, CauseKind, EndKind, ProcessType};

use super::{Actor, ActorError, Cause, Change, Event, Exit, Next, Pause, Run, State, StopCause};
use crate::engine::recovery::{Decision, End, Finished, decide};
use crate::engine::state::Outcome;
use crate::project::signal_name;
use crate::sys::spool::ExitRecord;

/// A service that ended so soon after its start never did its work, when no probe tells better.
const EARLY_MS: i64 = 1_000;

/// What follows, and the words for the log.
pub(super) struct After {
    pub(super) next: Next,
    pub(super) words: String,
}

impl Actor {
    /// Stores `changes`, and with them Runyard's own words in the log of a process whose attempts
    /// are told of: they are stored before they are shown, and cost no further transaction.
    pub(super) async fn tell(
        &mut self,
        changes: Vec<Change>,
        words: impl FnOnce() -> String,
    ) -> Result<(), ActorError> {
        let mut changes = changes;
        if !self.plan.strategy.is_told {
            if !changes.is_empty() {
                self.shared.writer.submit(changes).await?;
            }
            return Ok(());
        }
        let now = self.shared.clock.now_ms();
        changes.push(self.recorder.stage_system(now, &words()));
        self.shared.writer.submit(changes).await?;
        self.recorder.show_staged().await?;
        Ok(())
    }

    /// The system could not start it.
    pub(super) async fn conclude_unstarted(&mut self, why: String) -> Result<Next, ActorError> {
        self.apply(Event::SpawnFailed { why: why.clone() })?;
        let now = self.shared.clock.now_ms();
        let end = End::NotStarted(why.clone());
        let finished = Finished { end, up_ms: 0, is_early: true, unready: None };
        let After { next, words } = self.decide_next(&finished)?;
        self.note_unexited(EndKind::Spawn, &why, now);
        let changes = self.record_changes();
        self.tell(changes, || words).await?;
        self.publish();
        Ok(next)
    }

    /// Its root has ended, and `self.state` says so since `before`: what follows?
    pub(super) fn decide_after(
        &mut self,
        before: &State,
        exit: Exit,
        run: &Run,
        ended_at_ms: i64,
    ) -> Result<After, ActorError> {
        let up_ms = ended_at_ms - self.process.started_at.unwrap_or(ended_at_ms);
        let is_early = match &self.plan.strategy.ready {
            Some(_) => !run.was_ready,
            None => self.process.kind == ProcessType::LongRunning && up_ms < EARLY_MS,
        };
        let unready = run.health.unready().filter(|_| is_early).map(str::to_owned);
        let end = match before {
            State::Stopping { .. } => End::Ended(self.process.reason.clone()),
            _ => End::Exit(exit),
        };
        self.follow_up(before, &Finished { end, up_ms, is_early, unready })
    }

    /// What follows an end: it was asked for since `before`, or the strategy says so.
    pub(super) fn follow_up(
        &mut self,
        before: &State,
        finished: &Finished,
    ) -> Result<After, ActorError> {
        let State::Stopping { cause, .. } = before else { return self.decide_next(finished) };
        match cause.clone() {
            StopCause::Asked { .. } => {
                let words = self.process.reason.clone();
                Ok(After { next: Next::Over, words })
            }
            StopCause::Restart { by } => {
                let words = self.process.reason.clone();
                let cause = self.asked_by.take();
                // Who asked is known, and no more than that, when Runyard was restarted meanwhile.
                let cause = cause.unwrap_or_else(|| Cause::new(CauseKind::Recovery, by));
                Ok(After { next: Next::Again(cause), words })
            }
            StopCause::Changed { file } => {
                let words = self.process.reason.clone();
                Ok(After { next: Next::Again(Cause::new(CauseKind::Watch, file)), words })
            }
            StopCause::Timeout { .. }
            | StopCause::MaxBuffer { .. }
            | StopCause::Unhealthy { .. }
            | StopCause::Beyond { .. } => self.decide_next(finished),
        }
    }

    /// Whether another attempt follows an end that nobody asked for.
    pub(super) fn comes_back(&self, exit: &ExitRecord) -> bool {
        let signal = exit.signal.map(signal_name);
        let exit = Exit::new(exit.exit_code, signal, &self.plan.strategy.success_codes);
        let end = End::Exit(exit);
        let finished = Finished { end, up_ms: 0, is_early: false, unready: None };
        let (mut history, now) = (self.history.clone(), self.shared.clock.now_ms());
        let kind = self.process.kind;
        let decision = decide(&self.plan.strategy, kind, &mut history, &finished, now, 0.5);
        self.plan.strategy.timed.is_some() || !matches!(decision, Decision::Over { .. })
    }

    /// Decides by the strategy; a pause is entered at once.
    fn decide_next(&mut self, finished: &Finished) -> Result<After, ActorError> {
        let is_service = self.process.kind == ProcessType::LongRunning;
        let now = self.shared.clock.now_ms();
        let chance = self.shared.clock.chance();
        let strategy = &self.plan.strategy;
        let kind = self.process.kind;
        let decision = decide(strategy, kind, &mut self.history, finished, now, chance);
        let how = finished.describe();
        let words = |what: &str| format!("{how}; {what}");
        let (pause, words) = match decision {
            Decision::Over { why } => {
                if is_service {
                    self.process.breaker = None;
                }
                let words = why.map_or_else(|| how.clone(), |why| words(&why));
                if let Some((pause, cause)) = self.next_time(&words, now) {
                    let words = pause.reason.clone();
                    self.apply(Event::Pause(pause))?;
                    return Ok(After { next: Next::Later(cause), words });
                }
                let is_failed = matches!(self.state, State::Ended(Outcome::Failed { .. }));
                if strategy.is_told && is_failed {
                    self.process.reason.clone_from(&words);
                }
                return Ok(After { next: Next::Over, words });
            }
            Decision::Again { delay_ms, why } => {
                if is_service {
                    self.process.breaker = Some(Breaker::Closed);
                }
                let delay_ms = i64::try_from(delay_ms).unwrap_or(i64::MAX);
                let until_ms = Some(now.saturating_add(delay_ms));
                let reason = words(&why);
                (Pause { reason: reason.clone(), until_ms, is_open: false }, reason)
            }
            Decision::Open { until_ms, why } => {
                self.process.breaker = Some(Breaker::Open);
                let reason = words(&why);
                (Pause { reason: reason.clone(), until_ms, is_open: true }, reason)
            }
        };
        self.apply(Event::Pause(pause))?;
        let kind = if is_service { CauseKind::Restart } else { CauseKind::Retry };
        Ok(After { next: Next::Later(Cause::new(kind, how)), words })
    }
}
