//! Children that end while no keeper is there, and whose parent is then somebody who may never reap
//! them: the first process of a container, which is often the server itself.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use nix::sys::signal::Signal;
use serde_json::Value;
use server::sys::procfs;

use crate::check::package_json;
use crate::row::{Findings, Row, rounds};
use crate::support::{LAUNCHER, Server};
use crate::system::{block_on, is_alive, keeper_pid, send, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![Row::new(5, "a_child_is_a_zombie_when_a_keeper_comes", reap_zombies)]
}

/// This program as the launcher of a server: it becomes the server, and is the parent of all orphans.
pub(crate) fn become_server() -> ExitCode {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let error =
        Command::new(env!("CARGO_BIN_EXE_runyard")).args(std::env::args_os().skip(1)).exec();
    panic!("the server cannot be executed: {error}");
}

/// Its state, as long as it is there.
fn state_of(pid: i32) -> Option<char> {
    procfs::stat(pid).unwrap().map(|stat| stat.state)
}

fn reap_zombies() -> Findings {
    block_on(async {
        let launcher = std::env::current_exe().unwrap();
        let settings = [(LAUNCHER, launcher.to_str().unwrap())];
        let scripts = [
            ("seven", "echo begun; read go < go; exit 7"),
            ("killed", "echo begun; exec sleep 322"),
        ];
        let server = Server::start_with(&package_json(&scripts), &settings);
        let fifo = server.project().join("go");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 10) {
            let mut started = Vec::new();
            for script in ["seven", "killed"] {
                let id = server.run(script, &[]).await;
                server.wait_for_line(&id, "begun").await;
                let pid = server.process(&id).await["pid"].as_i64().unwrap() as i32;
                started.push((id, pid));
            }
            let keeper = keeper_pid(&server);
            // Nobody starts another keeper, and nobody reaps.
            send(server.pid(), Signal::SIGSTOP);
            send(keeper, Signal::SIGKILL);
            wait_until("the end of the keeper", || !is_alive(keeper));
            std::fs::write(&fifo, "go\n").unwrap();
            send(started[1].1, Signal::SIGKILL);
            wait_until("two zombies", || {
                started.iter().all(|(_, pid)| state_of(*pid) == Some('Z'))
            });
            send(server.pid(), Signal::SIGCONT);
            // How they have ended is known, and that their last words may not be.
            let expected = [(Value::from(7), Value::Null), (Value::Null, Value::from("SIGKILL"))];
            for ((id, pid), (code, signal)) in started.iter().zip(expected) {
                let process = server.wait_for_status(id, "failed").await;
                assert_eq!((&process["exitCode"], &process["signal"]), (&code, &signal));
                let entries = server.entries(id).await;
                let said = |it: &&Value| it["line"].as_str().unwrap().contains("may be missing");
                assert_eq!(entries.iter().filter(said).count(), 1, "{entries:?}");
                wait_until("an end without a zombie", || state_of(*pid).is_none());
            }
            wait_until("the dead keeper to be reaped", || state_of(keeper).is_none());
            findings.rounds += 1;
        }
        findings
    })
}
