//! Why a start is refused: a stable code for programs, and words that say what would be right.

use std::path::PathBuf;

use crate::config::ArgDeny;

/// A start that is not possible as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No project of this name.
    #[error("there is no project {name:?}: {remedy}")]
    ProjectNotFound {
        /// As asked.
        name: String,
        /// A near name, and the known ones.
        remedy: String,
    },
    /// The project's files cannot be read.
    #[error("the scripts of {project} cannot be read: {problem}")]
    ProjectUnreadable {
        /// Its name.
        project: String,
        /// File, line and what is wrong.
        problem: String,
    },
    /// No script of this name.
    #[error("there is no script {script:?}: {remedy}")]
    ScriptNotFound {
        /// As asked.
        script: String,
        /// A near name, and the known ones.
        remedy: String,
    },
    /// Several projects have the script.
    #[error("more than one project has the script {script:?}: name one with project: {}", projects.join(", "))]
    ScriptAmbiguous {
        /// As asked.
        script: String,
        /// Their names.
        projects: Vec<String>,
    },
    /// An argument has what `run.arg_deny` names.
    #[error("argument {position} has {what}: {remedy}")]
    ArgumentDenied {
        /// 1 for the first.
        position: usize,
        /// What was found.
        what: String,
        /// What would be right.
        remedy: &'static str,
        /// The rule it met.
        rule: ArgDeny,
    },
    /// An argument is too long.
    #[error(
        "argument {position} has {length} characters: at most {most} are allowed, put longer text into a file"
    )]
    ArgumentTooLong {
        /// 1 for the first.
        position: usize,
        /// In characters.
        length: usize,
        /// In characters.
        most: usize,
    },
    /// An argument has a control character.
    #[error(
        "argument {position} has the control character {character:?}: only printable text is allowed"
    )]
    ArgumentControlCharacter {
        /// 1 for the first.
        position: usize,
        /// The character.
        character: char,
    },
    /// The whole command line is more than the system takes.
    #[error("the command line has {bytes} bytes: at most {most} are allowed, give fewer arguments")]
    CommandTooLong {
        /// In bytes.
        bytes: usize,
        /// In bytes.
        most: usize,
    },
    /// The folder to run in is not in the project.
    #[error(
        "the folder {cwd:?} is outside the project {project}: give one inside it, relative to its folder"
    )]
    CwdOutsideProject {
        /// As asked.
        cwd: String,
        /// The project's name.
        project: String,
    },
    /// The folder to run in is not there, or is no folder.
    #[error("the folder {cwd:?} was not found in the project {project}: {why}")]
    CwdNotFound {
        /// As asked.
        cwd: String,
        /// The project's name.
        project: String,
        /// The system's words.
        why: String,
    },
    /// The folder belongs to another package, whose scripts the package manager would run.
    #[error(
        "the folder {cwd:?} is in another package, where {runner} would run that package's scripts: name that project instead, or set run.runner to native"
    )]
    CwdOtherPackage {
        /// As asked.
        cwd: String,
        /// The package manager.
        runner: &'static str,
    },
    /// An environment variable that a start may not set.
    #[error("the environment variable {name:?} cannot be set: {remedy}")]
    EnvDenied {
        /// As asked.
        name: String,
        /// What is allowed.
        remedy: String,
    },
    /// An environment variable with a value that no process can be given.
    #[error("the value of the environment variable {name} {why}")]
    EnvValueInvalid {
        /// Its name.
        name: String,
        /// What is wrong with the value.
        why: &'static str,
    },
    /// The program that the script begins with, or the package manager, is not there.
    #[error("{program} was not found: {remedy}")]
    ExecutableNotFound {
        /// Its name, as the script has it.
        program: String,
        /// What to do.
        remedy: String,
    },
    /// The arguments are not those that the script takes.
    #[error("the script does not take these arguments: {why}")]
    ArgumentUnfit {
        /// What is wrong and what would be right.
        why: String,
    },
    /// What is called a secret is not there.
    #[error("{what}")]
    SecretUnknown {
        /// What was called so, and what there is.
        what: String,
    },
    /// No signal of this name.
    #[error(
        "there is no signal {name:?}: give a name such as SIGTERM, SIGINT or SIGHUP, or its number"
    )]
    SignalUnknown {
        /// As asked.
        name: String,
    },
    /// What a start says of how it is to be looked after does not fit.
    #[error("strategy: {message}")]
    StrategyInvalid {
        /// The key, and what would be right.
        message: String,
    },
    /// What its tree may use goes beyond what is allowed, or is no limit.
    #[error("limits: {message}")]
    LimitsInvalid {
        /// The key, and what would be right.
        message: String,
    },
    /// No port is free.
    #[error("no free port can be found: {why}")]
    NoPort {
        /// The system's words.
        why: String,
    },
    /// A path that cannot be written as text.
    #[error("the path {} is not utf-8: rename the folder", path.display())]
    PathNotText {
        /// The path.
        path: PathBuf,
    },
}

impl PlanError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProjectNotFound { .. } => "project_not_found",
            Self::ProjectUnreadable { .. } => "project_unreadable",
            Self::ScriptNotFound { .. } => "script_not_found",
            Self::ScriptAmbiguous { .. } => "script_ambiguous",
            Self::ArgumentDenied { .. } => "argument_denied",
            Self::ArgumentUnfit { .. } => "argument_unfit",
            Self::ArgumentTooLong { .. } => "argument_too_long",
            Self::ArgumentControlCharacter { .. } => "argument_control_character",
            Self::CommandTooLong { .. } => "command_too_long",
            Self::CwdOutsideProject { .. } => "cwd_outside_project",
            Self::CwdNotFound { .. } => "cwd_not_found",
            Self::CwdOtherPackage { .. } => "cwd_other_package",
            Self::EnvDenied { .. } => "env_denied",
            Self::EnvValueInvalid { .. } => "env_value_invalid",
            Self::ExecutableNotFound { .. } => "executable_not_found",
            Self::SecretUnknown { .. } => "secret_unknown",
            Self::SignalUnknown { .. } => "signal_unknown",
            Self::StrategyInvalid { .. } => "strategy_invalid",
            Self::LimitsInvalid { .. } => "limits_invalid",
            Self::NoPort { .. } => "no_port",
            Self::PathNotText { .. } => "path_not_text",
        }
    }
}
