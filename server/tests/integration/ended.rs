//! What is being read when that which let its reader in ends.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::audit::{KEEPS_OLD_LINES, add_old_lines};
use crate::support::{PATIENCE, Server};

/// More than what fits into all buffers between a server and a client that does not read.
const LINES: i64 = 100_000;
/// A log of 30 MB.
const LONG: &str = r#"{"name": "p", "scripts": {
    "long": "head -c 30000000 /dev/zero | tr '\\0' x | fold -w 10000; echo"
}}"#;

/// Begins to read, lets the token be taken back, and reads on: how the reading ends, and what was read.
async fn read_on_without_token(server: &Server, path: &str) -> (reqwest::Result<()>, String) {
    let token = server.token_of("operator", &[]);
    let mut answer = server.send_as(&token, Method::GET, path, None).await;
    assert_eq!(answer.status(), 200, "{path}");
    let mut text = Vec::new();
    text.extend(answer.chunk().await.unwrap().unwrap());
    // It is listed soon after it was used first.
    let good = |tokens: &Value| {
        let tokens = tokens["tokens"].as_array().unwrap();
        let is_good = |it: &&Value| it["role"] == "operator" && it["revokedAt"].is_null();
        tokens.iter().find(is_good).map(|token| token["id"].clone())
    };
    let tokens = server.wait_until("/api/tokens", |tokens| good(tokens).is_some()).await;
    let id = good(&tokens).unwrap();
    let revoke = format!("/api/tokens/{}", id.as_str().unwrap());
    let revoked = server.send(Method::DELETE, &revoke, None).await;
    assert!(revoked.status().is_success(), "{}", revoked.status());
    let reading = async {
        while let Some(part) = answer.chunk().await? {
            text.extend(part);
        }
        Ok(())
    };
    let ended = tokio::time::timeout(PATIENCE, reading).await.unwrap();
    (ended, String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn what_is_written_while_it_is_read_ends_with_the_token_that_asked() {
    let server = Server::start_with(LONG, &[KEEPS_OLD_LINES]);
    add_old_lines(&server, LINES).await;
    let id = server.run("long", &[]).await;
    server.wait_for_status(&id, "completed").await;
    let download = format!("/api/processes/{id}/logs/download");
    for (path, is_whole) in [
        (
            "/api/audit/export?format=ndjson&actor=old",
            &(|text: &str| text.contains("\"id\":-100000,")) as &dyn Fn(&str) -> bool,
        ),
        (&download, &|text: &str| text.len() >= 30_000_000),
        ("/api/logs/search?q=x&limit=1000&format=ndjson", &|text: &str| text.contains("{\"end\":")),
    ] {
        let (ended, text) = read_on_without_token(&server, path).await;
        assert!(ended.is_err(), "{path}: the reader takes a part for all of it");
        assert!(!is_whole(&text), "{path} went on");
    }
    // One that may go on comes to its end.
    tokio::time::timeout(Duration::from_secs(60), async {
        let whole = server.send(Method::GET, &download, None).await.text().await.unwrap();
        assert!(whole.len() >= 30_000_000);
    })
    .await
    .unwrap();
}
