//! The waits of a process that does not run: for others, for a slot, for its next try.

use std::time::Duration;

use app::model::{Breaker, CauseKind};

use super::{
    Actor, ActorError, Cause, Change, Command, Event, Next, Slot, State, StopCause, named,
};
use crate::engine::EngineError;
use crate::engine::board;
use crate::engine::clock::at;
use crate::engine::queue::{Step, TOLD, Waiting};

/// What a command does to one that waits.
pub(super) enum Heard {
    /// Nothing.
    Stay,
    /// It is over.
    Over,
    /// It shall begin at once.
    Begin(Cause),
}

impl Actor {
    /// Takes a command while nothing runs.
    pub(super) async fn hear(&mut self, command: Command) -> Result<Heard, ActorError> {
        match command {
            Command::Stop { by, reply } => {
                self.apply(Event::Stop(StopCause::Asked { by }))?;
                self.process.ended_at = Some(self.shared.clock.now_ms());
                self.save_and_publish().await?;
                let _ = reply.send(Ok(self.handle.snapshot()));
                Ok(Heard::Over)
            }
            // It is about to begin: that is what was asked for.
            Command::Restart { cause, reply, .. } => {
                let _ = reply.send(Ok(self.handle.snapshot()));
                Ok(Heard::Begin(cause))
            }
            Command::Signal { reply, .. } => {
                let why = format!("the process does not run yet: {}", self.process.reason);
                let _ = reply.send(Err(EngineError::InvalidState(why)));
                Ok(Heard::Stay)
            }
        }
    }

    /// Waits until those it depends on are as they must be. `Some`: it does not come to that.
    pub(super) async fn wait_for_others(
        &mut self,
        also: &mut Vec<Change>,
    ) -> Result<Option<Next>, ActorError> {
        let mut moves = self.shared.board.watch();
        let mut is_first = true;
        loop {
            moves.mark_unchanged();
            let unmet = self.shared.board.unmet(&self.plan.strategy.depends_on);
            if unmet.is_empty() {
                if matches!(self.state, State::Waiting { .. }) {
                    self.apply(Event::Met)?;
                }
                return Ok(None);
            }
            let why = board::describe(&unmet);
            if self.process.reason != why {
                self.apply(Event::Wait { why })?;
                let mut changes = self.record_changes();
                changes.append(also);
                self.shared.writer.submit(changes).await?;
                self.publish();
            }
            if std::mem::take(&mut is_first) {
                let name = self.plan.strategy.declared.as_ref().map_or("", |d| d.name.as_str());
                let by = if name.is_empty() { self.process.script.as_str() } else { name };
                for one in &unmet {
                    // Nobody listens while Runyard ends.
                    let (name, condition, by) = (one.name.clone(), one.condition, by.to_owned());
                    let _ = self.shared.wanted.send(board::Want { name, condition, by });
                }
            }
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(Some(Next::Leave)),
                Some(command) = self.commands.recv() => {
                    if let Heard::Over = self.hear(command).await? {
                        return Ok(Some(Next::Over));
                    }
                }
                _ = moves.changed() => {}
            }
        }
    }

    /// Waits for a slot; `None` when the process was taken off the queue.
    pub(super) async fn wait_in_line(
        &mut self,
        mut waiting: Waiting,
        also: Vec<Change>,
    ) -> Result<Option<Slot>, ActorError> {
        self.note_place(&waiting);
        let mut changes = self.record_changes();
        changes.extend(also);
        self.shared.writer.submit(changes).await?;
        self.publish();
        loop {
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(None),
                Some(command) = self.commands.recv() => {
                    if let Heard::Over = self.hear(command).await? {
                        return Ok(None);
                    }
                }
                step = waiting.next() => match step {
                    Step::Granted(slot) => return Ok(Some(slot)),
                    Step::Moved if named(waiting.pool()) != self.process.pool => {
                        // Its pool is gone: where it waits now outlives a restart.
                        self.note_place(&waiting);
                        self.save_and_publish().await?;
                    }
                    Step::Moved if waiting.place().ahead < TOLD => {
                        self.note_place(&waiting);
                        self.publish();
                    }
                    Step::Moved => {}
                },
            }
        }
    }

    fn note_place(&mut self, waiting: &Waiting) {
        self.process.reason = waiting.reason();
        self.process.pool = named(waiting.pool());
        self.process.position = u32::try_from(waiting.place().ahead + 1).ok();
    }

    /// Waits for the time of the next try, for somebody who asks for it, or for a file that changed.
    pub(super) async fn wait_for_next_try(&mut self, cause: Cause) -> Result<Next, ActorError> {
        if let Some((times, until_ms)) = self.awaited_times() {
            return self.wait_for_time(&times, until_ms).await;
        }
        let State::BackingOff(pause) = &self.state else { return Ok(Next::Again(cause)) };
        let is_open = pause.is_open;
        // Of the process's own time: a clock that is set does not shorten the pause.
        let deadline = pause.until_ms.map(|until_ms| {
            let left_ms = u64::try_from(until_ms - self.shared.clock.now_ms()).unwrap_or_default();
            // One that was set while Runyard was not there does not make it longer than any pause.
            let longest_ms = self.plan.strategy.longest_pause_ms();
            self.shared.clock.instant() + Duration::from_millis(left_ms.min(longest_ms))
        });
        let cause = loop {
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(Next::Leave),
                Some(command) = self.commands.recv() => match self.hear(command).await? {
                    Heard::Over => return Ok(Next::Over),
                    Heard::Begin(cause) => break cause,
                    Heard::Stay => {}
                },
                file = super::care::next_change(&mut self.watcher) => {
                    break Cause::new(CauseKind::Watch, file);
                }
                () = at(&*self.shared.clock, deadline), if deadline.is_some() => break cause,
            }
        };
        if is_open {
            self.begin_trial();
        }
        Ok(Next::Again(cause))
    }

    /// The next attempt decides whether the breaker closes.
    pub(super) fn begin_trial(&mut self) {
        self.history.is_trial = true;
        self.process.breaker = Some(Breaker::HalfOpen);
    }
}
