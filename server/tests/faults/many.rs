//! Many children at once are as one.

use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use nix::sys::signal::Signal;
use server::keeper::client::{KeeperClient, KeeperEvent, SpawnSpec, TreeLimits, WhenFull};
use server::sys::procfs;

use crate::identity::{end, exe};
use crate::row::{Findings, Row, rounds};
use crate::shortage::limit_descriptors;
use crate::system::{block_on, send, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(12, "many_children_exit_at_once", exit_together),
        Row::new(37, "more_pipes_than_a_process_may_usually_have", hold_many_pipes),
    ]
}

/// The first argument that makes this program one that holds many pipes.
pub(crate) const HOLD: &str = "hold-pipes";
/// Where it finds the binary, in its environment.
const HOLD_EXE: &str = "HOLD_EXE";

/// Each of them says this much, and stays.
const CHATTER: &str = "i=0; while [ $i -lt 20 ]; do echo \"o $i\"; echo \"e $i\" >&2; i=$((i+1)); done; \
    exec sleep 321";
const CHATTERERS: usize = 700;

/// By which signal each run has ended.
type Ends = Arc<Mutex<HashMap<String, Option<i32>>>>;

/// The ends, and what a client tells them to.
fn note_ends() -> (Ends, Arc<impl Fn(KeeperEvent) + Send + Sync + 'static>) {
    let ends = Ends::default();
    let seen = Arc::clone(&ends);
    let sink = Arc::new(move |event| {
        if let KeeperEvent::Exited { run, exit } = event {
            seen.lock().unwrap().insert(run, exit.signal);
        }
    });
    (ends, sink)
}

/// Children that hold more pipes together than a process may usually have open, as whoever this is.
pub(crate) fn hold_pipes() -> ExitCode {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (ends, sink) = note_ends();
        let exe = std::env::var_os(HOLD_EXE).map_or_else(exe, PathBuf::from);
        let keeper = KeeperClient::connect(folder.path(), 1, &exe, sink).await.unwrap();
        let run = |n: usize| format!("chatter.{n}");
        let mut pids = Vec::new();
        for n in 0..CHATTERERS {
            let spec = SpawnSpec {
                run: run(n),
                program: "/bin/sh".into(),
                argv: ["sh", "-c", CHATTER].map(str::to_owned).into(),
                cwd: "/".into(),
                env: vec![("PATH".into(), "/usr/bin:/bin".into())],
                limits: TreeLimits::default(),
                when_full: WhenFull::default(),
            };
            pids.push(keeper.spawn(spec).await.unwrap().pid);
        }
        let said = |n: usize, stream: &str| {
            let name = format!("{stream}.{:016x}.seg", 0);
            std::fs::read_to_string(folder.path().join("runs").join(run(n)).join(name))
        };
        let expected =
            |letter: char| (0..20).map(|i| format!("{letter} {i}\n")).collect::<String>();
        let all = [("out", expected('o')), ("err", expected('e'))];
        wait_until("all that they say", || {
            (0..CHATTERERS).all(|n| {
                all.iter().all(|(stream, text)| said(n, stream).is_ok_and(|said| said == *text))
            })
        });
        let pid: i32 = std::fs::read_to_string(folder.path().join("keeper.pid"))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let pipes = procfs::pipes_of(pid).unwrap().len();
        assert!(pipes > 1_024, "{pipes} pipes only");
        for pid in &pids {
            send(*pid, Signal::SIGKILL);
        }
        wait_until("every exit", || ends.lock().unwrap().len() == CHATTERERS);
        assert!(ends.lock().unwrap().values().all(|signal| *signal == Some(9)));
        wait_until("the pipes to be closed", || procfs::pipes_of(pid).unwrap().len() < 64);
        end(keeper, folder.path()).await;
    });
    ExitCode::SUCCESS
}

fn hold_many_pipes() -> Findings {
    // Another user may not reach the folder of the build, and has to reach this one.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        to
    };
    let me = copy(&std::env::current_exe().unwrap(), "faults");
    let exe = copy(&exe(), "runyard");
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&me);
        command
    } else {
        Command::new(&me)
    };
    let output =
        command.arg(HOLD).env(HOLD_EXE, exe).env("TMPDIR", "/tmp").current_dir("/").output();
    let Ok(output) = output else { return Findings::skip("there is no setpriv here") };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Findings { rounds: CHATTERERS as u64, lines: 40 * CHATTERERS as u64, ..Findings::default() }
}

/// Each child has two pipes and a descriptor of its process.
const DESCRIPTORS_PER_CHILD: u64 = 3;

/// Descriptors that a process may have.
fn descriptor_limit(pid: i32) -> u64 {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap_or(u64::MAX)
}

/// A keeper with as many children as it may have, up to `wanted`.
struct Crowd {
    folder: tempfile::TempDir,
    keeper: KeeperClient,
    ends: Ends,
    pids: Vec<i32>,
}

impl Crowd {
    async fn gather(wanted: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ends, sink) = note_ends();
        let keeper = KeeperClient::connect(folder.path(), 1, &exe(), sink).await.unwrap();
        let pid = std::fs::read_to_string(folder.path().join("keeper.pid")).unwrap();
        let pid = pid.trim().parse().unwrap();
        limit_descriptors(pid, 65_536);
        let room = (descriptor_limit(pid) - 100) / DESCRIPTORS_PER_CHILD;
        let mut pids = Vec::new();
        for n in 0..wanted.min(room) {
            let spec = SpawnSpec {
                run: format!("many.{n}"),
                program: "/bin/sleep".into(),
                argv: vec!["sleep".into(), "316".into()],
                cwd: "/".into(),
                env: vec![],
                limits: TreeLimits::default(),
                when_full: WhenFull::default(),
            };
            pids.push(keeper.spawn(spec).await.unwrap().pid);
        }
        Self { folder, keeper, ends, pids }
    }

    fn has_seen_all(&self) -> bool {
        self.ends.lock().unwrap().len() == self.pids.len()
    }

    /// Nothing is left of them, not even a zombie.
    async fn leave(self) {
        assert!(self.ends.lock().unwrap().values().all(|signal| *signal == Some(9)));
        wait_until("an end without zombies", || {
            self.pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
        });
        for n in 0..self.pids.len() {
            self.keeper.forget(&format!("many.{n}"));
            // What is not answered may be dropped when too much of it waits; this is answered.
            if n % 1_000 == 999 {
                self.keeper.stats().await.unwrap();
            }
        }
        wait_until("an empty spool", || {
            std::fs::read_dir(self.folder.path().join("runs")).unwrap().next().is_none()
        });
        end(self.keeper, self.folder.path()).await;
    }
}

/// Where one keeper may not have descriptors for all of them, they are of several.
fn exit_together() -> Findings {
    block_on(async {
        let count = rounds(300, 10_000);
        let (mut crowds, mut left) = (Vec::new(), count);
        while left > 0 {
            let crowd = Crowd::gather(left).await;
            assert!(!crowd.pids.is_empty(), "a keeper has no room for a child");
            left -= crowd.pids.len() as u64;
            crowds.push(crowd);
        }
        let begin = Instant::now();
        for pid in crowds.iter().flat_map(|crowd| &crowd.pids) {
            send(*pid, Signal::SIGKILL);
        }
        wait_until("every exit", || crowds.iter().all(Crowd::has_seen_all));
        let mut findings = Findings { rounds: count, ..Findings::default() };
        findings.note_pause(begin.elapsed());
        for crowd in crowds {
            crowd.leave().await;
        }
        findings
    })
}
