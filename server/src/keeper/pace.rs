//! When to nap: many small moves cost more than few large ones.
//!
//! Above about 2,000 moves a second, a mover sleeps a millisecond before it looks again; each wake
//! then moves what came meanwhile, for half of the CPU time of everybody. Below, it moves at once,
//! so that a single line is seen at once. A pipe that was nearly full is no small move, and who writes
//! to it waits: after one there is no nap.

const WINDOW_NS: u64 = 10_000_000;
const NAP_ABOVE_PER_S: u64 = 2_000;
/// Three quarters of what a pipe holds.
const FULL_BYTES: u64 = 48 * 1024;
/// Napping itself keeps the rate below 1,000. It ends when much fewer of the naps find anything.
const WAKE_BELOW_PER_S: u64 = 500;

/// Counts the wakes of a mover.
#[derive(Debug, Default)]
pub(super) struct Pace {
    window_start_ns: u64,
    wakes: u64,
    napping: bool,
}

impl Pace {
    /// Counts a wake at this time that moved so many bytes. One that moved none is not counted. `true`: nap before the next one.
    pub(super) fn wake(&mut self, now_ns: u64, moved_bytes: u64) -> bool {
        self.wakes += 1;
        let elapsed = now_ns.saturating_sub(self.window_start_ns);
        if elapsed >= WINDOW_NS {
            let per_s = self.wakes.saturating_mul(1_000_000_000) / elapsed;
            let limit = if self.napping { WAKE_BELOW_PER_S } else { NAP_ABOVE_PER_S };
            self.napping = per_s >= limit;
            (self.window_start_ns, self.wakes) = (now_ns, 0);
        }
        self.napping && moved_bytes < FULL_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wakes at this distance for 100 ms; whether it naps at the end.
    fn after(pace: &mut Pace, now_ns: &mut u64, every_ns: u64) -> bool {
        let end = *now_ns + 100_000_000;
        let mut naps = false;
        while *now_ns < end {
            *now_ns += every_ns;
            naps = pace.wake(*now_ns, 100);
        }
        naps
    }

    #[test]
    fn it_naps_above_two_thousand_wakes_a_second_until_few_of_the_naps_find_anything() {
        let (mut pace, mut now) = (Pace::default(), 1_000_000_000);
        assert!(!after(&mut pace, &mut now, 1_000_000));
        assert!(!after(&mut pace, &mut now, 600_000));
        assert!(after(&mut pace, &mut now, 100_000));
        assert!(after(&mut pace, &mut now, 1_100_000));
        assert!(!after(&mut pace, &mut now, 4_000_000));
        assert!(!after(&mut pace, &mut now, 1_000_000));
    }

    #[test]
    fn the_first_wake_after_a_pause_does_not_nap() {
        let mut pace = Pace::default();
        let mut now = 0;
        after(&mut pace, &mut now, 100_000);
        assert!(!pace.wake(now + 1_000_000_000, 100));
    }

    #[test]
    fn whoever_fills_a_pipe_does_not_wait_for_a_nap() {
        let mut pace = Pace::default();
        let mut now = 1_000_000_000;
        assert!(after(&mut pace, &mut now, 100_000));
        assert!(!pace.wake(now + 100_000, 64 * 1024));
        assert!(pace.wake(now + 200_000, 100));
    }
}
