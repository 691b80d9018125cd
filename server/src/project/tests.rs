//! Real folders, and real shells to hold the quoting against.

mod arguments;
mod discovery;
mod environment;
mod launch;
mod refusals;
mod secrets;
mod signals;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use app::model::StartRequest;

use crate::config::{RunConfig, RunnerChoice};

use super::{Catalog, LaunchPlan, PlanError};

/// A project in a folder of its own, and the environment that Runyard would have.
struct Bench {
    folder: tempfile::TempDir,
    run: RunConfig,
    env: BTreeMap<String, String>,
}

impl Bench {
    /// Scripts run natively, with the real PATH.
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().unwrap(),
            run: RunConfig { runner: RunnerChoice::Native, ..RunConfig::default() },
            env: BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap())]),
        };
        for (path, text) in files {
            bench.write(path, text);
        }
        bench
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// An executable that does nothing.
    fn write_program(&self, path: &str) {
        self.write(path, "#!/bin/sh\n");
        let path = self.folder.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn catalog(&self) -> Catalog {
        Catalog::load(&[self.root()], &self.run)
    }

    fn plan(&self, request: &StartRequest) -> Result<LaunchPlan, PlanError> {
        self.catalog().plan(request, &self.env)
    }

    fn refusal(&self, request: &StartRequest) -> (&'static str, String) {
        let error = self.plan(request).unwrap_err();
        (error.code(), error.to_string())
    }
}

/// A start of `main` (or another script) with these arguments.
fn start(script: &str, args: &[&str]) -> StartRequest {
    StartRequest {
        script_name: script.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..StartRequest::default()
    }
}

/// Runs a plan as the keeper would: exit code and standard output.
fn run(plan: &LaunchPlan) -> (Option<i32>, String) {
    let output = std::process::Command::new(&plan.program)
        .args(&plan.argv[1..])
        .env_clear()
        .envs(&plan.env)
        .current_dir(&plan.cwd)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn link(to: &Path, at: PathBuf) {
    std::os::unix::fs::symlink(to, at).unwrap();
}
