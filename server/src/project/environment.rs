//! The environment of a child: a clean one, with what the allow-list lets through.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::PlanError;

/// When Runyard itself has none.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Without one, most programs print question marks for everything that is not ASCII.
const DEFAULT_LANG: &str = "C.UTF-8";
/// The system refuses more than 128 KiB in one variable, and then nothing starts.
const LONGEST_VALUE_BYTES: usize = 32 << 10;

/// These decide which code runs. A start may never set them, whatever the list says.
const NEVER_BY_START: [&str; 7] = ["PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "INIT_CWD"];
/// The same, by how they begin.
const NEVER_BY_START_PREFIX: [&str; 3] = ["LD_", "GLIBC_TUNABLES", "RUNYARD_"];
/// These load code, or change what is loaded from where, but have their uses: only a list that names
/// them in full lets a start set them. Compared without case, as package managers read them.
const BY_FULL_NAME: [&str; 60] = [
    "BUN_INSPECT_PRELOAD",
    "BUN_INSTALL",
    "BUN_OPTIONS",
    "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
    "DOTNET_STARTUP_HOOKS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "NODE_CHANNEL_FD",
    "NODE_COMPILE_CACHE",
    "NODE_EXTRA_CA_CERTS",
    "NODE_ICU_DATA",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REDIRECT_WARNINGS",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_V8_COVERAGE",
    "YARN_APPROVED_GIT_REPOSITORIES",
    "YARN_CA",
    "YARN_CACHE_FOLDER",
    "YARN_CAFILE",
    "YARN_CA_FILE_PATH",
    "YARN_CHECKSUM_BEHAVIOR",
    "YARN_CONSTRAINTS_PATH",
    "YARN_CWD",
    "YARN_DEFERRED_VERSION_FOLDER",
    "YARN_ENABLE_HARDENED_MODE",
    "YARN_ENABLE_IMMUTABLE_CACHE",
    "YARN_ENABLE_IMMUTABLE_INSTALLS",
    "YARN_ENABLE_MIRROR",
    "YARN_ENABLE_SCRIPTS",
    "YARN_ENABLE_STRICT_SSL",
    "YARN_GLOBAL_FOLDER",
    "YARN_HTTP_PROXY",
    "YARN_IGNORE_CWD",
    "YARN_IGNORE_PATH",
    "YARN_INJECT_ENVIRONMENT_FILES",
    "YARN_INSTALL_STATE_PATH",
    "YARN_LINK_FOLDER",
    "YARN_LOCKFILE_FILENAME",
    "YARN_MODULES_FOLDER",
    "YARN_NETWORK_SETTINGS",
    "YARN_NODE_LINKER",
    "YARN_PACKAGE_EXTENSIONS",
    "YARN_PATCH_FOLDER",
    "YARN_PLUGINS",
    "YARN_PREFIX",
    "YARN_PROXY",
    "YARN_RC_FILENAME",
    "YARN_REGISTRY",
    "YARN_SCRIPTS_PREPEND_NODE_PATH",
    "YARN_SCRIPT_SHELL",
    "YARN_STRICT_SSL",
    "YARN_UNSAFE_HTTP_WHITELIST",
    "YARN_USERCONFIG",
    "YARN_USE_YARNRC",
    "YARN_VIRTUAL_FOLDER",
    "YARN_YARN_OFFLINE_MIRROR",
    "YARN_YARN_PATH",
    "_JAVA_OPTIONS",
];
/// The same, by how they begin: any setting of these. What each version of them reads is more than a
/// list of names can hold.
const BY_FULL_NAME_PREFIX: [&str; 13] = [
    "BUN_CONFIG_",
    "GIT_",
    "NPM_CONFIG_",
    "PERL5",
    "PNPM_CONFIG_",
    "PYTHON",
    "RUBY",
    // Where packages come from, over which line, and what is made of them.
    "YARN_CONFIG_",
    "YARN_HTTPS_",
    "YARN_NM_",
    "YARN_NPM_",
    "YARN_PLUGNPLAY_",
    "YARN_PNP",
];
/// Of those, the ones that only say what is shown and how long is waited.
const HARMLESS: [&str; 5] = [
    "GIT_TERMINAL_PROMPT",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
];

/// Where Runyard's own environment comes from; tests bring a map.
pub trait EnvSource {
    /// Every variable with its value.
    fn variables(&self) -> Vec<(String, String)>;
}

/// The environment of this process. What is not UTF-8 is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnv;

impl EnvSource for ProcessEnv {
    fn variables(&self) -> Vec<(String, String)> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }
}

