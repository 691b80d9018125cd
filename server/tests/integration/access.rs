//! Roles: every door asks the policy, and what a role may not see is not there.

mod doors;
mod forms;
mod hidden;
mod matrix;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;
use crate::websocket::Socket;

/// A role that sees one script of the two that run.
const NARROW: &[(&str, &str)] = &[
    ("RUNYARD_ROLES__NARROW", "view read-logs stop on patient, starts-per-minute 1000"),
    ("RUNYARD_LIMITS__MAX_JOBS", "10"),
];

#[tokio::test]
async fn what_a_role_may_not_see_is_not_there() {
    let server = Server::start(NARROW);
    let token = server.token_of("narrow", &[]);
    let seen = server.run("patient", &[]).await;
    let hidden = server.run("tree", &[]).await;
    server.wait_for_line(&seen, "ready").await;
    server.wait_for_line(&hidden, "ready").await;
    let get = async |path: &str| -> Value {
        let answer = server.send_as(&token, Method::GET, path, None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    };

    let list = get("/api/processes").await;
    assert_eq!(ids(&list["processes"]), [seen.as_str()]);
    let page = get("/api/processes?limit=1").await;
    assert_eq!((ids(&page["processes"]), &page["nextCursor"]), (vec![seen.as_str()], &Value::Null));
    let scripts = get("/api/scripts").await;
    let scripts = &scripts["projects"][0]["scripts"];
    assert_eq!(scripts.as_array().unwrap().len(), 1, "{scripts}");
    assert_eq!((&scripts[0]["name"], &scripts[0]["canStart"]), (&json!("patient"), &json!(false)));
    let hits = get("/api/logs/search?q=ready").await;
    assert!(hits["hits"].as_array().unwrap().iter().all(|hit| hit["processId"] == *seen));

    // Word for word the answer for what never was.
    let (_, _, real) = problem(&server, &token, Method::GET, &hidden, "").await;
    let (_, _, invented) = problem(&server, &token, Method::GET, "invented", "").await;
    assert_eq!(real.replace(&hidden, "ID"), invented.replace("invented", "ID"));
    let start = |script: &str| json!({"scriptName": script});
    let real = start_problem(&server, &token, start("tree")).await;
    let invented = start_problem(&server, &token, start("trex")).await;
    assert_eq!(real.replace("tree", "NAME"), invented.replace("trex", "NAME"));
}

#[tokio::test]
async fn updates_of_hidden_processes_are_not_told() {
    let server = Server::start(NARROW);
    let (mut socket, processes) = Socket::open_as(&server, &server.token_of("narrow", &[])).await;
    assert_eq!(processes, json!([]));
    let hidden = server.run("hello", &[]).await;
    server.wait_for_status(&hidden, "completed").await;
    let seen = server.run("patient", &[]).await;
    // Updates come in the order of the changes: the hidden ones would have been first.
    let update = socket.next_of("process-update").await;
    assert_eq!(update["process"]["id"], *seen);
}

#[tokio::test]
async fn a_token_may_be_narrower_than_its_role() {
    let server = Server::start(&[]);
    let token = server.token_of("admin", &["--only", "view start on hello"]);
    let start = async |script: &str| {
        let body = json!({"scriptName": script});
        server.send_as(&token, Method::POST, "/api/processes", Some(body)).await.status()
    };
    assert_eq!(start("hello").await, StatusCode::CREATED);
    assert_eq!(start("sleep").await, StatusCode::NOT_FOUND);
    let users = server.send_as(&token, Method::GET, "/api/users", None).await;
    assert_eq!(users.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn refusals_stand_in_the_audit() {
    let server = Server::start(NARROW);
    let token = server.token_of("narrow", &[]);
    let (seen, hidden) = (server.run("patient", &[]).await, server.run("tree", &[]).await);
    for id in [&seen, &hidden] {
        let (status, ..) = problem(&server, &token, Method::POST, id, "/restart").await;
        assert_eq!(status, if *id == seen { 403 } else { 404 });
    }
    let is_refused = |audit: &Value, id: &str| {
        let mut lines = audit["lines"].as_array().unwrap().iter();
        lines.any(|line| {
            line["target"] == id
                && line["action"] == "process.restart"
                && line["outcome"] == "forbidden"
                && line["detail"].as_str().unwrap().contains("narrow does not allow start")
        })
    };
    // A line of the audit is written soon, not before the answer.
    let both = |audit: &Value| is_refused(audit, &seen) && is_refused(audit, &hidden);
    server.wait_until("/api/audit", both).await;
}

#[tokio::test]
async fn a_role_has_its_own_rate_of_starts() {
    let server = Server::start(&[("RUNYARD_ROLES__SLOW", "view start, starts-per-minute 1")]);
    let token = server.token_of("slow", &[]);
    let start = async || {
        let body = json!({"scriptName": "hello"});
        server.send_as(&token, Method::POST, "/api/processes", Some(body)).await
    };
    assert_eq!(start().await.status(), StatusCode::CREATED);
    let refused = start().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    server.run("hello", &[]).await;
}

fn ids(processes: &Value) -> Vec<&str> {
    processes.as_array().unwrap().iter().map(|process| process["id"].as_str().unwrap()).collect()
}

async fn problem(
    server: &Server,
    token: &str,
    method: Method,
    id: &str,
    rest: &str,
) -> (u16, String, String) {
    let path = format!("/api/processes/{id}{rest}");
    let answer = server.send_as(token, method, &path, None).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap().to_owned(), body.to_string())
}

async fn start_problem(server: &Server, token: &str, body: Value) -> String {
    let answer = server.send_as(token, Method::POST, "/api/processes", Some(body)).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    answer.text().await.unwrap()
}
