//! How a server ends, and what ends with it.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::pty::openpty;
use nix::sys::signal::Signal;

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row};
use crate::support::{PATIENCE, Server, command};
use crate::system::{block_on, is_alive, keeper_pid, send, tree_of, wait_until};

const SCRIPTS: [(&str, &str); 3] = [
    ("sleep", "exec sleep 311"),
    ("family", "setsid sleep 312 & sleep 313 & echo ready; wait"),
    ("mark", "touch started"),
];

/// Not numbered as faults: they end in order.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(38, "a_server_told_to_end_leaves_the_children_running", drain),
        Row::new(38, "stop_children_ends_them_with_the_server", stop_children),
        Row::new(38, "a_second_ctrl_c_at_a_terminal_ends_them_too", interrupt_twice),
        Row::new(38, "down_and_status_with_and_without_a_server", take_down),
    ]
}

fn drain() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let lines = 6_000;
        let id = start_witness(&server, lines, 1_000, 4).await;
        server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
        let pid = server.process(&id).await["pid"].as_i64().unwrap() as i32;
        let begin = Instant::now();
        server.stop_and_restart();
        let mut findings = Findings { rounds: 1, ..Findings::default() };
        findings.note_pause(begin.elapsed());
        assert!(is_alive(pid));
        server.wait_for_status(&id, "completed").await;
        account(&server, &id, lines, 1_500, &mut findings).await;
        findings
    })
}

fn stop_children() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let mut ids = Vec::new();
        for script in ["family", "sleep", "sleep"] {
            ids.push(server.run(script, &[]).await);
        }
        server.wait_for_line(&ids[0], "ready").await;
        // The same server, told otherwise.
        server.add_argument("--stop-children");
        server.stop_and_restart();
        assert_eq!(server.process(&ids[0]).await["status"], "running");
        server.stop_and_restart();
        for id in &ids {
            let process = server.process(id).await;
            assert_eq!(process["status"], "stopped", "{process}");
            assert!(process["reason"].as_str().unwrap().contains("was told to end"), "{process}");
            assert_eq!(tree_of(id), [0; 0]);
        }
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn interrupt_twice() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let id = server.run("sleep", &[]).await;
        let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
        // Another server of the folder, at a terminal.
        let terminal = openpty(None, None).unwrap();
        let slave: OwnedFd = terminal.slave;
        let mut rival = command(server.folder.path());
        let rival = rival.args(["--listen", "127.0.0.1:0", "--data"]).arg(server.data());
        let mut rival = rival.stdin(slave).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = std::io::BufReader::new(rival.stdout.take().unwrap());
        let mut read = || {
            let mut line = String::new();
            std::io::BufRead::read_line(&mut out, &mut line).unwrap();
            line
        };
        assert!(read().starts_with("open "));
        send(rival.id() as i32, Signal::SIGINT);
        let said = read();
        let wanted = format!("what runs goes on: sleep (pid {child}). Ctrl-C within 5 s stops it");
        assert!(said.contains(&wanted), "{said}");
        assert!(is_alive(child));
        send(rival.id() as i32, Signal::SIGINT);
        assert!(read().contains("stopping the processes, too"));
        assert!(rival.wait().unwrap().success());
        assert!(!is_alive(child));
        drop(terminal.master);
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn run(server: &Server, word: &str) -> String {
    let mut command: Command = command(server.folder.path());
    let output = command.args([word, "--data"]).arg(server.data()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn take_down() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[("RUNYARD_LIMITS__MAX_JOBS", "1")]);
        let family = server.run("family", &[]).await;
        server.wait_for_line(&family, "ready").await;
        let pid = server.process(&family).await["pid"].as_i64().unwrap();
        let keeper = keeper_pid(&server);
        let said = run(&server, "status");
        assert!(said.contains(&format!("server: pid {}\n", server.pid())), "{said}");
        assert!(said.contains(&format!("keeper: pid {keeper}\n")), "{said}");
        assert!(said.contains(&format!("{family}.1  running  pid {pid}")), "{said}");
        server.crash();
        let said = run(&server, "status");
        assert!(said.contains("server: not there\n"), "{said}");
        assert!(said.contains(&format!("{family}.1  running  pid {pid}")), "{said}");
        // With a server: it ends, too. What waits in the line does not start in the place of what is
        // stopped.
        server.relaunch();
        let body = Some(serde_json::json!({"scriptName": "mark"}));
        let answer = server.send(reqwest::Method::POST, "/api/processes", body).await;
        assert_eq!(answer.status(), reqwest::StatusCode::ACCEPTED);
        let begin = Instant::now();
        let said = run(&server, "down");
        assert!(said.starts_with("stopped 1 running; nothing is left of "), "{said}");
        assert!(begin.elapsed() < PATIENCE);
        assert_eq!(server.wait_for_end(), Some(0));
        assert_eq!(tree_of(&family), [0; 0]);
        assert!(!server.project().join("started").exists());
        wait_until("the end of the keeper", || !is_alive(keeper));
        let said = run(&server, "status");
        assert_eq!(
            said,
            "server: not there\nkeeper: not there\n0 running, 0 ended and not taken in yet\n"
        );
        server.relaunch();
        let process = server.process(&family).await;
        assert_eq!(process["status"], "stopped");
        assert!(process["reason"].as_str().unwrap().contains("runyard down"), "{process}");
        Findings { rounds: 1, ..Findings::default() }
    })
}
