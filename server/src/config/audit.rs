//! `[audit]`: how long it is kept.

use super::Invalid;
use super::key::{Key, Takes};
use super::setting::{Rejected, Setting};

/// How long the audit is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// Days after which a line is removed; 0 is never.
    pub keep_days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { keep_days: 365 }
    }
}

impl AuditConfig {
    /// A hundred years.
    const MOST: u32 = 36_500;
    pub(super) const SECTION: &str = "audit";
    pub(super) const KEYS: &[Key] = &[Key::new(
        "keep_days",
        Takes::Number(0, Self::MOST as u64),
        "Days after which a line of the audit is removed; 0 is never",
    )];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "keep_days" => self.keep_days = setting.number()?,
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// More than a hundred years.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.keep_days <= Self::MOST {
            return Ok(());
        }
        let message = format!("expected 0 to {} days, got {}", Self::MOST, self.keep_days);
        Err(Invalid { key: "keep_days", message })
    }
}
