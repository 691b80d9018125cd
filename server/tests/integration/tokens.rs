//! Tokens that people make for their programs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, add};
use crate::support::Server;

/// Makes one on the page, which shows it this once.
async fn make(browser: &Browser<'_>, form: &[(&str, &str)]) -> String {
    let page = browser.send("/tokens", form).await.text().await.unwrap();
    page.split("token-text").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_shown_once_is_as_narrow_as_asked_and_can_be_taken_back() {
    let server = Server::start(&[]);
    add(&server, "ada", "operator").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    let form = [("name", "ci"), ("role", "admin"), ("scope", ""), ("days", "1")];
    assert_eq!(browser.send("/tokens", &form).await.status(), StatusCode::FORBIDDEN);
    let form =
        [("name", "ci"), ("role", "operator"), ("scope", "start on hello\r\n"), ("days", "1")];
    let made = browser.send("/tokens", &form).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let page = made.text().await.unwrap();
    let token = page.split("token-text").nth(1).unwrap().split(['>', '<']).nth(1).unwrap();
    assert!(!browser.get("/tokens").await.text().await.unwrap().contains(token));

    let start = async |script: &str| {
        let body = json!({"scriptName": script});
        server.send_as(token, Method::POST, "/api/processes", Some(body)).await.status()
    };
    assert_eq!(start("hello").await, StatusCode::CREATED);
    assert_eq!(start("sleep").await, StatusCode::NOT_FOUND);
    // It makes no other, and sees no sessions of the one who made it.
    let more = json!({"name": "more", "ttlS": 3600});
    let more = server.send_as(token, Method::POST, "/api/tokens", Some(more)).await;
    assert_eq!(more.status(), StatusCode::FORBIDDEN);
    let sessions = server.send_as(token, Method::GET, "/api/sessions", None).await;
    assert_eq!(sessions.json::<Value>().await.unwrap(), json!({"sessions": []}));

    let listed = browser.json("/api/tokens").await["tokens"][0].clone();
    assert_eq!((&listed["name"], &listed["user"]), (&json!("ci"), &json!("ada")));
    let revoke = format!("/tokens/{}/revoke", listed["id"].as_str().unwrap());
    assert_eq!(browser.send(&revoke, &[]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(start("hello").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_tells_when_it_was_used_last() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    let form = [("name", "ci"), ("role", "viewer"), ("scope", ""), ("days", "1")];
    let token = make(&browser, &form).await;
    let used = async || browser.json("/api/tokens").await["tokens"][0]["lastUsedAt"].clone();
    assert_eq!(used().await, Value::Null);
    assert_eq!(server.send_as(&token, Method::GET, "/api/me", None).await.status(), 200);
    let begin = std::time::Instant::now();
    while used().await.is_null() {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_persons_tokens_do_not_multiply_what_they_may() {
    let server = Server::start(&[("RUNYARD_ROLES__SLOW", "view start, starts-per-minute 2")]);
    add(&server, "ada", "slow").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    let mut statuses = Vec::new();
    for name in ["one", "two", "admin"] {
        let form = [("name", name), ("role", "slow"), ("scope", ""), ("days", "1")];
        let token = make(&browser, &form).await;
        let body = Some(json!({"scriptName": "hello"}));
        let answer = server.send_as(&token, Method::POST, "/api/processes", body).await;
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [201, 201, 429]);
    // Nor is anybody else's share taken by a token that is called like them.
    let other = server.token_of("slow", &[]);
    let body = Some(json!({"scriptName": "hello"}));
    assert_eq!(server.send_as(&other, Method::POST, "/api/processes", body).await.status(), 201);
}
