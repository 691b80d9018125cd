//! Taking over from a keeper that died: what the folders of its runs say, and which of their
//! processes and pipes are still there.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::note;
use super::protocol::RUN_VARIABLE;
use crate::sys::pidfd::Pidfd;
use crate::sys::spool::{
    self, ExitRecord, RunMeta, SpoolError, SpoolReader, SpoolWriter, is_run_name,
};
use crate::sys::{pipe, procfs};

/// The processes and descriptors through which a pipe, by its inode, can be reached.
type Holders = HashMap<u64, Vec<(i32, i32)>>;

/// A run found in the data folder.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) run: String,
    /// 0 when it is not known.
    pub(super) pid: i32,
    pub(super) starttime: u64,
    pub(super) started_at_ms: i64,
    pub(super) state: FoundState,
}

/// How it was found.
#[derive(Debug)]
pub(super) enum FoundState {
    /// Its end was recorded, and nobody holds its pipes.
    Ended { exit: ExitRecord, idx_off: u64 },
    /// There may be more output.
    Open { spool: Box<SpoolWriter>, out: Option<OwnedFd>, err: Option<OwnedFd>, root: RootState },
}

/// What became of the root of a run.
#[derive(Debug)]
pub(super) enum RootState {
    /// It runs.
    Alive(Pidfd),
    /// It ended, and nobody saw how.
    Lost,
    /// It ended before, and others go on.
    Ended(ExitRecord),
}

/// Every run in the folder. One that cannot be taken up is left as it is, and noted.
pub(super) fn find(runs_dir: &Path, boot_id: &str) -> io::Result<Vec<Found>> {
    let holders = find_holders()?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(runs_dir)? {
        let entry = entry?;
        let Some(run) = entry.file_name().into_string().ok().filter(|name| is_run_name(name))
        else {
            continue;
        };
        match take_up(&run, &entry.path(), boot_id, &holders) {
            Ok(run) => found.push(run),
            Err(error) => note(&format!("cannot take up {run}: {error}")),
        }
    }
    Ok(found)
}

fn take_up(run: &str, dir: &Path, boot_id: &str, holders: &Holders) -> Result<Found, SpoolError> {
    let meta = match spool::read_meta(dir) {
        Ok(meta) => meta,
        Err(SpoolError::BadFile(_)) => None,
        Err(error) => return Err(error),
    };
    // Its keeper died between the start and the note of it, or the disk was full.
    let meta = match meta {
        Some(meta) => Some(meta),
        None => find_marked(run, boot_id)?,
    };
    let exit = spool::read_exit(dir).unwrap_or_default();
    let is_here = meta.as_ref().is_some_and(|meta| meta.boot_id == boot_id);
    let here = meta.as_ref().filter(|_| is_here);
    let pidfd = match (here, &exit) {
        (Some(meta), None) => open_root(meta),
        _ => None,
    };
    let (out, err) = match here {
        Some(meta) => (reopen(holders, meta.out_pipe), reopen(holders, meta.err_pipe)),
        None => (None, None),
    };
    let state = match (exit, pidfd) {
        (Some(exit), _) if out.is_none() && err.is_none() => {
            let idx_off = SpoolReader::new(dir).tail_off()?;
            FoundState::Ended { exit, idx_off }
        }
        (exit, pidfd) => {
            let root = match (exit, pidfd) {
                (Some(exit), _) => RootState::Ended(exit),
                (None, Some(pidfd)) => RootState::Alive(pidfd),
                (None, None) => RootState::Lost,
            };
            FoundState::Open { spool: Box::new(SpoolWriter::recover(dir)?), out, err, root }
        }
    };
    let (pid, starttime, started_at_ms) =
        meta.map_or((0, 0, 0), |meta| (meta.pid, meta.starttime, meta.started_at_ms));
    Ok(Found { run: run.to_owned(), pid, starttime, started_at_ms, state })
}

/// The root, if it is alive and nobody else with its pid.
fn open_root(meta: &RunMeta) -> Option<Pidfd> {
    let pidfd = Pidfd::open(meta.pid).ok()?;
    let stat = procfs::stat(meta.pid).ok()??;
    (stat.starttime == meta.starttime && !stat.is_dead()).then_some(pidfd)
}

