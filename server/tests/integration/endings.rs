//! Why each attempt ended is kept, and what follows is decided by it, a restart of Runyard or not.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{PATIENCE, Server};

async fn restart(server: &Server, id: &str) {
    let answer = server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Waits until attempt `n` runs.
async fn wait_for_attempt(server: &Server, id: &str, n: usize) -> Value {
    let runs = |p: &Value| p["attempts"].as_array().unwrap().len() == n && p["status"] == "running";
    server.wait_for(id, runs).await
}

fn end_of(process: &Value, n: usize) -> (String, Value, String) {
    let attempt = &process["attempts"][n - 1];
    let text = |key: &str| attempt[key].as_str().unwrap_or_default().to_owned();
    (text("endKind"), attempt["endBy"].clone(), text("end"))
}

fn end(kind: &str, by: Value, words: &str) -> (String, Value, String) {
    (kind.to_owned(), by, words.to_owned())
}

#[tokio::test]
async fn each_attempt_says_why_it_ended() {
    let toml = "[process.sick]\ncommand = [\"sleep\", \"300\"]\nrestart = { delay_ms = 20 }\n\
                alive = { exec = [\"test\", \"-e\", \"well\"], period_s = 0.05, failures = 1, \
                grace_s = 0 }\n";
    let server = Server::declaring(toml, &[]);
    let id = server.run_with(json!({"scriptName": "patient", "type": "long-running"})).await;
    server.wait_for_line(&id, "ready").await;
    restart(&server, &id).await;
    wait_for_attempt(&server, &id, 2).await;
    server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    let process = server.process(&id).await;
    let words = "restarted by tests: ended by SIGTERM";
    assert_eq!(end_of(&process, 1), end("restart", json!("tests"), words));
    let words = "stopped by tests: ended by SIGTERM";
    assert_eq!(end_of(&process, 2), end("stop", json!("tests"), words));
    // The pages of its attempts say the same.
    let page = server.get(&format!("/api/processes/{id}/attempts")).await;
    assert_eq!(page["attempts"][0], process["attempts"][1]);

    let id = server.run("fail", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(end_of(&process, 1), end("exit", Value::Null, "exit code 3"));
    let id = server.run_with(json!({"scriptName": "sleep", "timeoutMs": 100})).await;
    let process = server.wait_for_status(&id, "failed").await;
    let words = "timeout: it ran longer than 0.1 s (ended by SIGTERM)";
    assert_eq!(end_of(&process, 1), end("timeout", Value::Null, words));
    let body = json!({"scriptName": "lines", "args": ["100000"], "maxBuffer": 1000});
    let id = server.run_with(body).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(end_of(&process, 1).0, "output", "{process}");
    let id = server.run("sick", &[]).await;
    let process = server.wait_for(&id, |p| p["attempts"].as_array().unwrap().len() > 1).await;
    let (kind, by, words) = end_of(&process, 1);
    let found = "it does not answer, 1 time in a row: test -e well: test ended with exit status: 1";
    assert_eq!((kind.as_str(), by), ("liveness", json!(found)));
    assert!(words.starts_with(found), "{words}");
    // One that runs has none.
    let id = server.run("sleep", &[]).await;
    let process = server.wait_for_status(&id, "running").await;
    assert_eq!(process["attempts"][0]["endKind"], Value::Null);
}

#[tokio::test]
async fn what_was_wanted_does_not_open_the_breaker_after_a_restart_of_runyard() {
    let mut server = Server::start(&[]);
    let strategy = json!({
        "restart": {"delayMs": 20, "jitter": 0.0, "resetAfterS": 600},
        "breaker": {"failures": 2, "withinS": 600, "cooldownS": 600},
    });
    let body = json!({"scriptName": "patient", "type": "long-running", "strategy": strategy});
    let id = server.run_with(body).await;
    wait_for_attempt(&server, &id, 1).await;
    for n in 2..5 {
        restart(&server, &id).await;
        wait_for_attempt(&server, &id, n).await;
    }
    server.crash_and_restart();
    // The first failure.
    let path = format!("/api/processes/{id}/signal");
    let kill = json!({"signal": "SIGKILL"});
    server.send(Method::POST, &path, Some(kill.clone())).await;
    let process = wait_for_attempt(&server, &id, 5).await;
    assert_ne!(process["breaker"], "open");
    assert_eq!(end_of(&process, 4), end("exit", Value::Null, "ended by SIGKILL"));
    // It is remembered: the second one opens it.
    server.crash_and_restart();
    server.send(Method::POST, &path, Some(kill)).await;
    let process = server.wait_for(&id, |p| p["breaker"] == "open").await;
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.contains("breaker open: 2 failures in 600 s"), "{reason}");
}

#[tokio::test]
async fn a_job_that_is_restarted_by_hand_has_its_retries_again() {
    let mut server = Server::start(&[]);
    let strategy = json!({"retries": {"max": 1, "delayMs": 20, "jitter": 0.0}});
    let id = server.run_with(json!({"scriptName": "fail", "strategy": strategy})).await;
    for attempts in [2, 4, 6] {
        let has_ended = |p: &Value| {
            p["status"] == "failed" && p["attempts"].as_array().unwrap().len() == attempts
        };
        let process = server.wait_for(&id, has_ended).await;
        let reason = process["reason"].as_str().unwrap();
        assert!(reason.ends_with("no further try: that was attempt 2 of 2"), "{reason}");
        if attempts == 4 {
            server.stop_and_restart();
        }
        restart(&server, &id).await;
    }
}

#[tokio::test]
async fn codes_decide_whether_a_job_is_tried_again() {
    let server = Server::start(&[]);
    let strategy = json!({"retries": {"max": 3, "delayMs": 20, "neverCodes": [3]}});
    let id = server.run_with(json!({"scriptName": "fail", "strategy": strategy})).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 1);
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.ends_with("; not tried again after exit code 3"), "{reason}");
    let strategy = json!({"retries": {"max": 1, "delayMs": 20, "alwaysCodes": [0]}});
    let body = json!({"scriptName": "say", "args": ["x"], "strategy": strategy});
    let id = server.run_with(body).await;
    let process = server.wait_for_status(&id, "completed").await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 2);
    let strategy = json!({"retries": {"max": 3, "delayMs": 20}, "successCodes": [3]});
    let id = server.run_with(json!({"scriptName": "fail", "strategy": strategy})).await;
    let process = server.wait_for_status(&id, "completed").await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_restart_that_was_asked_for_comes_to_pass_after_a_crash_of_the_server() {
    let mut server = Server::start(&[("RUNYARD_RUN__GRACE_S", "2")]);
    let id = server.run_with(json!({"scriptName": "stubborn", "type": "long-running"})).await;
    server.wait_for_line(&id, "ready").await;
    restart(&server, &id).await;
    server.crash_and_restart();
    let process = wait_for_attempt(&server, &id, 2).await;
    let words = "restarted by tests: ended by SIGKILL, after the grace";
    assert_eq!(end_of(&process, 1), end("restart", json!("tests"), words));
}

