//! `[logs]`: how much of what was written is kept, and what becomes of what cannot be.

use super::key::{Key, Takes};
use super::setting::{Rejected, Setting};
use super::{Invalid, Size, WhenFull};

/// How much of the logs is kept. All of it, when nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsConfig {
    /// Days after which lines are removed; 0 is never.
    pub keep_days: u32,
    /// Bytes that all logs may take together, compressed; beyond them the oldest lines are removed.
    /// 0: without a bound.
    pub max_bytes: u64,
    /// What becomes of what a process writes when it cannot be kept.
    pub when_full: WhenFull,
    /// Bytes of each process that may wait to be stored; 0: as many as the disk holds.
    pub max_backlog: u64,
}

impl LogsConfig {
    /// A hundred years.
    const MOST_DAYS: u32 = 36_500;
    /// Less would not hold what one busy process writes in a minute.
    const LEAST_BYTES: u64 = 1024 * 1024;
    /// What waits is counted in segments of 8 MiB.
    const LEAST_BACKLOG: u64 = 32 * 1024 * 1024;
    pub(super) const SECTION: &str = "logs";
    pub(super) const KEYS: &[Key] = &[
        Key::new(
            "keep_days",
            Takes::Number(0, Self::MOST_DAYS as u64),
            "Days after which lines are removed; 0 is never",
        ),
        Key::new(
            "max_bytes",
            Takes::Number(0, u64::MAX),
            "Bytes that all logs may take together, compressed; 0 is no bound",
        ),
        Key::new(
            "when_full",
            Takes::Choice(WhenFull::NAMES),
            "What becomes of what a process writes when it cannot be kept",
        ),
        Key::new(
            "max_backlog",
            Takes::Amount,
            "Bytes of each process that may wait to be stored, such as 512M; 0 is no bound",
        ),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "keep_days" => self.keep_days = setting.number()?,
            "max_bytes" => self.max_bytes = setting.number()?,
            "when_full" => self.when_full = setting.text()?.parse().map_err(Rejected::BadValue)?,
            "max_backlog" => {
                self.max_backlog = Size::parse(&setting.words()?).map_err(Rejected::BadValue)?.0;
            }
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// More than a hundred years, less than a MiB, a backlog of less than 32 MiB.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.keep_days > Self::MOST_DAYS {
            let message = format!("expected 0 to {} days, got {}", Self::MOST_DAYS, self.keep_days);
            return Err(Invalid { key: "keep_days", message });
        }
        if (1..Self::LEAST_BYTES).contains(&self.max_bytes) {
            let message = format!(
                "expected 0, or {} bytes and more, got {}",
                Self::LEAST_BYTES,
                self.max_bytes
            );
            return Err(Invalid { key: "max_bytes", message });
        }
        if (1..Self::LEAST_BACKLOG).contains(&self.max_backlog) {
            let message = format!("expected 0, or 32M and more, got {} bytes", self.max_backlog);
            return Err(Invalid { key: "max_backlog", message });
        }
        Ok(())
    }
}
