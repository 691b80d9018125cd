//! The data folder: it holds the signing key, the keeper's socket and every log, so it must be ours.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Its name in the first project's folder.
pub(super) const DEFAULT_NAME: &str = ".runyard";

/// Makes it with mode 0700, or checks the one that is there. The error is in words.
pub(super) fn prepare(path: &Path) -> Result<(), String> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check(path)?,
        Err(error) => return Err(error.to_string()),
    }
    if path.file_name().is_some_and(|name| name == DEFAULT_NAME) {
        keep_from_git(path).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Another user who owns it or can write into it could sign tokens or feed us logs.
fn check(path: &Path) -> Result<(), String> {
    let user = nix::unistd::geteuid().as_raw();
    let link = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if link.is_symlink() && link.uid() != user && link.uid() != 0 {
        return Err(format!(
            "it is a symbolic link of user {}, who could have us write anywhere: give another folder \
             with --data",
            link.uid()
        ));
    }
    let folder = fs::metadata(path).map_err(|error| error.to_string())?;
    if !folder.is_dir() {
        return Err("it is a file: give a folder with --data".to_owned());
    }
    let owner = folder.uid();
    if owner != user {
        return Err(format!(
            "it belongs to user {owner}, and runyard runs as user {user}: run as that user, or give \
             another folder with --data"
        ));
    }
    let mode = folder.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(format!(
            "other users can write into it (mode {mode:o}): give a folder of its own with --data, or \
             take that away with chmod go-w"
        ));
    }
    Ok(())
}

/// It lies in somebody's checkout: git must not see it.
fn keep_from_git(path: &Path) -> std::io::Result<()> {
    match fs::File::create_new(path.join(".gitignore")) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
