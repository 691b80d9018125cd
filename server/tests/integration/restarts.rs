//! Services come back with patience and give up with a reason; jobs are tried again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;

const QUICK: &str = "restart = { delay_ms = 50, jitter = 0.0, reset_after_s = 2 }\n";

#[tokio::test]
async fn a_service_backs_off_its_breaker_opens_and_a_trial_closes_it() {
    let toml = format!(
        "[process.flaky]\ncommand = [\"sh\", \"-c\", \"test -e ok && exec sleep 300; exit 3\"]\n\
         autostart = true\n{QUICK}breaker = {{ failures = 3, within_s = 60, cooldown_s = 600 }}\n"
    );
    let mut server = Server::declaring(&toml, &[]);
    let process = server.wait_for_declared("flaky", |p| p["breaker"] == "open").await;
    let id = process["id"].as_str().unwrap().to_owned();
    assert_eq!(process["status"], "backing_off");
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.starts_with("failed to start: exit code 3 after 0."), "{reason}");
    assert!(reason.contains("breaker open: 3 failures in 60 s; one trial in 600 s"), "{reason}");
    assert!(process["nextAt"].as_i64() > process["endedAt"].as_i64());
    let attempts = process["attempts"].as_array().unwrap();
    let kinds: Vec<_> = attempts.iter().map(|a| a["causeKind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["autostart", "restart", "restart"]);
    assert_eq!(attempts[0]["configHash"], attempts[2]["configHash"]);
    let told = server.told(&id).await;
    assert_eq!(told.len(), 6, "{told:#?}");
    assert_eq!(told[0], "attempt 1: started together with runyard");
    assert!(told[1].ends_with("next try in 0.05 s, attempt 2 of 3"), "{told:#?}");
    // An open breaker outlives a crash of the server.
    server.crash_and_restart();
    server.wait_for(&id, |p| p["breaker"] == "open").await;
    // The trial by hand fails, and it is open again at once.
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    let process =
        server.wait_for(&id, |p| p["attempts"][3]["exitCode"] == 3 && p["breaker"] == "open").await;
    assert!(process["reason"].as_str().unwrap().contains("the trial failed"), "{process}");
    // The next one holds.
    std::fs::write(server.project().join("ok"), "").unwrap();
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    server.wait_for(&id, |p| p["status"] == "running" && p["breaker"] == "half-open").await;
    server.wait_for(&id, |p| p["breaker"] == "closed").await;
    let told = server.told(&id).await;
    assert_eq!(told.last().unwrap(), "it has held: the breaker is closed");
}

#[tokio::test]
async fn after_the_cooldown_a_trial_begins_by_itself() {
    let toml = format!(
        "[process.flaky]\ncommand = [\"sh\", \"-c\", \"test -e ok && exec sleep 300; exit 3\"]\n\
         autostart = true\n{QUICK}breaker = {{ failures = 2, within_s = 60, cooldown_s = 0.3 }}\n"
    );
    let server = Server::declaring(&toml, &[]);
    let process = server.wait_for_declared("flaky", |p| p["breaker"] == "open").await;
    let id = process["id"].as_str().unwrap().to_owned();
    std::fs::write(server.project().join("ok"), "").unwrap();
    let process =
        server.wait_for(&id, |p| p["status"] == "running" && p["breaker"] == "half-open").await;
    let attempts = process["attempts"].as_array().unwrap();
    assert!(attempts.iter().all(|attempt| attempt["causeKind"] != "person"), "{process}");
    server.wait_for(&id, |p| p["breaker"] == "closed").await;
}

#[tokio::test]
async fn a_service_that_was_only_asked_for_comes_back_too_and_a_stop_ends_its_pause() {
    let server = Server::start(&[]);
    let strategy = json!({"restart": {"delayMs": 60_000, "jitter": 0.0}});
    let body = json!({"scriptName": "fail", "type": "long-running", "strategy": strategy});
    let id = server.run_with(body).await;
    let process = server.wait_for_status(&id, "backing_off").await;
    assert!(process["reason"].as_str().unwrap().contains("next try in 60 s"), "{process}");
    let answer = server.send(Method::DELETE, &format!("/api/processes/{id}"), None).await;
    let process: Value = answer.json().await.unwrap();
    assert_eq!(process["status"], "stopped");
    assert_eq!(process["reason"], "stopped by tests before its next try");
    assert_eq!(process["nextAt"], Value::Null);
}

#[tokio::test]
async fn a_job_is_tried_again_as_often_as_it_says() {
    let server = Server::start(&[]);
    let strategy = json!({"retries": {"max": 2, "delayMs": 20, "jitter": 0.0}});
    let id = server.run_with(json!({"scriptName": "fail", "strategy": strategy})).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(process["attempts"][2]["causeKind"], "retry");
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.ends_with("no further try: that was attempt 3 of 3"), "{reason}");
    // A plain start of the same has one attempt, and its log is its own.
    let id = server.run("fail", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(server.lines(&id).await, ["bad"]);
}

#[tokio::test]
async fn exit_codes_decide() {
    let toml = "[process.done]\ncommand = [\"sh\", \"-c\", \"exit 7\"]\ntype = \"long-running\"\n\
                success_codes = [7]\n[process.never]\ncommand = [\"sh\", \"-c\", \"exit 78\"]\n\
                restart = { never_codes = [78] }\n";
    let server = Server::declaring(toml, &[]);
    let id = server.run("done", &[]).await;
    assert_eq!(server.wait_for_status(&id, "completed").await["reason"], "exit code 7");
    let id = server.run("never", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    let reason = process["reason"].as_str().unwrap();
    assert!(reason.ends_with("not started again after exit code 78"), "{reason}");
}

#[tokio::test]
async fn a_strategy_says_how_a_process_is_stopped() {
    let server = Server::start(&[]);
    let strategy = json!({"stop": {"signal": "SIGINT", "graceS": 5}});
    let id = server.run_with(json!({"scriptName": "sleep", "strategy": strategy})).await;
    server.wait_for_status(&id, "running").await;
    server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    let process = server.wait_for_status(&id, "stopped").await;
    assert_eq!(process["attempts"][0]["signal"], "SIGINT", "{process}");
}

#[tokio::test]
async fn what_a_start_may_ask_for_is_limited() {
    let server = Server::start(&[]);
    let refused = |strategy: Value| {
        let body = json!({"scriptName": "sleep", "strategy": strategy});
        let server = &server;
        async move { server.problem(Method::POST, "/api/processes", Some(body)).await }
    };
    let cases = [
        (json!({"ready": {"exec": ["rm", "-r", "x"]}}), "cannot bring commands"),
        (json!({"ready": {"http": "http://10.0.0.1/"}}), "no address of this machine"),
        (json!({"alive": {"http": "http://127.0.0.1:80@10.0.0.1/"}}), "no address of this machine"),
        (json!({"command": ["sh"]}), "command stands beside strategy"),
        (json!({"pool": "nope"}), "there is no pool \"nope\""),
        (json!({"delay": 1}), "unknown field `delay`"),
    ];
    for (strategy, words) in cases {
        let (status, code, detail) = refused(strategy).await;
        assert_eq!((status, code.as_str()), (422, "strategy_invalid"));
        assert!(detail.contains(words), "{detail}");
    }
}
