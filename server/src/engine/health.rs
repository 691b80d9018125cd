//! Whether a process can be used (ready) and still works (alive).
//!
//! A probe is one task that asks, waits, and asks again: its questions never pile up. Those of many
//! processes are spread over the period, and only so many are asked at the same moment. What an
//! answer means is decided by [`Health`], a table without time or network.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Clock;
use crate::config::ProbeConfig;
use crate::project::LaunchPlan;

use question::Question;
pub(super) use question::run;

mod question;
#[cfg(test)]
mod tests;
mod tls;

/// Questions asked at the same moment, of all processes.
pub(super) const AT_ONCE: usize = 32;
/// Until the first success it is asked so soon again, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Answers that may wait for the actor.
const ANSWERS: usize = 8;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Can it be used?
    Ready,
    /// Does it still work?
    Alive,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Which was asked.
    pub(super) probe: Probe,
    /// `Err`: what was wrong.
    pub(super) outcome: Result<(), String>,
    /// The time in which failures do not count is over.
    pub(super) is_past_grace: bool,
}

/// What an answer changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Same,
    /// It can be used from now on.
    Ready,
    /// It cannot be used yet, for another reason than before.
    Unready,
    /// It could not be used within its grace; why.
    Late(String),
    /// It cannot be used any more; why.
    NotReady(String),
    /// It does not work any more; why.
    Dead(String),
}

/// How one process is, as its answers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    /// `None` without a readiness probe.
    pub(super) is_ready: Option<bool>,
    /// Why it cannot be used, as the newest answer says.
    unready: Option<String>,
    /// It could be used at some time, or it was told that it could not in time.
    is_late_told: bool,
    ready_failures: u32,
    alive_failures: u32,
    /// Once dead, it is being ended, and further answers say nothing new.
    is_dead: bool,
}

impl Health {
    /// Of a process that has just begun.
    pub(super) fn new(plan: &LaunchPlan) -> Self {
        Self { is_ready: plan.strategy.ready.as_ref().map(|_| false), ..Self::default() }
    }

    /// Of a process that was ready before Runyard's own restart.
    pub(super) fn set_ready(&mut self) {
        (self.is_ready, self.is_late_told) = (Some(true), true);
    }

    /// Why it cannot be used, as the newest answer says.
    pub(super) fn unready(&self) -> Option<&str> {
        self.unready.as_deref()
    }

    /// Takes an answer. `limit` failures in a row count.
    pub(super) fn take(&mut self, answer: Answer, limit: u32) -> Verdict {
        let Answer { probe, outcome, is_past_grace } = answer;
        let failures = match probe {
            Probe::Ready => &mut self.ready_failures,
            Probe::Alive => &mut self.alive_failures,
        };
        let Err(why) = outcome else {
            *failures = 0;
            return match (probe, self.is_ready) {
                (Probe::Ready, Some(false)) => {
                    (self.is_ready, self.unready) = (Some(true), None);
                    self.is_late_told = true;
                    Verdict::Ready
                }
                _ => Verdict::Same,
            };
        };
        if probe == Probe::Ready && self.is_ready == Some(false) {
            let is_news = self.unready.as_deref() != Some(&why);
            self.unready = Some(why.clone());
            return match (is_past_grace && !self.is_late_told, is_news) {
                (true, _) => {
                    self.is_late_told = true;
                    Verdict::Late(why)
                }
                (false, true) => Verdict::Unready,
                (false, false) => Verdict::Same,
            };
        }
        if !is_past_grace {
            return Verdict::Same;
        }
        *failures = failures.saturating_add(1);
        if *failures < limit {
            return Verdict::Same;
        }
        let times = super::words::plural(*failures, "time");
        match probe {
            Probe::Ready if self.is_ready == Some(true) => {
                (self.is_ready, self.unready) = (Some(false), Some(why.clone()));
                Verdict::NotReady(format!("not ready, {times} in a row: {why}"))
            }
            Probe::Alive if !self.is_dead => {
                self.is_dead = true;
                Verdict::Dead(format!("it does not answer, {times} in a row: {why}"))
            }
            _ => Verdict::Same,
        }
    }
}

/// The probes of one run. Dropping it ends them.
pub(super) struct Probes {
    answers: mpsc::Receiver<Answer>,
    /// Lines that are looked for in the output, and whether one was seen.
    pub(super) needles: Vec<(String, Arc<AtomicBool>)>,
    _stop: DropGuard,
}

