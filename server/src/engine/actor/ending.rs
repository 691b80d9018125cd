//! How an attempt ended, as it is kept: its exit, its lines, and why.

use app::model::EndKind;

use super::{Actor, ActorError, Change, Event, Next, Outcome, Run, State};
use crate::engine::recovery::{End, Finished};
use crate::keeper::client::RUN_VARIABLE;
use crate::project::signal_name;
use crate::store::end_record;
use crate::sys::procfs;
use crate::sys::spool::ExitRecord;

use super::after::After;

impl Actor {
    /// Why the newest attempt is being ended.
    pub(super) fn note_stopping(&mut self) {
        let State::Stopping { cause, .. } = &self.state else { return };
        let (kind, by) = cause.kept();
        let by = by.map(str::to_owned);
        if let Some(attempt) = self.process.attempts.last_mut() {
            (attempt.end_kind, attempt.end_by) = (Some(kind), by);
        }
    }

    /// Why the newest attempt ended: as it was told to since `before`, or by itself.
    pub(super) fn note_end(&mut self, before: &State) {
        let (kind, by) = match (before, &self.state) {
            (State::Stopping { cause, .. }, _) => cause.kept(),
            (_, State::Ended(Outcome::Lost { .. })) => (EndKind::Lost, None),
            _ => (EndKind::Exit, None),
        };
        let by = by.map(str::to_owned);
        let words = self.state.reason(self.grace_s());
        if let Some(attempt) = self.process.attempts.last_mut() {
            (attempt.end_kind, attempt.end_by, attempt.end) = (Some(kind), by, Some(words));
        }
    }

    /// The newest attempt ended, and there is no exit; the status tells what follows.
    pub(super) fn note_unexited(&mut self, kind: EndKind, why: &str, now_ms: i64) {
        let was_open = self.is_attempt_open();
        self.process.ended_at = Some(now_ms);
        if let Some(attempt) = self.process.attempts.last_mut() {
            attempt.ended_at = Some(now_ms);
            (attempt.end_kind, attempt.end_by) = (Some(kind), None);
            attempt.end = Some(why.to_owned());
        }
        if was_open {
            self.untold_end = end_record(&self.process);
        }
    }

    /// Whether the audit does not know the end of the newest attempt. One that is taken up again
    /// after a crash may have been stored as ended, and its line with it.
    fn is_attempt_open(&self) -> bool {
        self.process.attempts.last().is_some_and(|attempt| attempt.ended_at.is_none())
    }

    /// How the newest attempt ended, of whose entries the next one is `next_idx`; the status tells what follows.
    pub(super) fn note_exit(&mut self, exit: &ExitRecord, next_idx: i64) {
        let was_open = self.is_attempt_open();
        self.process.exit_code = exit.exit_code;
        self.process.signal = exit.signal.map(signal_name);
        self.process.ended_at = Some(exit.ended_at_ms);
        // Whatever ran has used memory: what an earlier keeper's child used is not known.
        let is_known = exit.max_rss_bytes > 0;
        let has_times = is_known || exit.user_us + exit.system_us > 0;
        let ms = |us: u64| i64::try_from(us / 1000).ok().filter(|_| has_times);
        if let Some(attempt) = self.process.attempts.last_mut() {
            attempt.exit_code = exit.exit_code;
            attempt.signal = exit.signal.map(signal_name);
            attempt.ended_at = Some(exit.ended_at_ms);
            attempt.user_ms = ms(exit.user_us);
            attempt.system_ms = ms(exit.system_us);
            attempt.max_rss_bytes = i64::try_from(exit.max_rss_bytes).ok().filter(|_| is_known);
        }
        if was_open {
            self.untold_end = end_record(&self.process);
        }
        self.note_lines(next_idx);
    }

    /// The lines of the newest attempt, behind those of the attempts before.
    fn note_lines(&mut self, next_idx: i64) {
        let before = self.process.attempts.iter().rev().skip(1).find_map(|a| a.last_idx);
        let first_idx = before.map_or(0, |last| last + 1);
        if let Some(attempt) = self.process.attempts.last_mut()
            && next_idx > first_idx
        {
            (attempt.first_idx, attempt.last_idx) = (Some(first_idx), Some(next_idx - 1));
        }
    }

    /// The newest keeper does not know the run: what is left of its output is taken in, and what
    /// follows is decided.
    pub(super) async fn conclude_vanished(
        &mut self,
        run: &mut Run,
        why: &str,
    ) -> Result<Next, ActorError> {
        let name = run.name.clone();
        run.tail.doubt_news();
        loop {
            match self.take_in(run).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(run = name, %error, "the rest of its output cannot be read");
                    break;
                }
            }
        }
        run.tail.finish(self.shared.clock.now_ms(), &mut self.recorder);
        self.recorder.show();
        (run.clearing, run.grace, run.timeout, run.settles) = (None, None, None, None);
        (run.confinement, run.probes) = (None, None);
        self.save_output(run).await?;
        self.conclude_lost(&name, why, vec![]).await
    }

    /// Nobody saw it end. `also` is stored together with that.
    pub(super) async fn conclude_lost(
        &mut self,
        run: &str,
        why: &str,
        also: Vec<Change>,
    ) -> Result<Next, ActorError> {
        let astray = self.process.pid.filter(|pid| bears_mark(*pid, run));
        let why = match astray {
            Some(pid) => format!(
                "{why}; it still runs as pid {pid}, and is followed by nobody: end it, then restart it"
            ),
            None => why.to_owned(),
        };
        let before = self.state.clone();
        let now = self.shared.clock.now_ms();
        let up_ms = now - self.process.started_at.unwrap_or(now);
        self.apply(Event::Vanished { why: why.clone() })?;
        self.slot = None;
        self.close_stdin();
        let end = End::Lost(why.clone());
        let finished = Finished { end, up_ms, is_early: false, unready: None };
        let After { next, words } = match astray {
            // Two of it would be worse than none.
            Some(_) => After { next: Next::Over, words: finished.describe() },
            None => self.follow_up(&before, &finished)?,
        };
        self.note_unexited(EndKind::Lost, &why, now);
        let entry = self.recorder.stage_system(now, &words);
        self.note_lines(self.recorder.next_idx() + 1);
        let mut changes = self.record_changes();
        changes.push(entry);
        changes.extend(also);
        self.shared.writer.submit(changes).await?;
        self.recorder.show_staged().await?;
        self.publish();
        Ok(next)
    }
}

/// Whether a process is one of the run.
fn bears_mark(pid: i32, run: &str) -> bool {
    let environ = procfs::environ(pid).unwrap_or_default();
    procfs::item(&environ, RUN_VARIABLE).is_some_and(|mark| mark == run)
}
