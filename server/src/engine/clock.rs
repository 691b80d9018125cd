//! What the engine cannot work out: the time of day and chance, as an argument, so that tests set
//! them. How long something waits is told by tokio's clock, which tests stop and wind on.

use crate::sys::clock;

/// Tells the time and throws the dice.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the epoch.
    fn now_ms(&self) -> i64;

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

    fn chance(&self) -> f64 {
        // Without random numbers, pauses are as they are written.
        getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
    }
}
