//! The folder a process runs in: inside its project, also when symlinks are followed.

use std::path::{Component, Path, PathBuf};

use super::PlanError;

/// The folder that `wanted` names, without symlinks. `folder` is the project's, without symlinks.
pub(super) fn resolve(
    wanted: Option<&str>,
    folder: &Path,
    project: &str,
) -> Result<PathBuf, PlanError> {
    let cwd = wanted.unwrap_or(".").to_owned();
    let project = project.to_owned();
    let path = normalize(&folder.join(&cwd));
    // Before anything is looked up: whether a folder elsewhere exists is nobody's business.
    if !path.starts_with(folder) {
        return Err(PlanError::CwdOutsideProject { cwd, project });
    }
    let resolved = match path.canonicalize() {
        Ok(resolved) => resolved,
        Err(error) => {
            return Err(PlanError::CwdNotFound { cwd, project, why: error.to_string() });
        }
    };
    if !resolved.starts_with(folder) {
        return Err(PlanError::CwdOutsideProject { cwd, project });
    }
    if !resolved.is_dir() {
        let why = "it is a file, give a folder".to_owned();
        return Err(PlanError::CwdNotFound { cwd, project, why });
    }
    Ok(resolved)
}

/// The path without `.` and `..`, by its text alone.
pub(super) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
