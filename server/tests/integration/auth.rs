//! Nothing answers without an identity, and no other site can borrow one.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};

use crate::support::{LAUNCHER, Server};

fn browser() -> Client {
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

#[tokio::test]
async fn nothing_but_the_open_pages_answers_without_an_identity() {
    let server = Server::start(&[]);
    let client = browser();
    let status = |method: Method, path: &'static str| {
        let request = client.request(method, format!("{}{path}", server.base));
        async move { request.send().await.unwrap().status() }
    };
    for path in ["/healthz", "/readyz", "/sign-in"] {
        assert_eq!(status(Method::GET, path).await, StatusCode::OK, "{path}");
    }
    for path in [
        "/api/processes",
        "/api/processes/x",
        "/api/scripts",
        "/api/audit",
        "/api/logs/search?q=x",
        "/metrics",
        "/ws",
        "/api/else",
    ] {
        assert_eq!(status(Method::GET, path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in [
        "/api/processes",
        "/api/processes/x/restart",
        "/api/processes/x/signal",
        "/api/ui/start_process",
        "/sign-out",
    ] {
        assert_eq!(status(Method::POST, path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/processes/x"] {
        assert_eq!(status(Method::GET, path).await, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    let server = Server::start(&[]);
    let other = Server::start(&[]);
    let tampered = format!("{}x", server.token());
    for token in [other.token(), &tampered, "", "a.b.c"] {
        let answer = Client::new()
            .get(format!("{}/api/processes", server.base))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{token:?}");
    }
}

#[tokio::test]
async fn the_link_signs_in_once_and_other_origins_change_nothing() {
    let server = Server::start(&[]);
    let client = browser();
    let answer = client.get(&server.link).send().await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/".parse().unwrap())
    );
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for wanted in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(wanted), "{cookie}");
    }
    let again = browser().get(&server.link).send().await.unwrap();
    assert_eq!(again.headers()["location"], "/sign-in?refused=link");
    assert!(again.headers().get("set-cookie").is_none());

    let url = format!("{}/api/processes", server.base);
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::OK);
    let start = |origin: Option<&str>| {
        let request = client.post(&url).body(r#"{"scriptName":"hello"}"#);
        let request = match origin {
            Some(origin) => request.header("Origin", origin),
            None => request,
        };
        async move { request.send().await.unwrap().status() }
    };
    for origin in [None, Some("http://evil.example"), Some("http://127.0.0.1:1"), Some("null")] {
        assert_eq!(start(origin).await, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(start(Some(&server.base)).await, StatusCode::CREATED);
    // A session is no API token.
    let session = cookie.split(['=', ';']).nth(1).unwrap();
    let answer = Client::new().get(&url).bearer_auth(session).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_answer_is_hardened() {
    let server = Server::start(&[]);
    let answer = Client::new().get(format!("{}/healthz", server.base)).send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["referrer-policy"], "same-origin");
    assert!(
        headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'")
    );
}

#[tokio::test]
async fn what_the_database_says_is_not_for_strangers_nor_for_every_line_of_the_log() {
    // What it says is for a file.
    let folder = tempfile::tempdir().unwrap();
    let (said, launcher) = (folder.path().join("said"), folder.path().join("launch"));
    let runyard = env!("CARGO_BIN_EXE_runyard");
    let script = format!("#!/bin/sh\nexec {runyard} \"$@\" 2>> {}\n", said.display());
    std::fs::write(&launcher, script).unwrap();
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start(&[(LAUNCHER, launcher.to_str().unwrap())]);
    let viewer = server.token_of("viewer", &[]);
    // What is kept in memory knows the token without it.
    assert_eq!(server.send_as(&viewer, Method::GET, "/readyz", None).await.status(), 200);
    let away = server.folder.path().join("away");
    std::fs::create_dir(&away).unwrap();
    for name in ["runyard.db", "runyard.db-wal", "runyard.db-shm"] {
        std::fs::rename(server.data().join(name), away.join(name)).unwrap();
    }
    let told = async |token: Option<&str>| {
        let request = Client::new().get(format!("{}/readyz", server.base));
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        answer.json::<serde_json::Value>().await.unwrap()["detail"].as_str().unwrap().to_owned()
    };
    let folder = server.folder.path().to_str().unwrap();
    for token in [None, Some("made up"), Some(viewer.as_str())] {
        let detail = told(token).await;
        assert_eq!(detail, "the database does not answer: see runyard's log", "{token:?}");
    }
    let detail = told(Some(server.token())).await;
    assert!(detail.contains(folder) && detail.contains("put it back"), "{detail}");
    // However often it is asked.
    for _ in 0..20 {
        told(None).await;
    }
    let said = std::fs::read_to_string(&said).unwrap();
    let lines: Vec<_> =
        said.lines().filter(|line| line.contains("the database does not answer")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("put it back"), "{said}");
    assert!(!said.contains("a request failed"), "{said}");
}
