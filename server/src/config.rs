//! Configuration: `runyard.toml`, then the environment, then flags; the later one wins.
//!
//! Every source is first read into [`Setting`]s that remember where they came from, and then applied
//! by the section that owns the key. So a wrong key or value is told the same way whatever its
//! source: where it stands, what it is called, and what would be right. The environment is an
//! argument, not a global: tests bring their own.

mod address;
mod arg_spec;
mod audit;
mod auth;
mod bounded;
mod choice;
mod data_dir;
mod environment;
mod error;
mod file;
mod isolation;
mod key;
mod limits;
mod logs;
mod oidc;
mod ownership;
mod pools;
mod process;
mod role_mapping;
mod roles;
mod run;
mod sandboxes;
mod secret;
mod secret_file;
mod server;
mod setting;
pub mod suggest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub(crate) use address::{is_this_machine, is_trustworthy};
pub use audit::AuditConfig;
pub use auth::{AuthConfig, ExternalConfig, KeySource};
pub(crate) use bounded::read_bounded;
pub use error::{ConfigError, Invalid};
pub use isolation::{ALWAYS_WRITABLE, RunAs, Sandbox};
pub use limits::LimitsConfig;
pub use logs::LogsConfig;
pub use oidc::{OidcConfig, OidcSection};
pub use pools::PoolsConfig;
use process::Declaration;
pub use process::{
    BreakerConfig, Condition, Cores, Kind, Missed, Overlap, ProbeConfig, ProcessConfig,
    RestartConfig, RestartWhen, RetriesConfig, Schedule, Size, StopConfig, TreeLimits, WatchConfig,
    WhenFull, Wrong, dependants_first, dependencies_first, json_schema,
};
pub use role_mapping::RoleMapping;
pub use roles::{RoleConfig, RolesConfig, RuleConfig, parse_role};
pub use run::{ArgDeny, RunConfig, RunnerChoice};
pub use secret::Secret;
pub use server::{ServerConfig, parse_listen};
use setting::{Origin, Rejected};

/// The file that is read from the current folder when `--config` names none.
pub const FILE_NAME: &str = "runyard.toml";

/// Everything that can be configured, valid as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[server]`: where it listens and keeps its data.
    pub server: ServerConfig,
    /// `[run]`: how scripts are run and what they may be given.
    pub run: RunConfig,
    /// `[limits]`: how much may run.
    pub limits: LimitsConfig,
    /// `[auth]`: whether anybody is asked who they are, and how.
    pub auth: AuthConfig,
    /// `[oidc]`: where people can sign in.
    pub oidc: OidcSection,
    /// `[audit]`: how long it is kept.
    pub audit: AuditConfig,
    /// `[logs]`: how much of them is kept.
    pub logs: LogsConfig,
    /// `[roles]`: who may do what.
    pub roles: RolesConfig,
    /// `[pools]`: slots for jobs, by name.
    pub pools: PoolsConfig,
    /// `[process.NAME]`: what is declared.
    pub processes: BTreeMap<String, ProcessConfig>,
    /// The project folders, absolute and without symlinks; at least one.
    pub projects: Vec<PathBuf>,
}

