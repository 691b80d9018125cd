//! The way from "its root has ended" to "nobody of its tree is left".
//!
//! Nothing here waits in the actor's stead: the question to the keeper and the pause before the next
//! one are kept, so the actor can turn to a command in between and come back to them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Actor, ActorError, Run, Scope};
use crate::engine::Clock;
use crate::keeper::client::{ClientError, KeeperClient, Signalled, Survivor};

/// Those left of a tree are looked for so often: at first, and in the end.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Survivors that a reason names.
const MAX_NAMED: usize = 3;

type Answer = Result<Signalled, ClientError>;

/// What is done about those who are left of a tree.
pub(super) struct Clearing {
    keeper: KeeperClient,
    clock: Arc<dyn Clock>,
    run: String,
    /// The signal of the next question; 0 only looks.
    signal: i32,
    look_at: Instant,
    pause: Duration,
    /// From then on they are killed instead of waited for.
    patience: Instant,
    killed: bool,
    /// They were, and are still there.
    is_hopeless: bool,
    asking: Option<Pin<Box<dyn Future<Output = Answer> + Send + Sync>>>,
}

impl Clearing {
    fn new(keeper: KeeperClient, clock: Arc<dyn Clock>, run: String, patience: Instant) -> Self {
        let (look_at, pause) = (Instant::now(), FIRST_PAUSE);
        Self {
            keeper,
            clock,
            run,
            signal: 0,
            look_at,
            pause,
            patience,
            killed: false,
            is_hopeless: false,
            asking: None,
        }
    }

    /// Kills them now, also when that was tried before.
    fn kill(&mut self) {
        (self.signal, self.look_at, self.pause) = (libc::SIGKILL, Instant::now(), FIRST_PAUSE);
        (self.killed, self.is_hopeless) = (true, false);
        // The answer to what was asked before says nothing about what comes now.
        self.asking = None;
    }

    /// The keeper's next answer. May be dropped and called again at any moment.
    pub(super) async fn next(&mut self) -> Answer {
        if self.asking.is_none() {
            sleep_until(self.look_at).await;
        }
        let asking = self.asking.get_or_insert_with(|| {
            let (keeper, run, signal) = (self.keeper.clone(), self.run.clone(), self.signal);
            Box::pin(async move { keeper.signal(&run, signal, Scope::Tree).await })
        });
        let answer = asking.as_mut().await;
        self.asking = None;
        answer
    }

    /// Somebody is left, or it is not known.
    fn look_again(&mut self) {
        let left = self.patience.saturating_duration_since(self.clock.instant());
        if !self.killed && left.is_zero() {
            return self.kill();
        }
        self.signal = 0;
        let pause = if self.killed { self.pause } else { self.pause.min(left) };
        self.look_at = Instant::now() + pause;
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
    }
}

/// The answer to who is left; never, when nobody asks.
pub(super) async fn next(clearing: &mut Option<Clearing>) -> Answer {
    match clearing {
        Some(clearing) => clearing.next().await,
        None => std::future::pending().await,
    }
}

impl Actor {
    /// Begins to look for those who are left, unless that is under way.
    pub(super) fn clear(&self, run: &mut Run) {
        let patience = run.grace.take().unwrap_or_else(|| self.shared.clock.instant());
        run.clearing.get_or_insert_with(|| self.clearing(&run.name, patience));
    }

    /// Kills the whole tree.
    pub(super) fn kill_tree(&self, run: &mut Run) {
        run.is_tree_empty = false;
        let now = self.shared.clock.instant();
        run.clearing.get_or_insert_with(|| self.clearing(&run.name, now)).kill();
    }

    fn clearing(&self, run: &str, patience: Instant) -> Clearing {
        let (keeper, clock) = (self.shared.keeper.clone(), Arc::clone(&self.shared.clock));
        Clearing::new(keeper, clock, run.to_owned(), patience)
    }

    /// The keeper has told who is left. `true`: nobody.
    pub(super) async fn see_leftovers(
        &mut self,
        answer: Answer,
        run: &mut Run,
    ) -> Result<bool, ActorError> {
        let Some(clearing) = &mut run.clearing else { return Ok(false) };
        let survivors = match answer {
            Ok(answer) if answer.survivors.is_empty() => {
                run.clearing = None;
                run.is_tree_empty = true;
                return Ok(true);
            }
            Ok(answer) => {
                clearing.is_hopeless |= answer.signal == libc::SIGKILL;
                answer.survivors
            }
            Err(error) => {
                tracing::warn!(run = run.name, %error, "the tree cannot be looked at");
                clearing.look_again();
                return Ok(false);
            }
        };
        clearing.look_again();
        let is_hopeless = clearing.is_hopeless;
        if run.exit.is_some() && !self.state.is_over() {
            let who = describe(&survivors, self.plan.has_secrets());
            let reason = self.state.reason(self.grace_s());
            let reason = if is_hopeless {
                format!("{reason}; it cannot be killed: {who}; stop it again to kill it again")
            } else {
                format!("{reason}; still there: {who}")
            };
            if self.process.reason != reason {
                self.process.reason = reason;
                self.save_and_publish().await?;
            }
        }
        Ok(false)
    }
}

/// Processes in words: `pid 12 (sleep 300)`. With `has_secrets`, without their arguments.
pub(in crate::engine) fn describe(survivors: &[Survivor], has_secrets: bool) -> String {
    let named = survivors.iter().take(MAX_NAMED).map(|who| match who.cmdline.split_once(' ') {
        Some((program, _)) if has_secrets => format!("pid {} ({program} …)", who.pid),
        _ => format!("pid {} ({})", who.pid, who.cmdline),
    });
    let mut words: Vec<String> = named.collect();
    if survivors.len() > MAX_NAMED {
        words.push(format!("{} more", survivors.len() - MAX_NAMED));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => "nobody".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_are_named_and_the_rest_counted() {
        let who = |pid| Survivor { pid, cmdline: "sleep 9".into() };
        assert_eq!(describe(&[], false), "nobody");
        assert_eq!(describe(&[who(1)], false), "pid 1 (sleep 9)");
        assert_eq!(describe(&[who(1), who(2)], false), "pid 1 (sleep 9) and pid 2 (sleep 9)");
        assert_eq!(describe(&[who(1)], true), "pid 1 (sleep …)");
        let many: Vec<_> = (1..=9).map(who).collect();
        assert_eq!(
            describe(&many, false),
            "pid 1 (sleep 9), pid 2 (sleep 9), pid 3 (sleep 9) and 6 more"
        );
    }
}
