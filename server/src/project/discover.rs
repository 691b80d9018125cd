//! Reads the project folders: package.json with its workspace, Procfile, declared commands.

use std::path::{Path, PathBuf};

use app::model::{ProcessType, ScriptSource};

use crate::config::RunConfig;

use super::manifest::{Manifest, parse_pnpm_workspace};
use super::procfile;
use super::tooling::{Runner, Tooling};
use super::watch::Watch;
use super::workspace::find_packages;

/// A project as it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Unique among all.
    pub(super) name: String,
    /// Absolute, without symlinks.
    pub(super) folder: PathBuf,
    /// Relative to the root it was found under.
    pub(super) path: String,
    pub(super) runner: Runner,
    pub(super) tooling: Tooling,
    /// Empty when there is no package.json.
    pub(super) manifest: Manifest,
    pub(super) scripts: Vec<FoundScript>,
    pub(super) problem: Option<String>,
}

/// A script as it was found.
#[derive(Clone, Debug)]
pub(super) struct FoundScript {
    pub(super) name: String,
    /// As written.
    pub(super) command: String,
    pub(super) source: ScriptSource,
    pub(super) kind: ProcessType,
}

/// Every project of the roots: a root first, then the packages of its workspace.
pub(super) fn discover(roots: &[PathBuf], run: &RunConfig, watch: &mut Watch) -> Vec<Found> {
    let mut projects: Vec<Found> = Vec::new();
    for (number, root) in roots.iter().enumerate() {
        let root = root.canonicalize().unwrap_or_else(|_| root.clone());
        let commands = if number == 0 { run.commands.as_slice() } else { &[] };
        let mut found = read_project(&root, &root, run, watch);
        found.add(commands, ScriptSource::Declared);
        let packages = workspace_patterns(&root, &found.manifest, watch)
            .and_then(|patterns| find_packages(&root, &patterns, watch));
        let packages = packages.unwrap_or_else(|problem| {
            found.fail(problem);
            Vec::new()
        });
        if found.problem.is_none() && found.scripts.is_empty() && packages.is_empty() {
            found.problem = nothing_to_start(&root);
        }
        let members = packages.iter().map(|folder| read_project(&root, folder, run, watch));
        for project in std::iter::once(found).chain(members.collect::<Vec<_>>()) {
            if !projects.iter().any(|known| known.folder == project.folder) {
                projects.push(project);
            }
        }
    }
    make_names_unique(&mut projects);
    projects
}

/// The patterns of package.json, and of pnpm, which has a file of its own.
fn workspace_patterns(
    root: &Path,
    manifest: &Manifest,
    watch: &mut Watch,
) -> Result<Vec<String>, String> {
    const NAME: &str = "pnpm-workspace.yaml";
    let mut patterns = manifest.workspaces().to_vec();
    let text = watch.read(&root.join(NAME)).map_err(|error| format!("{NAME}: {error}"))?;
    if let Some(text) = text {
        patterns.extend(parse_pnpm_workspace(&text).map_err(|error| format!("{NAME}: {error}"))?);
    }
    Ok(patterns)
}

fn read_project(root: &Path, folder: &Path, run: &RunConfig, watch: &mut Watch) -> Found {
    let relative = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
    let place =
        |file: &str| if relative.is_empty() { file.into() } else { format!("{relative}/{file}") };
    let mut problem = None;
    let mut read = |file: &str, watch: &mut Watch| {
        watch.read(&folder.join(file)).unwrap_or_else(|error| {
            problem = Some(format!("{}: {error}", place(file)));
            None
        })
    };
    let manifest_text = read("package.json", watch);
    let procfile_text = read("Procfile", watch);
    let has_manifest = manifest_text.is_some();
    let manifest = manifest_text.map_or(Ok(Manifest::default()), |text| Manifest::parse(&text));
    let manifest = manifest.unwrap_or_else(|error| {
        problem = Some(format!("{}:{error}", place("package.json")));
        Manifest::default()
    });
    let lines = procfile_text.map_or(Ok(Vec::new()), |text| procfile::parse(&text));
    let lines = lines.unwrap_or_else(|error| {
        problem = Some(format!("{}:{error}", place("Procfile")));
        Vec::new()
    });

    let folder_name = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = manifest.name.clone().filter(|name| !name.trim().is_empty()).or_else(folder_name);
    let tooling = Tooling::detect(folder, watch);
    let mut found = Found {
        name: name.unwrap_or_else(|| "/".to_owned()),
        folder: folder.to_owned(),
        path: if relative.is_empty() { ".".to_owned() } else { relative },
        runner: if has_manifest { Runner::choose(run.runner, &tooling) } else { Runner::Native },
        tooling,
        manifest,
        scripts: Vec::new(),
        problem: None,
    };
    let scripts = std::mem::take(&mut found.manifest.scripts);
    found.add(&scripts.0, ScriptSource::PackageJson);
    found.manifest.scripts = scripts;
    found.add(&lines, ScriptSource::Procfile);
    if let Some(problem) = problem {
        found.fail(problem);
    }
    found
}

/// An empty folder is a mistake that is told; an empty `scripts` is not.
fn nothing_to_start(root: &Path) -> Option<String> {
    let is_there = |file: &str| root.join(file).exists();
    (!is_there("package.json") && !is_there("Procfile")).then(|| {
        format!(
            "{} has no package.json and no Procfile: give the folder of a project with --project",
            root.display()
        )
    })
}

impl Found {
    fn add(&mut self, entries: &[(String, String)], source: ScriptSource) {
        if self.problem.is_some() {
            return;
        }
        for (name, command) in entries {
            if name.contains('\0') || command.contains('\0') {
                self.fail(format!(
                    "the script {name:?} has a zero byte, which no command can have"
                ));
                return;
            }
            let is_taken = |name: &str| self.scripts.iter().any(|script| script.name == name);
            let name = match source {
                ScriptSource::PackageJson => name.clone(),
                ScriptSource::Procfile if is_taken(name) => format!("{name} (Procfile)"),
                ScriptSource::Declared if is_taken(name) => format!("{name} (runyard.toml)"),
                ScriptSource::Procfile | ScriptSource::Declared => name.clone(),
            };
            let kind = default_kind(&name, source);
            self.scripts.push(FoundScript { name, command: command.clone(), source, kind });
        }
    }

    fn fail(&mut self, problem: String) {
        self.scripts.clear();
        self.problem.get_or_insert(problem);
    }
}

/// What a script is when nobody says: those that people name like servers run until stopped.
fn default_kind(name: &str, source: ScriptSource) -> ProcessType {
    const SERVERS: [&str; 5] = ["dev", "start", "serve", "watch", "preview"];
    let first = name.split(':').next().unwrap_or(name);
    match source {
        ScriptSource::Procfile => ProcessType::LongRunning,
        _ if SERVERS.contains(&first) => ProcessType::LongRunning,
        _ => ProcessType::ShortLived,
    }
}

/// Projects of one name are told apart by their paths: those in the root first, then in full.
fn make_names_unique(projects: &mut [Found]) {
    let paths: [fn(&Found) -> String; 2] =
        [|found| found.path.clone(), |found| found.folder.to_string_lossy().into_owned()];
    let plain: Vec<String> = projects.iter().map(|found| found.name.clone()).collect();
    for path in paths {
        let names: Vec<String> = projects.iter().map(|found| found.name.clone()).collect();
        for (project, plain) in projects.iter_mut().zip(&plain) {
            if names.iter().filter(|name| **name == project.name).count() > 1 {
                project.name = format!("{plain} ({})", path(project));
            }
        }
    }
}
