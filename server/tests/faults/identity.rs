//! What stands in the data folder is believed only as far as it is true; who knocks is asked who it
//! is; and many children at once are as one.

use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use nix::sys::signal::Signal;
use server::keeper::client::{KeeperClient, KeeperEvent, Scope, SpawnSpec, TreeLimits, WhenFull};
use server::sys::procfs;
use server::sys::socket::Socket;
use server::sys::spool::{RunMeta, write_meta};

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::shortage::limit_descriptors;
use crate::support::command;
use crate::system::{block_on, is_alive, keeper_pid, send, wait_until};

/// The first argument that makes this program knock at a keeper's socket.
pub(crate) const KNOCK: &str = "knock";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(12, "many_children_exit_at_once", exit_together),
        Row::new(37, "more_pipes_than_a_process_may_usually_have", hold_many_pipes),
        Row::new(23, "a_pid_that_is_another_process_now", spare_stranger),
        Row::new(24, "state_of_before_a_reboot", reject_other_boot),
        Row::new(31, "nonsense_on_the_keepers_socket", send_nonsense),
        Row::new(31, "another_user_on_the_keepers_socket", send_away_stranger),
        Row::new(33, "symlinks_planted_in_the_data_folder", refuse_symlinks),
    ]
}

fn exe() -> PathBuf {
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
        let run = folder.path().join("runs/x.1");
        std::fs::create_dir_all(&run).unwrap();
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
        write_meta(&run, &meta).unwrap();
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

async fn end(keeper: KeeperClient, data: &Path) {
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

/// The first argument that makes this program one that holds many pipes.
pub(crate) const HOLD: &str = "hold-pipes";
/// Where it finds the binary, in its environment.
const HOLD_EXE: &str = "HOLD_EXE";

/// Each of them says this much, and stays.
const CHATTER: &str = "i=0; while [ $i -lt 20 ]; do echo \"o $i\"; echo \"e $i\" >&2; i=$((i+1)); done; \
    exec sleep 321";
const CHATTERERS: usize = 700;

/// Children that hold more pipes together than a process may usually have open, as whoever this is.
pub(crate) fn hold_pipes() -> ExitCode {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let ends: Arc<Mutex<HashMap<String, Option<i32>>>> = Arc::default();
        let seen = Arc::clone(&ends);
        let sink = Arc::new(move |event| {
            if let KeeperEvent::Exited { run, exit } = event {
                seen.lock().unwrap().insert(run, exit.signal);
            }
        });
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

fn exit_together() -> Findings {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let ends: Arc<Mutex<HashMap<String, Option<i32>>>> = Arc::default();
        let seen = Arc::clone(&ends);
        let sink = Arc::new(move |event| {
            if let KeeperEvent::Exited { run, exit } = event {
                seen.lock().unwrap().insert(run, exit.signal);
            }
        });
        let keeper = KeeperClient::connect(folder.path(), 1, &exe(), sink).await.unwrap();
        // Each has two pipes and a descriptor of the process.
        let pid = std::fs::read_to_string(folder.path().join("keeper.pid")).unwrap();
        let has_room = limit_descriptors(pid.trim().parse().unwrap(), 65_536);
        let count = rounds(300, if has_room { 10_000 } else { 5_000 });
        let mut pids = Vec::new();
        for n in 0..count {
            let spec = SpawnSpec {
                limits: TreeLimits::default(),
                when_full: WhenFull::default(),
                run: format!("many.{n}"),
                program: "/bin/sleep".into(),
                argv: vec!["sleep".into(), "316".into()],
                cwd: "/".into(),
                env: vec![],
            };
            pids.push(keeper.spawn(spec).await.unwrap().pid);
        }
        let begin = Instant::now();
        for pid in &pids {
            send(*pid, Signal::SIGKILL);
        }
        wait_until("every exit", || ends.lock().unwrap().len() as u64 == count);
        let mut findings = Findings { rounds: count, ..Findings::default() };
        findings.note_pause(begin.elapsed());
        assert!(ends.lock().unwrap().values().all(|signal| *signal == Some(9)));
        // Not even a zombie is left of them.
        wait_until("an end without zombies", || {
            pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists())
        });
        for n in 0..count {
            keeper.forget(&format!("many.{n}"));
            // What is not answered may be dropped when too much of it waits; this is answered.
            if n % 1_000 == 999 {
                keeper.stats().await.unwrap();
            }
        }
        wait_until("an empty spool", || {
            std::fs::read_dir(folder.path().join("runs")).unwrap().next().is_none()
        });
        end(keeper, folder.path()).await;
        findings
    })
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
