//! Readiness gates those that depend on it; what does not work any more is started anew.

use reqwest::Method;
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_dependant_waits_for_readiness_and_says_so() {
    let toml = r#"
[process.db]
command = ["sh", "-c", "until test -e open; do sleep 0.02; done; echo accepting; exec sleep 300"]
ready = { log = "accepting", period_s = 0.1 }

[process.migrate]
command = ["sh", "-c", "echo migrated"]
type = "short-lived"
depends_on = { db = "ready" }

[process.api]
command = ["sleep", "300"]
type = "long-running"
depends_on = { db = "ready", migrate = "completed" }
"#;
    let mut server = Server::declaring(toml, &[]);
    let answer =
        server.send(Method::POST, "/api/processes", Some(json!({"scriptName": "api"}))).await;
    assert_eq!(answer.status(), 202);
    let waits = |p: &serde_json::Value| {
        p["status"] == "waiting" && p["reason"].as_str().unwrap().contains("not ready yet")
    };
    let api = server.wait_for_declared("api", waits).await;
    let reason = api["reason"].as_str().unwrap();
    assert!(
        reason.starts_with(
            "waiting for db to be ready (it runs and is not ready yet: no line with \"accepting\" was \
             written), and for migrate"
        ),
        "{reason}"
    );
    let db = server.wait_for_declared("db", |p| p["status"] == "running").await;
    assert_eq!(db["ready"], false);
    assert_eq!(db["attempts"][0]["causeKind"], "dependency");
    // Who waits goes on waiting after a crash of the server.
    server.crash_and_restart();
    server.wait_for_declared("api", waits).await;
    std::fs::write(server.project().join("open"), "").unwrap();
    server.wait_for_declared("db", |p| p["ready"] == true).await;
    let api = server.wait_for_declared("api", |p| p["status"] == "running").await;
    let migrate = server.wait_for_declared("migrate", |p| p["status"] == "completed").await;
    assert!(api["startedAt"].as_i64() >= migrate["endedAt"].as_i64());
    // Down in reverse: the dependant is gone before what it depends on.
    server.send(Method::POST, "/api/declared/stop", None).await;
    let api = server.wait_for_declared("api", |p| p["status"] == "stopped").await;
    let db = server.wait_for_declared("db", |p| p["status"] == "stopped").await;
    assert!(api["endedAt"].as_i64() <= db["endedAt"].as_i64());
}

#[tokio::test]
async fn one_that_is_never_ready_says_what_its_probe_found() {
    let toml = r#"
[process.web]
command = ["node", "-e", "require('http').createServer((q, s) => { s.statusCode = require('fs').existsSync('ok') ? 200 : 503; s.end() }).listen(process.env.PORT, '127.0.0.1', () => console.log('listening'))"]
ready = { http = "http://127.0.0.1:$PORT/", period_s = 0.1, grace_s = 1 }

[process.page]
command = ["sleep", "300"]
type = "long-running"
autostart = true
depends_on = { web = "ready" }

[process.short]
command = ["sh", "-c", "sleep 0.3; exit 1"]
ready = { tcp = "127.0.0.1:$PORT", period_s = 0.1 }
restart = { when = "never" }
"#;
    let server = Server::declaring(toml, &[]);
    let web = server.wait_for_declared("web", |p| p["status"] == "running").await;
    let id = web["id"].as_str().unwrap();
    let says = |p: &serde_json::Value, words: &str| p["reason"].as_str().unwrap().contains(words);
    let late = "; not ready within 1 s: GET http://127.0.0.1:";
    let web = server.wait_for(id, |p| says(p, late)).await;
    assert!(says(&web, "it answered 503 Service Unavailable"), "{web}");
    assert_eq!(web["ready"], false);
    let told = server.told(id).await;
    let count = told.iter().filter(|line| line.starts_with("not ready within 1 s: GET")).count();
    assert_eq!(count, 1, "{told:#?}");
    let page = server.wait_for_declared("page", |p| says(p, "it answered 503")).await;
    assert!(
        says(&page, "waiting for web to be ready (it runs and is not ready within 1 s"),
        "{page}"
    );
    std::fs::write(server.project().join("ok"), "").unwrap();
    let web = server.wait_for(id, |p| p["ready"] == true).await;
    assert_eq!(web["reason"], format!("running as pid {}", web["pid"]));
    server.wait_for_declared("page", |p| p["status"] == "running").await;

    let short = server.run("short", &[]).await;
    let process = server.wait_for_status(&short, "failed").await;
    assert!(says(&process, "failed to start: exit code 1 after 0."), "{process}");
    assert!(says(&process, ", never ready (tcp 127.0.0.1:"), "{process}");
}