/// The process with the run's mark that leads a session: the keeper gives each root its own. Its
/// first two pipes are its output.
fn find_marked(run: &str, boot_id: &str) -> io::Result<Option<RunMeta>> {
    let mark = format!("{RUN_VARIABLE}={run}");
    let leader = procfs::processes()?
        .into_iter()
        .filter(|stat| stat.session == stat.pid && !stat.is_dead())
        .filter(|stat| procfs::has_item(&procfs::environ(stat.pid), &mark))
        .min_by_key(|stat| stat.starttime);
    let Some(stat) = leader else { return Ok(None) };
    let pipes = procfs::pipes_of(stat.pid).unwrap_or_default();
    let inode = |fd| pipes.iter().find(|(pipe, _)| *pipe == fd).map_or(0, |(_, inode)| *inode);
    Ok(Some(RunMeta {
        pid: stat.pid,
        starttime: stat.starttime,
        boot_id: boot_id.to_owned(),
        started_at_ms: crate::sys::clock::realtime_ms(),
        out_pipe: inode(1),
        err_pipe: inode(2),
        program: Path::new("").to_owned(),
        cwd: Path::new("").to_owned(),
    }))
}

/// Who holds which pipe, by inode. Every process is asked: one that holds a run's pipe need not bear
/// its mark.
fn find_holders() -> io::Result<Holders> {
    let mut holders = Holders::new();
    for process in procfs::processes()? {
        // One that is gone or belongs to another user has none of ours.
        for (fd, inode) in procfs::pipes_of(process.pid).unwrap_or_default() {
            holders.entry(inode).or_default().push((process.pid, fd));
        }
    }
    Ok(holders)
}

/// Opens a pipe again, through whoever still has it.
fn reopen(holders: &Holders, inode: u64) -> Option<OwnedFd> {
    let holders = holders.get(&inode)?;
    holders.iter().find_map(|&(pid, fd)| pipe::reopen(pid, fd, inode).ok().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::own_pid;

    fn folder_with(meta: Option<&RunMeta>) -> tempfile::TempDir {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir(runs.path().join("a.1")).unwrap();
        if let Some(meta) = meta {
            spool::write_meta(&runs.path().join("a.1"), meta).unwrap();
        }
        runs
    }

    fn own_meta() -> RunMeta {
        let stat = procfs::stat(own_pid()).unwrap().unwrap();
        RunMeta {
            pid: stat.pid,
            starttime: stat.starttime,
            boot_id: "this".into(),
            started_at_ms: 5,
            out_pipe: 0,
            err_pipe: 0,
            program: "/bin/true".into(),
            cwd: "/".into(),
        }
    }

    fn root_of(runs: &Path) -> RootState {
        let found = find(runs, "this").unwrap().pop().unwrap();
        match found.state {
            FoundState::Open { root, .. } => root,
            FoundState::Ended { .. } => panic!("it has not ended"),
        }
    }

    #[test]
    fn only_the_same_process_of_the_same_boot_is_alive() {
        let meta = own_meta();
        let runs = folder_with(Some(&meta));
        assert!(matches!(root_of(runs.path()), RootState::Alive(_)));
        let reused = RunMeta { starttime: meta.starttime + 1, ..meta.clone() };
        assert!(matches!(root_of(folder_with(Some(&reused)).path()), RootState::Lost));
        let rebooted = RunMeta { boot_id: "that".into(), ..meta };
        assert!(matches!(root_of(folder_with(Some(&rebooted)).path()), RootState::Lost));
        assert!(matches!(root_of(folder_with(None).path()), RootState::Lost));
    }

    #[test]
    fn an_end_that_was_recorded_stands() {
        let runs = folder_with(Some(&own_meta()));
        let exit = ExitRecord { exit_code: Some(3), ..ExitRecord::default() };
        spool::write_exit(&runs.path().join("a.1"), &exit).unwrap();
        let found = find(runs.path(), "this").unwrap().pop().unwrap();
        assert!(matches!(found.state, FoundState::Ended { exit, .. } if exit.exit_code == Some(3)));
    }

    #[test]
    fn what_is_not_a_run_is_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir(runs.path().join(".hidden")).unwrap();
        std::os::unix::fs::symlink("/etc", runs.path().join("a.1")).unwrap();
        assert_eq!(find(runs.path(), "this").unwrap().len(), 0);
    }
}
