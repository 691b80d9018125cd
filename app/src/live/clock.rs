//! The time, for everything that ticks or shows a time of day.

use std::time::Duration;

use leptos::prelude::*;

use crate::text::format::{format_clock, format_stamp, format_time};

/// A clock that ticks once a second in the browser. A handle: copies are the same.
///
/// The server does not know where its reader is, so the first HTML shows UTC; [`Clock::start`]
/// changes it to the browser's own zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now: RwSignal<i64>,
    is_local: RwSignal<bool>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { now: RwSignal::new(now_ms()), is_local: RwSignal::new(false) }
    }

    pub(super) fn start(self) {
        self.is_local.set(true);
        let tick = move || {
            self.now.try_set(now_ms());
        };
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    }

    /// Milliseconds since the epoch, as of the last tick.
    pub(crate) fn now(self) -> i64 {
        self.now.get()
    }

    /// The same, without being told of ticks.
    pub(crate) fn now_untracked(self) -> i64 {
        self.now.get_untracked()
    }

    /// Whether times are those of the browser's zone already.
    pub(crate) fn is_local(self) -> bool {
        self.is_local.get()
    }

    /// Minutes east of UTC in the browser's zone, now. For the browser.
    pub(crate) fn local_zone_min(self) -> i64 {
        local_zone_min(self.now.get_untracked())
    }

    /// The time of day of `ts`, with milliseconds.
    pub(crate) fn time_of_day(self, ts: i64) -> String {
        format_clock(ts, self.zone_min(ts))
    }

    /// The time of day of `ts`, to the second.
    pub(crate) fn time(self, ts: i64) -> String {
        format_time(ts, self.zone_min(ts))
    }

    /// The time that a person means: `14:03` is today's, anything else is for the browser to read.
    /// For the browser.
    pub(crate) fn parse_time(self, text: &str) -> Option<i64> {
        let is_clock = text.contains(':') && text.len() <= 12 && !text.contains('-');
        let text = if is_clock {
            let today = format_stamp(now_ms(), self.zone_min(now_ms()));
            format!("{} {text}", today.get(..10)?)
        } else {
            text.to_owned()
        };
        let ts = js_sys::Date::parse(&text);
        #[allow(clippy::cast_possible_truncation)] // whole milliseconds, far below 2^53
        (!ts.is_nan()).then_some(ts as i64)
    }

    /// The day and the time of `ts`.
    pub(crate) fn stamp(self, ts: i64) -> String {
        format_stamp(ts, self.zone_min(ts))
    }

    /// The day and the minute of `ts`, as a field for times has them: `2026-02-28T14:03`.
    pub(crate) fn field(self, ts: i64) -> String {
        self.stamp(ts).get(..16).unwrap_or_default().replace(' ', "T")
    }

    /// The time of `ts`, with the day unless that is today.
    pub(crate) fn short_stamp(self, ts: i64) -> String {
        let (stamp, today) = (self.stamp(ts), self.stamp(self.now.get_untracked()));
        match stamp.split_once(' ') {
            Some((day, time)) if today.starts_with(day) => time.to_owned(),
            _ => stamp,
        }
    }

    /// The day and the time of `ts`, without being told of the browser's zone.
    pub(crate) fn stamp_untracked(self, ts: i64) -> String {
        untrack(|| self.stamp(ts))
    }

    /// Minutes east of UTC at `ts`: in the browser's zone, they change with the season.
    fn zone_min(self, ts: i64) -> i64 {
        if self.is_local.get() { local_zone_min(ts) } else { 0 }
    }
}

/// Milliseconds since the epoch.
#[cfg(target_family = "wasm")]
pub(super) fn now_ms() -> i64 {
    #[allow(clippy::cast_possible_truncation)] // whole milliseconds, far below 2^53
    let now = js_sys::Date::now() as i64;
    now
}

/// Milliseconds since the epoch.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

fn local_zone_min(ts: i64) -> i64 {
    #[allow(clippy::cast_precision_loss)] // exact up to 2^53
    let date = js_sys::Date::new(&(ts as f64).into());
    #[allow(clippy::cast_possible_truncation)] // at most a day in minutes
    let west_min = date.get_timezone_offset() as i64;
    -west_min
}
