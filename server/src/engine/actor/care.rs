//! Looks after a run: probes, files that change, and the time after which it has held.

use std::sync::Arc;
use std::time::Duration;

use app::model::{Breaker, ProcessType};

use super::{Actor, ActorError, Run, State, StopCause};
use crate::engine::health::{Answer, Health, Means, Probe, Probes, Verdict, run};
use crate::engine::watcher::Watcher;
use crate::sys::spool::ExitRecord;

/// A program that asks a process to end may take so long.
const STOP_COMMAND: Duration = Duration::from_secs(10);

impl Actor {
    /// Begins to look after a run that is there.
    pub(super) fn look_after(&mut self, run: &mut Run) {
        run.health = Health::new(&self.plan);
        if self.process.ready == Some(true) {
            // It was before Runyard's own restart: what is asked now tells whether it still is.
            run.health.set_ready();
            run.was_ready = true;
        }
        // How often a job is tried does not depend on how long it takes.
        let is_service = self.process.kind == ProcessType::LongRunning;
        if !is_service && !self.plan.strategy.is_probed() {
            return;
        }
        let up = Duration::from_millis(self.up_ms());
        run.probes = Probes::start(
            &self.plan,
            &run.name,
            up,
            &Means {
                clock: Arc::clone(&self.shared.clock),
                tasks: self.shared.tasks.clone(),
                permits: Arc::clone(&self.shared.probe_permits),
                stop: self.shared.stop.clone(),
                exe: self.shared.settings.exe.clone(),
            },
        );
        if let Some(probes) = &run.probes {
            self.recorder.look_for(probes.needles.clone());
        }
        let held = Duration::from_secs_f64(self.plan.strategy.restart.reset_after_s);
        run.settles = is_service.then(|| self.shared.clock.instant() + held.saturating_sub(up));
    }

    /// It has been up for long enough: what was before counts no more.
    pub(super) async fn settle(&mut self, run: &mut Run) -> Result<(), ActorError> {
        run.settles = None;
        self.history.settle();
        if matches!(self.process.breaker, Some(Breaker::HalfOpen | Breaker::Open)) {
            self.process.breaker = Some(Breaker::Closed);
            self.say_if_told(run, "it has held: the breaker is closed").await?;
            self.save_and_publish().await?;
        }
        Ok(())
    }

    /// Takes what a probe found.
    pub(super) async fn take_answer(
        &mut self,
        answer: Answer,
        run: &mut Run,
    ) -> Result<(), ActorError> {
        let strategy = &self.plan.strategy;
        let config = match answer.probe {
            Probe::Ready => strategy.ready.as_ref(),
            Probe::Alive => strategy.alive.as_ref(),
        };
        let limit = config.map_or(1, |config| config.failures);
        let grace_s = config.map_or(0.0, |config| config.grace_s);
        let verdict = run.health.take(answer, limit);
        if !matches!(self.state, State::Running { .. }) {
            return Ok(());
        }
        match verdict {
            Verdict::Same => {}
            Verdict::Ready => {
                run.was_ready = true;
                self.process.ready = Some(true);
                self.show_unready(None);
                self.say_if_told(run, "ready").await?;
                self.save_and_publish().await?;
            }
            Verdict::Unready => {
                let why = run.health.unready().unwrap_or_default();
                self.show_unready(Some(match (run.was_ready, run.is_late) {
                    (true, _) => format!("not ready any more: {why}"),
                    (false, true) => format!("not ready within {grace_s} s: {why}"),
                    (false, false) => format!("not ready yet: {why}"),
                }));
                self.save_and_publish().await?;
            }
            Verdict::Late(why) => {
                run.is_late = true;
                let words = format!("not ready within {grace_s} s: {why}");
                self.say_if_told(run, &words).await?;
                self.show_unready(Some(words));
                self.save_and_publish().await?;
            }
            Verdict::NotReady(why) => {
                self.process.ready = Some(false);
                self.show_unready(Some(why.clone()));
                self.say_if_told(run, &why).await?;
                self.save_and_publish().await?;
            }
            Verdict::Dead(why) => {
                self.say_if_told(run, &why).await?;
                self.stop(StopCause::Unhealthy { why }, run).await?;
            }
        }
        Ok(())
    }

    /// A file changed.
    pub(super) async fn take_change(
        &mut self,
        file: String,
        run: &mut Run,
    ) -> Result<(), ActorError> {
        if matches!(self.state, State::Running { .. }) {
            self.stop(StopCause::Changed { file }, run).await?;
        }
        Ok(())
    }

    /// Why it cannot be used, as far as it runs; `None`: it can.
    fn show_unready(&mut self, words: Option<String>) {
        let running = self.state.reason(self.grace_s());
        self.process.reason = match &words {
            Some(words) => format!("{running}; {words}"),
            None => running,
        };
        self.unready = words;
    }

    async fn say_if_told(&mut self, run: &mut Run, text: &str) -> Result<(), ActorError> {
        if self.plan.strategy.is_told { self.say(run, text).await } else { Ok(()) }
    }

    /// Asks it to end: by its own command, or by the signal.
    pub(super) async fn ask_to_end(&self, run: &Run) {
        let Some(command) = self.plan.strategy.stop_command.clone() else {
            self.signal_tree(run, self.plan.kill_signal).await;
            return;
        };
        // Its output is taken in meanwhile; what the command does shows in how the process ends.
        let (plan, name) = (Arc::clone(&self.plan), run.name.clone());
        let exe = self.shared.settings.exe.clone();
        self.shared.tasks.spawn(async move {
            match tokio::time::timeout(STOP_COMMAND, self::run(&command, &plan, &exe)).await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => tracing::warn!(run = name, why, "the stop command failed"),
                Err(_) => tracing::warn!(run = name, "the stop command takes too long"),
            }
        });
    }

    /// Whether those that the root left behind have to go before the attempt is over: it was told to
    /// end, or the next attempt would meet them.
    pub(super) fn is_to_be_cleared(&self, exit: &ExitRecord, run: &Run) -> bool {
        if run.is_tree_empty {
            return false;
        }
        match self.state {
            State::Stopping { .. } => true,
            State::Running { .. } => self.comes_back(exit),
            _ => false,
        }
    }

    /// Begins to clear; one that ended by itself is asked to end with all of its tree first.
    pub(super) async fn clear_for_next(&self, run: &mut Run) {
        if run.clearing.is_none() && !matches!(self.state, State::Stopping { .. }) {
            run.grace = Some(self.shared.clock.instant() + self.grace());
            self.signal_tree(run, self.plan.kill_signal).await;
        }
        self.clear(run);
    }

    /// How long it has to end.
    pub(super) fn grace(&self) -> Duration {
        let general = self.shared.settings.grace_s.saturating_mul(1_000);
        Duration::from_millis(self.plan.strategy.grace_ms.unwrap_or(general))
    }

    /// The same in whole seconds, for people.
    pub(super) fn grace_s(&self) -> u64 {
        self.grace().as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
    }
}

/// The next file that changes; never, when none is watched.
pub(super) async fn next_change(watcher: &mut Option<Watcher>) -> String {
    match watcher {
        Some(watcher) => watcher.next().await,
        None => std::future::pending().await,
    }
}

/// The next answer of the probes; never, without probes.
pub(super) async fn next_answer(probes: &mut Option<Probes>) -> Answer {
    match probes {
        Some(probes) => probes.next().await,
        None => std::future::pending().await,
    }
}
