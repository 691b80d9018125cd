//! The forms of the pages lead to the same use-cases as REST, and each must ask as well.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::{Browser, PASSWORD, add};
use crate::support::Server;

#[tokio::test]
async fn a_form_does_nothing_for_one_who_may_only_look() {
    let server = Server::start(&[]);
    let eve = add(&server, "eve", "viewer").await;
    let id = server.run("patient", &[]).await;
    server.wait_for_line(&id, "ready").await;
    let browser = Browser::new(&server);
    assert_eq!(browser.sign_in("eve", PASSWORD).await, "/");
    let scripts = browser.json("/api/scripts").await;
    let project = scripts["projects"][0]["name"].as_str().unwrap();

    let person = [("name", "mallory"), ("role", "admin"), ("password", PASSWORD)];
    let forms: [(String, &[(&str, &str)]); 6] = [
        ("/start".into(), &[("project", project), ("script", "hello")]),
        (format!("/processes/{id}/stop"), &[]),
        (format!("/processes/{id}/restart"), &[]),
        ("/people".into(), &person),
        (format!("/people/{eve}"), &[("act", "role"), ("role", "admin")]),
        (format!("/people/{eve}"), &[("act", "delete")]),
    ];
    for (path, form) in &forms {
        let answer = browser.send(path, form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {form:?}");
    }
    let process = server.process(&id).await;
    let attempts = process["attempts"].as_array().unwrap().len();
    assert_eq!((&process["status"], attempts), (&json!("running"), 1));
    assert_eq!(server.get("/api/processes").await["processes"].as_array().unwrap().len(), 1);
    let people = server.get("/api/users").await;
    let people = people["users"].as_array().unwrap();
    assert!(people.iter().any(|one| one["name"] == "eve" && one["role"] == "viewer"), "{people:?}");
    assert!(people.iter().all(|one| one["name"] != "mallory"), "{people:?}");
}

#[tokio::test]
async fn a_search_finds_nothing_for_one_who_may_not_read_logs() {
    let server = Server::start(&[
        ("RUNYARD_ROLES__SEES", "view"),
        ("RUNYARD_ROLES__READS", "view read-logs"),
    ]);
    let id = server.run("say", &["a needle"]).await;
    server.wait_for_status(&id, "completed").await;
    let mut found = Vec::new();
    for role in ["sees", "reads"] {
        let path = "/api/logs/search?q=needle&format=ndjson";
        let token = server.token_of(role, &[]);
        let answer = server.send_as(&token, Method::GET, path, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        found.push(answer.text().await.unwrap().contains(&id));
    }
    assert_eq!(found, [false, true]);
}
