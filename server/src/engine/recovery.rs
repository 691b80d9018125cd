//! What follows an end: nothing, another try after a pause, or a breaker that opens.
//!
//! Everything here is a function of what is given to it, the time and the chance included.

use app::model::{Attempt, Breaker, CauseKind, EndKind, ProcessType};

use crate::config::{RestartConfig, RestartWhen, RetriesConfig};
use crate::project::Strategy;

use super::state::Exit;
use super::words::{plural, seconds, span};

#[cfg(test)]
mod tests;

/// How an attempt ended, as far as it matters for what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exit(Exit),
    /// By Runyard's own hand, for a reason that is a failure: a limit, a probe.
    Ended(String),
    /// It never ran.
    NotStarted(String),
    /// Nobody saw it; what is known.
    Lost(String),
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finished {
    /// How.
    pub(super) end: End,
    /// For how long it ran.
    pub(super) up_ms: i64,
    /// It ended before it could be used: within its grace, or never ready.
    pub(super) is_early: bool,
    /// What its readiness probe said last, when it was never ready.
    pub(super) unready: Option<String>,
}

/// What was before, as far as it matters for what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Tries that ended since the last one that held.
    pub(super) tries: u32,
    /// When the newest failures happened.
    failures: Vec<i64>,
    /// The present attempt is the breaker's trial.
    pub(super) is_trial: bool,
}

/// What follows an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing.
    Over {
        /// Why, when there is something to say.
        why: Option<String>,
    },
    /// Another try.
    Again {
        /// After so long.
        delay_ms: u64,
        /// In words: `next try in 2.1 s, attempt 3 of 5`.
        why: String,
    },
    /// The breaker opens.
    Open {
        /// When the trial is made; `None`: only by hand.
        until_ms: Option<i64>,
        /// In words.
        why: String,
    },
}

/// What a pause is made of.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    delay_ms: u64,
    factor: f64,
    max_delay_ms: u64,
    jitter: f64,
}

impl Finished {
    /// Whether it did what it should.
    fn is_success(&self) -> bool {
        matches!(&self.end, End::Exit(exit) if exit.is_success)
    }

    /// An attempt as it was stored; `None` for an end that counts for nothing: it was wanted, is not
    /// there yet, or is not known.
    fn stored(attempt: &Attempt, strategy: &Strategy) -> Option<Self> {
        let ended_at = attempt.ended_at?;
        let why = || attempt.end.clone().unwrap_or_default();
        let end = match attempt.end_kind? {
            kind if kind.is_wanted() => return None,
            EndKind::Spawn => End::NotStarted(why()),
            EndKind::Lost => End::Lost(why()),
            EndKind::Exit => {
                let signal = attempt.signal.clone();
                End::Exit(Exit::new(attempt.exit_code, signal, &strategy.success_codes))
            }
            _ => End::Ended(why()),
        };
        let up_ms = ended_at - attempt.started_at.unwrap_or(ended_at);
        Some(Self { end, up_ms, is_early: false, unready: None })
    }

    /// In words: `failed to start: exit code 1 after 0.4 s`.
    pub(super) fn describe(&self) -> String {
        let after = span(self.up_ms);
        let failed = if self.is_early && !self.is_success() { "failed to start: " } else { "" };
        let how = match &self.end {
            End::NotStarted(why) => return format!("failed to start: {why}"),
            End::Exit(exit) => format!("{failed}{} after {after}", exit.describe()),
            End::Ended(why) => format!("{failed}{why} after {after}"),
            End::Lost(why) => format!("lost after {after}: {why}"),
        };
        match &self.unready {
            Some(why) => format!("{how}, never ready ({why})"),
            None => how,
        }
    }

    fn code(&self) -> Option<i32> {
        match &self.end {
            End::Exit(exit) => exit.code,
            End::Ended(_) | End::NotStarted(_) | End::Lost(_) => None,
        }
    }
}

impl History {
    /// What the stored attempts tell after a restart of Runyard: all of them are decided again.
    pub(super) fn of(
        attempts: &[Attempt],
        breaker: Option<Breaker>,
        strategy: &Strategy,
        kind: ProcessType,
    ) -> Self {
        let mut history = Self::default();
        for attempt in attempts {
            if attempt.cause_kind.is_some_and(CauseKind::begins_anew) {
                history.begin_anew();
            }
            match Finished::stored(attempt, strategy) {
                Some(finished) => {
                    let now_ms = attempt.ended_at.unwrap_or_default();
                    let decision = decide(strategy, kind, &mut history, &finished, now_ms, 0.5);
                    history.is_trial = matches!(decision, Decision::Open { .. });
                }
                None if kind == ProcessType::LongRunning => {
                    let up_ms = attempt.ended_at.zip(attempt.started_at).map(|(end, at)| end - at);
                    if up_ms.is_some_and(|up_ms| up_ms >= ms(strategy.restart.reset_after_s)) {
                        history.settle();
                    }
                }
                None => {}
            }
        }
        history.is_trial = breaker == Some(Breaker::HalfOpen);
        history
    }

    /// Somebody, or something new, starts it: what was tried before is over. What failed has failed.
    pub(super) fn begin_anew(&mut self) {
        self.tries = 0;
    }

    /// The attempt held: what was before counts no more.
    pub(super) fn settle(&mut self) {
        *self = Self::default();
    }
}

/// Decides what follows, and notes it in the history. `chance` is from 0 to 1.
pub(super) fn decide(
    strategy: &Strategy,
    kind: ProcessType,
    history: &mut History,
    finished: &Finished,
    now_ms: i64,
    chance: f64,
) -> Decision {
    match kind {
        ProcessType::ShortLived => decide_job(strategy, history, finished, chance),
        ProcessType::LongRunning => decide_service(strategy, history, finished, now_ms, chance),
    }
}

