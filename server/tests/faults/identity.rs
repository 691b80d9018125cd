//! What stands in the data folder is believed only as far as it is true; who knocks is asked who it
//! is.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use nix::sys::signal::Signal;
use server::keeper::client::{KeeperClient, Scope, WhenFull};
use server::sys::procfs;
use server::sys::socket::Socket;
use server::sys::spool::{RunFiles, RunMeta};

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::command;
use crate::system::{block_on, is_alive, keeper_pid, wait_until};

/// The first argument that makes this program knock at a keeper's socket.
pub(crate) const KNOCK: &str = "knock";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(23, "a_pid_that_is_another_process_now", spare_stranger),
        Row::new(24, "state_of_before_a_reboot", reject_other_boot),
        Row::new(31, "nonsense_on_the_keepers_socket", send_nonsense),
        Row::new(31, "another_user_on_the_keepers_socket", send_away_stranger),
        Row::new(33, "symlinks_planted_in_the_data_folder", refuse_symlinks),
    ]
}

pub(crate) fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_runyard"))
}

/// A data folder with a bystander in it: a process that is said to be the run `x.1`.
struct Stale {
    folder: tempfile::TempDir,
    bystander: Child,
}

impl Stale {
    fn with(change: impl FnOnce(&mut RunMeta)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        std::fs::create_dir_all(runs.join("x.1")).unwrap();
        let bystander = Command::new("sleep").arg("315").spawn().unwrap();
        let pid = bystander.id() as i32;
        let mut meta = RunMeta {
            pid,
            starttime: procfs::stat(pid).unwrap().unwrap().starttime,
            boot_id: procfs::boot_id().unwrap(),
            started_at_ms: 5,
            out_pipe: 0,
            err_pipe: 0,
            program: "/bin/sleep".into(),
            cwd: "/".into(),
            when_full: WhenFull::default(),
        };
        change(&mut meta);
        RunFiles::open(&runs).unwrap().file("x.1").unwrap().write_meta(&meta).unwrap();
        Self { folder, bystander }
    }

    /// The keeper does not take the bystander for the run, and does nothing to it.
    async fn spare_it(mut self) -> Findings {
        let sink = Arc::new(|_| {});
        let keeper = KeeperClient::connect(self.folder.path(), 1, &exe(), sink).await.unwrap();
        let run = keeper.list().await.unwrap().pop().unwrap();
        assert!(!run.alive, "{run:?}");
        let signalled = keeper.signal("x.1", libc_sigkill(), Scope::Tree).await.unwrap();
        assert_eq!((signalled.delivered, signalled.survivors.len()), (0, 0));
        wait_for_exit(&keeper).await;
        assert!(is_alive(self.bystander.id() as i32), "the bystander was killed");
        end(keeper, self.folder.path()).await;
        self.bystander.kill().unwrap();
        self.bystander.wait().unwrap();
        Findings { rounds: 1, ..Findings::default() }
    }
}

fn libc_sigkill() -> i32 {
    Signal::SIGKILL as i32
}

/// Its end is recorded as one that nobody has seen.
async fn wait_for_exit(keeper: &KeeperClient) {
    let begin = Instant::now();
    loop {
        let run = keeper.list().await.unwrap().pop().unwrap();
        if let Some(exit) = run.exit {
            assert_eq!((exit.exit_code, exit.signal), (None, None));
            return;
        }
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

pub(crate) async fn end(keeper: KeeperClient, data: &Path) {
    let pid = std::fs::read_to_string(data.join("keeper.pid")).unwrap().trim().parse().unwrap();
    keeper.close().await;
    server::keeper::client::end(data).await.unwrap();
    wait_until("the end of the keeper", || !is_alive(pid));
}

fn spare_stranger() -> Findings {
    block_on(Stale::with(|meta| meta.starttime -= 1).spare_it())
}

fn reject_other_boot() -> Findings {
    block_on(Stale::with(|meta| meta.boot_id = "another-boot".into()).spare_it())
}

fn send_nonsense() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let lines = 8_000;
        let id = start_witness(&server, lines, 1_000, 5).await;
        let keeper = keeper_pid(&server);
        let path = server.data().join("keeper.sock");
        let mut findings = Findings::default();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            // xorshift: the same nonsense each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..rounds(300, 20_000) {
            let Ok(socket) = Socket::connect(&path) else {
                // It takes so many at a time; those before are just being closed.
                std::thread::yield_now();
                continue;
            };
            for _ in 0..3 {
                let len = (random() % 600) as usize;
                let mut bytes: Vec<u8> = (0..len).map(|_| random() as u8).collect();
                // Mostly with a version that is looked into.
                if let (Some(version), true) = (bytes.get_mut(..2), random() % 4 > 0) {
                    version.copy_from_slice(&(random() % 2).to_le_bytes()[..2]);
                }
                let _ = socket.send(&bytes);
            }
            findings.rounds += 1;
        }
        server.wait_for_status(&id, "completed").await;
        account(&server, &id, lines, 1_500, &mut findings).await;
        assert_eq!(keeper_pid(&server), keeper);
        findings
    })
}

/// Knocks, and tells by its exit code whether anybody has answered.
pub(crate) fn knock(path: &str) -> ExitCode {
    let Ok(socket) = Socket::connect(Path::new(path)) else { return ExitCode::from(3) };
    let _ = socket.send(br#"  "who""#.map(|byte| if byte == b' ' { 0 } else { byte }).as_slice());
    let mut buffer = [0; 4096];
    for _ in 0..1000 {
        match socket.recv(&mut buffer) {
            Ok(0) => return ExitCode::from(4),
            Ok(_) => return ExitCode::SUCCESS,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(2)),
        }
    }
    ExitCode::from(5)
}

fn send_away_stranger() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        keeper_pid(&server);
        if !nix::unistd::geteuid().is_root() {
            return Findings::skip("only root can become another user");
        }
        let socket = server.data().join("keeper.sock");
        // This program where another user can execute it.
        let program = server.folder.path().join("knocker");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let open = |path: &Path| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        };
        open(server.folder.path());
        open(&program);
        let knock = |uid: u32| {
            let mut command = Command::new(&program);
            command.arg(KNOCK).arg(&socket).current_dir("/").uid(uid).gid(uid);
            command.status().unwrap().code()
        };
        assert_eq!(knock(0), Some(0), "the same user is answered");
        assert_eq!(knock(65_534), Some(3), "the folder keeps it away");
        open(&server.data());
        open(&socket);
        assert_eq!(knock(65_534), Some(4), "the keeper sends it away");
        Findings { rounds: 3, ..Findings::default() }
    })
}

fn refuse_symlinks() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        for name in ["keeper.pid", "keeper.lock", "server.lock", "server.epoch", "runs"] {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            std::fs::create_dir_all(folder.path().join("project")).unwrap();
            std::fs::create_dir_all(&data).unwrap();
            let victim = folder.path().join("victim");
            if name == "runs" {
                std::fs::create_dir(&victim).unwrap();
            } else {
                std::fs::write(&victim, "precious").unwrap();
            }
            std::os::unix::fs::symlink(&victim, data.join(name)).unwrap();
            let word = if name.starts_with("server") { "serve" } else { "keeper" };
            let mut refused = command(folder.path());
            refused.arg(word).arg("--data").arg(&data);
            if word == "serve" {
                refused.args(["--listen", "127.0.0.1:0"]);
            }
            let output = refused.output().unwrap();
            assert!(!output.status.success(), "{name} was followed");
            if name == "runs" {
                assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);
            } else {
                assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious", "{name}");
            }
            findings.rounds += 1;
        }
        findings
    })
}
