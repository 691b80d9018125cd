//! What the engine cannot work out: the time of day, the time that passes and chance, as an argument, so
//! that tests set them.
//!
//! All that people can set or see goes by it: pauses, cooldowns, timeouts, graces, schedules, probes,
//! the quiet after a change. How often the engine looks at its own work does not.

use std::future::Future;
use std::pin::Pin;

use tokio::time::Instant;

use crate::sys::clock;

/// Ends when a time has come.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Tells the time and throws the dice.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;

    /// A moment of the time that nobody sets.
    fn instant(&self) -> Instant;

    /// Ends at that moment.
    fn sleep_until(&self, at: Instant) -> Sleep;

    /// A number from 0 to 1, another one each time.
    fn chance(&self) -> f64;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        clock::realtime_ms()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Box::pin(tokio::time::sleep_until(at))
    }

    fn chance(&self) -> f64 {
        // Without random numbers, pauses are as they are written.
        getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
    }
}

/// Ends at `deadline`; never, when there is none.
pub(super) async fn at(clock: &dyn Clock, deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => clock.sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
