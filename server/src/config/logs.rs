//! `[logs]`: how much of what was written is kept.

use super::Invalid;
use super::setting::{Rejected, Setting};

/// How much of the logs is kept. All of it, when nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsConfig {
    /// Days after which lines are removed; 0 is never.
    pub keep_days: u32,
    /// Bytes that all logs may take together, compressed; beyond them the oldest lines are removed.
    /// 0: without a bound.
    pub max_bytes: u64,
}

impl LogsConfig {
    /// A hundred years.
    const MOST_DAYS: u32 = 36_500;
    /// Less would not hold what one busy process writes in a minute.
    const LEAST_BYTES: u64 = 1024 * 1024;
    pub(super) const SECTION: &str = "logs";
    pub(super) const KEYS: &[&str] = &["keep_days", "max_bytes"];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "keep_days" => self.keep_days = setting.number()?,
            "max_bytes" => self.max_bytes = setting.number()?,
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// More than a hundred years, or less than a MiB.
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
        Ok(())
    }
}
