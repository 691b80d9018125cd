//! A job whose start gave it a schedule: between its runs it waits for its next time.
//!
//! It is a pause like any other, so a stop ends it, a restart by hand runs it at once, and a restart of
//! Runyard goes on with it.

use std::time::Duration;

use app::model::CauseKind;

use super::wait::Heard;
use super::{Actor, ActorError, Cause, Change, Event, Next, Pause, State};
use crate::config::{Missed, Overlap, Schedule};
use crate::engine::due::{LONGEST_SLEEP, find_due};
use crate::project::Timed;

impl Actor {
    /// Makes one that is new wait for its first time. `also` is stored together with it.
    pub(super) async fn begin_timed(&mut self, also: Vec<Change>) -> Result<Next, ActorError> {
        let now = self.shared.clock.now_ms();
        let Some((pause, cause)) = self.next_time("it was not run yet", now) else {
            return Ok(Next::Over);
        };
        self.apply(Event::Pause(pause))?;
        let mut changes = self.record_changes();
        changes.extend(also);
        self.shared.writer.submit(changes).await?;
        self.publish();
        Ok(Next::Later(cause))
    }

    /// The pause until its next time, after a run of which `how` tells; `None` for one without any.
    pub(super) fn next_time(&self, how: &str, now: i64) -> Option<(Pause, Cause)> {
        let timed = self.plan.strategy.timed.as_ref()?;
        let times = timed.times()?;
        let began = self.begun_ms.or(self.process.started_at);
        let began = began.filter(|_| timed.overlap == Overlap::Queue);
        let was_put_off = began.and_then(|at| times.next_after(at)).is_some_and(|next| next <= now);
        let (until_ms, what) = match was_put_off {
            true => (now, "a time came meanwhile: the next run is now".to_owned()),
            false => (times.next_after(now)?, describe(timed)),
        };
        let reason = format!("{how}; {what}");
        let pause = Pause { reason, until_ms: Some(until_ms), is_open: false };
        Some((pause, Cause::new(CauseKind::Schedule, timed.schedule.clone())))
    }

    /// The times that the present pause waits for, if it does not wait for another try.
    pub(super) fn awaited_times(&self) -> Option<(Schedule, i64)> {
        let State::BackingOff(Pause { until_ms: Some(until_ms), .. }) = &self.state else {
            return None;
        };
        let times = self.plan.strategy.timed.as_ref()?.times()?;
        (times.newest_until(*until_ms) == Some(*until_ms)).then_some((times, *until_ms))
    }

    /// Waits for its time, or for somebody who asks.
    pub(super) async fn wait_for_time(
        &mut self,
        times: &Schedule,
        first_ms: i64,
    ) -> Result<Next, ActorError> {
        let Some(timed) = self.plan.strategy.timed.clone() else { return Ok(Next::Over) };
        let mut until_ms = first_ms;
        loop {
            let now = self.shared.clock.now_ms();
            let makes_up = timed.missed == Missed::RunOnce;
            let due = find_due(times, Some(until_ms - 1), now, makes_up);
            if due.fires {
                return Ok(Next::Again(Cause::new(CauseKind::Schedule, timed.schedule)));
            }
            if due.last >= until_ms {
                // Runyard was not there, or the machine slept.
                let Some((pause, _)) = self.next_time("a time was missed", now) else {
                    return Ok(Next::Over);
                };
                until_ms = pause.until_ms.unwrap_or(i64::MAX);
                self.apply(Event::Pause(pause))?;
                self.save_and_publish().await?;
            }
            let left = Duration::from_millis(u64::try_from(until_ms - now).unwrap_or_default());
            let look_at = self.shared.clock.instant() + left.min(LONGEST_SLEEP);
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(Next::Leave),
                Some(command) = self.commands.recv() => match self.hear(command).await? {
                    Heard::Over => return Ok(Next::Over),
                    Heard::Begin(cause) => return Ok(Next::Again(cause)),
                    Heard::Stay => {}
                },
                () = self.shared.clock.sleep_until(look_at) => {}
            }
        }
    }
}

fn describe(timed: &Timed) -> String {
    let zone = timed.timezone.as_deref().unwrap_or("UTC");
    format!("it waits for its time, {} {zone}", timed.schedule)
}
