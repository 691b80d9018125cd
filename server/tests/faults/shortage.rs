//! Descriptors, processes and disk run out, for a while.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::check::{account, package_json, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, is_alive, keeper_pid, tree_of, wait_until};

const SCRIPTS: [(&str, &str); 2] = [("sleep", "exec sleep 314"), ("true", "exit 0")];

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(14, "disk_full_under_the_spool", fill_disk),
        Row::new(17, "descriptors_exhausted_in_the_keeper", exhaust_keeper),
        Row::new(17, "descriptors_exhausted_in_the_server", exhaust_server),
        Row::new(18, "fork_refused", refuse_fork),
    ]
}

/// A file system of its own at a folder, as long as it lives.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn mount(at: &Path, mib: u32) -> Option<Self> {
        let size = format!("size={mib}m");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }

    /// One for the spool of the data folder in `folder`, and where that is.
    pub(crate) fn of_runs(folder: &TempDir) -> Option<(PathBuf, Self)> {
        let runs = folder.path().join("data/runs");
        std::fs::create_dir_all(&runs).unwrap();
        let disk = Self::mount(&runs, 24)?;
        Some((runs, disk))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn refused(server: &Server, script: &str) -> String {
    let body = json!({"scriptName": script});
    let answer = server.send(reqwest::Method::POST, "/api/processes", Some(body)).await;
    assert!(!answer.status().is_success(), "it was started");
    let problem: Value = answer.json().await.unwrap();
    problem["detail"].as_str().unwrap().to_owned()
}

fn fill_disk() -> Findings {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let Some((runs, disk)) = SmallDisk::of_runs(&folder) else {
            return Findings::skip("no file system can be mounted here (not root?)");
        };
        let server = Server::start_in(folder, &package_json(&SCRIPTS), &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 5) {
            let bystander = server.run("sleep", &[]).await;
            let lines = 20_000;
            let id = start_witness(&server, lines, 1_000, 5).await;
            let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let filler = runs.join(".filler");
            let full = fill(&filler);
            assert!(full > 0);
            // The child waits, and is not killed; another can be stopped.
            let blocked = || {
                let at = std::fs::read_to_string(format!("/proc/{child}/wchan"));
                at.is_ok_and(|at| at.contains("pipe"))
            };
            wait_until("the child to wait", blocked);
            let stop = format!("/api/processes/{bystander}?wait=true");
            let stopped = server.send(reqwest::Method::DELETE, &stop, None).await;
            assert!(stopped.status().is_success());
            assert_eq!(tree_of(&bystander), [0; 0]);
            assert!(is_alive(child));
            std::fs::remove_file(&filler).unwrap();
            // It goes on by itself.
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["exitCode"], 0);
            account(&server, &id, lines, 30_000, &mut findings).await;
            findings.rounds += 1;
        }
        drop(server);
        drop(disk);
        findings
    })
}

/// Writes until nothing fits any more; how much that was.
pub(crate) fn fill(path: &Path) -> u64 {
    let mut file = std::fs::File::create(path).unwrap();
    let mut all = 0;
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0_u8; size];
        while let Ok(written) = std::io::Write::write(&mut file, &block) {
            all += written as u64;
        }
    }
    all
}

/// The server can open nothing more: it takes no connections, and does not spin; what runs is followed.
fn exhaust_server() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 5) {
            let lines = 6_000;
            let id = start_witness(&server, lines, 1_000, 4).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
            // Those that are open have the lowest numbers, but for a few that were closed meanwhile.
            if !limit_descriptors(server.pid(), 8) {
                return Findings::skip("prlimit cannot be used here");
            }
            let knocking: Vec<_> =
                (0..20).map(|_| std::net::TcpStream::connect(server.address()).unwrap()).collect();
            let before = ticks_of(server.pid());
            wait_until("the child's end", || !is_alive(child));
            tokio::time::sleep(Duration::from_secs(1)).await;
            // A second and a half of lines, and one in which there is nothing to do.
            assert!(ticks_of(server.pid()) - before < 150, "the server spins");
            assert!(limit_descriptors(server.pid(), 4096));
            drop(knocking);
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["exitCode"], 0);
            account(&server, &id, lines, 1_500, &mut findings).await;
            let again = server.run("true", &[]).await;
            server.wait_for_status(&again, "completed").await;
            findings.rounds += 1;
        }
        findings
    })
}

/// Sets the soft limit, and the hard one if that is lower.
pub(crate) fn limit_descriptors(pid: i32, limit: u64) -> bool {
    let limit =
        if limit > 4096 { format!("--nofile={limit}") } else { format!("--nofile={limit}:") };
    let set = Command::new("prlimit").arg("--pid").arg(pid.to_string()).arg(limit).output();
    set.is_ok_and(|output| output.status.success())
}

fn ticks_of(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let mut fields = stat.rsplit(')').next().unwrap().split_ascii_whitespace().skip(11);
    let mut number = || fields.next().unwrap().parse::<u64>().unwrap();
    number() + number()
}

fn exhaust_keeper() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let keeper = keeper_pid(&server);
        let lines = 12_000;
        let id = start_witness(&server, lines, 1_000, 4).await;
        server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
        let open = std::fs::read_dir(format!("/proc/{keeper}/fd")).unwrap().count() as u64;
        if !limit_descriptors(keeper, open) {
            return Findings::skip("prlimit cannot be used here");
        }
        let why = refused(&server, "true").await;
        assert!(why.contains("too many open files"), "{why}");
        // It does not spin.
        let before = ticks_of(keeper);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(ticks_of(keeper) - before < 50, "the keeper spins");
        // The end of the one that runs is recorded all the same.
        let process = server.wait_for_status(&id, "completed").await;
        assert_eq!(process["exitCode"], 0);
        assert!(limit_descriptors(keeper, 4096));
        let again = server.run("true", &[]).await;
        server.wait_for_status(&again, "completed").await;
        let mut findings = Findings { rounds: 1, ..Findings::default() };
        account(&server, &id, lines, 1_500, &mut findings).await;
        findings
    })
}

/// A version 1 or 2 group in which the number of processes can be limited.
struct FewProcesses(PathBuf);

impl FewProcesses {
    fn around(pid: i32) -> Option<Self> {
        let name = format!("runyard-test-{pid}");
        let places = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];
        places.iter().find_map(|place| {
            let group = Path::new(place).join(&name);
            std::fs::create_dir(&group).ok()?;
            let group = Self(group);
            group.0.join("pids.max").exists().then_some(())?;
            std::fs::write(group.0.join("cgroup.procs"), pid.to_string()).ok()?;
            Some(group)
        })
    }

    fn limit(&self, to: &str) {
        std::fs::write(self.0.join("pids.max"), to).unwrap();
    }

    fn current(&self) -> String {
        std::fs::read_to_string(self.0.join("pids.current")).unwrap().trim().to_owned()
    }
}

impl Drop for FewProcesses {
    fn drop(&mut self) {
        let parent = self.0.parent().unwrap().join("cgroup.procs");
        for pid in std::fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default().lines()
        {
            let _ = std::fs::write(&parent, pid);
        }
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn refuse_fork() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let Some(few) = FewProcesses::around(keeper_pid(&server)) else {
            return Findings::skip("no control group that limits processes can be made here");
        };
        few.limit(&few.current());
        let why = refused(&server, "true").await;
        assert!(why.contains("resource temporarily unavailable"), "{why}");
        few.limit("max");
        let id = server.run("true", &[]).await;
        server.wait_for_status(&id, "completed").await;
        Findings { rounds: 1, ..Findings::default() }
    })
}
