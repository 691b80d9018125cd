//! Plans for what is declared in `runyard.toml`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use app::model::{ProcessType, StartRequest};

use crate::config::{Kind, ProcessConfig};

use super::confine::Confined;
use super::discover::{Found, FoundScript};
use super::environment::EnvSource;
use super::launch::{self, Launch};
use super::plan::{LaunchPlan, Rules};
use super::secret::SecretNames;
use super::strategy::{self, Declared, Strategy};
use super::{PlanError, bounds, folder, signal};

/// A declared process with what it starts.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) config: &'a ProcessConfig,
    pub(super) project: &'a Found,
    /// `None` for one with a command of its own.
    pub(super) script: Option<&'a FoundScript>,
}

impl Target<'_> {
    /// Job or service.
    pub(super) fn kind(&self) -> ProcessType {
        let by_script = || self.script.map_or(ProcessType::LongRunning, |script| script.kind);
        match self.config.kind() {
            Some(Kind::ShortLived) => ProcessType::ShortLived,
            Some(Kind::LongRunning) => ProcessType::LongRunning,
            None => by_script(),
        }
    }

    /// As it is shown.
    pub(super) fn command_line(&self) -> String {
        match (&self.config.command, self.script) {
            (Some(command), _) => command.join(" "),
            (None, Some(script)) => script.command.clone(),
            (None, None) => String::new(),
        }
    }
}

/// The exact start of one replica. `request` adds arguments and environment, within its own rules.
pub(super) fn make(
    target: Target<'_>,
    replica: u32,
    request: &StartRequest,
    base_env: &impl EnvSource,
    rules: Rules<'_>,
) -> Result<LaunchPlan, PlanError> {
    let Target { name, config, project, .. } = target;
    let secrets = rules.check_args(project, name, request)?;
    let kind = target.kind();
    let is_service = kind == ProcessType::LongRunning;
    let cwd = request.cwd.as_deref().or(config.cwd.as_deref());
    let cwd = folder::resolve(cwd, &project.folder, &project.name)?;
    let mut env = rules.env.build(base_env, &request.env)?;
    let confined = Confined::of(rules.run, Some(config), &project.folder, &mut env);
    let of_files = config.env_secrets.iter().map(|(name, secret)| (name, secret.text()));
    for (name, value) in config.env.iter().map(|(name, value)| (name, &**value)).chain(of_files) {
        // What the start says is more particular.
        if !request.env.contains_key(name) {
            env.insert(name.clone(), value.to_owned());
        }
    }
    if is_service {
        number(config, replica, &mut env)?;
    }
    let Launch { program, argv, command_line } = launch_of(target, request, &cwd, &mut env)?;
    let command_line = secrets.cover(&command_line, &request.args)?;
    let names = SecretNames::new(&config.secret_env);
    let is_secret = |name: &str| {
        rules.secrets.has(name) || names.has(name) || config.env_file.contains_key(name)
    };
    let (args, secrets) = secrets.with_env(request, &env, is_secret)?;
    let mut strategy = Strategy::of(config, is_service, &env);
    if let Some(asked) = request.kind.filter(|asked| *asked != kind) {
        let (declared, asked) = (kind.as_str(), asked.as_str());
        let message = format!("{name} is declared as {declared}, and cannot be started as {asked}");
        return Err(PlanError::StrategyInvalid { message });
    }
    let asked = request.strategy.as_ref().map(|asked| strategy::read_priority(asked, name));
    if let Some(priority) = asked.transpose()?.flatten() {
        strategy.priority = priority;
    }
    let replicas = config.replicas();
    strategy.declared = Some(Declared { name: name.to_owned(), replica, replicas });
    let stop_signal = config.stop.as_ref().and_then(|stop| stop.signal.as_ref());
    let kill_signal = match request.kill_signal.as_ref().or(stop_signal) {
        None => libc::SIGTERM,
        Some(name) => signal::signal_number(name)
            .ok_or_else(|| PlanError::SignalUnknown { name: name.clone() })?,
    };
    let timeout_ms = match request.timeout_ms {
        Some(asked) => Some(asked).filter(|ms| *ms > 0),
        None if is_service => None,
        None => strategy::job_timeout_ms(config),
    };
    Ok(LaunchPlan {
        project: project.name.clone(),
        script: name.to_owned(),
        folder: project.folder.clone(),
        kind,
        program,
        argv,
        cwd,
        env,
        kill_signal,
        timeout_ms,
        max_buffer: request.max_buffer.filter(|bytes| *bytes > 0),
        limits: bounds::resolve(
            request.limits.as_ref(),
            config.limits.unwrap_or_default(),
            rules.most,
        )?,
        command_line,
        args,
        secrets,
        confined,
        strategy,
    })
}

fn launch_of(
    target: Target<'_>,
    request: &StartRequest,
    cwd: &std::path::Path,
    env: &mut BTreeMap<String, String>,
) -> Result<Launch, PlanError> {
    let Target { config, project, script, .. } = target;
    let mut args = strategy::expand_all(&config.args, env);
    args.extend_from_slice(&request.args);
    match (&config.command, script) {
        (Some(command), _) => {
            let mut argv = strategy::expand_all(command, env);
            argv.append(&mut args);
            launch::prepare_command(project, argv, cwd, env)
        }
        (None, Some(script)) => launch::prepare(project, script, &args, cwd, env),
        (None, None) => Err(PlanError::ScriptNotFound {
            script: target.name.to_owned(),
            remedy: "give script or command".to_owned(),
        }),
    }
}

/// Gives a replica its number and its port.
pub(super) fn number(
    config: &ProcessConfig,
    replica: u32,
    env: &mut BTreeMap<String, String>,
) -> Result<(), PlanError> {
    env.insert("RUNYARD_REPLICA".to_owned(), replica.to_string());
    if let Some(port) = port_of(config, replica)? {
        env.insert("PORT".to_owned(), port.to_string());
    }
    Ok(())
}

/// The declared port, or a free one. The free one may be taken by another program before the
/// process listens on it; the process then fails and is started again like any that fails.
fn port_of(config: &ProcessConfig, replica: u32) -> Result<Option<u16>, PlanError> {
    if let Some(first) = config.port {
        let offset = u16::try_from(replica).unwrap_or(u16::MAX);
        return Ok(first.checked_add(offset));
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    free.map(|address| Some(address.port()))
        .map_err(|error| PlanError::NoPort { why: error.to_string() })
}
