//! The wall clock is set while everything runs: order and timeouts stay as they are.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::check::{account, package_json, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::{Server, command};
use crate::system::{block_on, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![Row::new(25, "the_clock_is_set_by_a_day", set_clock)]
}

const DAY_MS: i64 = 24 * 3_600 * 1_000;

const SCRIPTS: [(&str, &str); 2] =
    [("sleep", "exec sleep 322"), ("flap", "echo up; sleep 0.2; exit 1")];

fn set(clock: &Path, forward_ms: i64) {
    // Whole or not at all.
    let next = clock.with_extension("next");
    std::fs::write(&next, forward_ms.to_string()).unwrap();
    std::fs::rename(next, clock).unwrap();
}

/// A server and a keeper whose wall clock is what a file says.
fn start(folder: tempfile::TempDir, clock: &Path) -> Server {
    let data = folder.path().join("data");
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let mut keeper = command(folder.path());
    let keeper = keeper.args(["keeper", "--data"]).arg(&data).env("RUNYARD_CLOCK", clock).spawn();
    let mut keeper = keeper.unwrap();
    // It ends with the server, or with this process.
    std::thread::spawn(move || keeper.wait());
    wait_until("the keeper", || data.join("keeper.sock").exists());
    let setting = [("RUNYARD_CLOCK", clock.to_str().unwrap())];
    Server::start_in(folder, &package_json(&SCRIPTS), &setting)
}

fn set_clock() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        for round in 0..rounds(2, 10) {
            let folder = tempfile::tempdir().unwrap();
            let clock = folder.path().join("clock");
            set(&clock, 0);
            let mut server = start(folder, &clock);
            // Forward first in one round, back first in the next.
            let far = if round % 2 == 0 { DAY_MS } else { -DAY_MS };
            let lines = 6_000;
            let id = start_witness(&server, lines, 1_000, 4).await;
            let begin = Instant::now();
            let timeout_ms = 3_000;
            let body = json!({"scriptName": "sleep", "timeoutMs": timeout_ms});
            let late = server.run_with(body).await;
            let body = json!({"scriptName": "flap", "type": "long-running", "strategy": {
                "restart": {"delayMs": 400, "maxDelayMs": 400, "jitter": 0},
                "breaker": {"failures": 100}
            }});
            let flap = server.run_with(body).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 200).await;
            set(&clock, far);
            let attempts = |n: usize| {
                move |it: &serde_json::Value| it["attempts"].as_array().unwrap().len() >= n
            };
            server.wait_for(&flap, attempts(3)).await;
            set(&clock, -far);
            // A server that comes back finds another time than the one that wrote it all down.
            server.crash_and_restart();
            server.wait_for(&flap, attempts(5)).await;
            let process = server.wait_for(&late, |it| it["endedAt"].is_i64()).await;
            let took = begin.elapsed();
            assert!(process["reason"].as_str().unwrap().starts_with("timeout"), "{process}");
            let wanted = Duration::from_millis(timeout_ms);
            assert!(took >= wanted, "it was stopped after {took:?}");
            assert!(took < wanted + Duration::from_secs(4), "it was stopped after {took:?}");
            let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
            assert_eq!(
                (&process["status"], &process["exitCode"]),
                (&"completed".into(), &0.into())
            );
            // The order is that of writing; what the lines say of the time is what the clock said.
            let entries = account(&server, &id, lines, 2 * DAY_MS, &mut findings).await;
            let stamps: Vec<_> = entries.iter().map(|it| it["ts"].as_i64().unwrap()).collect();
            assert!(stamps.windows(2).any(|two| two[1] - two[0] < -DAY_MS / 2), "nothing was set");
            findings.rounds += 1;
        }
        findings
    })
}
