//! What comes before what, and who or what started an attempt.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, add};
use crate::support::Server;

fn cause(process: &Value, n: usize) -> (&str, &str) {
    let attempt = &process["attempts"][n - 1];
    (attempt["causeKind"].as_str().unwrap(), attempt["causeBy"].as_str().unwrap())
}

#[tokio::test]
async fn started_and_exited_are_less_than_ready_and_completed() {
    let toml = "[process.fails]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\ntype = \"short-lived\"\n\
                [process.slow]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                ready = { log = \"never\" }\n\
                [process.after]\ncommand = [\"true\"]\ntype = \"short-lived\"\n\
                depends_on = { fails = \"exited\", slow = \"started\" }\n\
                [process.not-yet]\ncommand = [\"true\"]\ntype = \"short-lived\"\n\
                depends_on = { fails = \"completed\", slow = \"ready\" }\n";
    let server = Server::declaring(toml, &[]);
    server.run("not-yet", &[]).await;
    let after = server.run("after", &[]).await;
    let process = server.wait_for_status(&after, "completed").await;
    let fails = server.wait_for_declared("fails", |p| p["status"] == "failed").await;
    let slow = server.wait_for_declared("slow", |p| p["status"] == "running").await;
    assert_eq!(slow["ready"], false);
    // Both wait for it, and it runs once.
    let list = server.get("/api/processes?q=fails").await;
    assert_eq!(list["processes"].as_array().unwrap().len(), 1, "{list}");
    assert!(process["startedAt"].as_i64() >= fails["endedAt"].as_i64());
    assert!(process["startedAt"].as_i64() >= slow["startedAt"].as_i64());
    let both = "waiting for fails to complete (it is failed: exit code 3 after ";
    let waits = |p: &Value| p["reason"].as_str().unwrap().starts_with(both);
    let waiting = server.wait_for_declared("not-yet", waits).await;
    let reason = waiting["reason"].as_str().unwrap();
    assert!(
        reason.contains(", and for slow to be ready (it runs and is not ready yet"),
        "{reason}"
    );
    assert_eq!(waiting["status"], "waiting");
}

#[tokio::test]
async fn each_attempt_tells_who_or_what_started_it() {
    let toml = "[process.db]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                [process.api]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                depends_on = { db = \"started\" }\n\
                [process.often]\ncommand = [\"true\"]\nschedule = \"* * * * * *\"\n";
    let mut server = Server::declaring(toml, &[]);
    let api = server.run("api", &[]).await;
    server.wait_for_status(&api, "running").await;
    add(&server, "ann", "operator").await;
    let browser = Browser::new(&server);
    browser.sign_in("ann", PASSWORD).await;
    let answer = browser.send(&format!("/processes/{api}/restart"), &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let runs = |n: usize| {
        move |p: &Value| p["status"] == "running" && p["attempts"].as_array().unwrap().len() == n
    };
    let process = server.wait_for(&api, runs(2)).await;
    assert_eq!(cause(&process, 1), ("token", "tests"));
    assert_eq!(cause(&process, 2), ("person", "ann"));
    assert_eq!(process["attempts"][0]["endBy"], "ann");
    let db = server.wait_for_declared("db", |p| p["status"] == "running").await;
    assert_eq!(cause(&db, 1), ("dependency", "api"));
    let often = server.wait_for_declared("often", |p| p["status"] == "completed").await;
    assert_eq!(cause(&often, 1), ("schedule", "* * * * * *"));
    // A service that waits for its slot or its order when Runyard goes is taken up by it.
    let strategy = json!({"restart": {"delayMs": 600_000}});
    let body = json!({"scriptName": "fail", "type": "long-running", "strategy": strategy});
    let failed = server.run_with(body).await;
    server.wait_for_status(&failed, "backing_off").await;
    server.crash_and_restart();
    server.send(Method::POST, &format!("/api/processes/{failed}/restart"), None).await;
    let process = server.wait_for(&failed, |p| p["attempts"].as_array().unwrap().len() == 2).await;
    assert_eq!(cause(&process, 2), ("token", "tests"));
}
