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

    /// Changes the slots of pools.
    pub fn resize_pools(&self, slots: Vec<(String, usize)>) {
        self.shared.pools.resize(slots);
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
