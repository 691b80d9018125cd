//! Starting a run: its folder, its pipes, its process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::leaf::Leaves;
use super::note;
use super::protocol::{RUN_VARIABLE, SpawnSpec, WhenFull};
use crate::sys::pidfd::Pidfd;
use crate::sys::pipe::Pipe;
use crate::sys::process::DescriptorLimit;
use crate::sys::spawn::{Child, Command, spawn};
use crate::sys::spool::{RunFile, RunFiles, RunMeta, is_run_name};
use crate::sys::{clock, describe_errno, procfs};

/// What every start needs.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) files: RunFiles,
    pub(super) leaves: Leaves,
    pub(super) boot_id: String,
    /// Of this process before it raised it: children get that one.
    pub(super) limit: DescriptorLimit,
}

/// A run that has just been started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: i32,
    pub(super) pidfd: Pidfd,
    pub(super) starttime: u64,
    pub(super) started_at_ms: i64,
    pub(super) when_full: WhenFull,
    pub(super) out: OwnedFd,
    pub(super) err: OwnedFd,
}

/// Why a run was not started.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct StartError {
    /// The system's error number; 0 when it was not asked.
    pub(super) errno: i32,
    /// What a person can act on.
    pub(super) message: String,
}

impl StartError {
    fn refused(message: String) -> Self {
        Self { errno: 0, message }
    }

    fn system(what: &str, error: &io::Error) -> Self {
        let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        Self { errno, message: format!("{what}: {}", describe_errno(errno)) }
    }
}

/// Starts a run, with its file and in its control group. Nothing is left of one that could not be
/// started.
pub(super) fn start(spec: &SpawnSpec, ground: &Ground) -> Result<Started, StartError> {
    check(spec)?;
    // The run's file comes first: whatever happens next, a later keeper knows that there may be a
    // process with the run's mark, and the run is never started twice.
    let file = ground.files.create(&spec.run).map_err(|error| {
        StartError::system(&format!("cannot make the file of {}", spec.run), &error)
    })?;
    let started = start_process(spec, &file, ground);
    if started.is_err() {
        ground.leaves.remove(&spec.run);
        if let Err(error) = ground.files.remove(&spec.run) {
            note(&format!("cannot remove {}: {error}", spec.run));
        }
    }
    started
}

fn check(spec: &SpawnSpec) -> Result<(), StartError> {
    if !is_run_name(&spec.run) {
        return Err(StartError::refused(format!(
            "{:?} cannot be the name of a run: use letters, digits, dots, dashes and underscores",
            spec.run
        )));
    }
    for path in [&spec.program, &spec.cwd] {
        if !path.is_absolute() {
            return Err(StartError::refused(format!("{} is not absolute", path.display())));
        }
    }
    let strings = spec.argv.iter().chain(spec.env.iter().flat_map(|(name, value)| [name, value]));
    if strings.into_iter().any(|text| text.contains('\0')) {
        let message = format!(
            "cannot start {}: a NUL byte in its arguments or environment",
            spec.program.display()
        );
        return Err(StartError { errno: libc::EINVAL, message });
    }
    if spec.argv.is_empty() {
        return Err(StartError::refused("there must be at least one argument, its name".into()));
    }
    Ok(())
}

