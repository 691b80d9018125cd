//! The pools of slots, as they are seen and changed from outside.

use app::model::Pool;

use super::{Engine, EngineError, KEPT_PAUSE};
use crate::store::Change;

impl Engine {
    /// The pools of slots.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool> {
        self.shared.pools.list()
    }

    /// Puts the pools in force; see [`Pools::configure`](super::queue::Pools::configure).
    ///
    /// # Errors
    /// When the store fails; they are in force all the same.
    pub async fn configure_pools(&self, slots: Vec<(String, usize)>) -> Result<(), EngineError> {
        let gone = self.shared.pools.configure(slots);
        // One of the same name that comes later is another, and not paused.
        let forget =
            |name: &String| Change::Keep { key: format!("{KEPT_PAUSE}{name}"), value: None };
        if !gone.is_empty() {
            self.shared.writer.submit(gone.iter().map(forget).collect()).await?;
        }
        Ok(())
    }

    /// Stops serving a pool, or serves it again; it is remembered over a restart.
    ///
    /// # Errors
    /// When there is none of this name, or the store fails.
    pub async fn pause_pool(&self, name: &str, is_paused: bool) -> Result<(), EngineError> {
        let pool = self.shared.pools.find(name).ok_or_else(|| {
            let names: Vec<String> = self.pools().into_iter().map(|pool| pool.name).collect();
            EngineError::NoPool(name.to_owned(), names.join(", "))
        })?;
        let value = is_paused.then(|| "true".to_owned());
        let change = Change::Keep { key: format!("{KEPT_PAUSE}{name}"), value };
        self.shared.writer.submit(vec![change]).await?;
        pool.pause(is_paused);
        Ok(())
    }
}
