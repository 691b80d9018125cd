//! When a process is started by itself.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens when it still runs at its next time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// That time is passed over.
    #[default]
    Skip,
    /// It is started once the one before has ended.
    Queue,
}

/// What happens when Runyard was not there at its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// Nothing.
    #[default]
    Skip,
    /// It is started once, however many times were missed.
    RunOnce,
}

/// A pattern of times in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// Reads a pattern and the name of its time zone.
    ///
    /// # Errors
    /// The key that is wrong, `schedule` or `timezone`, and what would be right.
    pub fn parse(pattern: &str, zone: Option<&str>) -> Result<Self, (&'static str, String)> {
        let name = zone.unwrap_or("UTC");
        let zone: Tz = name.parse().map_err(|_| {
            let message = format!(
                "{name:?} is no time zone: give a name of the IANA database, such as Europe/Berlin"
            );
            ("timezone", message)
        })?;
        let cron = Cron::from_str(pattern).map_err(|error| {
            let message = format!(
                "{pattern:?} is no pattern of times ({error}): give minute, hour, day of month, \
                 month and day of week, such as 0 3 * * *"
            );
            ("schedule", message)
        })?;
        Ok(Self { cron, zone })
    }

    /// The first time after `after_ms`, in milliseconds since the epoch; `None` when there is none.
    #[must_use]
    pub fn next_after(&self, after_ms: i64) -> Option<i64> {
        let after = DateTime::<Utc>::from_timestamp_millis(after_ms)?.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp_millis())
    }

    /// The next `count` times after `after_ms`.
    #[must_use]
    pub fn next_times(&self, after_ms: i64, count: usize) -> Vec<i64> {
        let first = self.next_after(after_ms);
        std::iter::successors(first, |last| self.next_after(*last)).take(count).collect()
    }

    /// The newest time up to and with `now_ms`; `None` when there was none.
    #[must_use]
    pub fn newest_until(&self, now_ms: i64) -> Option<i64> {
        let now = DateTime::<Utc>::from_timestamp_millis(now_ms)?.with_timezone(&self.zone);
        let newest = self.cron.find_previous_occurrence(&now, true).ok()?;
        Some(newest.timestamp_millis())
    }
}
