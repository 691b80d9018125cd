//! Server and keeper are killed, stopped and started again; children and their lines do not notice.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, is_alive, keeper_pid, send, tells_ends_of_strangers, wait_until};
use crate::viewer;

/// A line is stamped by the keeper when it moves it: this much later than it was written, at most,
/// on a machine that is busy.
const STAMPED_WITHIN_MS: i64 = 1_500;

const SCRIPTS: [(&str, &str); 4] = [
    ("exit3", "echo begun; sleep 0.4; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 3"),
    ("crash", "echo begun; sleep 0.4; kill -SEGV $$"),
    ("short", "echo begun; sleep 0.4; echo last; exit 3"),
    ("sleep", "exec sleep 310"),
];

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(1, "server_killed_in_a_burst", kill_server),
        Row::new(3, "keeper_killed_in_a_burst", kill_keeper),
        Row::new(4, "both_killed_and_the_child_goes_on", kill_both),
        Row::new(5, "both_killed_and_the_child_exits", lose_child),
        Row::new(11, "child_exits_while_the_server_is_down", exit_unseen),
        Row::new(26, "server_stopped_for_long", stop_server),
        Row::new(27, "keeper_stopped", stop_keeper),
    ]
}

fn next_idx(process: &Value) -> i64 {
    process["nextIdx"].as_i64().unwrap()
}

/// Waits until the log has grown by some lines.
async fn grow(server: &Server, id: &str, from: i64) -> i64 {
    next_idx(&server.wait_for(id, |process| next_idx(process) > from + 20).await)
}

/// The process as it has ended: nobody has noticed anything.
async fn end_well(server: &Server, id: &str, pid: &Value) {
    end_well_if(true, server, id, pid).await;
}

/// A keeper that did not start a child itself sees how it ended on a kernel that tells it; on others
/// the child is `lost`, and its output is not.
async fn end_well_if(is_known: bool, server: &Server, id: &str, pid: &Value) {
    let after = server.wait_for(id, |process| process["endedAt"].is_i64()).await;
    assert_eq!(after["attempts"][0]["pid"], *pid);
    if !is_known {
        assert_eq!((&after["status"], &after["exitCode"]), (&"lost".into(), &Value::Null));
        return;
    }
    assert_eq!((&after["status"], &after["exitCode"]), (&"completed".into(), &0.into()), "{after}");
    assert_eq!(after["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(after["attempts"][0]["pid"], *pid);
}

fn kill_server() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let rounds = rounds(5, 100);
        // The full form has more rounds than it can take lines for each.
        let lines = 1_500 * rounds.min(40);
        let id = start_witness(&server, lines, 1_000, 5).await;
        let viewer = viewer::start(&server, &id);
        let pid = server.process(&id).await["pid"].clone();
        let (mut findings, mut seen) = (Findings::default(), 0);
        for _ in 0..rounds {
            seen = grow(&server, &id, seen).await;
            let begin = Instant::now();
            server.crash_and_restart();
            let process = server.process(&id).await;
            findings.note_pause(begin.elapsed());
            findings.rounds += 1;
            if process["endedAt"].is_i64() {
                break;
            }
        }
        end_well(&server, &id, &pid).await;
        let entries = account(&server, &id, lines, STAMPED_WITHIN_MS, &mut findings).await;
        let (shown, breaks) = viewer.await.unwrap();
        assert_eq!(shown, entries.len() as i64, "the viewer has not seen all");
        assert!(breaks > 0);
        findings
    })
}

/// More than a child can write while no keeper is there: its pipes are full before. So none ends just
/// then, which would cost its last lines.
const LAST_LINES: u64 = 3_000;

/// Whether the keeper of a witness must not be killed any more.
fn is_near_end(process: &Value, lines: u64) -> bool {
    next_idx(process) as u64 > 2 * (lines - LAST_LINES) || process["endedAt"].is_i64()
}

fn kill_keeper() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let rounds = rounds(10, 200);
        let lines = 400 * rounds + LAST_LINES;
        let id = start_witness(&server, lines, 1_000, 5).await;
        let pid = server.process(&id).await["pid"].clone();
        let (mut findings, mut seen) = (Findings::default(), 0);
        for _ in 0..rounds {
            seen = grow(&server, &id, seen).await;
            let keeper = keeper_pid(&server);
            let begin = Instant::now();
            send(keeper, Signal::SIGKILL);
            wait_until("the end of the keeper", || !is_alive(keeper));
            // What is seen from now on a new keeper has moved.
            let known = next_idx(&server.process(&id).await);
            let process =
                server.wait_for(&id, |it| next_idx(it) > known || it["endedAt"].is_i64()).await;
            findings.note_pause(begin.elapsed());
            findings.rounds += 1;
            if is_near_end(&process, lines) {
                break;
            }
        }
        end_well_if(tells_ends_of_strangers(), &server, &id, &pid).await;
        account(&server, &id, lines, STAMPED_WITHIN_MS, &mut findings).await;
        findings
    })
}

