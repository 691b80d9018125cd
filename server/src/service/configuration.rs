//! The configuration while the server runs: what reading the file again would change, and doing so.
//!
//! Only what is declared and the slots of pools follow the file; the other sections are read at a
//! start, and a change in them is told. A file with a mistake changes nothing.

use std::sync::Arc;

use app::model::{ChangeKind, ConfigChange, ConfigDiff, Verb};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::audit::About;
use super::{Caller, Service, ServiceError};
use crate::config::{Config, PoolsConfig, ProcessConfig, RunConfig};
use crate::project::{Catalog, SecretNames};

/// Reads the configuration from its sources again; the error says where it is wrong.
pub type ConfigReader = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// What is in force, and how to read it again.
pub(super) struct Configuration {
    reader: ConfigReader,
    in_force: Mutex<Config>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

impl Configuration {
    pub(super) fn new(config: Config, reader: ConfigReader) -> Self {
        Self { reader, in_force: Mutex::new(config), reloading: tokio::sync::Mutex::default() }
    }

    fn read(&self) -> Result<(Config, ConfigDiff), ServiceError> {
        let config =
            (self.reader)().map_err(|why| ServiceError::new(422, "config_invalid", why))?;
        let diff = compare(&self.in_force.lock(), &config);
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
        self.engine.resize_pools(slots_of(&config));
        {
            let mut in_force = self.configuration.in_force.lock();
            // The rest stays as it was: it counts after a restart, and is told until then.
            in_force.processes.clone_from(&config.processes);
            in_force.pools.clone_from(&config.pools);
            in_force.limits.max_jobs = config.limits.max_jobs;
        }
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

/// What another configuration changes.
fn compare(before: &Config, after: &Config) -> ConfigDiff {
    let mut changes = Vec::new();
    let names: std::collections::BTreeSet<&String> =
        before.processes.keys().chain(after.processes.keys()).collect();
    for name in names {
        let (old, new) = (before.processes.get(name), after.processes.get(name));
        let (mut old, mut new) = (old.cloned(), new.cloned());
        cover_secrets(&before.run, old.as_mut(), new.as_mut());
        let (old, new) = (lines(old.as_ref()), lines(new.as_ref()));
        changes.extend(change(&format!("process.{name}"), old, new));
    }
    let pools = |config: &Config| {
        let slots = slots_of(config).into_iter().map(|(name, slots)| format!("{name} = {slots}"));
        Some(slots.collect())
    };
    changes.extend(change("pools", pools(before), pools(after)));
    let sections = [
        ("server", before.server == after.server),
        ("run", before.run == after.run),
        (
            "limits",
            before.limits
                == crate::config::LimitsConfig {
                    max_jobs: before.limits.max_jobs,
                    ..after.limits.clone()
                },
        ),
        ("auth", before.auth == after.auth),
        ("oidc", before.oidc == after.oidc),
        ("audit", before.audit == after.audit),
        ("logs", before.logs == after.logs),
        ("roles", before.roles == after.roles),
    ];
    let changed = sections.into_iter().filter(|(_, is_same)| !is_same);
    let needs_restart: Vec<String> = changed.map(|(name, _)| name.to_owned()).collect();
    let digest = Sha256::digest(format!("{:?}", (&after.processes, slots_of(after))));
    let version = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    ConfigDiff { changes, needs_restart, version }
}

/// Takes the secrets out of what will be shown; whether they changed is still seen.
fn cover_secrets(
    run: &RunConfig,
    old: Option<&mut ProcessConfig>,
    new: Option<&mut ProcessConfig>,
) {
    let names = SecretNames::new(&run.secret_env);
    let before = old.as_ref().map(|old| old.env.clone()).unwrap_or_default();
    let is_other = |name: &String, value: &String| before.get(name).is_some_and(|it| it != value);
    for (name, value) in new.into_iter().flat_map(|new| &mut new.env) {
        if names.has(name) {
            *value = if is_other(name, value) { "*** (another)" } else { "***" }.to_owned();
        }
    }
    for (name, value) in old.into_iter().flat_map(|old| &mut old.env) {
        if names.has(name) {
            "***".clone_into(value);
        }
    }
}

fn lines(config: Option<&ProcessConfig>) -> Option<Vec<String>> {
    let text = toml::to_string(config?).unwrap_or_default();
    Some(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn change(
    name: &str,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
) -> Option<ConfigChange> {
    let kind = match (&before, &after) {
        (Some(before), Some(after)) if before == after => return None,
        (None, None) => return None,
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (Some(_), Some(_)) => ChangeKind::Changed,
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    Some(ConfigChange { name: name.to_owned(), kind, lines: gone.chain(come).collect() })
}

fn words(diff: &ConfigDiff) -> String {
    let names: Vec<&str> = diff.changes.iter().map(|change| change.name.as_str()).collect();
    if names.is_empty() { "nothing changed".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Sources};

    fn config(toml: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("runyard.toml"), toml).unwrap();
        let current_dir = folder.path().to_owned();
        let config = Config::load(Sources { current_dir, env: vec![], flags: Flags::default() });
        let mut config = config.unwrap();
        config.server.data_dir = "/data".into();
        config
    }

    #[test]
    fn differences_are_told_by_process_and_line() {
        let before = config(
            "[limits]\nmax_jobs = 3\n[process.a]\nscript = \"x\"\n[process.b]\nscript = \"y\"\n\
             env = { A = \"1\" }\n",
        );
        let after = config(
            "[limits]\nmax_jobs = 4\nmax_buffer = 9\n[pools]\nbuilds = 2\n[process.b]\nscript = \
             \"y\"\nautostart = true\nenv = { A = \"2\" }\n[process.c]\nscript = \"z\"\n",
        );
        let diff = compare(&before, &after);
        let kinds: Vec<_> =
            diff.changes.iter().map(|change| (change.name.as_str(), change.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("process.a", ChangeKind::Removed),
                ("process.b", ChangeKind::Changed),
                ("process.c", ChangeKind::Added),
                ("pools", ChangeKind::Changed),
            ]
        );
        let lines = &diff.changes[1].lines;
        assert_eq!(
            lines,
            &["- autostart = false", "- A = \"1\"", "+ autostart = true", "+ A = \"2\""]
        );
        assert_eq!(diff.needs_restart, ["limits"]);
        let same = compare(&after, &after);
        assert_eq!((same.changes.len(), same.needs_restart.len()), (0, 0));
        assert_eq!(same.version, diff.version);
        assert_ne!(compare(&after, &before).version, diff.version);
    }
    #[test]
    fn a_secret_is_not_among_the_differences() {
        let toml = |token: &str, plain: &str| {
            let env = format!("env = {{ API_TOKEN = \"{token}\", PLAIN = \"{plain}\" }}");
            config(&format!("[process.a]\nscript = \"x\"\n{env}\n"))
        };
        let lines = |before: &Config, after: &Config| {
            let diff = compare(before, after);
            diff.changes.into_iter().flat_map(|change| change.lines).collect::<Vec<_>>()
        };
        let other = lines(&toml("hunter2", "1"), &toml("hunter3", "1"));
        assert_eq!(other, ["- API_TOKEN = \"***\"", "+ API_TOKEN = \"*** (another)\""]);
        let same = lines(&toml("hunter2", "1"), &toml("hunter2", "2"));
        assert_eq!(same, ["- PLAIN = \"1\"", "+ PLAIN = \"2\""]);
    }
}
