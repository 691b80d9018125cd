//! The command that runs a script: through its package manager, or by the shell as one would.
//!
//! A native script without pre and post is one `sh -c 'SCRIPT ARGS'`. Where the script is a plain
//! command, with nothing in it that a shell would act on, its program is executed at once: a shell
//! would do no more, and costs as much as the rest of a start. So no further process stands between
//! us and the script, and it is the one that signals reach and whose exit is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use app::model::ScriptSource;

use super::PlanError;
use super::discover::{Found, FoundScript};
use super::lookup;
use super::tooling::{Manager, Runner};

/// What package managers run scripts with too.
const SHELL: &str = "/bin/sh";
/// The system takes at most 128 KiB in one argument, and the whole line is one for the shell.
const LONGEST_BYTES: usize = 100 << 10;

pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) argv: Vec<String>,
    pub(super) command_line: String,
}

/// Works out the command, and completes the environment with what its runner gives to scripts.
pub(super) fn prepare(
    project: &Found,
    script: &FoundScript,
    args: &[String],
    cwd: &Path,
    env: &mut BTreeMap<String, String>,
) -> Result<Launch, PlanError> {
    let from_package = script.source == ScriptSource::PackageJson;
    match project.runner {
        Runner::Manager(manager) if from_package => {
            by_manager(manager, project, script, args, cwd, env)
        }
        _ => natively(project, script, args, cwd, env, from_package),
    }
}

/// A program of its own, without a shell: found as a script's would be.
pub(super) fn prepare_command(
    project: &Found,
    argv: Vec<String>,
    cwd: &Path,
    env: &mut BTreeMap<String, String>,
) -> Result<Launch, PlanError> {
    let path = script_path(project, env.get("PATH").map_or("", String::as_str))?;
    env.insert("PATH".to_owned(), path.clone());
    let name = argv.first().map_or("", String::as_str);
    let program = lookup::find(name, &path, cwd).ok_or_else(|| PlanError::ExecutableNotFound {
        program: name.to_owned(),
        remedy: "it is not on the PATH: install it, or correct the command".to_owned(),
    })?;
    let command_line = append_args("", &argv)?;
    Ok(Launch { program, argv, command_line })
}

