//! Trees that use more than they may: they end, it is said why, and nobody else suffers.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::stop::start_without_groups;
use crate::support::Server;
use crate::system::{block_on, is_alive, keeper_pid, tree_of};

/// The first argument that makes this program one that uses memory.
pub(crate) const EATER: &str = "eater";

const MIB: u64 = 1024 * 1024;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(34, "the_tree_exceeds_its_memory_limit_sampled", exceed_sampled),
        Row::new(34, "the_tree_exceeds_its_memory_limit_by_control_group", exceed_held),
        Row::new(34, "the_tree_has_too_many_processes", swarm),
        Row::new(34, "limits_that_cannot_be_are_refused", refuse),
    ]
}

/// `eater MIB PAUSE_MS`: takes that much memory, a MiB at a time, and keeps it.
pub(crate) fn eat(args: impl Iterator<Item = String>) -> ExitCode {
    let numbers: Vec<u64> = args.map(|arg| arg.parse().unwrap_or(0)).collect();
    let [mib, pause_ms] = numbers[..] else { return ExitCode::from(98) };
    let mut all = Vec::new();
    for n in 0..mib {
        let mut block = vec![0_u8; MIB as usize];
        for page in block.chunks_mut(4096) {
            page[0] = n as u8 | 1;
        }
        all.push(block);
        std::thread::sleep(Duration::from_millis(pause_ms));
    }
    println!("eaten");
    std::thread::sleep(Duration::from_secs(600));
    ExitCode::from(u8::try_from(all.len() % 2).unwrap_or(0))
}