/// What the command line says; `None` and empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`, or the loopback address with `--port`.
    pub listen: Option<SocketAddr>,
    /// `--allow-remote`.
    pub allow_remote: bool,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--database`.
    pub database: Option<String>,
    /// `--project`, in the order given.
    pub projects: Vec<PathBuf>,
}

/// What a configuration is made of.
#[derive(Clone, Debug)]
pub struct Sources<E> {
    /// The folder that relative paths of flags and environment begin in.
    pub current_dir: PathBuf,
    /// Name and value of every environment variable: `std::env::vars_os()` in a real run.
    pub env: E,
    /// The command line.
    pub flags: Flags,
}

impl Config {
    /// Reads all sources and puts them together.
    ///
    /// # Errors
    /// A file that cannot be read, a key that does not exist, a value that does not fit: always with
    /// the place where it stands.
    pub fn load<E>(sources: Sources<E>) -> Result<Self, ConfigError>
    where
        E: IntoIterator<Item = (OsString, OsString)>,
    {
        let Sources { current_dir, env, flags } = sources;
        let file::Content { mut settings, mut declarations, others } =
            file::read(flags.config.as_deref(), &current_dir)?;
        settings.extend(environment::read(env, &current_dir)?);

        let mut server = ServerConfig::default();
        let mut run = RunConfig::default();
        let mut limits = LimitsConfig::default();
        let mut audit = AuditConfig::default();
        let mut logs = LogsConfig::default();
        let mut auth = AuthConfig::default();
        let mut oidc = OidcSection::default();
        let mut roles = RolesConfig::default();
        let mut pools = PoolsConfig::default();
        let mut origins = BTreeMap::new();
        for setting in settings {
            let setting = secret_file::resolve(setting, others.as_deref())?;
            let applied = match setting.section.as_str() {
                ServerConfig::SECTION => server.set(&setting),
                RunConfig::SECTION => run.set(&setting),
                LimitsConfig::SECTION => limits.set(&setting),
                AuthConfig::SECTION => auth.set(&setting),
                OidcSection::SECTION => oidc.set(&setting),
                AuditConfig::SECTION => audit.set(&setting),
                LogsConfig::SECTION => logs.set(&setting),
                RolesConfig::SECTION => roles.set(&setting),
                PoolsConfig::SECTION => pools.set(&setting),
                _ => Err(Rejected::UnknownSection),
            };
            applied.map_err(|rejected| rejected.into_error(&setting))?;
            origins.insert(setting.name(), setting.origin);
        }
        let mut from_flag = |key: &str, flag| {
            origins.insert(format!("{}.{key}", ServerConfig::SECTION), Origin::Flag(flag));
        };
        if let Some(listen) = flags.listen {
            server.listen = listen;
            from_flag("listen", "--listen");
        }
        if flags.allow_remote {
            server.allow_remote = true;
            from_flag("allow_remote", "--allow-remote");
        }
        if let Some(data) = flags.data {
            server.data_dir = current_dir.join(data);
            from_flag("data_dir", "--data");
        }
        if let Some(database) = flags.database {
            server.database = Some(database);
            from_flag("database", "--database");
        }

        let rights = process::Rights { run: &run, others: others.as_deref() };
        rights.check_sandbox_write(&origins)?;
        rights.settle(&mut declarations)?;
        let processes = process::validate_all(&declarations, &pools.names(), limits.of_a_process)?;
        // What a file declares belongs to the project that it stands beside.
        let beside = flags.config.as_deref().and_then(Path::parent);
        let beside = beside.filter(|_| flags.projects.is_empty() && !processes.is_empty());
        let beside = beside.map(|folder| current_dir.join(folder));
        let projects = match beside {
            Some(folder) => find_projects(&[folder], &current_dir)?,
            None => find_projects(&flags.projects, &current_dir)?,
        };
        if server.data_dir.as_os_str().is_empty() {
            server.data_dir = projects.first().unwrap_or(&current_dir).join(data_dir::DEFAULT_NAME);
        }
        let config = Self {
            server,
            run,
            limits,
            auth,
            oidc,
            audit,
            logs,
            roles,
            pools,
            processes,
            projects,
        };
        config.validate(&origins)?;
        for Declaration { name, keys, .. } in declarations {
            let keys = keys.into_iter().map(|(key, at)| (format!("process.{name}.{key}"), at));
            origins.extend(keys);
        }
        config.check_sandboxes(&origins)?;
        Ok(config)
    }

    /// What no section can see alone.
    fn check_auth(&self) -> Result<(), Invalid> {
        if self.auth.is_off && !self.server.listen.ip().is_loopback() {
            let message = format!(
                "off lets everybody who reaches it do everything, and other machines reach {}: \
                 listen on 127.0.0.1",
                self.server.listen
            );
            return Err(Invalid { key: "mode", message });
        }
        if self.auth.is_off && !self.server.trusted_proxies.is_empty() {
            let message = "off lets everybody who reaches it do everything, and \
                           server.trusted_proxies bring others here: take one of them out";
            return Err(Invalid { key: "mode", message: message.to_owned() });
        }
        self.check_roles(self.auth.roles.named_roles())
    }

    /// Whether every role that is named is one.
    fn check_roles<'a>(
        &self,
        mut named: impl Iterator<Item = (&'static str, &'a str)>,
    ) -> Result<(), Invalid> {
        let is_missing = |role: &str| !self.roles.roles.contains_key(role);
        if let Some((key, role)) = named.find(|(_, role)| is_missing(role)) {
            let known: Vec<_> = self.roles.roles.keys().map(String::as_str).collect();
            let message =
                format!("{role:?} is no role: {}", suggest::suggest("the roles are", role, &known));
            return Err(Invalid { key, message });
        }
        Ok(())
    }

    fn validate(&self, origins: &BTreeMap<String, Origin>) -> Result<(), ConfigError> {
        let checks = [
            (ServerConfig::SECTION, self.server.validate()),
            (RunConfig::SECTION, self.run.validate()),
            (LimitsConfig::SECTION, self.limits.validate()),
            (AuthConfig::SECTION, self.auth.validate().and_then(|()| self.check_auth())),
            (
                OidcSection::SECTION,
                self.oidc.validate().and_then(|()| self.check_roles(self.oidc.roles.named_roles())),
            ),
            (AuditConfig::SECTION, self.audit.validate()),
            (LogsConfig::SECTION, self.logs.validate()),
            (RolesConfig::SECTION, self.roles.validate()),
        ];
        for (section, check) in checks {
            check.map_err(|Invalid { key, message }| {
                let key = format!("{section}.{key}");
                let origin = origins.get(&key).unwrap_or(&Origin::Default).to_string();
                ConfigError::BadValue { origin, key, message }
            })?;
        }
        Ok(())
    }
}

/// Folders become absolute and free of symlinks; the same folder twice is one project.
fn find_projects(flags: &[PathBuf], current_dir: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let here = [PathBuf::from(".")];
    let wanted = if flags.is_empty() { here.as_slice() } else { flags };
    let mut found = Vec::with_capacity(wanted.len());
    for folder in wanted {
        let path = current_dir.join(folder).canonicalize().map_err(|error| {
            ConfigError::Project { path: folder.clone(), why: error.to_string() }
        })?;
        if !path.is_dir() {
            let why = "it is a file, not a folder".to_owned();
            return Err(ConfigError::Project { path: folder.clone(), why });
        }
        if !found.contains(&path) {
            found.push(path);
        }
    }
    Ok(found)
}
