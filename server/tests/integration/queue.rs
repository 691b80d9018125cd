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

#[tokio::test]
async fn a_restart_by_hand_needs_room_like_a_start() {
    let server = Server::start(&[
        ("RUNYARD_LIMITS__MAX_SERVICES", "1"),
        ("RUNYARD_LIMITS__MAX_JOBS", "1"),
        ("RUNYARD_LIMITS__MAX_QUEUE", "1"),
    ]);
    let restart = |id: &str| format!("/api/processes/{id}/restart");
    let stop = |id: &str| format!("/api/processes/{id}?wait=true");
    let service = json!({"scriptName": "sleep", "type": "long-running"});
    let first = server.run_with(service.clone()).await;
    server.wait_for_status(&first, "running").await;
    server.send(Method::DELETE, &stop(&first), None).await;
    let second = server.run_with(service).await;
    server.wait_for_status(&second, "running").await;
    let (status, code, _) = server.problem(Method::POST, &restart(&first), None).await;
    assert_eq!((status, code.as_str()), (429, "too_many_services"));
    assert_eq!(server.process(&first).await["status"], "stopped");
    // One that runs takes no more room than it has.
    let answer = server.send(Method::POST, &restart(&second), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    server.wait_for(&second, |p| p["attempts"].as_array().unwrap().len() == 2).await;
    server.send(Method::DELETE, &stop(&second), None).await;
    let answer = server.send(Method::POST, &restart(&first), None).await;
    assert_eq!(answer.status(), StatusCode::OK);

    let job = server.run("hello", &[]).await;
    server.wait_for_status(&job, "completed").await;
    let runs = server.run("sleep", &[]).await;
    server.wait_for_status(&runs, "running").await;
    let waits = server.run("sleep", &[]).await;
    let (status, code, detail) = server.problem(Method::POST, &restart(&job), None).await;
    assert_eq!((status, code.as_str()), (429, "queue_full"));
    assert!(detail.contains("limits.max_queue"), "{detail}");
    server.send(Method::DELETE, &stop(&waits), None).await;
    let answer = server.send(Method::POST, &restart(&job), None).await;
    let process: Value = answer.json().await.unwrap();
    assert_eq!(process["reason"], "queued: 1 of 1 slots in use, 1st in line");
}

#[tokio::test]
async fn a_pool_that_a_reload_takes_away_leaves_its_jobs_to_the_others() {
    let toml = "[pools]\nbuilds = 1\n[process.build]\ncommand = [\"sleep\", \"300\"]\ntype = \
                \"short-lived\"\npool = \"builds\"\n";
    let mut server = Server::declaring(toml, &[("RUNYARD_LIMITS__MAX_JOBS", "1")]);
    let start = json!({"scriptName": "sleep", "strategy": {"pool": "builds"}});
    let other = server.run("sleep", &[]).await;
    let runs = server.run_with(start.clone()).await;
    server.wait_for_status(&other, "running").await;
    server.wait_for_status(&runs, "running").await;
    let waits = server.run_with(start.clone()).await;
    assert_eq!(server.process(&waits).await["pool"], "builds");
    server.send(Method::POST, "/api/pools/builds/pause", None).await;
    let reload = async |server: &Server, text: &str| {
        std::fs::write(server.project().join("runyard.toml"), text).unwrap();
        let diff = server.get("/api/config/diff").await;
        let body = Some(json!({"version": diff["version"]}));
        let answer = server.send(Method::POST, "/api/config/reload", body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        diff
    };
    let diff = reload(&server, "").await;
    assert!(diff["changes"].to_string().contains("- builds = 1"), "{diff}");
    let gone = "queued: 1 of 1 slots in use, 1st in line (the pool builds is gone)";
    let process = server.wait_for(&waits, |p| p["reason"] == gone).await;
    assert_eq!(process["pool"], Value::Null);
    let names = |pools: &Value| {
        let names = pools["pools"].as_array().unwrap().iter().map(|pool| pool["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&server.get("/api/pools").await), ["jobs"]);
    let (status, code, _) = server.problem(Method::POST, "/api/processes", Some(start)).await;
    assert_eq!((status, code.as_str()), (422, "strategy_invalid"));
    // Who runs in it goes on; all of it holds after a crash of the server, too.
    server.crash_and_restart();
    assert_eq!(names(&server.get("/api/pools").await), ["jobs"]);
    let waiting = "queued: 2 of 1 slots in use, 1st in line";
    server.wait_for(&waits, |p| p["reason"] == waiting).await;
    assert_eq!(server.process(&runs).await["status"], "running");
    for id in [&other, &runs] {
        server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    }
    server.wait_for_status(&waits, "running").await;
    // One that comes back is a new one, and not paused.
    reload(&server, toml).await;
    let pools = server.get("/api/pools").await;
    assert_eq!(names(&pools), ["builds", "jobs"]);
    assert_eq!(pools["pools"][0]["isPaused"], false);
}
