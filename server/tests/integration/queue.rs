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

#[tokio::test]
async fn pools_have_slots_priorities_and_a_pause() {
    let toml = "[pools]\nbuilds = 1\n[limits]\nmax_queue = 3\n";
    let mut server = Server::declaring(toml, &[]);
    let start = |priority: i32| json!({"scriptName": "sleep", "strategy": {"pool": "builds", "priority": priority}});
    let first = server.run_with(start(0)).await;
    server.wait_for_status(&first, "running").await;
    let low = server.run_with(start(0)).await;
    let high = server.run_with(start(5)).await;
    let process = server.process(&low).await;
    assert_eq!(process["reason"], "queued: 1 of 1 slots of builds in use, 2nd in line");
    assert_eq!((&process["position"], &process["pool"]), (&json!(2), &json!("builds")));
    assert_eq!(server.process(&high).await["position"], 1);
    server.run_with(start(-1)).await;
    // Other pools are not concerned; this one is full.
    let other = server.run("sleep", &[]).await;
    server.wait_for_status(&other, "running").await;
    let (status, code, detail) =
        server.problem(Method::POST, "/api/processes", Some(start(9))).await;
    assert_eq!((status, code.as_str()), (429, "queue_full"));
    assert!(detail.contains("builds") && detail.contains("limits.max_queue"), "{detail}");
    // A pause outlives a crash of the server.
    let answer = server.send(Method::POST, "/api/pools/builds/pause", None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    server.crash_and_restart();
    server.send(Method::DELETE, &format!("/api/processes/{first}?wait=true"), None).await;
    let paused = "queued: the pool builds is paused, 1st in line";
    server.wait_for(&high, |p| p["reason"] == paused).await;
    let pools = server.get("/api/pools").await;
    let builds = pools["pools"].as_array().unwrap().iter().find(|p| p["name"] == "builds").unwrap();
    assert_eq!(
        builds,
        &json!({"name": "builds", "slots": 1, "used": 0, "waiting": 3, "isPaused": true})
    );
    server.send(Method::POST, "/api/pools/builds/resume", None).await;
    server.wait_for_status(&high, "running").await;
    assert_eq!(server.process(&low).await["status"], "queued");
    let (status, code, _) = server.problem(Method::POST, "/api/pools/none/pause", None).await;
    assert_eq!((status, code.as_str()), (404, "pool_not_found"));
}
