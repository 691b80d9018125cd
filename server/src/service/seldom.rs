//! What is worth a line of the log, and not as often as somebody may cause it.

use std::sync::atomic::{AtomicI64, Ordering};

/// Between two lines.
const PAUSE_MS: i64 = 60_000;

/// When it was last said.
#[derive(Debug)]
pub(super) struct Seldom(AtomicI64);

impl Default for Seldom {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Seldom {
    /// Whether it is to be said at `now_ms`, which then counts as said. A clock that was put back says it
    /// once more.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let is_over = |last: i64| !(last..last.saturating_add(PAUSE_MS)).contains(&now_ms);
        let next = |last| is_over(last).then_some(now_ms);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute() {
        let seldom = Seldom::default();
        let said = [5_000, 5_001, 64_999, 65_000, 65_001, 3_000, 4_000];
        let said = said.map(|now_ms| seldom.is_due(now_ms));
        assert_eq!(said, [true, false, false, true, false, true, false]);
    }
}
