//! What the system says about processes, and what can be done to them.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{PATIENCE, Server};

/// Runs a test's steps.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Whether a process is there, a zombie not counted.
pub(crate) fn is_alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

/// Those that bear the mark of one of a process's runs.
pub(crate) fn tree_of(id: &str) -> Vec<i32> {
    let mark = format!("RUNYARD_RUN={id}.");
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    pids.filter(|pid: &i32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|item| item.starts_with(mark.as_bytes()))
            && is_alive(*pid)
    })
    .collect()
}

/// Waits for a condition, in small steps and not for ever.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The keeper of a server's data folder.
pub(crate) fn keeper_pid(server: &Server) -> i32 {
    let mut pid = 0;
    wait_until("a keeper", || {
        let text = std::fs::read_to_string(server.data().join("keeper.pid")).unwrap_or_default();
        pid = text.trim().parse().unwrap_or(0);
        pid > 1 && is_alive(pid)
    });
    pid
}

pub(crate) fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// Why runs have no control groups here, if they have none.
pub(crate) fn no_groups(server: &Server) -> Option<&'static str> {
    let place = std::fs::read_to_string(server.data().join("keeper.cgroup")).ok();
    match place {
        Some(place) if Path::new(&place).join("cgroup.kill").exists() => None,
        Some(_) => Some("the kernel has no cgroup.kill"),
        None => Some("no cgroup v2 folder can be made here"),
    }
}

/// Linux 6.15 and later tell how a process ended to whoever holds it.
pub(crate) fn tells_ends_of_strangers() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut parts = release.split(['.', '-']).map(|part| part.trim().parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 15)
}
