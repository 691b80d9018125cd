//! Reading the file again while things run.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;

/// As a careful editor does: nobody reads half of it.
fn write(project: &Path, text: &str) {
    let new = project.join("runyard.toml.new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, project.join("runyard.toml")).unwrap();
}

async fn reload(server: &Server) {
    let diff = server.get("/api/config/diff").await;
    let body = Some(json!({"version": diff["version"]}));
    let answer = server.send(Method::POST, "/api/config/reload", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

fn toml(word: &str) -> String {
    // A port of their own: a free one would be another each time, and so would be the hash.
    let service = |name: &str, env: &str, port: u16| {
        format!(
            "[process.{name}]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\nautostart = \
             true\nport = {port}\nenv = {{ WORD = \"{env}\" }}\n"
        )
    };
    service("changes", word, 1) + &service("stays", "same", 2)
}

fn hash(process: &Value, n: usize) -> &str {
    process["attempts"][n - 1]["configHash"].as_str().unwrap()
}

#[tokio::test]
async fn a_bad_file_leaves_the_same_processes_running() {
    let server = Server::declaring(&toml("one"), &[]);
    let running = |p: &Value| p["status"] == "running";
    let before = server.wait_for_declared("changes", running).await;
    let stays = server.wait_for_declared("stays", running).await;
    for bad in ["[process.changes]\ncommand = []\n", "not toml at all [", "[nonsense]\nx = 1\n"] {
        write(&server.project(), bad);
        let (status, code, _) = server.problem(Method::GET, "/api/config/diff", None).await;
        assert_eq!((status, code.as_str()), (422, "config_invalid"), "{bad}");
        let body = Some(json!({"version": "0"}));
        let (status, code, _) = server.problem(Method::POST, "/api/config/reload", body).await;
        assert_eq!((status, code.as_str()), (422, "config_invalid"), "{bad}");
    }
    server.hang_up();
    server.wait_for_audit("action=config.reload&actor=SIGHUP").await;
    for process in [&before, &stays] {
        let now = server.process(process["id"].as_str().unwrap()).await;
        for key in ["pid", "status", "startedAt", "attempts"] {
            assert_eq!(now[key], process[key]);
        }
    }
    assert_eq!(server.get("/api/declared").await["processes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_changes_is_started_anew_with_another_hash_and_the_rest_goes_on() {
    let server = Server::declaring(&toml("one"), &[]);
    let running = |p: &Value| p["status"] == "running";
    let before = server.wait_for_declared("changes", running).await;
    let stays = server.wait_for_declared("stays", running).await;
    // A restart without a change has the same hash.
    let id = before["id"].as_str().unwrap();
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    let again = |p: &Value| p["attempts"].as_array().unwrap().len() == 2 && running(p);
    let again = server.wait_for(id, again).await;
    assert_eq!(hash(&again, 1), hash(&again, 2));
    write(&server.project(), &toml("two"));
    reload(&server).await;
    let is_new = |p: &Value| running(p) && p["id"] != before["id"];
    let after = server.wait_for_declared("changes", is_new).await;
    assert_ne!(hash(&after, 1), hash(&again, 2));
    let old = server.process(id).await;
    assert_eq!(
        (&old["status"], &old["attempts"][1]["endKind"]),
        (&json!("stopped"), &json!("stop"))
    );
    let same = server.process(stays["id"].as_str().unwrap()).await;
    assert_eq!(same["pid"], stays["pid"]);
    // And back: the same text has the same hash.
    write(&server.project(), &toml("one"));
    reload(&server).await;
    let is_back = |p: &Value| running(p) && p["id"] != after["id"];
    let back = server.wait_for_declared("changes", is_back).await;
    assert_eq!(hash(&back, 1), hash(&before, 1));
}
