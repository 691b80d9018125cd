//! The server comes and goes; the children and their lines do not notice.

use crate::support::Server;

#[tokio::test]
async fn a_server_killed_in_a_burst_loses_and_doubles_nothing() {
    let mut server = Server::start(&[]);
    let id = server.run("burst", &[]).await;
    let before = server.process(&id).await;
    for taken_in in [5_000, 30_000, 70_000] {
        // Somewhere in the burst, at three places.
        server.wait_for(&id, |p| p["nextIdx"].as_i64().unwrap() > taken_in).await;
        server.crash_and_restart();
    }
    let after = server.wait_for_status(&id, "completed").await;
    assert_eq!(after["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(after["attempts"][0]["pid"], before["pid"]);
    assert_eq!(after["exitCode"], 0);
    let lines = server.lines(&id).await;
    assert_eq!(lines.len(), 300_000);
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("{i:012}"));
    }
}

#[tokio::test]
async fn what_ended_while_no_server_was_there_is_told_afterwards() {
    let mut server = Server::start(&[]);
    let body = serde_json::json!({"scriptName": "burst"});
    let id = server.run_with(body).await;
    let failing = server.run("fail", &[]).await;
    server.wait_for_status(&failing, "failed").await;
    server.stop_and_restart();
    let process = server.wait_for_status(&id, "completed").await;
    assert!(process["attempts"][0]["userMs"].is_i64());
    assert_eq!(server.entries(&id).await.len(), 300_000);
    // And what ended before is as it was.
    let failed = server.process(&failing).await;
    assert_eq!((&failed["status"], &failed["exitCode"]), (&"failed".into(), &3.into()));
    assert_eq!(server.lines(&failing).await, ["bad"]);
}

#[tokio::test]
async fn a_stop_that_a_crash_interrupted_goes_on() {
    let mut server = Server::start(&[("RUNYARD_RUN__GRACE_S", "2")]);
    let id = server.run("stubborn", &[]).await;
    server.wait_for_line(&id, "ready").await;
    server.send(reqwest::Method::DELETE, &format!("/api/processes/{id}"), None).await;
    server.crash_and_restart();
    let process = server.wait_for_status(&id, "stopped").await;
    assert_eq!(process["signal"], "SIGKILL");
}
