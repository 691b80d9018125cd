//! Keepers and servers that follow one another, and those that may not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use server::keeper::client::{self, ClientError};
use server::keeper::protocol::OLDEST_VERSION;
use server::sys::socket::{Listener, Socket};

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::{Server, command};
use crate::system::{block_on, is_alive, keeper_pid, send, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(6, "keeper_upgraded_in_place_in_a_burst", upgrade),
        Row::new(7, "upgrade_to_a_broken_binary", refuse_broken),
        Row::new(8, "another_version_of_the_protocol", negotiate),
        Row::new(9, "two_servers_on_one_data_folder", fence),
        Row::new(9, "an_older_server_that_does_not_let_go", refuse_to_fence),
        Row::new(10, "two_keepers_on_one_data_folder", refuse_second_keeper),
    ]
}

fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_runyard"))
}

/// Another file with the same program in it is another build.
fn copy_of_exe(folder: &Path) -> PathBuf {
    let copy = folder.join("runyard-other");
    std::fs::copy(exe(), &copy).unwrap();
    copy
}

/// The pause that users are promised. This program and those around it are not optimised.
const PAUSE: Duration = Duration::from_millis(50);

fn upgrade() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let other = copy_of_exe(server.folder.path());
        let rounds = rounds(4, 50);
        let lines = 700 * rounds;
        let id = start_witness(&server, lines, 1_000, 2).await;
        let pid = server.process(&id).await["pid"].clone();
        let keeper = keeper_pid(&server);
        let mut findings = Findings::default();
        for round in 0..rounds {
            let exe = if round % 2 == 0 { other.clone() } else { exe() };
            let done = client::upgrade(&server.data(), &exe).await.unwrap().unwrap();
            assert_eq!(done.pid, keeper, "it is the same process");
            findings.note_pause(done.pause);
            findings.rounds += 1;
            // It works: the server is connected to it again, and lines come.
            let before = server.process(&id).await["nextIdx"].as_i64().unwrap();
            let moved = |it: &Value| {
                it["nextIdx"].as_i64().unwrap() > before + 10 || it["endedAt"].is_i64()
            };
            if server.wait_for(&id, moved).await["endedAt"].is_i64() {
                break;
            }
        }
        let after = server.wait_for_status(&id, "completed").await;
        // It is the child of this keeper still, so all is known of its end.
        assert_eq!((&after["attempts"][0]["pid"], &after["exitCode"]), (&pid, &0.into()));
        assert!(after["attempts"][0]["maxRssBytes"].as_i64().unwrap() > 100_000);
        account(&server, &id, lines, 1_500, &mut findings).await;
        assert!(findings.pause.unwrap() < PAUSE, "it stood still for {:?}", findings.pause);
        assert_eq!(keeper_pid(&server), keeper);
        findings
    })
}

fn write_script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn refuse_broken() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let folder = server.folder.path();
        let lines = 4_000;
        let id = start_witness(&server, lines, 1_000, 5).await;
        let keeper = keeper_pid(&server);
        let words = "echo 'runyard keeper: estate 1, protocol 1 to 1'";
        let mut broken = vec![
            write_script(folder, "fails", "echo cannot find libfoo.so >&2; exit 127"),
            write_script(folder, "silent", "exit 0"),
            write_script(folder, "lies", &format!("{words}; exit 1")),
            write_script(folder, "dies", "kill -9 $$"),
            write_script(folder, "older", "echo 'runyard keeper: estate 0, protocol 1 to 1'"),
            PathBuf::from("/etc/passwd"),
        ];
        if rounds(0, 1) > 0 {
            broken.push(write_script(folder, "hangs", "sleep 60"));
        }
        let mut findings = Findings::default();
        for exe in &broken {
            let refused = client::upgrade(&server.data(), exe).await.unwrap_err();
            assert!(matches!(refused, ClientError::Refused(_)), "{}: {refused}", exe.display());
            assert!(refused.to_string().contains(exe.to_str().unwrap()), "{refused}");
            findings.rounds += 1;
        }
        // One that passes its trial and cannot be executed then: everything is as before.
        let fickle = write_script(folder, "fickle", &format!("{words}; rm -f \"$0\""));
        client::upgrade(&server.data(), &fickle).await.unwrap_err();
        findings.rounds += 1;
        server.wait_for_status(&id, "completed").await;
        account(&server, &id, lines, 1_500, &mut findings).await;
        assert_eq!(keeper_pid(&server), keeper);
        let after = start_witness(&server, 10, 0, 0).await;
        server.wait_for_status(&after, "completed").await;
        findings
    })
}

