//! Taking over from a keeper that died: what the folders of its runs say, and which of their
//! processes and pipes are still there.
//!
//! Bytes in a pipe live as long as somebody holds it. So the one thing that cannot be taken over is
//! what a run wrote last, if all of its processes ended while there was no keeper; such a run is lost,
//! and its record says so.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use super::note;
use super::protocol::RUN_VARIABLE;
use crate::sys::pidfd::Pidfd;
use crate::sys::pipe;
use crate::sys::procfs;
use crate::sys::spool::{self, ExitRecord, RunMeta, SpoolError, SpoolWriter, Stream, WhenFull};

mod pipes;

/// A run found in the data folder.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) run: String,
    /// 0 when it is not known.
    pub(super) pid: i32,
    pub(super) starttime: u64,
    pub(super) started_at_ms: i64,
    pub(super) when_full: WhenFull,
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

/// What a run's folder says.
struct Folder {
    run: String,
    /// Who it is, and whether that was in this boot.
    meta: Option<RunMeta>,
    is_here: bool,
    exit: Option<ExitRecord>,
    spool: SpoolWriter,
}

/// Every run in the folder. One that cannot be taken up is left as it is, and noted. `kept` are the
/// pipes that are open; when that is not known they are looked for.
pub(super) fn find(
    runs_dir: &Path,
    boot_id: &str,
    kept: Option<Vec<OwnedFd>>,
) -> io::Result<Vec<Found>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(runs_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(run) = name.to_str().and_then(spool::run_of_file) else { continue };
        match Folder::read(run, &runs_dir.join(run), boot_id) {
            Ok(folder) => folders.push(folder),
            Err(error) => note(&format!("cannot take up {run}: {error}")),
        }
    }
    let by_inode = |pipe: OwnedFd| Ok((pipe::inode(pipe.as_fd())?, pipe));
    let mut pipes = match kept {
        Some(kept) => kept.into_iter().map(by_inode).collect::<io::Result<_>>()?,
        None => {
            let wanted: HashSet<u64> = folders.iter().flat_map(Folder::open_pipes).collect();
            let open = folders.iter().filter(|folder| folder.open_pipes().next().is_some());
            let roots = open.filter_map(|folder| Some(folder.meta.as_ref()?.pid)).collect();
            pipes::reopen(wanted, &roots)?
        }
    };
    Ok(folders.into_iter().map(|folder| folder.settle(&mut pipes)).collect())
}

impl Folder {
    fn read(run: &str, dir: &Path, boot_id: &str) -> Result<Self, SpoolError> {
        let meta = match spool::read_meta(dir) {
            Err(SpoolError::BadFile(_)) => None,
            read => read?,
        };
        let meta = match meta {
            Some(meta) => Some(meta),
            // Its keeper died between the start and the note of it, or the disk was full.
            None => find_marked(run, boot_id)?,
        };
        let is_here = meta.as_ref().is_some_and(|meta| meta.boot_id == boot_id);
        // A damaged record of an end says as much as none.
        let exit = spool::read_exit(dir).unwrap_or_default();
        Ok(Self { run: run.to_owned(), meta, is_here, exit, spool: SpoolWriter::recover(dir)? })
    }

    /// The pipes that may still be open, by inode.
    fn open_pipes(&self) -> impl Iterator<Item = u64> {
        let meta = self.meta.as_ref().filter(|_| self.is_here);
        let out = meta.filter(|_| !self.spool.is_stream_closed(Stream::Out));
        let err = meta.filter(|_| !self.spool.is_stream_closed(Stream::Err));
        let pipes = [out.map(|meta| meta.out_pipe), err.map(|meta| meta.err_pipe)];
        // 0 stands for one that was never known.
        pipes.into_iter().flatten().filter(|inode| *inode != 0)
    }

    fn settle(self, pipes: &mut HashMap<u64, OwnedFd>) -> Found {
        let Self { run, meta, is_here, exit, spool } = self;
        let here = meta.as_ref().filter(|_| is_here);
        let state = match exit {
            Some(exit) if exit.streams_closed || spool.is_closed() => {
                FoundState::Ended { exit, idx_off: spool.offsets().2 }
            }
            exit => FoundState::Open {
                out: here.and_then(|meta| pipes.remove(&meta.out_pipe)),
                err: here.and_then(|meta| pipes.remove(&meta.err_pipe)),
                root: match (exit, here.and_then(open_root)) {
                    (Some(exit), _) => RootState::Ended(exit),
                    (None, Some(pidfd)) => RootState::Alive(pidfd),
                    (None, None) => RootState::Lost,
                },
                spool: Box::new(spool),
            },
        };
        let (pid, starttime, started_at_ms) =
            meta.as_ref().map_or((0, 0, 0), |meta| (meta.pid, meta.starttime, meta.started_at_ms));
        let when_full = meta.map_or_else(WhenFull::default, |meta| meta.when_full);
        Found { run, pid, starttime, started_at_ms, when_full, state }
    }
}