fn start_process(spec: &SpawnSpec, file: &RunFile, ground: &Ground) -> Result<Started, StartError> {
    let program = spec.program.display();
    let failed = |error| StartError::system(&format!("cannot start {program}"), &error);
    let (out, err) = (Pipe::new().map_err(failed)?, Pipe::new().map_err(failed)?);
    let mut env = spec.env.clone();
    env.retain(|(name, _)| name != RUN_VARIABLE);
    env.push((RUN_VARIABLE.to_owned(), spec.run.clone()));
    let leaf = ground.leaves.make(&spec.run, spec.limits);
    let folder = leaf.as_ref().and_then(|leaf| leaf.folder.as_ref());
    let child = spawn(&Command {
        program: &spec.program,
        argv: &spec.argv,
        env: &env,
        cwd: &spec.cwd,
        stdout: out.child.as_fd(),
        stderr: err.child.as_fd(),
        group: folder.map(AsFd::as_fd),
    })
    .map_err(|error| explain(spec, &error))?;
    let Child { pid, pidfd, is_in_group, starttime } = child;
    // What keeps these from working is not worth a failed start.
    let _ = ground.limit.apply_to(pid);
    if let Some(leaf) = leaf.filter(|_| !is_in_group) {
        ground.leaves.enter(&spec.run, &leaf.group, pid);
    }
    let read = || procfs::stat(pid).ok().flatten().map_or(0, |stat| stat.starttime);
    let starttime = starttime.unwrap_or_else(read);
    let started_at_ms = clock::realtime_ms();
    let meta = RunMeta {
        pid,
        starttime,
        boot_id: ground.boot_id.clone(),
        started_at_ms,
        out_pipe: out.inode,
        err_pipe: err.inode,
        program: spec.program.clone(),
        cwd: spec.cwd.clone(),
        when_full: spec.when_full,
    };
    if let Err(error) = file.write_meta(&meta) {
        // A later keeper looks for the run's mark instead.
        note(&format!("cannot write who {} is: {error}", spec.run));
    }
    Ok(Started {
        pid,
        pidfd,
        starttime,
        started_at_ms,
        when_full: spec.when_full,
        out: out.read,
        err: err.read,
    })
}

/// `ENOENT` may be about the program or about the folder.
fn explain(spec: &SpawnSpec, error: &io::Error) -> StartError {
    match std::fs::metadata(&spec.cwd) {
        Ok(cwd) if cwd.is_dir() => {
            StartError::system(&format!("cannot start {}", spec.program.display()), error)
        }
        Ok(_) => {
            let error = io::Error::from_raw_os_error(libc::ENOTDIR);
            StartError::system(&format!("cannot start in {}", spec.cwd.display()), &error)
        }
        Err(error) => {
            StartError::system(&format!("cannot start in {}", spec.cwd.display()), &error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::protocol::TreeLimits;
    use crate::sys::process::raise_descriptor_limit;

    fn fail(change: impl FnOnce(&mut SpawnSpec)) -> StartError {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = SpawnSpec {
            run: "a.1".into(),
            program: "/bin/true".into(),
            argv: vec!["true".into()],
            cwd: "/".into(),
            env: vec![],
            limits: TreeLimits::default(),
            when_full: WhenFull::default(),
        };
        change(&mut spec);
        let limit = raise_descriptor_limit().unwrap();
        let runs = dir.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        let files = RunFiles::open(&runs).unwrap();
        let (leaves, boot_id) = (Leaves::none(), "boot".to_owned());
        let error = start(&spec, &Ground { files, leaves, boot_id, limit }).unwrap_err();
        assert_eq!(std::fs::read_dir(&runs).unwrap().count(), 0, "nothing is left");
        error
    }

    #[test]
    fn what_cannot_start_is_explained() {
        let missing = fail(|spec| spec.program = "/x/y".into());
        assert_eq!(missing.errno, libc::ENOENT);
        assert_eq!(missing.message, "cannot start /x/y: no such file or directory");
        let folder = fail(|spec| spec.cwd = "/no/such/folder".into());
        assert_eq!(folder.message, "cannot start in /no/such/folder: no such file or directory");
        let file = fail(|spec| spec.cwd = "/etc/passwd".into());
        assert_eq!(file.message, "cannot start in /etc/passwd: not a directory");
        let denied = fail(|spec| spec.program = "/etc/passwd".into());
        assert_eq!(denied.message, "cannot start /etc/passwd: permission denied");
        assert_eq!(fail(|spec| spec.program = "true".into()).message, "true is not absolute");
        assert_eq!(fail(|spec| spec.run = "../x".into()).errno, 0);
        assert_eq!(fail(|spec| spec.argv = vec!["a\0".into()]).errno, libc::EINVAL);
        assert_eq!(fail(|spec| spec.argv.clear()).errno, 0);
    }
}