fn by_manager(
    manager: Manager,
    project: &Found,
    script: &FoundScript,
    args: &[String],
    cwd: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Launch, PlanError> {
    // A package manager looks for the nearest package.json, and would run that one's script.
    let inner = cwd.ancestors().take_while(|folder| *folder != project.folder);
    if inner.into_iter().any(|folder| folder.join("package.json").exists()) {
        let cwd = cwd.strip_prefix(&project.folder).unwrap_or(cwd).to_string_lossy().into_owned();
        return Err(PlanError::CwdOtherPackage { cwd, runner: manager.name() });
    }
    let path = env.get("PATH").map_or("", String::as_str);
    let program = lookup::find(manager.name(), path, cwd)
        .ok_or_else(|| lookup::missing_manager(manager.name()))?;
    // What the script itself begins with is found as the package manager will find it.
    if !project.tooling.is_yarn_berry {
        lookup::check_script(project, script, &script_path(project, path)?, &project.folder)?;
    }
    let mut argv = vec![manager.name().to_owned(), "run".to_owned(), script.name.clone()];
    // npm alone would take flags for its own.
    if manager == Manager::Npm && !args.is_empty() {
        argv.push("--".to_owned());
    }
    argv.extend_from_slice(args);
    let command_line = append_args("", &argv)?;
    Ok(Launch { program, argv, command_line })
}

fn natively(
    project: &Found,
    script: &FoundScript,
    args: &[String],
    cwd: &Path,
    env: &mut BTreeMap<String, String>,
    from_package: bool,
) -> Result<Launch, PlanError> {
    let path = script_path(project, env.get("PATH").map_or("", String::as_str))?;
    env.insert("PATH".to_owned(), path.clone());
    let found = lookup::check_script(project, script, &path, cwd)?;
    let command_line = append_args(&script.command, args)?;
    let mut text = command_line.clone();
    if from_package {
        give_lifecycle(project, script, cwd, env)?;
        text = with_pre_and_post(project, script, &command_line)?;
    }
    if text == command_line && lookup::is_plain_command(&script.command) {
        if let Some(program) = found.filter(|program| lookup::is_executed_by_kernel(program)) {
            let words = script.command.split_whitespace().map(str::to_owned);
            let argv = words.chain(args.iter().cloned()).collect();
            return Ok(Launch { program, argv, command_line });
        }
        text.insert_str(0, "exec ");
    }
    // The shell would take it for an option.
    if text.starts_with(['-', '+']) {
        text.insert(0, ' ');
    }
    check_length(&text)?;
    let argv = vec!["sh".to_owned(), "-c".to_owned(), text];
    Ok(Launch { program: PathBuf::from(SHELL), argv, command_line })
}

/// `node_modules/.bin` of the project's folder and of every one above it, then the PATH.
fn script_path(project: &Found, path: &str) -> Result<String, PlanError> {
    let mut folders = Vec::new();
    for folder in project.folder.ancestors() {
        folders.push(text_of(&folder.join("node_modules/.bin"))?);
    }
    folders.push(path.to_owned());
    Ok(folders.join(":"))
}

/// The variables that scripts read to learn what they are part of.
fn give_lifecycle(
    project: &Found,
    script: &FoundScript,
    cwd: &Path,
    env: &mut BTreeMap<String, String>,
) -> Result<(), PlanError> {
    let manifest = &project.manifest;
    let mut give = |name: &str, value: String| env.insert(name.to_owned(), value);
    give("INIT_CWD", text_of(cwd)?);
    give("npm_command", "run-script".to_owned());
    give("npm_config_user_agent", project.tooling.user_agent());
    give("npm_lifecycle_event", script.name.clone());
    give("npm_lifecycle_script", script.command.clone());
    give("npm_package_json", text_of(&project.folder.join("package.json"))?);
    give("npm_package_name", manifest.name.clone().unwrap_or_default());
    give("npm_package_version", manifest.version.clone().unwrap_or_default());
    Ok(())
}

/// Up to three scripts, each in a shell of its own as it may end or leave its folder; `&&` stops at
/// the first that fails and keeps its exit code.
fn with_pre_and_post(
    project: &Found,
    script: &FoundScript,
    main: &str,
) -> Result<String, PlanError> {
    let before = format!("pre{}", script.name);
    let after = format!("post{}", script.name);
    let (pre, post) = (project.manifest.script(&before), project.manifest.script(&after));
    if pre.is_none() && post.is_none() {
        return Ok(main.to_owned());
    }
    let steps = [
        pre.map(|command| (before.as_str(), command, command)),
        Some((script.name.as_str(), script.command.as_str(), main)),
        post.map(|command| (after.as_str(), command, command)),
    ];
    let mut lines = Vec::new();
    for (event, written, command) in steps.into_iter().flatten() {
        lines.push(format!(
            "npm_lifecycle_event={} npm_lifecycle_script={} {SHELL} -c {}",
            quote(event)?,
            quote(written)?,
            quote(command)?
        ));
    }
    Ok(lines.join(" && "))
}

/// The command with the arguments behind it, each quoted so that a shell reads it as it is.
pub(super) fn append_args(command: &str, args: &[String]) -> Result<String, PlanError> {
    let mut line = command.to_owned();
    for arg in args {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&quote(arg)?);
    }
    check_length(&line)?;
    Ok(line)
}

fn check_length(line: &str) -> Result<(), PlanError> {
    if line.len() > LONGEST_BYTES {
        return Err(PlanError::CommandTooLong { bytes: line.len(), most: LONGEST_BYTES });
    }
    Ok(())
}

/// Only a zero byte cannot be quoted, and neither a script nor an argument came here with one.
fn quote(text: &str) -> Result<std::borrow::Cow<'_, str>, PlanError> {
    shlex::try_quote(text)
        .map_err(|_| PlanError::ArgumentControlCharacter { position: 0, character: '\0' })
}

fn text_of(path: &Path) -> Result<String, PlanError> {
    path.to_str().map(str::to_owned).ok_or_else(|| PlanError::PathNotText { path: path.to_owned() })
}