/// Ends the root and the keeper, and removes all that the keeper had of the run, before another keeper
/// can look.
fn forget_run(server: &Server, id: &str, pid: &Value) {
    let text = std::fs::read_to_string(server.data().join("keeper.pid")).unwrap();
    let keeper = Pid::from_raw(text.trim().parse().unwrap());
    kill(keeper, Signal::SIGSTOP).unwrap();
    for file in std::fs::read_dir(server.data().join("runs")).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with(id) {
            remove(&file.path());
        }
    }
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    kill(Pid::from_raw(-pid), Signal::SIGKILL).unwrap();
    kill(keeper, Signal::SIGKILL).unwrap();
}

fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn what_is_lost_says_so_in_its_log_and_is_decided_like_any_failure() {
    let mut server = Server::start(&[]);
    let strategy = json!({"restart": {"delayMs": 20, "jitter": 0.0}});
    let body = json!({"scriptName": "patient", "type": "long-running", "strategy": strategy});
    let service = server.run_with(body).await;
    server.wait_for_line(&service, "ready").await;
    // While the server looks on, and while nobody does.
    for (n, words) in [
        (1, "its keeper was lost, and the one after it does not know it"),
        (2, "it ended while neither runyard nor its keeper was there to see how"),
    ] {
        let process = wait_for_attempt(&server, &service, n).await;
        if n == 2 {
            server.stop();
        }
        forget_run(&server, &service, &process["pid"]);
        if n == 2 {
            server.relaunch();
        }
        let process = wait_for_attempt(&server, &service, n + 1).await;
        assert_eq!(end_of(&process, n), end("lost", Value::Null, words));
        assert_eq!(process["attempts"][n]["causeKind"], "restart");
        let told = server.told(&service).await;
        let tells = |line: &String| {
            line.starts_with("lost after ") && line.contains(words) && line.contains("next try in")
        };
        assert!(told.iter().any(tells), "{told:#?}");
    }
    // A job is not tried again unless it says so; its log says what became of it.
    let job = server.run("patient", &[]).await;
    server.wait_for_line(&job, "ready").await;
    let process = server.process(&job).await;
    forget_run(&server, &job, &process["pid"]);
    let process = server.wait_for_status(&job, "lost").await;
    assert_eq!(end_of(&process, 1).0, "lost");
    let told = server.told(&job).await;
    assert!(told.last().unwrap().starts_with("lost after "), "{told:#?}");
    // It is over, and can be started anew.
    restart(&server, &job).await;
    wait_for_attempt(&server, &job, 2).await;
}

/// The groups that runs were in, where they had some.
fn groups(server: &Server) -> Vec<String> {
    let place = std::fs::read_to_string(server.data().join("keeper.cgroup")).unwrap_or_default();
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn the_control_groups_of_what_has_ended_go_and_the_others_stay() {
    let server = Server::start(&[]);
    let stays = server.run("sleep", &[]).await;
    server.wait_for_status(&stays, "running").await;
    let left = groups(&server);
    for _ in 0..3 {
        let id = server.run("fail", &[]).await;
        server.wait_for_status(&id, "failed").await;
    }
    let begin = Instant::now();
    while groups(&server) != left {
        assert!(begin.elapsed() < PATIENCE, "{:?} stay", groups(&server));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
