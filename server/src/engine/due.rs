//! Whether a schedule's time has come.

use std::time::Duration;

use crate::config::Schedule;

/// A time that is older was missed: Runyard was not there, or the machine slept.
const LATE_MS: i64 = 60_000;
/// The times are looked at so often even when none is near: clocks are set, and machines sleep.
pub(in crate::engine) const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What a look at a schedule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Due {
    /// It is to be started now, once.
    pub(in crate::engine) fires: bool,
    /// Up to where its times are done with.
    pub(in crate::engine) last: i64,
}

/// Looks at a schedule whose times up to `last` are done with; `None` for one that is new, whose
/// past is nobody's concern. With `makes_up`, missed times are made up for by one start.
pub(in crate::engine) fn find_due(
    schedule: &Schedule,
    last: Option<i64>,
    now_ms: i64,
    makes_up: bool,
) -> Due {
    let Some(last) = last else { return Due { fires: false, last: now_ms } };
    // A clock that was set back: what is done is not done again.
    if now_ms < last {
        return Due { fires: false, last };
    }
    match schedule.newest_until(now_ms) {
        Some(newest) if newest > last => {
            Due { fires: makes_up || now_ms - newest <= LATE_MS, last: newest }
        }
        _ => Due { fires: false, last },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn hourly() -> Schedule {
        Schedule::parse("0 * * * *", None).unwrap()
    }

    #[test]
    fn a_time_fires_once_and_a_new_schedule_has_no_past() {
        let now = 10 * HOUR_MS + 5;
        assert_eq!(find_due(&hourly(), None, now, true), Due { fires: false, last: now });
        let due = find_due(&hourly(), Some(10 * HOUR_MS - 1), now, false);
        assert_eq!(due, Due { fires: true, last: 10 * HOUR_MS });
        let again = find_due(&hourly(), Some(due.last), now + 1, false);
        assert_eq!(again, Due { fires: false, last: due.last });
    }

    #[test]
    fn missed_times_are_passed_over_or_made_up_for_once() {
        let (last, now) = (HOUR_MS, 20 * HOUR_MS + 10 * 60_000);
        let passed = find_due(&hourly(), Some(last), now, false);
        assert_eq!(passed, Due { fires: false, last: 20 * HOUR_MS });
        let made_up = find_due(&hourly(), Some(last), now, true);
        assert_eq!(made_up, Due { fires: true, last: 20 * HOUR_MS });
        assert!(!find_due(&hourly(), Some(made_up.last), now, true).fires);
    }

    #[test]
    fn a_clock_that_is_set_back_repeats_nothing() {
        let last = 20 * HOUR_MS;
        let due = find_due(&hourly(), Some(last), 12 * HOUR_MS + 1, true);
        assert_eq!(due, Due { fires: false, last });
    }
}