#[tokio::test]
async fn a_service_that_does_not_work_any_more_is_started_anew() {
    let toml = r#"
[process.sick]
command = ["sleep", "300"]
alive = { exec = ["test", "!", "-e", "sick"], period_s = 0.1, failures = 2, grace_s = 0 }
restart = { delay_ms = 20, jitter = 0.0 }
"#;
    let server = Server::declaring(toml, &[]);
    let id = server.run("sick", &[]).await;
    server.wait_for_status(&id, "running").await;
    std::fs::write(server.project().join("sick"), "").unwrap();
    let process = server
        .wait_for(&id, |p| p["attempts"].as_array().is_some_and(|attempts| attempts.len() > 1))
        .await;
    std::fs::remove_file(server.project().join("sick")).unwrap();
    let cause = process["attempts"][1]["cause"].as_str().unwrap();
    assert!(cause.contains("it does not answer, 2 times in a row: test ! -e sick"), "{cause}");
    server.wait_for_status(&id, "running").await;
}

#[tokio::test]
async fn replicas_have_ports_of_their_own_and_probes_ask_them() {
    let toml = r#"
[process.web]
command = ["node", "-e", "require('http').createServer((q, s) => { s.statusCode = q.url === '/health' ? 200 : 404; s.end() }).listen(process.env.PORT, '127.0.0.1')"]
replicas = 2
ready = { http = "http://127.0.0.1:$PORT/health", period_s = 0.2 }
alive = { tcp = "127.0.0.1:$PORT", period_s = 0.2 }
"#;
    let server = Server::declaring(toml, &[]);
    server.run("web", &[]).await;
    let all_ready = |p: &serde_json::Value| p["ready"] == true;
    server.wait_for_declared("web", |p| p["replica"] == 1 && all_ready(p)).await;
    let all = server.get("/api/processes").await;
    let all = all["processes"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    server.wait_for(all[1]["id"].as_str().unwrap(), all_ready).await;
    let (status, code, _) =
        server.problem(Method::POST, "/api/processes", Some(json!({"scriptName": "web"}))).await;
    assert_eq!((status, code.as_str()), (409, "invalid_state"));
}

#[tokio::test]
async fn a_stop_by_command_lets_it_end_in_its_own_way() {
    let toml = r#"
[process.polite]
command = ["sh", "-c", "trap '' TERM; echo ready; while [ ! -e enough ]; do sleep 0.02; done; echo bye; exit 4"]
stop = { command = ["sh", "-c", "echo $RUNYARD_REPLICA > enough"], grace_s = 20 }

[process.deaf]
command = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done"]
stop = { command = ["false"], grace_s = 0.3 }
"#;
    let server = Server::declaring(toml, &[]);
    let polite = server.run("polite", &[]).await;
    server.wait_for_line(&polite, "ready").await;
    server.send(Method::DELETE, &format!("/api/processes/{polite}"), None).await;
    let process = server.wait_for_status(&polite, "stopped").await;
    // By its own hand: not by a signal.
    assert_eq!((&process["exitCode"], &process["signal"]), (&json!(4), &json!(null)), "{process}");
    server.wait_for_line(&polite, "bye").await;
    assert!(server.project().join("enough").exists());

    // A command that fails leaves the grace, and then SIGKILL.
    let deaf = server.run("deaf", &[]).await;
    server.wait_for_line(&deaf, "ready").await;
    server.send(Method::DELETE, &format!("/api/processes/{deaf}"), None).await;
    let process = server.wait_for_status(&deaf, "stopped").await;
    assert_eq!(process["signal"], "SIGKILL", "{process}");
}
