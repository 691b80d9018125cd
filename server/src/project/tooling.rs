//! Which package manager a project belongs to, and which runner its scripts get.

use std::path::{Path, PathBuf};

use crate::config::RunnerChoice;

use super::manifest::Manifest;
use super::watch::Watch;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

/// What runs a project's scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// `sh -c` by us.
    Native,
    /// `MANAGER run`.
    Manager(Manager),
}

/// The lockfiles, each with who writes it.
const LOCKFILES: [(&str, Manager); 6] = [
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
];

/// How a project's dependencies are managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tooling {
    pub(super) manager: Manager,
    /// As `packageManager` says it.
    pub(super) version: Option<String>,
    /// The folder to install in, when a lockfile or `packageManager` tells it.
    pub(super) home: Option<PathBuf>,
    /// Yarn 2 and later: it has a shell and a lookup of its own.
    pub(super) is_yarn_berry: bool,
    has_lockfile: bool,
}

impl Manager {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }
}

impl Runner {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Manager(manager) => manager.name(),
        }
    }

    pub(super) fn choose(choice: RunnerChoice, tooling: &Tooling) -> Self {
        Self::Manager(match choice {
            RunnerChoice::Native => return Self::Native,
            RunnerChoice::Auto => tooling.manager,
            RunnerChoice::Npm => Manager::Npm,
            RunnerChoice::Pnpm => Manager::Pnpm,
            RunnerChoice::Yarn => Manager::Yarn,
            RunnerChoice::Bun => Manager::Bun,
        })
    }
}

impl Tooling {
    /// The nearest folder up the tree decides: its `packageManager`, then its lockfile. npm when
    /// none says anything.
    pub(super) fn detect(folder: &Path, watch: &mut Watch) -> Self {
        let is_yarn_berry = folder.ancestors().any(|f| watch.look(&f.join(".yarnrc.yml")));
        let tooling = |manager, version, home: Option<&Path>, has_lockfile| Self {
            manager,
            version,
            home: home.map(Path::to_owned),
            is_yarn_berry: manager == Manager::Yarn && is_yarn_berry,
            has_lockfile,
        };
        for folder in folder.ancestors() {
            let lockfile = LOCKFILES
                .iter()
                .find(|(name, _)| watch.look(&folder.join(name)))
                .map(|(_, manager)| *manager);
            if let Some((manager, version)) = declared(&folder.join("package.json"), watch) {
                return tooling(manager, version, Some(folder), lockfile == Some(manager));
            }
            if let Some(manager) = lockfile {
                return tooling(manager, None, Some(folder), true);
            }
        }
        tooling(Manager::Npm, None, None, false)
    }

    /// The command that installs the dependencies.
    pub(super) fn install_command(&self) -> &'static str {
        match self.manager {
            Manager::Npm if self.has_lockfile => "npm ci",
            Manager::Npm => "npm install",
            Manager::Pnpm => "pnpm install",
            Manager::Yarn => "yarn install",
            Manager::Bun => "bun install",
        }
    }

    /// `npm_config_user_agent`: tools read from its first word which package manager they run under.
    pub(super) fn user_agent(&self) -> String {
        let version = self.version.as_deref().unwrap_or("?");
        let name = self.manager.name();
        // As node calls them.
        let arch = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        format!("{name}/{version} runyard/{} linux {arch}", env!("CARGO_PKG_VERSION"))
    }
}

/// `packageManager` of a package.json: `pnpm@9.1.0+sha512.abc`. One that cannot be read says nothing:
/// the project it belongs to reports it.
fn declared(path: &Path, watch: &mut Watch) -> Option<(Manager, Option<String>)> {
    let text = watch.read(path).ok()??;
    let field = Manifest::parse(&text).ok()?.package_manager?;
    let (name, version) =
        field.split_once('@').map_or((field.as_str(), None), |(n, v)| (n, Some(v)));
    let manager = [Manager::Npm, Manager::Pnpm, Manager::Yarn, Manager::Bun]
        .into_iter()
        .find(|manager| manager.name() == name)?;
    Some((manager, version.and_then(|v| v.split('+').next()).map(str::to_owned)))
}
