//! `[logs]`: old lines go, the rest stays as it was.

use reqwest::Method;
use serde_json::json;

use crate::support::Server;
use crate::websocket::Socket;

/// Text that does not get smaller: 3 MiB of it are more than may be kept.
const PACKAGE_JSON: &str = r#"{
  "name": "noisy",
  "scripts": { "noise": "head -c 2400000 /dev/urandom | base64; echo end" }
}"#;

#[tokio::test]
async fn the_oldest_lines_go_and_the_newest_stay_as_they_were() {
    let mut server = Server::start_with(PACKAGE_JSON, &[("RUNYARD_LOGS__MAX_BYTES", "1048576")]);
    let id = server.run("noise", &[]).await;
    let ended = server.wait_for_status(&id, "completed").await;
    let next_idx = ended["nextIdx"].as_i64().unwrap();
    let newest = server.get(&format!("/api/processes/{id}/logs?tail=1000")).await;
    server.stop_and_restart();
    server.wait_for_audit("action=log.prune").await;

    let page = server.get(&format!("/api/processes/{id}/logs?after=-1&limit=1")).await;
    let first = page["entries"][0]["idx"].as_i64().unwrap();
    assert!((1..next_idx - 1000).contains(&first), "the log begins at {first} of {next_idx}");
    assert_eq!(server.get(&format!("/api/processes/{id}/logs?tail=1000")).await, newest);
    assert_eq!(server.process(&id).await["nextIdx"], next_idx);

    // Who follows from the beginning is told what is not there.
    let (mut socket, _) = Socket::open_as(&server, server.token()).await;
    socket.send(json!({"type": "subscribe", "processId": id, "after": -1})).await;
    let gap = socket.next_of("gap").await;
    assert_eq!(
        (&gap["from"], &gap["to"], &gap["dropped"]),
        (&json!(0), &json!(first - 1), &json!(first))
    );
    let logs = socket.next_of("logs").await;
    assert_eq!(logs["entries"][0]["idx"], first);

    // And the log goes on.
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    server.wait_for(&id, |process| process["attempts"][1]["endedAt"].is_i64()).await;
    assert!(server.process(&id).await["nextIdx"].as_i64().unwrap() > 2 * (next_idx - 10));
}

#[tokio::test]
async fn nothing_goes_when_nothing_is_said() {
    let mut server = Server::start_with(PACKAGE_JSON, &[]);
    let id = server.run("noise", &[]).await;
    server.wait_for_status(&id, "completed").await;
    server.stop_and_restart();
    let page = server.get(&format!("/api/processes/{id}/logs?after=-1&limit=1")).await;
    assert_eq!(page["entries"][0]["idx"], 0);
    assert_eq!(server.get("/api/audit?action=log.prune").await["lines"], json!([]));
}
