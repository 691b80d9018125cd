//! `[pools]`: slots for jobs, by the name of the pool.

use std::collections::BTreeMap;

use super::key::Key;
use super::setting::{Rejected, Setting};

/// Slots by the name of their pool, besides that of `limits.max_jobs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolsConfig {
    /// At least one each.
    pub slots: BTreeMap<String, u32>,
}

impl PoolsConfig {
    pub(super) const SECTION: &str = "pools";
    /// Any name is a key.
    pub(super) const KEYS: &[Key] = &[];
    /// The pool of jobs that name none; its slots are `limits.max_jobs`.
    pub const DEFAULT: &str = "jobs";

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        if setting.key.is_empty() {
            return Err(Rejected::UnknownSection);
        }
        let slots: u32 = setting.number()?;
        if !(1..=10_000).contains(&slots) {
            return Err(Rejected::BadValue(format!("expected 1 to 10000, got {slots}")));
        }
        if setting.key == Self::DEFAULT {
            let message = "the slots of the pool jobs are limits.max_jobs: set that";
            return Err(Rejected::BadValue(message.to_owned()));
        }
        self.slots.insert(setting.key.clone(), slots);
        Ok(())
    }

    /// The names of all pools.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        std::iter::once(Self::DEFAULT).chain(self.slots.keys().map(String::as_str)).collect()
    }
}
