//! Jobs beyond the slots wait, and start in order.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn jobs_wait_for_a_slot_and_start_in_order() {
    let mut server = Server::start(&[("RUNYARD_LIMITS__MAX_JOBS", "1")]);
    let first = server.run("sleep", &[]).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let body = Some(json!({"scriptName": "sleep"}));
        let answer = server.send(Method::POST, "/api/processes", body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let started: Value = answer.json().await.unwrap();
        assert_eq!((&started["status"], &started["pid"]), (&json!("queued"), &Value::Null));
        waiting.push(started["processId"].as_str().unwrap().to_owned());
    }
    let second = server.process(&waiting[1]).await;
    assert_eq!(second["reason"], "queued: 1 of 1 slots in use, 2nd in line");
    // The queue survives a crash.
    server.crash_and_restart();
    server.wait_for(&waiting[1], |p| p["reason"] == second["reason"]).await;
    // One leaves the line, the next one moves up.
    server.send(Method::DELETE, &format!("/api/processes/{}", waiting[0]), None).await;
    let left = server.process(&waiting[0]).await;
    assert_eq!(left["reason"], "taken off the queue by tests");
    server
        .wait_for(&waiting[1], |p| p["reason"] == "queued: 1 of 1 slots in use, 1st in line")
        .await;
    server.send(Method::DELETE, &format!("/api/processes/{first}"), None).await;
    server.wait_for_status(&waiting[1], "running").await;
    assert_eq!(server.process(&waiting[2]).await["status"], "queued");
}

#[tokio::test]
async fn services_are_counted_apart_and_refused_in_words() {
    let server =
        Server::start(&[("RUNYARD_LIMITS__MAX_SERVICES", "1"), ("RUNYARD_LIMITS__MAX_JOBS", "1")]);
    let body = json!({"scriptName": "sleep", "type": "long-running"});
    let service = server.run_with(body.clone()).await;
    server.wait_for_status(&service, "running").await;
    let job = server.run("sleep", &[]).await;
    server.wait_for_status(&job, "running").await;
    let (status, code, detail) = server.problem(Method::POST, "/api/processes", Some(body)).await;
    assert_eq!((status, code.as_str()), (429, "too_many_services"));
    assert!(detail.contains("limits.max_services"), "{detail}");
}