/// The root, if it is there and nobody else with its pid. One that has ended and was not reaped yet
/// counts: how it ended can still be told.
fn open_root(meta: &RunMeta) -> Option<Pidfd> {
    let pidfd = Pidfd::open(meta.pid).ok()?;
    let stat = procfs::stat(meta.pid).ok()??;
    (stat.starttime == meta.starttime).then_some(pidfd)
}

/// The process with the run's mark that leads a session: the keeper gives each root its own. Its
/// first two pipes are its output.
fn find_marked(run: &str, boot_id: &str) -> io::Result<Option<RunMeta>> {
    let is_marked = |pid| {
        let environ = procfs::environ(pid).unwrap_or_default();
        procfs::item(&environ, RUN_VARIABLE).as_deref() == Some(run)
    };
    let leader = procfs::processes()?
        .into_iter()
        .filter(|stat| stat.session == stat.pid && !stat.is_dead())
        .filter(|stat| is_marked(stat.pid))
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
        when_full: WhenFull::default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::own_pid;
    use crate::sys::spool::RunFiles;
    use std::path::PathBuf;

    /// A folder of runs with one in it, in a folder of its own.
    fn folder_with(meta: Option<&RunMeta>) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        let file = RunFiles::open(&runs).unwrap().create("a.1").unwrap();
        if let Some(meta) = meta {
            file.write_meta(meta).unwrap();
        }
        (dir, runs)
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
            when_full: WhenFull::default(),
        }
    }

    fn root_of(runs: &Path) -> RootState {
        let found = find(runs, "this", None).unwrap().pop().unwrap();
        match found.state {
            FoundState::Open { root, .. } => root,
            FoundState::Ended { .. } => panic!("it has not ended"),
        }
    }

    #[test]
    fn only_the_same_process_of_the_same_boot_is_alive() {
        let root = |meta: Option<&RunMeta>| {
            let (_dir, runs) = folder_with(meta);
            root_of(&runs)
        };
        let meta = own_meta();
        assert!(matches!(root(Some(&meta)), RootState::Alive(_)));
        let reused = RunMeta { starttime: meta.starttime + 1, ..meta.clone() };
        assert!(matches!(root(Some(&reused)), RootState::Lost));
        let rebooted = RunMeta { boot_id: "that".into(), ..meta };
        assert!(matches!(root(Some(&rebooted)), RootState::Lost));
        assert!(matches!(root(None), RootState::Lost));
    }

    #[test]
    fn a_root_that_was_not_reaped_yet_can_still_be_asked() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let stat = loop {
            match procfs::stat(pid).unwrap() {
                Some(stat) if stat.is_dead() => break stat,
                _ => std::thread::yield_now(),
            }
        };
        let meta = RunMeta { pid, starttime: stat.starttime, ..own_meta() };
        let (_dir, runs) = folder_with(Some(&meta));
        assert!(matches!(root_of(&runs), RootState::Alive(_)));
        child.wait().unwrap();
        assert!(matches!(root_of(&runs), RootState::Lost));
    }

    #[test]
    fn an_end_that_was_recorded_stands() {
        let (_dir, runs) = folder_with(Some(&own_meta()));
        let exit = ExitRecord { exit_code: Some(3), ..ExitRecord::default() };
        RunFiles::open(&runs).unwrap().file("a.1").unwrap().write_exit(&exit).unwrap();
        assert!(matches!(root_of(&runs), RootState::Ended(exit) if exit.exit_code == Some(3)));
    }

    #[test]
    fn what_is_not_a_run_is_left_alone() {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir(runs.path().join("a.1")).unwrap();
        std::fs::write(runs.path().join(".run"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", runs.path().join("a.2.run")).unwrap();
        std::fs::write(runs.path().join("a.3.run"), "").unwrap();
        std::os::unix::fs::symlink("/etc", runs.path().join("a.3")).unwrap();
        assert_eq!(find(runs.path(), "this", None).unwrap().len(), 0);
    }
}