/// What it takes to ask.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tasks: TaskTracker,
    pub(super) permits: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    /// Runyard itself.
    pub(super) exe: PathBuf,
}

impl Probes {
    /// Begins to ask. `None` when the plan has no probe.
    pub(super) fn start(
        plan: &Arc<LaunchPlan>,
        run: &str,
        up: Duration,
        means: &Means,
    ) -> Option<Self> {
        let strategy = &plan.strategy;
        if !strategy.is_probed() {
            return None;
        }
        let stop = means.stop.child_token();
        let (sender, answers) = mpsc::channel(ANSWERS);
        let mut needles = Vec::new();
        let both = [(Probe::Ready, &strategy.ready), (Probe::Alive, &strategy.alive)];
        for (probe, config) in both {
            let Some(config) = config.clone() else { continue };
            let seen = Arc::new(AtomicBool::new(false));
            if let Some(text) = &config.log {
                needles.push((text.clone(), Arc::clone(&seen)));
            }
            let asker = Asker {
                probe,
                config,
                plan: Arc::clone(plan),
                seen,
                means: means.clone(),
                offset: offset_of(run),
                up,
                answers: sender.clone(),
            };
            let stop = stop.clone();
            means.tasks.spawn(async move { stop.run_until_cancelled(asker.ask_on()).await });
        }
        Some(Self { answers, needles, _stop: stop.drop_guard() })
    }

    /// The next answer; never, when there is none to come.
    pub(super) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// A number from 0 to 1 that belongs to a name: probes of many processes are spread by it.
fn offset_of(run: &str) -> f64 {
    f64::from(crc32fast::hash(run.as_bytes())) / f64::from(u32::MAX)
}

struct Asker {
    probe: Probe,
    config: ProbeConfig,
    plan: Arc<LaunchPlan>,
    seen: Arc<AtomicBool>,
    means: Means,
    offset: f64,
    /// How long it was up when the asking began.
    up: Duration,
    answers: mpsc::Sender<Answer>,
}

impl Asker {
    async fn ask_on(self) {
        let begin = self.means.clock.instant();
        let period = Duration::from_secs_f64(self.config.period_s);
        let grace = Duration::from_secs_f64(self.config.grace_s);
        let mut pause = FIRST_PAUSE.min(period);
        let mut was_well = false;
        if self.probe == Probe::Alive {
            // It has to begin to work before it can stop to.
            self.pause(period).await;
        }
        loop {
            let outcome = self.ask().await;
            let is_first_success = outcome.is_ok() && !was_well;
            was_well |= outcome.is_ok();
            let is_past_grace = self.up + (self.means.clock.instant() - begin) >= grace;
            let answer = Answer { probe: self.probe, outcome, is_past_grace };
            if self.answers.send(answer).await.is_err() {
                return;
            }
            let wait = match (was_well, self.probe) {
                (true, _) if is_first_success => period.mul_f64(self.offset),
                (true, _) | (_, Probe::Alive) => period,
                (false, Probe::Ready) => {
                    let wait = pause;
                    pause = pause.mul_f64(1.5).min(period);
                    wait
                }
            };
            self.pause(wait).await;
        }
    }

    async fn pause(&self, pause: Duration) {
        self.means.clock.sleep_until(self.means.clock.instant() + pause).await;
    }

    async fn ask(&self) -> Result<(), String> {
        let config = &self.config;
        if let Some(text) = &config.log {
            let was_seen = match self.probe {
                // Once said, it stays said.
                Probe::Ready => self.seen.load(Ordering::Acquire),
                Probe::Alive => self.seen.swap(false, Ordering::AcqRel),
            };
            return if was_seen {
                Ok(())
            } else {
                Err(format!("no line with {text:?} was written"))
            };
        }
        let Ok(_permit) = self.means.permits.acquire().await else { return Ok(()) };
        let timeout = Duration::from_secs_f64(config.timeout_s);
        let question = Question::of(config, &self.plan, &self.means.exe);
        let asked = tokio::time::timeout(timeout, question.ask()).await;
        let what = config.describe();
        match asked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(format!("{what}: {why}")),
            Err(_) => Err(format!("{what}: no answer within {} s", config.timeout_s)),
        }
    }
}
