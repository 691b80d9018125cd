//! The pools by name, as the configuration has them.

use std::collections::BTreeMap;

use app::model::Pool;
use parking_lot::Mutex;

use super::Slots;
use crate::config::PoolsConfig;

/// Every pool by its name.
#[derive(Debug)]
pub struct Pools {
    /// The pool of jobs that name none, or one that there is not (any more).
    jobs: Slots,
    others: Mutex<BTreeMap<String, Slots>>,
    /// Jobs that may wait in each.
    max_queue: usize,
}

/// The line is as long as it may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{waiting} jobs wait in the pool {pool}, which is limits.max_queue: cancel some, or try again \
     when some have run"
)]
pub struct Full {
    /// Which.
    pub pool: String,
    /// How many wait.
    pub waiting: usize,
}

impl Pools {
    /// The pools by name with their slots. In each may wait `max_queue` jobs.
    #[must_use]
    pub fn new(slots: impl IntoIterator<Item = (String, usize)>, max_queue: usize) -> Self {
        let jobs = Slots::new(PoolsConfig::DEFAULT, 1);
        let pools = Self { jobs, others: Mutex::default(), max_queue };
        pools.configure(slots);
        pools
    }

    /// The pool of this name. Jobs of one that is not configured (any more) are served with those that
    /// name none: what was started in it still has to run.
    #[must_use]
    pub fn get(&self, name: &str) -> Slots {
        self.find(name).unwrap_or_else(|| self.jobs.clone())
    }

    /// The pool of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Slots> {
        match name {
            PoolsConfig::DEFAULT => Some(self.jobs.clone()),
            name => self.others.lock().get(name).cloned(),
        }
    }

    /// Puts the pools in force: slots change, new pools come, those that are not named go. Who waits in
    /// one that goes stands in the line of [`PoolsConfig::DEFAULT`] from then on, in the same order;
    /// who runs in it goes on. The names of those that are gone.
    pub fn configure(&self, slots: impl IntoIterator<Item = (String, usize)>) -> Vec<String> {
        let slots: BTreeMap<String, usize> = slots.into_iter().collect();
        if let Some(max) = slots.get(PoolsConfig::DEFAULT) {
            self.jobs.resize(*max);
        }
        let mut others = self.others.lock();
        for (name, max) in slots.iter().filter(|(name, _)| *name != PoolsConfig::DEFAULT) {
            others.entry(name.clone()).or_insert_with(|| Slots::new(name, *max)).resize(*max);
        }
        let gone: Vec<String> =
            others.keys().filter(|name| !slots.contains_key(*name)).cloned().collect();
        for name in &gone {
            if let Some(pool) = others.remove(name) {
                pool.move_to(&self.jobs);
            }
        }
        gone
    }

    /// Whether one more may wait there.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_room(&self, name: &str) -> Result<(), Full> {
        let pool = self.get(name);
        let waiting = pool.figures().1;
        if waiting < self.max_queue {
            return Ok(());
        }
        Err(Full { pool: pool.name().to_owned(), waiting })
    }

    /// Every pool, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Pool> {
        let others: Vec<Slots> = self.others.lock().values().cloned().collect();
        let mut all: Vec<Pool> =
            std::iter::once(&self.jobs).chain(&others).map(Slots::describe).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }
}