fn decide_job(
    strategy: &Strategy,
    history: &mut History,
    finished: &Finished,
    chance: f64,
) -> Decision {
    let Some(retries) = strategy.retries.as_ref().filter(|retries| retries.max > 0) else {
        return Decision::Over { why: None };
    };
    let is_named = |codes: &[i32]| finished.code().is_some_and(|code| codes.contains(&code));
    if is_named(&retries.never_codes) {
        let why = format!("not tried again after exit code {}", finished.code().unwrap_or(0));
        return Decision::Over { why: Some(why) };
    }
    if finished.is_success() && !is_named(&retries.always_codes) {
        return Decision::Over { why: None };
    }
    let all = retries.max.saturating_add(1);
    history.tries = history.tries.saturating_add(1);
    if history.tries >= all {
        return Decision::Over {
            why: Some(format!("no further try: that was attempt {all} of {all}")),
        };
    }
    let delay_ms = pause_ms(retries.into(), history.tries - 1, chance);
    let next = history.tries + 1;
    let why = format!("next try in {}, attempt {next} of {all}", seconds(delay_ms));
    Decision::Again { delay_ms, why }
}

fn decide_service(
    strategy: &Strategy,
    history: &mut History,
    finished: &Finished,
    now_ms: i64,
    chance: f64,
) -> Decision {
    let (restart, breaker) = (&strategy.restart, &strategy.breaker);
    let is_success = finished.is_success();
    let code = finished.code();
    let is_named = |codes: &[i32]| code.is_some_and(|code| codes.contains(&code));
    if is_named(&restart.never_codes) {
        let why = format!("not started again after exit code {}", code.unwrap_or_default());
        return Decision::Over { why: Some(why) };
    }
    let is_wanted = match restart.when {
        RestartWhen::Never => false,
        RestartWhen::OnFailure => !is_success,
        RestartWhen::Always => true,
    };
    if !is_wanted && !is_named(&restart.always_codes) {
        return Decision::Over { why: None };
    }
    let has_held = finished.up_ms >= ms(restart.reset_after_s);
    if has_held {
        history.settle();
    }
    if !is_success {
        let since = now_ms.saturating_sub(ms(breaker.within_s));
        history.failures.retain(|at| *at > since);
        history.failures.push(now_ms);
        let count = u32::try_from(history.failures.len()).unwrap_or(u32::MAX);
        let has_tripped = breaker.failures > 0 && count >= breaker.failures;
        if breaker.failures > 0 && (history.is_trial || has_tripped) {
            return open(history, breaker.cooldown_s, count, breaker.within_s, now_ms);
        }
    }
    let delay_ms = pause_ms(restart.into(), history.tries, chance);
    history.tries = history.tries.saturating_add(1);
    let pause = format!("next try in {}", seconds(delay_ms));
    let why = match (is_success, breaker.failures) {
        (true, _) | (_, 0) => pause,
        (false, all) => {
            format!("{pause}, attempt {} of {all}", history.failures.len().saturating_add(1))
        }
    };
    Decision::Again { delay_ms, why }
}

fn open(
    history: &mut History,
    cooldown_s: f64,
    count: u32,
    within_s: f64,
    now_ms: i64,
) -> Decision {
    let was_trial = std::mem::take(&mut history.is_trial);
    history.tries = 0;
    let found = if was_trial {
        "the trial failed".to_owned()
    } else {
        let within = seconds(u64::try_from(ms(within_s)).unwrap_or_default());
        format!("{} in {within}", plural(count, "failure"))
    };
    if cooldown_s > 0.0 {
        let cooldown_ms = ms(cooldown_s);
        let after = seconds(u64::try_from(cooldown_ms).unwrap_or_default());
        let why = format!("breaker open: {found}; one trial in {after}, or restart it by hand");
        return Decision::Open { until_ms: Some(now_ms.saturating_add(cooldown_ms)), why };
    }
    let why = format!("breaker open: {found}; restart it to try again");
    Decision::Open { until_ms: None, why }
}

/// The pause before the try after `n` others.
fn pause_ms(pauses: Pauses, n: u32, chance: f64) -> u64 {
    let Pauses { delay_ms, factor, max_delay_ms, jitter } = pauses;
    // A pause beyond the longest is the longest, however large the power.
    let exponent = i32::try_from(n.min(1_000)).unwrap_or(1_000);
    let base = (to_f64(delay_ms) * factor.powi(exponent)).min(to_f64(max_delay_ms));
    let spread = base * jitter * (chance.clamp(0.0, 1.0) * 2.0 - 1.0);
    from_f64((base + spread).clamp(0.0, to_f64(max_delay_ms)))
}

#[expect(clippy::cast_precision_loss, reason = "pauses are far below 2^53 ms")]
fn to_f64(ms: u64) -> f64 {
    ms as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was clamped")]
fn from_f64(ms: f64) -> u64 {
    ms as u64
}

/// Seconds of the configuration, which were checked to be from 0 to a year, as milliseconds.
fn ms(seconds: f64) -> i64 {
    i64::try_from(from_f64(seconds.max(0.0) * 1_000.0)).unwrap_or(i64::MAX)
}

impl From<&RestartConfig> for Pauses {
    fn from(config: &RestartConfig) -> Self {
        let RestartConfig { delay_ms, factor, max_delay_ms, jitter, .. } = *config;
        Self { delay_ms, factor, max_delay_ms, jitter }
    }
}

impl From<&RetriesConfig> for Pauses {
    fn from(config: &RetriesConfig) -> Self {
        let RetriesConfig { delay_ms, factor, max_delay_ms, jitter, .. } = *config;
        Self { delay_ms, factor, max_delay_ms, jitter }
    }
}
