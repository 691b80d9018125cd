//! What is told of a process besides its log: attempts, configuration, audit.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;

/// A service that fails again and again at once.
async fn start_failing(server: &Server) -> String {
    let strategy = json!({
        "restart": {"when": "always", "delayMs": 1, "factor": 1.0, "jitter": 0.0},
        "breaker": {"failures": 0},
    });
    let body = json!({"scriptName": "fail", "type": "long-running", "strategy": strategy});
    server.run_with(body).await
}

fn numbers(page: &Value) -> Vec<u64> {
    let attempts = page["attempts"].as_array().unwrap();
    attempts.iter().map(|attempt| attempt["n"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_attempt_can_be_read_page_by_page() {
    let server = Server::start(&[]);
    let id = start_failing(&server).await;
    let newest = |process: &Value| process["attempts"].as_array().unwrap().last().cloned();
    server
        .wait_for(&id, |process| newest(process).is_some_and(|a| a["n"].as_u64() >= Some(60)))
        .await;
    server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    let process = server.process(&id).await;
    assert_eq!(process["attempts"].as_array().unwrap().len(), 50, "the process has the newest");
    let all = newest(&process).unwrap()["n"].as_u64().unwrap();

    let path = format!("/api/processes/{id}/attempts");
    let first = server.get(&path).await;
    assert_eq!(numbers(&first), (all - 49..=all).rev().collect::<Vec<_>>());
    assert_eq!(first["nextBefore"], all - 49);
    assert_eq!(first["attempts"][0], newest(&process).unwrap());
    let rest = server.get(&format!("{path}?before={}&limit=500", all - 49)).await;
    assert_eq!(numbers(&rest), (1..all - 49).rev().collect::<Vec<_>>());
    assert_eq!(rest["nextBefore"], Value::Null);
    assert_eq!(rest["attempts"].as_array().unwrap().last().unwrap()["exitCode"], 3);

    let (status, _, detail) = server.problem(Method::GET, &format!("{path}?limit=501"), None).await;
    assert_eq!((status, detail.as_str()), (400, "limit is 501: it must be from 1 to 500"));
}

#[tokio::test]
async fn the_configuration_tells_all_but_secrets() {
    let server = Server::start(&[("RUNYARD_RUN__ENV_ALLOW", "NODE_*,MY_TOKEN")]);
    let body = json!({
        "scriptName": "sleep",
        "env": {"MY_TOKEN": "hunter2", "NODE_ENV": "test"},
        "timeoutMs": 60_000,
        "killSignal": "SIGINT",
    });
    let id = server.run_with(body).await;
    let configuration = server.get(&format!("/api/processes/{id}/configuration")).await;
    assert_eq!(configuration["commandLine"], "sleep 300");
    assert_eq!(configuration["timeoutMs"], 60_000);
    assert_eq!(configuration["killSignal"], "SIGINT");
    let env = |name: &str| {
        let all = configuration["env"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(env("NODE_ENV"), "test");
    assert_eq!(env("MY_TOKEN"), Value::Null);
    assert!(!configuration.to_string().contains("hunter2"));
    let process = server.process(&id).await;
    let hash = process["attempts"][0]["configHash"].as_str().unwrap();
    assert_eq!(configuration["configHash"], hash);
}

#[tokio::test]
async fn what_one_may_not_see_has_no_tabs() {
    let server = Server::start(&[("RUNYARD_ROLES__NARROW", "view on patient")]);
    let id = server.run("sleep", &[]).await;
    let token = server.token_of("narrow", &[]);
    for tab in ["attempts", "configuration"] {
        let path = format!("/api/processes/{id}/{tab}");
        let answer = server.send_as(&token, Method::GET, &path, None).await;
        assert_eq!(answer.status(), 404, "{tab}");
    }
}