fn kill_both() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let rounds = rounds(3, 50);
        let lines = 2_000 * rounds + LAST_LINES;
        let id = start_witness(&server, lines, 1_000, 5).await;
        let pid = server.process(&id).await["pid"].clone();
        let (mut findings, mut seen) = (Findings::default(), 0);
        for _ in 0..rounds {
            seen = grow(&server, &id, seen).await;
            let keeper = keeper_pid(&server);
            let begin = Instant::now();
            // The server first: it would start another keeper.
            server.crash();
            send(keeper, Signal::SIGKILL);
            wait_until("the end of the keeper", || !is_alive(keeper));
            server.relaunch();
            findings.note_pause(begin.elapsed());
            findings.rounds += 1;
            if is_near_end(&server.process(&id).await, lines) {
                break;
            }
        }
        end_well_if(tells_ends_of_strangers(), &server, &id, &pid).await;
        account(&server, &id, lines, STAMPED_WITHIN_MS, &mut findings).await;
        findings
    })
}

fn lose_child() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 10) {
            let id = server.run("short", &[]).await;
            server.wait_for_line(&id, "begun").await;
            let pid = server.process(&id).await["pid"].as_i64().unwrap();
            let keeper = keeper_pid(&server);
            server.crash();
            send(keeper, Signal::SIGKILL);
            // As long as it is a zombie, a keeper could still be told.
            let zombie = std::path::PathBuf::from(format!("/proc/{pid}"));
            wait_until("the end of the child", || !zombie.exists());
            server.relaunch();
            let process = server.wait_for_status(&id, "lost").await;
            let reason = process["reason"].as_str().unwrap();
            assert!(reason.contains("no keeper was there to see how"), "{reason}");
            assert_eq!((&process["exitCode"], &process["signal"]), (&Value::Null, &Value::Null));
            findings.rounds += 1;
        }
        findings
    })
}

fn exit_unseen() -> Findings {
    block_on(async {
        let mut server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 10) {
            let mut started = Vec::new();
            for script in ["exit3", "crash"] {
                let id = server.run(script, &[]).await;
                server.wait_for_line(&id, "begun").await;
                let pid = server.process(&id).await["pid"].as_i64().unwrap();
                started.push((id, pid as i32));
            }
            server.crash();
            wait_until("the end of the children", || {
                started.iter().all(|(_, pid)| !is_alive(*pid))
            });
            // Their end is told with the time at which it was, not at which it is read.
            let down_ms = 1_200;
            std::thread::sleep(Duration::from_millis(down_ms));
            server.relaunch();
            for ((id, _), (code, signal)) in
                started.iter().zip([(Value::from(3), Value::Null), (Value::Null, "SIGSEGV".into())])
            {
                let process = server.wait_for_status(id, "failed").await;
                assert_eq!((&process["exitCode"], &process["signal"]), (&code, &signal));
                let attempt = &process["attempts"][0];
                let ran_ms =
                    attempt["endedAt"].as_i64().unwrap() - attempt["startedAt"].as_i64().unwrap();
                assert!((400..1_200).contains(&ran_ms), "it ran for {ran_ms} ms");
                assert!(
                    attempt["userMs"].as_i64().unwrap() + attempt["systemMs"].as_i64().unwrap()
                        >= 0
                );
                assert!(attempt["maxRssBytes"].as_i64().unwrap() > 100_000);
            }
            findings.rounds += 1;
        }
        findings
    })
}

/// While the server stands still for two seconds nobody takes the lines in, and yet they bear the
/// time at which they were written.
fn stop_server() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        let lines = 4_000;
        for _ in 0..rounds(1, 5) {
            let id = start_witness(&server, lines, 1_000, 4).await;
            let pid = server.process(&id).await["pid"].clone();
            grow(&server, &id, 0).await;
            send(server.pid(), Signal::SIGSTOP);
            let child = pid.as_i64().unwrap() as i32;
            // The child runs to its end meanwhile.
            wait_until("the end of the child", || !is_alive(child));
            std::thread::sleep(Duration::from_secs(2));
            send(server.pid(), Signal::SIGCONT);
            end_well(&server, &id, &pid).await;
            account(&server, &id, lines, STAMPED_WITHIN_MS, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}

fn stop_keeper() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        let lines = 6_000;
        for _ in 0..rounds(1, 10) {
            let id = start_witness(&server, lines, 1_000, 5).await;
            let pid = server.process(&id).await["pid"].clone();
            let seen = grow(&server, &id, 0).await;
            let keeper = keeper_pid(&server);
            send(keeper, Signal::SIGSTOP);
            let child = pid.as_i64().unwrap() as i32;
            // The pipes are full, and the child waits.
            wait_until("back-pressure", || is_waiting_for_a_pipe(child));
            send(keeper, Signal::SIGCONT);
            grow(&server, &id, seen).await;
            end_well(&server, &id, &pid).await;
            // What was written first waited longest.
            account(&server, &id, lines, 10_000, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}

fn is_waiting_for_a_pipe(pid: i32) -> bool {
    let at = std::fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
    at.contains("pipe")
}
