//! Supervises one run: commands, the keeper's news, deadlines, and the way to its end.

use std::sync::Arc;

use app::model::Process;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::after::After;
use super::care::{next_answer, next_change};
use super::output::SAVE_AFTER;
use super::{Actor, ActorError, Change, Command, Event, Exit, Next, Run, Scope, State, StopCause};
use super::{clearing, holders, limits};
use crate::engine::EngineError;
use crate::engine::clock::at;
use crate::project::signal_name;
use crate::sys::spool::ExitRecord;

/// Why a run is lost that was followed.
const FORGOTTEN: &str = "its keeper was lost, and the one after it does not know it";

impl Actor {
    /// Follows `run` until it is over.
    pub(super) async fn supervise(&mut self, mut run: Run) -> Result<Next, ActorError> {
        self.confine(&mut run);
        let mut more = true;
        loop {
            if more {
                more = self.take_in(&mut run).await?;
                self.check_max_buffer(&mut run).await?;
            }
            if let Some(exit) = run.exit.clone().filter(|_| !more) {
                if self.is_to_be_cleared(&exit, &run) {
                    self.clear_for_next(&mut run).await;
                } else if !self.state.is_over() {
                    if let Some(next) = self.conclude(&mut run, &exit).await? {
                        self.give_back(run).await?;
                        return Ok(next);
                    }
                } else if run.tail.is_closed() {
                    self.give_back(run).await?;
                    return Ok(Next::Over);
                }
            }
            let mailbox = Arc::clone(&run.mailbox);
            let save_at = run.unsaved_since.map(|since| since + SAVE_AFTER);
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => {
                    self.leave(&mut run).await?;
                    return Ok(Next::Leave);
                }
                Some(command) = self.commands.recv() => self.obey(command, &mut run).await?,
                () = at(&*self.shared.clock, run.timeout), if run.timeout.is_some() => {
                    run.timeout = None;
                    let after_ms = self.plan.timeout_ms.unwrap_or_default();
                    self.stop(StopCause::Timeout { after_ms }, &mut run).await?;
                }
                () = at(&*self.shared.clock, run.grace), if run.grace.is_some() => {
                    run.grace = None;
                    self.kill(&mut run).await?;
                }
                answer = clearing::next(&mut run.clearing) => {
                    // What they wrote while they ended belongs to the log.
                    more |= self.see_leftovers(answer, &mut run).await?;
                }
                answer = holders::next(&mut run.holders) => {
                    self.name_holders(answer, &mut run).await?;
                }
                step = limits::next(&mut run.confinement) => self.take_step(step, &mut run).await?,
                () = at(&*self.shared.clock, run.settles), if run.settles.is_some() => {
                    self.settle(&mut run).await?;
                }
                answer = next_answer(&mut run.probes) => self.take_answer(answer, &mut run).await?,
                file = next_change(&mut self.watcher) => self.take_change(file, &mut run).await?,
                stored = self.recorder.stored() => {
                    let stored = stored?;
                    self.note_stored(&mut run, stored.cursor);
                }
                () = save_time(save_at), if save_at.is_some() => self.save_output(&mut run).await?,
                () = std::future::ready(()), if more => {}
                () = mailbox.arrived.notified() => {
                    more = true;
                    if let Some(next) = self.read_news(&mut run).await? {
                        self.give_back(run).await?;
                        return Ok(next);
                    }
                }
            }
        }
    }

    async fn read_news(&mut self, run: &mut Run) -> Result<Option<Next>, ActorError> {
        let news = run.mailbox.take();
        if news.is_incomplete || news.keeper_changed {
            run.tail.doubt_news();
        }
        for (from_off, records) in &news.records {
            run.tail.offer(*from_off, records);
        }
        if news.exit.is_some() {
            run.exit = news.exit;
        }
        if news.keeper_changed && run.exit.is_none() {
            return self.ask_keeper(run).await;
        }
        Ok(None)
    }

    /// Another keeper is there: it may have news of the run that nobody told.
    async fn ask_keeper(&mut self, run: &mut Run) -> Result<Option<Next>, ActorError> {
        let runs = match self.shared.keeper.list().await {
            Ok(runs) => runs,
            Err(error) => {
                tracing::warn!(run = run.name, %error, "the keeper cannot be asked");
                return Ok(None);
            }
        };
        if let Some(info) = runs.into_iter().find(|info| info.run == run.name) {
            run.exit = info.exit;
            return Ok(None);
        }
        // Whoever is left of one that is over writes where nobody reads.
        Ok(Some(match self.state.is_over() {
            true => Next::Over,
            false => self.conclude_vanished(run, FORGOTTEN).await?,
        }))
    }

    async fn obey(&mut self, command: Command, run: &mut Run) -> Result<(), ActorError> {
        match command {
            Command::Stop { by, reply } => {
                let done = self.stop_for(StopCause::Asked { by }, run).await?;
                let _ = reply.send(done);
            }
            // The attempt began after it was asked for.
            Command::Restart { asked, reply, .. }
                if self.begun.is_some_and(|begun| begun > asked) && !self.state.is_over() =>
            {
                let _ = reply.send(Ok(self.handle.snapshot()));
            }
            Command::Restart { cause, reply, .. } => {
                let by = cause.by.clone();
                self.asked_by = Some(cause);
                let done = self.stop_for(StopCause::Restart { by }, run).await?;
                let _ = reply.send(done);
            }
            Command::Signal { signal, reply } => {
                let done = if run.exit.is_some() {
                    Err(EngineError::InvalidState("the process has just ended".into()))
                } else {
                    let sent = self.shared.keeper.signal(&run.name, signal, Scope::Process).await;
                    sent.map(|_| self.handle.snapshot()).map_err(EngineError::from)
                };
                let _ = reply.send(done);
            }
        }
        Ok(())
    }

    /// A stop that somebody waits for an answer to.
    async fn stop_for(
        &mut self,
        cause: StopCause,
        run: &mut Run,
    ) -> Result<Result<Arc<Process>, EngineError>, ActorError> {
        if self.state.is_over() {
            // What is followed is the output of those that its root left behind.
            if let StopCause::Restart { .. } = cause {
                let why = "the process has ended, but some that it started still hold its output: \
                           stop it to end them, then restart it";
                return Ok(Err(EngineError::InvalidState(why.into())));
            }
            run.grace = Some(self.shared.clock.instant() + self.grace());
            self.signal_tree(run, self.plan.kill_signal).await;
            return Ok(Ok(self.handle.snapshot()));
        }
        if run.clearing.is_some() {
            // It was asked before, and some of it are still there.
            self.kill_tree(run);
        }
        self.stop(cause, run).await?;
        Ok(Ok(self.handle.snapshot()))
    }

    /// Asks the whole tree to end, and gives it the grace.
    pub(super) async fn stop(&mut self, cause: StopCause, run: &mut Run) -> Result<(), ActorError> {
        let asked_before = matches!(self.state, State::Stopping { .. });
        let grace_ms = i64::try_from(self.grace().as_millis()).unwrap_or(i64::MAX);
        let kill_at = match asked_before {
            true => self.process.next_at,
            false => Some(self.shared.clock.now_ms().saturating_add(grace_ms)),
        };
        self.apply(Event::Stop(cause))?;
        self.note_stopping();
        self.process.next_at = kill_at;
        // Stored before it is answered: a crash must not forget that it was asked for.
        let changes = self.record_changes();
        self.shared.writer.submit(changes).await?;
        self.publish();
        if !asked_before {
            run.grace = Some(self.shared.clock.instant() + self.grace());
            self.ask_to_end(run).await;
        }
        Ok(())
    }

    /// The grace is over.
    pub(super) async fn kill(&mut self, run: &mut Run) -> Result<(), ActorError> {
        if !self.state.is_over() {
            self.apply(Event::GraceOver)?;
            self.save_and_publish().await?;
        }
        self.kill_tree(run);
        Ok(())
    }

    /// Asks the tree to end. When the keeper is not there, SIGKILL after the grace is all that it
    /// gets.
    pub(super) async fn signal_tree(&self, run: &Run, signal: i32) {
        if let Err(error) = self.shared.keeper.signal(&run.name, signal, Scope::Tree).await {
            tracing::warn!(run = run.name, %error, "the tree cannot be signalled");
        }
    }

    async fn check_max_buffer(&mut self, run: &mut Run) -> Result<(), ActorError> {
        let limit = self.plan.max_buffer.unwrap_or(self.shared.settings.max_buffer);
        let is_running = matches!(self.state, State::Running { .. });
        if limit == 0 || !is_running || run.tail.bytes_taken() <= limit {
            return Ok(());
        }
        let text = format!("killed: it wrote more than its output limit of {limit} bytes");
        self.say(run, &text).await?;
        self.apply(Event::Stop(StopCause::MaxBuffer { limit }))?;
        // A fuse does not ask.
        self.kill(run).await
    }

    /// The root has ended and its output is taken in. `None`: somebody still holds its pipe, and
    /// what they write is taken in, too.
    async fn conclude(
        &mut self,
        run: &mut Run,
        exit: &ExitRecord,
    ) -> Result<Option<Next>, ActorError> {
        run.tail.finish(exit.ended_at_ms, &mut self.recorder);
        self.recorder.show();
        self.mark_gaps(run).await?;
        // Bytes in a pipe die with the last who holds it.
        if exit.exit_code.is_none() && exit.signal.is_none() {
            let text = "nobody saw it end: what it wrote last is missing if no keeper was there";
            self.say(run, text).await?;
        } else if run.tail.is_cut() {
            let text = "no keeper was there when its output was closed: what was written last may \
                        be missing";
            self.say(run, text).await?;
        }
        self.see_out_of_memory(run, exit).await?;
        let before = self.state.clone();
        let signal = exit.signal.map(signal_name);
        let end = Exit::new(exit.exit_code, signal, &self.plan.strategy.success_codes);
        self.apply(Event::Exited(end.clone()))?;
        self.note_end(&before);
        let After { next, words } = self.decide_after(&before, end, run, exit.ended_at_ms)?;
        (run.timeout, run.grace, run.settles, run.probes) = (None, None, None, None);
        self.close_stdin();
        // The process is stored below, whichever way it goes on.
        self.is_unsaved = false;
        let is_whole = exit.streams_closed || run.tail.is_closed();
        self.save_output(run).await?;
        // The slot is free with the end of the root, whoever holds its pipe.
        self.slot = None;
        if self.plan.strategy.is_told {
            let cursor = run.tail.cursor();
            let told = self.recorder.next_idx() + 1;
            self.note_exit(exit, told);
            let mut changes = self.record_changes();
            if run.has_cursor {
                changes.push(Change::PutCursor(cursor));
            }
            self.tell(changes, || words).await?;
        } else {
            self.note_exit(exit, self.recorder.next_idx());
        }
        self.publish();
        // Those who wait for the end are told before the store has work with it.
        yield_now().await;
        if !matches!(next, Next::Over) {
            return Ok(Some(next));
        }
        if is_whole {
            return Ok(Some(Next::Over));
        }
        run.has_cursor = true;
        self.recorder.save(Some(run.tail.cursor())).await?;
        self.save_later().await?;
        self.ask_for_holders(run);
        Ok(None)
    }
}

/// When entries are handed to the store, which is of no one's concern but the engine's.
async fn save_time(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
