//! The catalog: everything that can be started, as it was at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use app::model::{Catalogue, ProcessType, Project, Script, ScriptSource, StartRequest};

use crate::config::suggest::suggest;
use crate::config::{ProcessConfig, RunConfig, TreeLimits};

use super::PlanError;
use super::declared::{self, Target};
use super::discover::{Found, FoundScript, discover};
use super::environment::{EnvRules, EnvSource};
use super::plan::{self, LaunchPlan, Rules};
use super::secret::SecretNames;
use super::watch::Watch;

/// Everything that can be started, and the rules for starting it. It does not change.
#[derive(Debug)]
pub struct Catalog {
    roots: Vec<PathBuf>,
    run: RunConfig,
    env_rules: EnvRules,
    secret_names: SecretNames,
    projects: Vec<Found>,
    processes: BTreeMap<String, ProcessConfig>,
    pools: Vec<String>,
    most: TreeLimits,
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
            secret_names: SecretNames::new(&run.secret_env),
            projects,
            processes: BTreeMap::new(),
            pools: Vec::new(),
            most: TreeLimits::default(),
            watch,
        }
    }

    /// With what is declared, and the names of the pools.
    #[must_use]
    pub fn declare(
        mut self,
        processes: BTreeMap<String, ProcessConfig>,
        pools: Vec<String>,
    ) -> Self {
        (self.processes, self.pools) = (processes, pools);
        self
    }

    /// With what the tree of any process may use at most.
    #[must_use]
    pub fn bound(mut self, most: TreeLimits) -> Self {
        self.most = most;
        self
    }

    /// The same folders, read again.
    #[must_use]
    pub fn reload(&self) -> Self {
        Self::load(&self.roots, &self.run)
            .declare(self.processes.clone(), self.pools.clone())
            .bound(self.most)
    }

    /// What is declared, by name.
    #[must_use]
    pub fn declared(&self) -> &BTreeMap<String, ProcessConfig> {
        &self.processes
    }

    /// The project of a declared process, and whether it is a job or a service.
    #[must_use]
    pub fn describe_declared(&self, name: &str) -> Option<(String, ProcessType)> {
        let (name, config) = self.processes.get_key_value(name)?;
        let target = self.target(name, config).ok()?;
        Some((target.project.name.clone(), target.kind()))
    }

    /// Whether everything declared names a project and a script that are there.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check_declared(&self) -> Result<(), (String, PlanError)> {
        self.processes.iter().try_for_each(|(name, config)| {
            self.target(name, config).map(|_| ()).map_err(|error| (name.clone(), error))
        })
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
        let targets: Vec<Target<'_>> =
            self.processes.iter().filter_map(|(name, c)| self.target(name, c).ok()).collect();
        let project = |found: &Found| {
            let of_it = || targets.iter().filter(|target| std::ptr::eq(target.project, found));
            // A declaration says more about a script than the script does.
            let is_declared = |name: &str| of_it().any(|target| target.name == name);
            let declared = of_it().map(|target| Script {
                project: found.name.clone(),
                name: target.name.to_owned(),
                command: target.command_line(),
                source: ScriptSource::Declared,
                kind: target.kind(),
                args: self.run.args_of(&found.name, target.name).map(<[_]>::to_vec),
                can_start: true,
            });
            let plain = found.scripts.iter().filter(|script| !is_declared(&script.name));
            Project {
                name: found.name.clone(),
                path: found.path.clone(),
                runner: found.runner.name().to_owned(),
                scripts: declared.chain(plain.map(|s| script(found, s))).collect(),
                problem: found.problem.clone(),
            }
        };
        let projects = self.projects.iter().map(project).collect();
        Catalogue { projects, ..Catalogue::default() }
    }

    /// The same moment, with only the scripts for which `keeps` says so, by project and name; a
    /// project without any is left out.
    #[must_use]
    pub fn only(&self, keeps: impl Fn(&str, &str) -> bool) -> Self {
        let may = |(name, config): &(&String, &ProcessConfig)| {
            self.target(name, config).is_ok_and(|target| keeps(&target.project.name, name))
        };
        let processes: BTreeMap<_, _> = self
            .processes
            .iter()
            .filter(may)
            .map(|(name, config)| (name.clone(), config.clone()))
            .collect();
        let targets: Vec<Target<'_>> =
            processes.iter().filter_map(|(name, c)| self.target(name, c).ok()).collect();
        let mut projects = self.projects.clone();
        projects.retain_mut(|project| {
            let name = &project.name;
            let of_it = || targets.iter().filter(|target| target.project.name == *name);
            // What a declared process runs is needed to start that one.
            let runs = |script: &str| {
                of_it().any(|target| target.script.is_some_and(|found| found.name == script))
            };
            project.scripts.retain(|script| keeps(name, &script.name) || runs(&script.name));
            !project.scripts.is_empty() || of_it().next().is_some()
        });
        Self {
            roots: self.roots.clone(),
            run: self.run.clone(),
            env_rules: self.env_rules.clone(),
            secret_names: self.secret_names.clone(),
            projects,
            processes,
            pools: self.pools.clone(),
            most: self.most,
            watch: Watch::default(),
        }
    }

    /// The project and the script that a start is about.
    ///
    /// # Errors
    /// [`PlanError`] when there is none, or more than one.
    pub fn locate(&self, request: &StartRequest) -> Result<(&str, &str), PlanError> {
        if let Some((name, config)) =
            self.declared_by(request).and_then(|name| self.processes.get_key_value(name))
        {
            return Ok((&self.target(name, config)?.project.name, name));
        }
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
        self.plan_replica(request, 0, base_env)
    }

    /// The exact commands for a start, one for each replica that it asks for.
    ///
    /// # Errors
    /// As for [`Catalog::plan`].
    pub fn plan_all(
        &self,
        request: &StartRequest,
        base_env: &impl EnvSource,
    ) -> Result<Vec<LaunchPlan>, PlanError> {
        let mut plans = vec![self.plan(request, base_env)?];
        let replicas = plans[0].strategy.replica.map_or(1, |(_, of)| of);
        for replica in 1..replicas {
            plans.push(self.plan_replica(request, replica, base_env)?);
        }
        Ok(plans)
    }

    fn plan_replica(
        &self,
        request: &StartRequest,
        replica: u32,
        base_env: &impl EnvSource,
    ) -> Result<LaunchPlan, PlanError> {
        let (project, script) = self.find(request)?;
        let pools: Vec<&str> = self.pools.iter().map(String::as_str).collect();
        plan::make(project, script, (request, replica), base_env, self.rules(), &pools)
    }

    /// The declared process that a start means, if it means one.
    #[must_use]
    pub fn declared_by(&self, request: &StartRequest) -> Option<&str> {
        let (name, config) = self.processes.get_key_value(&request.script_name)?;
        let target = self.target(name, config).ok()?;
        let is_meant = |project: &String| *project == target.project.name;
        request.project.as_ref().is_none_or(is_meant).then_some(name.as_str())
    }

    /// The exact command for one replica of a declared process. `request` adds to it.
    ///
    /// # Errors
    /// Whatever is not there or not allowed; see [`PlanError`].
    pub fn plan_declared(
        &self,
        name: &str,
        replica: u32,
        request: &StartRequest,
        base_env: &impl EnvSource,
    ) -> Result<LaunchPlan, PlanError> {
        let config = self.processes.get(name).ok_or_else(|| {
            let known: Vec<_> = self.processes.keys().map(String::as_str).collect();
            let remedy = suggest("the declared processes are", name, &known);
            PlanError::ScriptNotFound { script: name.to_owned(), remedy }
        })?;
        let target = self.target(name, config)?;
        declared::make(target, replica, request, base_env, self.rules())
    }

    fn rules(&self) -> Rules<'_> {
        Rules { run: &self.run, env: &self.env_rules, secrets: &self.secret_names, most: self.most }
    }

    fn target<'a>(
        &'a self,
        name: &'a str,
        config: &'a ProcessConfig,
    ) -> Result<Target<'a>, PlanError> {
        let project = match (&config.project, self.projects.first()) {
            (Some(project), _) => self.find_project(project)?,
            (None, Some(first)) => first,
            (None, None) => self.find_project("")?,
        };
        let script = match (&config.command, config.script.as_deref().unwrap_or(name)) {
            (Some(_), _) => None,
            (None, script) => {
                let found = project.scripts.iter().find(|found| found.name == script);
                Some(found.ok_or_else(|| not_found(script, &[project]))?)
            }
        };
        Ok(Target { name, config, project, script })
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