impl EnvSource for BTreeMap<String, String> {
    fn variables(&self) -> Vec<(String, String)> {
        self.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// `run.env_allow`, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct EnvRules {
    patterns: Vec<String>,
    allowed: GlobSet,
    /// What passes of Runyard's own, which does not change while it runs.
    own: OnceLock<BTreeMap<String, String>>,
}

impl EnvRules {
    /// Patterns that are no globs match nothing; the configuration has refused them before.
    pub(super) fn new(patterns: &[String]) -> Self {
        let mut builder = GlobSetBuilder::new();
        for glob in patterns.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
            builder.add(glob);
        }
        let allowed = builder.build().unwrap_or_default();
        Self { patterns: patterns.to_vec(), allowed, own: OnceLock::new() }
    }

    /// The clean environment, then ours as far as it is allowed, then the start's.
    pub(super) fn build(
        &self,
        base: &impl EnvSource,
        start: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, PlanError> {
        let mut env = self.own.get_or_init(|| self.clean(base)).clone();
        for (name, value) in start {
            self.check(name, value)?;
            env.insert(name.clone(), value.clone());
        }
        Ok(env)
    }

    /// The clean environment, and ours as far as it is allowed.
    fn clean(&self, base: &impl EnvSource) -> BTreeMap<String, String> {
        let mut env = BTreeMap::from([
            ("PATH".to_owned(), DEFAULT_PATH.to_owned()),
            ("LANG".to_owned(), DEFAULT_LANG.to_owned()),
            ("NODE_ENV".to_owned(), "production".to_owned()),
        ]);
        for (name, value) in base.variables() {
            let passes = match name.as_str() {
                // An empty PATH would mean the current folder.
                "PATH" | "HOME" | "LANG" => !value.is_empty(),
                // Our own settings may hold the database's password.
                ours if ours.starts_with("RUNYARD_") => false,
                other => self.allows(other),
            };
            if passes {
                env.insert(name, value);
            }
        }
        env
    }

    fn allows(&self, name: &str) -> bool {
        self.allowed.is_match(name)
    }

    fn check(&self, name: &str, value: &str) -> Result<(), PlanError> {
        let denied = |remedy: String| PlanError::EnvDenied { name: name.to_owned(), remedy };
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| !c.is_ascii_digit());
        if !is_name {
            let remedy = "a name has letters, digits and _, and does not begin with a digit";
            return Err(denied(remedy.to_owned()));
        }
        let decides = NEVER_BY_START.contains(&name)
            || NEVER_BY_START_PREFIX.iter().any(|prefix| name.starts_with(prefix));
        if decides {
            let remedy = "it decides which programs run, so only runyard's own environment sets it";
            return Err(denied(remedy.to_owned()));
        }
        let upper = name.to_ascii_uppercase();
        let may_load = BY_FULL_NAME.contains(&upper.as_str())
            || BY_FULL_NAME_PREFIX.iter().any(|prefix| upper.starts_with(prefix));
        let loads = may_load && !HARMLESS.contains(&upper.as_str());
        if loads && !self.patterns.iter().any(|pattern| pattern == name) {
            let remedy = "it can load code, so run.env_allow has to name it in full";
            return Err(denied(remedy.to_owned()));
        }
        if !self.allows(name) {
            let allowed = self.patterns.join(", ");
            return Err(denied(format!("run.env_allow lets through {allowed}")));
        }
        let invalid = |why| PlanError::EnvValueInvalid { name: name.to_owned(), why };
        if value.contains('\0') {
            return Err(invalid("has a zero byte, which no environment can hold"));
        }
        if value.len() > LONGEST_VALUE_BYTES {
            return Err(invalid("is longer than 32 KiB, put it into a file"));
        }
        Ok(())
    }
}
