//! The configuration while the server runs: what reading the file again would change, and doing so.
//!
//! Only what is declared and the slots of pools follow the file; the other sections are read at a
//! start, and a change in them is told. A file with a mistake changes nothing.

mod differences;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use app::model::{ConfigDiff, Verb};
use parking_lot::Mutex;

use differences::compare;

use super::audit::About;
use super::{Caller, Service, ServiceError};
use crate::config::{Config, PoolsConfig};
use crate::project::Catalog;

/// Reads the configuration from its sources again; the error says where it is wrong.
pub type ConfigReader = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// What is in force, and how to read it again.
pub(super) struct Configuration {
    reader: ConfigReader,
    in_force: Mutex<Config>,
    /// Of this server alone: a version of differences is made from secrets, too, and nobody must be able
    /// to try guesses on it.
    salt: u64,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

impl Configuration {
    pub(super) fn new(config: Config, reader: ConfigReader) -> Self {
        let salt = RandomState::new().hash_one(());
        Self {
            reader,
            in_force: Mutex::new(config),
            salt,
            reloading: tokio::sync::Mutex::default(),
        }
    }

    fn read(&self) -> Result<(Config, ConfigDiff), ServiceError> {
        let config =
            (self.reader)().map_err(|why| ServiceError::new(422, "config_invalid", why))?;
        let diff = compare(&self.in_force.lock(), &config, self.salt);
        Ok((config, diff))
    }
}

impl Caller {
    /// What reading the file again would change.
    ///
    /// # Errors
    /// 422 with the place when the file is wrong.
    pub async fn preview_reload(&self) -> Result<ConfigDiff, ServiceError> {
        self.authorise(Verb::Edit, "config.preview").await?;
        let (config, diff) = self.service().configuration.read()?;
        self.service().load_catalog(&config)?;
        Ok(diff)
    }

    /// Reads the file again and puts it in force; `version` is that of the differences that were
    /// looked at.
    ///
    /// # Errors
    /// 409 when the file changed since then, 422 when it is wrong; nothing is changed then.
    pub async fn reload(&self, version: &str) -> Result<ConfigDiff, ServiceError> {
        self.authorise(Verb::Edit, "config.reload").await?;
        let done = self.service().reload(Some(version), self.name()).await;
        let detail = done.as_ref().map(words).unwrap_or_default();
        self.audited("config.reload", About::thing("runyard.toml"), &detail, done).await
    }
}

impl Service {
    /// Reads the file again and puts it in force, for `by`. With `version`, only if the differences
    /// are those.
    ///
    /// # Errors
    /// When the file is wrong or another one; nothing is changed then.
    pub async fn reload(
        &self,
        version: Option<&str>,
        by: &str,
    ) -> Result<ConfigDiff, ServiceError> {
        let _reloading = self.configuration.reloading.lock().await;
        let (config, diff) = self.configuration.read()?;
        if version.is_some_and(|version| version != diff.version) {
            let detail = "the file changed since its differences were shown: look at them again";
            return Err(ServiceError::new(409, "config_changed", detail));
        }
        let catalog = self.load_catalog(&config)?;
        {
            let mut in_force = self.configuration.in_force.lock();
            // The rest stays as it was: it counts after a restart, and is told until then.
            in_force.processes.clone_from(&config.processes);
            in_force.pools.clone_from(&config.pools);
            in_force.limits.max_jobs = config.limits.max_jobs;
        }
        self.engine.configure_pools(slots_of(&config)).await?;
        self.fleet.adopt(catalog, by).await;
        Ok(diff)
    }

    /// As [`Service::reload`], asked for by SIGHUP.
    ///
    /// # Errors
    /// When the file is wrong; nothing is changed then.
    pub async fn reload_by_signal(&self) -> Result<ConfigDiff, ServiceError> {
        const BY: &str = "SIGHUP";
        let done = self.reload(None, BY).await;
        let (outcome, detail) = match &done {
            Ok(diff) => ("ok", words(diff)),
            Err(error) => (error.code, error.detail.clone()),
        };
        let about = About::thing("runyard.toml");
        self.audit(self.audit_record(BY, "config.reload", about, outcome, detail)).await;
        done
    }

    fn load_catalog(&self, config: &Config) -> Result<Catalog, ServiceError> {
        let (roots, run, most) = {
            let in_force = self.configuration.in_force.lock();
            (in_force.projects.clone(), in_force.run.clone(), in_force.limits.of_a_process)
        };
        let pools = config.pools.names().into_iter().map(str::to_owned).collect();
        let catalog = Catalog::load(&roots, &run).declare(config.processes.clone(), pools);
        let catalog = catalog.bound(most);
        catalog.check_declared().map_err(|(name, error)| {
            ServiceError::new(422, "config_invalid", format!("process.{name}: {error}"))
        })?;
        Ok(catalog)
    }
}

/// The slots of every pool.
#[must_use]
pub fn slots_of(config: &Config) -> Vec<(String, usize)> {
    let named = config.pools.slots.iter().map(|(name, slots)| (name.clone(), *slots));
    let jobs = (PoolsConfig::DEFAULT.to_owned(), config.limits.max_jobs);
    let count = |slots: u32| usize::try_from(slots).unwrap_or(usize::MAX);
    std::iter::once(jobs).chain(named).map(|(name, slots)| (name, count(slots))).collect()
}

fn words(diff: &ConfigDiff) -> String {
    let names: Vec<&str> = diff.changes.iter().map(|change| change.name.as_str()).collect();
    if names.is_empty() { "nothing changed".to_owned() } else { names.join(", ") }
}
