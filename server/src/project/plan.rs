//! A start, checked and made exact.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use app::model::{ProcessType, StartRequest};
use serde::{Deserialize, Serialize};

use crate::config::{Kind, RunConfig, TreeLimits};

use super::confine::Confined;
use super::discover::{Found, FoundScript};
use super::environment::{EnvRules, EnvSource};
use super::launch::{self, Launch};
use super::secret::{SecretArgs, SecretNames};
use super::strategy::{self, Strategy, Timed};
use super::{PlanError, arguments, bounds, declared, folder, schema, signal};

/// Everything that the spawn needs. It is kept with the process, so that a restart is the same start.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchPlan {
    /// The project's name.
    pub project: String,
    /// The script's name, or that of the declared process.
    pub script: String,
    /// The project's folder.
    #[serde(default)]
    pub folder: PathBuf,
    /// Job or service.
    pub kind: ProcessType,
    /// The program to execute, absolute.
    pub program: PathBuf,
    /// Its arguments, with its own name first.
    pub argv: Vec<String>,
    /// The folder to run in, absolute and without symlinks.
    pub cwd: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// The signal that asks it to end.
    pub kill_signal: i32,
    /// Stop it after so many milliseconds.
    pub timeout_ms: Option<u64>,
    /// Kill it after so many bytes of output, as the start asks; the general limit is the engine's.
    pub max_buffer: Option<u64>,
    /// What its tree may use.
    #[serde(default)]
    pub limits: TreeLimits,
    /// What runs, for people: without secrets.
    pub command_line: String,
    /// The arguments of the start, as they are shown: without secrets.
    #[serde(default)]
    pub args: Vec<String>,
    /// Values that are shown nowhere, and covered in what it writes.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What it is kept from.
    #[serde(default)]
    pub confined: Option<Confined>,
    /// How it is looked after.
    #[serde(default)]
    pub strategy: Strategy,
}

impl LaunchPlan {
    /// Whether something of it is shown nowhere.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }
}

impl fmt::Debug for LaunchPlan {
    /// Without the values of the environment and the arguments as given: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        f.debug_struct("LaunchPlan")
            .field("project", &self.project)
            .field("script", &self.script)
            .field("kind", &self.kind)
            .field("program", &self.program)
            .field("args", &self.args)
            .field("cwd", &self.cwd)
            .field("env", &names)
            .field("kill_signal", &self.kill_signal)
            .field("timeout_ms", &self.timeout_ms)
            .field("max_buffer", &self.max_buffer)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}

/// What a start is held against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) run: &'a RunConfig,
    pub(super) env: &'a EnvRules,
    pub(super) secrets: &'a SecretNames,
    /// What the tree of a process may use at most.
    pub(super) most: TreeLimits,
}

impl Rules<'_> {
    /// Holds the arguments of a start against every rule, and finds the secrets among them.
    pub(super) fn check_args(
        &self,
        project: &Found,
        script: &str,
        request: &StartRequest,
    ) -> Result<SecretArgs, PlanError> {
        let specs = self.run.args_of(&project.name, script);
        let secrets = SecretArgs::find(request, specs)?;
        let checked = specs.map_or(Ok(()), |specs| schema::check(&request.args, specs));
        let deny = || arguments::check(&request.args, &self.run.arg_deny, &project.folder);
        checked.and_then(|()| deny()).map_err(|error| secrets.hide(error))?;
        Ok(secrets)
    }
}

/// Holds the start against every rule, and works out the command of replica `replica`.
pub(super) fn make(
    project: &Found,
    script: &FoundScript,
    (request, replica): (&StartRequest, u32),
    base_env: &impl EnvSource,
    rules: Rules<'_>,
    pools: &[&str],
) -> Result<LaunchPlan, PlanError> {
    let secrets = rules.check_args(project, &script.name, request)?;
    let asked = request.strategy.as_ref();
    let asked = asked.map(|asked| strategy::read_asked(asked, pools, request.kind, script.kind));
    let asked = asked.transpose()?;
    let kind = match asked.as_ref().and_then(|asked| asked.kind) {
        Some(Kind::ShortLived) => ProcessType::ShortLived,
        Some(Kind::LongRunning) => ProcessType::LongRunning,
        None => request.kind.unwrap_or(script.kind),
    };
    let is_service = kind == ProcessType::LongRunning;
    let cwd = folder::resolve(request.cwd.as_deref(), &project.folder, &project.name)?;
    let stop_signal = asked.as_ref().and_then(|asked| asked.stop.as_ref()?.signal.as_ref());
    let kill_signal = match request.kill_signal.as_ref().or(stop_signal) {
        None => libc::SIGTERM,
        Some(name) => signal::signal_number(name)
            .ok_or_else(|| PlanError::SignalUnknown { name: name.clone() })?,
    };
    let mut env = rules.env.build(base_env, &request.env)?;
    let confined = Confined::of(rules.run, None, &project.folder, &mut env);
    let several = asked.as_ref().filter(|it| it.port.is_some() || it.replicas.is_some());
    if let Some(config) = several {
        declared::number(config, replica, &mut env)?;
    }
    let Launch { program, argv, command_line } =
        launch::prepare(project, script, &request.args, &cwd, &mut env)?;
    let command_line = secrets.cover(&command_line, &request.args)?;
    let (args, secrets) = secrets.with_env(request, &env, |name| rules.secrets.has(name))?;
    let strategy = match &asked {
        Some(config) => Strategy {
            timed: Timed::of(config),
            replica: several.map(|config| (replica, config.replicas())),
            ..Strategy::of(config, is_service, &env)
        },
        None => Strategy::plain(is_service),
    };
    strategy::check_addresses(&strategy)?;
    // A strategy for a job brings its timeout with it, unless the start has one of its own.
    let strategy_ms = asked.as_ref().filter(|_| !is_service).and_then(strategy::job_timeout_ms);
    let unless_zero = |value: Option<u64>| value.filter(|value| *value > 0);
    Ok(LaunchPlan {
        project: project.name.clone(),
        script: script.name.clone(),
        folder: project.folder.clone(),
        kind,
        program,
        argv,
        cwd,
        env,
        kill_signal,
        timeout_ms: unless_zero(request.timeout_ms.or(strategy_ms)),
        max_buffer: unless_zero(request.max_buffer),
        limits: bounds::resolve(request.limits.as_ref(), TreeLimits::default(), rules.most)?,
        command_line,
        args,
        secrets,
        confined,
        strategy,
    })
}