fn negotiate() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let keeper = keeper_pid(&server);
        // A newer server asks in words that this keeper does not know, and learns what it does.
        let socket = Socket::connect(&server.data().join("keeper.sock")).unwrap();
        socket.send(&[9, 0, 1, 2, 3]).unwrap();
        let mut buffer = vec![0; 65_536];
        let mut len = Err(std::io::ErrorKind::WouldBlock.into());
        wait_until("an answer", || {
            len = socket.recv(&mut buffer);
            len.is_ok()
        });
        let len = len.unwrap();
        assert_eq!(buffer[..2], [0, 0]);
        let answer: Value = serde_json::from_slice(&buffer[2..len]).unwrap();
        assert_eq!(
            (&answer["is"]["pid"], &answer["is"]["oldest"]),
            (&json!(keeper), &json!(OLDEST_VERSION))
        );
        // And a keeper of another version makes the server say what to do.
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(folder.path().join("project")).unwrap();
        std::fs::create_dir_all(&data).unwrap();
        let listener = Listener::bind(&data.join("keeper.sock")).unwrap();
        std::thread::spawn(move || answer_as_another_version(&listener));
        let output = command(folder.path())
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .output()
            .unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(words.contains("the keeper speaks versions 7 to 9"), "{words}");
        assert!(words.contains("runyard upgrade"), "{words}");
        Findings { rounds: 2, ..Findings::default() }
    })
}

/// Knows the handshake, and nothing else that this version does.
fn answer_as_another_version(listener: &Listener) {
    let identity = json!({"is": {"pid": 1, "build": "other", "oldest": 7, "newest": 9}});
    let mut sockets = Vec::new();
    loop {
        sockets.extend(listener.accept());
        for socket in &sockets {
            let mut buffer = vec![0; 65_536];
            let Ok(len) = socket.recv(&mut buffer) else { continue };
            let is_become = buffer[..len].windows(6).any(|it| it == b"become");
            let answer = if is_become {
                json!({"refused": {"message": "not now"}})
            } else {
                identity.clone()
            };
            let _ = socket.send(&[&[0, 0], answer.to_string().as_bytes()].concat());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The same data folder at another port; its address.
fn start_rival(server: &Server) -> (std::process::Child, String) {
    let mut rival = command(server.folder.path())
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(server.data())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(rival.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    (rival, line)
}

fn fence() -> Findings {
    block_on(async {
        let mut server = start(&[], &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 10) {
            let lines = 6_000;
            let id = start_witness(&server, lines, 1_000, 5).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let older = server.pid();
            let (mut rival, said) = start_rival(&server);
            assert!(said.starts_with("open http://"), "{said}");
            // Before the newer one has served anything the older one was gone.
            assert!(!is_alive(older), "both serve the folder");
            assert_eq!(server.wait_for_end(), Some(1));
            send(rival.id() as i32, Signal::SIGTERM);
            assert!(rival.wait().unwrap().success());
            server.relaunch();
            server.wait_for_status(&id, "completed").await;
            account(&server, &id, lines, 1_500, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}

fn refuse_to_fence() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let older = server.pid();
        send(older, Signal::SIGSTOP);
        let (rival, said) = start_rival(&server);
        let output = rival.wait_with_output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!((said.as_str(), output.status.code()), ("", Some(1)));
        let wanted = format!("another runyard (pid {older}) serves ");
        assert!(words.contains(&wanted), "{words}");
        send(older, Signal::SIGCONT);
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn refuse_second_keeper() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let keeper = keeper_pid(&server);
        let output = command(server.folder.path())
            .args(["keeper", "--data"])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(!output.status.success());
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains("another keeper is at work in "), "{words}");
        assert_eq!(keeper_pid(&server), keeper);
        let id = start_witness(&server, 10, 0, 0).await;
        server.wait_for_status(&id, "completed").await;
        Findings { rounds: 1, ..Findings::default() }
    })
}