/// Two that eat, one of them out of the tree's session and without a parent.
fn scripts() -> [(&'static str, String); 4] {
    let exe = std::env::current_exe().unwrap().display().to_string();
    [
        ("modest", format!("exec {exe} {EATER} 8 0")),
        ("greedy", format!("(setsid {exe} {EATER} 40 5 &); {exe} {EATER} 40 5 & wait")),
        ("mad", format!("trap '' TERM; {exe} {EATER} 2000 4 & wait; wait; sleep 60")),
        (
            "swarm",
            "i=0; while [ $i -lt 30 ]; do sleep 317 & i=$((i+1)); done; echo up; wait".into(),
        ),
    ]
}

async fn started(server: &Server, script: &str, limits: Value) -> String {
    server.run_with(json!({"scriptName": script, "limits": limits})).await
}

fn is_over(process: &Value) -> bool {
    process["endedAt"].is_i64()
}

/// Runs one that needs more than it may have, and one that does not, beside a witness.
async fn exceed(server: &Server, by: &str, findings: &mut Findings) {
    let keeper = keeper_pid(server);
    let lines = 6_000;
    let witness = start_witness(server, lines, 1_000, 4).await;
    let modest = started(server, "modest", json!({"maxMemory": "64M"})).await;
    server.wait_for_line(&modest, "eaten").await;
    for _ in 0..rounds(1, 5) {
        let id = started(server, "greedy", json!({"maxMemory": "64M"})).await;
        let process = server.wait_for(&id, |process| process["limits"]["memoryBy"] == by).await;
        assert_eq!(process["limits"]["maxMemory"], 64 * MIB, "{process}");
        let process = server.wait_for(&id, is_over).await;
        assert_eq!(process["status"], "failed", "{process}");
        let reason = process["reason"].as_str().unwrap();
        assert!(reason.starts_with("memory limit: its tree "), "{reason}");
        assert!(reason.contains("may use 64.0 MiB"), "{reason}");
        let told = server.told(&id).await;
        assert!(told.iter().any(|line| line.starts_with("memory limit: ")), "{told:?}");
        assert_eq!(tree_of(&id), [0; 0], "somebody is left");
        findings.rounds += 1;
    }
    // It was never near its limit.
    assert_eq!(server.process(&modest).await["status"], "running");
    assert!(is_alive(keeper));
    assert_eq!(keeper_pid(server), keeper, "the keeper is another one");
    server.wait_for_status(&witness, "completed").await;
    account(server, &witness, lines, 1_500, findings).await;
}

fn exceed_sampled() -> Findings {
    block_on(async {
        let scripts = scripts();
        let scripts = scripts.each_ref().map(|(name, script)| (*name, script.as_str()));
        let server = start_without_groups(&scripts, &[]);
        let mut findings = Findings::default();
        exceed(&server, "sampling", &mut findings).await;
        // One that does not listen, and goes on: there is no time for the grace of ten seconds.
        let begin = Instant::now();
        let id = started(&server, "mad", json!({"maxMemory": "32M", "maxCpu": 1})).await;
        let process = server.wait_for(&id, is_over).await;
        assert!(begin.elapsed() < Duration::from_secs(8), "it took {:?}", begin.elapsed());
        assert_eq!(process["signal"], "SIGKILL", "{process}");
        assert!(process["reason"].as_str().unwrap().starts_with("memory limit: "), "{process}");
        assert_eq!(tree_of(&id), [0; 0]);
        // And what is not in force is said.
        assert_eq!(process["limits"]["cpuBy"], "nothing");
        let told = server.told(&id).await;
        assert!(told.iter().any(|line| line.starts_with("maxCpu is not in force")), "{told:?}");
        findings.rounds += 1;
        findings
    })
}

fn exceed_held() -> Findings {
    block_on(async {
        let scripts = scripts();
        let scripts = scripts.each_ref().map(|(name, script)| (*name, script.as_str()));
        let server = start(&scripts, &[]);
        keeper_pid(&server);
        let place = std::fs::read_to_string(server.data().join("keeper.cgroup"));
        let Ok(place) = place else {
            return Findings::skip("no cgroup v2 folder can be made here");
        };
        let handed = std::fs::read_to_string(format!("{place}/cgroup.subtree_control"));
        if !handed.unwrap_or_default().contains("memory") {
            return Findings::skip("the memory controller of cgroup v2 is not delegated here");
        }
        let mut findings = Findings::default();
        exceed(&server, "cgroup", &mut findings).await;
        findings
    })
}

fn swarm() -> Findings {
    block_on(async {
        let scripts = scripts();
        let scripts = scripts.each_ref().map(|(name, script)| (*name, script.as_str()));
        let server = start_without_groups(&scripts, &[]);
        let id = started(&server, "swarm", json!({"maxPids": 20})).await;
        let process = server.wait_for(&id, is_over).await;
        assert_eq!(process["status"], "failed", "{process}");
        let reason = process["reason"].as_str().unwrap();
        assert!(reason.starts_with("process limit: its tree has "), "{reason}");
        assert!(reason.contains("may have 20"), "{reason}");
        assert_eq!(tree_of(&id), [0; 0]);
        let free = started(&server, "swarm", json!({"maxPids": 40})).await;
        server.wait_for_line(&free, "up").await;
        assert_eq!(server.process(&free).await["limits"]["pidsBy"], "sampling");
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn refuse() -> Findings {
    block_on(async {
        let settings = [("RUNYARD_LIMITS__MAX_MEMORY", "1G")];
        let server = start(&[("hello", "exec sleep 314")], &settings);
        let refusals = [
            (json!({"maxMemory": "2G"}), "at most 1G is allowed by limits.max_memory, got 2G"),
            (json!({"maxMemory": "a lot"}), "such as 512M or 1.5G"),
            (json!({"maxCpu": 0}), "expected 0.01 to 4096 cores, got 0"),
            (json!({"maxPids": 0}), "expected 1 to 4194304, got 0"),
            (json!({"maxRam": 1}), "unknown field"),
        ];
        for (limits, words) in refusals {
            let body = json!({"scriptName": "hello", "limits": limits});
            let refused = server.problem(Method::POST, "/api/processes", Some(body)).await;
            assert_eq!((refused.0, refused.1.as_str()), (422, "limits_invalid"), "{refused:?}");
            assert!(refused.2.contains(words), "{refused:?}");
        }
        // What the configuration allows is what one has that asks for nothing.
        let answer =
            server.send(Method::POST, "/api/processes", Some(json!({"scriptName": "hello"}))).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let started: Value = answer.json().await.unwrap();
        let id = started["processId"].as_str().unwrap();
        // The keeper is asked after the start, so it is shown a moment later.
        server.wait_for(id, |process| process["limits"]["maxMemory"] == 1024 * MIB).await;
        Findings { rounds: 1, ..Findings::default() }
    })
}
