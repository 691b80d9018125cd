//! A clock that stands still until it is wound on.

use std::sync::Arc;
use std::time::{Duration, Instant as RealInstant};

use parking_lot::Mutex;
use server::engine::{Clock, Sleep};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::PATIENCE;

/// See the module.
pub(super) struct HandClock {
    begin_ms: i64,
    begin: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    passed: Duration,
    sleepers: Vec<Sleeper>,
    next: u64,
}

struct Sleeper {
    number: u64,
    at: Instant,
    wake: oneshot::Sender<()>,
}

/// Who stops waiting is waited for no more.
struct Leave {
    inner: Arc<Mutex<Inner>>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.inner.lock().sleepers.retain(|sleeper| sleeper.number != self.number);
    }
}

impl HandClock {
    /// It begins at this time of the day.
    pub(super) fn new(begin_ms: i64) -> Self {
        Self { begin_ms, begin: Instant::now(), inner: Arc::default() }
    }

    /// Lets time pass, and wakes those whose time has come.
    pub(super) fn advance(&self, by: Duration) {
        let mut inner = self.inner.lock();
        inner.passed += by;
        let now = self.begin + inner.passed;
        let sleepers = std::mem::take(&mut inner.sleepers);
        for sleeper in sleepers {
            if sleeper.at <= now {
                // Who has stopped waiting does not hear it.
                let _ = sleeper.wake.send(());
            } else {
                inner.sleepers.push(sleeper);
            }
        }
    }

    /// How long those who sleep have to.
    fn left(&self) -> Vec<Duration> {
        let inner = self.inner.lock();
        let now = self.begin + inner.passed;
        inner.sleepers.iter().map(|sleeper| sleeper.at - now).collect()
    }

    /// Whether somebody sleeps for exactly so long.
    pub(super) fn is_waited_for(&self, left: Duration) -> bool {
        self.left().contains(&left)
    }

    /// Until somebody does.
    pub(super) async fn wait_for_sleeper(&self, left: Duration) {
        self.wait_for_sleeper_within(left, left).await;
    }

    /// Until somebody sleeps for so long at least and at most.
    pub(super) async fn wait_for_sleeper_within(&self, least: Duration, most: Duration) {
        let begin = RealInstant::now();
        while !self.left().iter().any(|left| (least..=most).contains(left)) {
            let all = self.left();
            assert!(begin.elapsed() < PATIENCE, "nobody waits for {least:?} to {most:?}: {all:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.begin_ms + i64::try_from(self.inner.lock().passed.as_millis()).unwrap()
    }

    fn instant(&self) -> Instant {
        self.begin + self.inner.lock().passed
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        let (wake, woken) = oneshot::channel();
        let mut inner = self.inner.lock();
        if at <= self.begin + inner.passed {
            return Box::pin(std::future::ready(()));
        }
        inner.next += 1;
        let number = inner.next;
        inner.sleepers.push(Sleeper { number, at, wake });
        let leave = Leave { inner: Arc::clone(&self.inner), number };
        Box::pin(async move {
            let _leave = leave;
            let _ = woken.await;
        })
    }

    fn chance(&self) -> f64 {
        0.5
    }
}
