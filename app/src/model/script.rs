//! What can be started.

use serde::{Deserialize, Serialize};

/// Where a script was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ScriptSource {
    /// `scripts` of a package.json.
    PackageJson,
    /// A line of a Procfile.
    Procfile,
    /// A command of `runyard.toml`.
    Declared,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ArgKind {
    /// Any text.
    Text,
    /// A number.
    Number,
    /// One of the choices.
    Choice,
    /// What the regular expression takes as a whole.
    Pattern,
    /// Any text, which is shown nowhere.
    Secret,
    /// There, or not.
    Switch,
}

/// One argument that a script takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ArgSpec {
    /// Its name; one that begins with `--` is an option, and given with it.
    pub name: String,
    /// What it must be.
    pub kind: ArgKind,
    /// Whether it must be given.
    pub is_required: bool,
    /// For a choice.
    pub choices: Vec<String>,
    /// For a pattern.
    pub pattern: Option<String>,
}

/// Something startable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Script {
    /// The project it belongs to.
    pub project: String,
    /// Its name, unique in its project.
    pub name: String,
    /// The command line as written.
    pub command: String,
    /// Where it was found.
    pub source: ScriptSource,
    /// Job or service, when a start does not say.
    #[serde(rename = "type")]
    pub kind: super::ProcessType,
    /// The arguments that it takes, in their order; absent when it takes any.
    #[serde(default)]
    pub args: Option<Vec<ArgSpec>>,
    /// Whether the one who asks may start it.
    #[serde(default = "yes")]
    pub can_start: bool,
}

/// For answers of a server that has no roles.
fn yes() -> bool {
    true
}

/// A folder with scripts. Each package of a workspace is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its name: from package.json, or the folder's; unique.
    pub name: String,
    /// Its folder, relative to the root it was found under; `.` for the root itself.
    pub path: String,
    /// What runs its scripts: `native`, `npm`, `pnpm`, `yarn`, `bun`.
    pub runner: String,
    /// In the order they were written.
    pub scripts: Vec<Script>,
    /// Why its scripts cannot be read, in words; they are then empty.
    pub problem: Option<String>,
}

/// The answer to `GET /api/scripts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// Roots first, then their packages.
    pub projects: Vec<Project>,
    /// Whether something is declared, or there are pools of slots besides the one of all jobs.
    #[serde(default)]
    pub has_declared: bool,
}
