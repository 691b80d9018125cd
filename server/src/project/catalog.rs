//! The catalog: everything that can be started, as it was at one moment.

use std::path::PathBuf;

use app::model::{Catalogue, Project, Script, StartRequest};

use crate::config::RunConfig;
use crate::config::suggest::suggest;

use super::PlanError;
use super::discover::{Found, FoundScript, discover};
use super::environment::{EnvRules, EnvSource};
use super::plan::{self, LaunchPlan};
use super::watch::Watch;

/// Everything that can be started, and the rules for starting it. It does not change.
#[derive(Debug)]
pub struct Catalog {
    roots: Vec<PathBuf>,
    run: RunConfig,
    env_rules: EnvRules,
    projects: Vec<Found>,
    watch: Watch,
}

impl Catalog {
    /// Reads the project folders. What cannot be read becomes a project with a problem in words, so
    /// this always succeeds. Blocks on the file system.
    #[must_use]
    pub fn load(roots: &[PathBuf], run: &RunConfig) -> Self {
        let mut watch = Watch::default();
        let projects = discover(roots, run, &mut watch);
        Self {
            roots: roots.to_vec(),
            run: run.clone(),
            env_rules: EnvRules::new(&run.env_allow),
            projects,
            watch,
        }
    }

    /// The same folders, read again.
    #[must_use]
    pub fn reload(&self) -> Self {
        Self::load(&self.roots, &self.run)
    }

    /// Whether a file or folder that was looked at is no longer as it was. Costs a `stat` for each.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.watch.is_changed()
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        let script = |project: &Found, script: &FoundScript| Script {
            project: project.name.clone(),
            name: script.name.clone(),
            command: script.command.clone(),
            source: script.source,
            kind: script.kind,
            args: self.run.args_of(&project.name, &script.name).map(<[_]>::to_vec),
            can_start: true,
        };
        let project = |found: &Found| Project {
            name: found.name.clone(),
            path: found.path.clone(),
            runner: found.runner.name().to_owned(),
            scripts: found.scripts.iter().map(|s| script(found, s)).collect(),
            problem: found.problem.clone(),
        };
        Catalogue { projects: self.projects.iter().map(project).collect() }
    }

    /// The same moment, with only the scripts for which `keeps` says so, by project and name; a
    /// project without any is left out.
    #[must_use]
    pub fn only(&self, keeps: impl Fn(&str, &str) -> bool) -> Self {
        let mut projects = self.projects.clone();
        for project in &mut projects {
            let name = &project.name;
            project.scripts.retain(|script| keeps(name, &script.name));
        }
        projects.retain(|project| !project.scripts.is_empty());
        Self {
            roots: self.roots.clone(),
            run: self.run.clone(),
            env_rules: self.env_rules.clone(),
            projects,
            watch: Watch::default(),
        }
    }

    /// The project and the script that a start is about.
    ///
    /// # Errors
    /// [`PlanError`] when there is none, or more than one.
    pub fn locate(&self, request: &StartRequest) -> Result<(&str, &str), PlanError> {
        let (project, script) = self.find(request)?;
        Ok((&project.name, &script.name))
    }

    /// The exact command for a start. `base_env` is Runyard's own environment.
    ///
    /// # Errors
    /// Whatever of the start is not allowed or not there; see [`PlanError`].
    pub fn plan(
        &self,
        request: &StartRequest,
        base_env: &impl EnvSource,
    ) -> Result<LaunchPlan, PlanError> {
        let (project, script) = self.find(request)?;
        plan::make(project, script, request, base_env, &self.run, &self.env_rules)
    }

    fn find(&self, request: &StartRequest) -> Result<(&Found, &FoundScript), PlanError> {
        let name = &request.script_name;
        let candidates: Vec<&Found> = match &request.project {
            None => self.projects.iter().collect(),
            Some(project) => vec![self.find_project(project)?],
        };
        let having: Vec<(&Found, &FoundScript)> = candidates
            .iter()
            .filter_map(|project| {
                let script = project.scripts.iter().find(|script| script.name == *name)?;
                Some((*project, script))
            })
            .collect();
        match having.as_slice() {
            [one] => Ok(*one),
            [] => Err(not_found(name, &candidates)),
            several => {
                let projects = several.iter().map(|(project, _)| project.name.clone()).collect();
                Err(PlanError::ScriptAmbiguous { script: name.clone(), projects })
            }
        }
    }

    fn find_project(&self, name: &str) -> Result<&Found, PlanError> {
        self.projects.iter().find(|project| project.name == name).ok_or_else(|| {
            let known: Vec<_> = self.projects.iter().map(|p| p.name.as_str()).collect();
            let remedy = suggest("the projects are", name, &known);
            PlanError::ProjectNotFound { name: name.to_owned(), remedy }
        })
    }
}

/// A project that cannot be read is the likeliest reason why its scripts are not there.
fn not_found(script: &str, candidates: &[&Found]) -> PlanError {
    let mut known: Vec<_> =
        candidates.iter().flat_map(|p| p.scripts.iter().map(|s| s.name.as_str())).collect();
    known.sort_unstable();
    known.dedup();
    let unreadable = candidates.iter().find_map(|p| Some((p, p.problem.as_ref()?)));
    match unreadable {
        Some((project, problem)) if known.is_empty() => {
            PlanError::ProjectUnreadable { project: project.name.clone(), problem: problem.clone() }
        }
        _ => PlanError::ScriptNotFound {
            script: script.to_owned(),
            remedy: suggest("the scripts are", script, &known),
        },
    }
}
