//! What a browser, a proxy and the network may do.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Server;
use crate::websocket::Socket;

fn browser() -> Client {
    Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap()
}

#[tokio::test]
async fn only_what_carries_the_nonce_runs() {
    let server = Server::start(&[]);
    let client = browser();
    client.get(&server.link).send().await.unwrap();
    let mut nonces = Vec::new();
    for path in ["/", "/", "/account", "/people", "/audit"] {
        let answer = client.get(format!("{}{path}", server.base)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        let nonce = scripts.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 22, "{nonce}");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("style="), "{path} has a style that the policy forbids");
        let inline = page.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap());
        for tag in inline {
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}>");
        }
        nonces.push(nonce);
    }
    let count = nonces.len();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), count, "each answer has another one");
}

#[tokio::test]
async fn a_browser_that_says_it_is_elsewhere_changes_nothing() {
    let server = Server::start(&[]);
    let client = browser();
    client.get(&server.link).send().await.unwrap();
    for (site, expected) in [
        (None, StatusCode::CREATED),
        (Some("same-origin"), StatusCode::CREATED),
        (Some("same-site"), StatusCode::FORBIDDEN),
        (Some("cross-site"), StatusCode::FORBIDDEN),
    ] {
        let mut request = client
            .post(format!("{}/api/processes", server.base))
            .header("Origin", &server.base)
            .body(r#"{"scriptName":"hello"}"#);
        if let Some(site) = site {
            request = request.header("Sec-Fetch-Site", site);
        }
        assert_eq!(request.send().await.unwrap().status(), expected, "{site:?}");
    }
}

#[tokio::test]
async fn strangers_are_told_to_wait_and_others_are_not() {
    let server = Server::start(&[("RUNYARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    let client = Client::new();
    let knock = async |address: &str| {
        let request = client.get(format!("{}/api/me", server.base));
        request.header("X-Forwarded-For", address).send().await.unwrap()
    };
    let mut refused = None;
    for _ in 0..700 {
        let answer = knock("198.51.100.7").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = refused.expect("there is a limit");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(knock("198.51.100.8").await.status(), StatusCode::UNAUTHORIZED);
    // Whoever says truly who they are is not a stranger.
    server.get("/api/me").await;
}

#[tokio::test]
async fn a_foreign_page_cannot_lock_a_network_out_of_the_provider() {
    let server = Server::start(&[
        ("RUNYARD_OIDC__ISSUER", "http://127.0.0.1:9"),
        ("RUNYARD_OIDC__CLIENT_ID", "runyard"),
        ("RUNYARD_OIDC__PUBLIC_URL", "http://127.0.0.1"),
        ("RUNYARD_OIDC__DEFAULT_ROLE", "viewer"),
    ]);
    // What an image of another site asks for: no cookie, no state, as often as it likes.
    for _ in 0..30 {
        let answer = browser().get(format!("{}/sign-in/callback", server.base)).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.headers()["location"], "/sign-in?refused=state");
    }
}

#[tokio::test]
async fn what_one_may_ask_and_hold_open_has_an_end() {
    let server = Server::start(&[
        ("RUNYARD_LIMITS__REQUESTS_PER_MINUTE", "20"),
        ("RUNYARD_LIMITS__SOCKETS_PER_USER", "1"),
    ]);
    let (_socket, _) = Socket::open_as(&server, server.token()).await;
    let answer = server.send(Method::GET, "/ws", None).await;
    assert_eq!(answer.status(), StatusCode::UPGRADE_REQUIRED, "no socket is counted for it");
    let second = tokio_tungstenite::connect_async(Socket::request(&server, server.token())).await;
    let Err(tokio_tungstenite::tungstenite::Error::Http(refused)) = second else {
        panic!("a second socket was let in")
    };
    assert_eq!(refused.status(), 429);
    let mut last = StatusCode::OK;
    for _ in 0..30 {
        last = server.send(Method::GET, "/api/me", None).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn with_auth_off_this_machine_is_let_in_and_a_rebound_name_is_not() {
    let server = Server::start(&[("RUNYARD_AUTH__MODE", "off")]);
    let client = Client::new();
    let url = format!("{}/api/me", server.base);
    let me: Value = client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&me["via"], &me["role"]), (&json!("nobody"), &json!("admin")));
    let rebound = client.get(&url).header("Host", "rebound.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    let start = |origin: &str| {
        let request = client.post(format!("{}/api/processes", server.base));
        let request = request.header("Origin", origin).body(r#"{"scriptName":"hello"}"#);
        async move { request.send().await.unwrap().status() }
    };
    assert_eq!(start("http://evil.example").await, StatusCode::FORBIDDEN);
    assert_eq!(start(&server.base).await, StatusCode::CREATED);
}

#[tokio::test]
async fn every_kind_of_answer_has_every_header() {
    let server = Server::start(&[("RUNYARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    let client = browser();
    client.get(&server.link).send().await.unwrap();
    for (path, status) in [
        ("/", 200),
        ("/account", 200),
        ("/sign-in", 200),
        ("/api/processes", 200),
        ("/api/processes/none", 404),
        ("/api/openapi.json", 200),
        ("/docs", 200),
        ("/healthz", 200),
        ("/nothing", 404),
    ] {
        let answer = client.get(format!("{}{path}", server.base)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(name), expected, "{name} of {path}");
        }
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        for part in ["'unsafe-eval'", "'unsafe-inline'", "script-src *"] {
            assert!(!policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("strict-transport-security"), "", "there is no tls");
    }
    // A proxy with TLS says so, and is believed.
    let request = client.get(format!("{}/healthz", server.base));
    let answer = request.header("X-Forwarded-Proto", "https").send().await.unwrap();
    assert!(answer.headers().contains_key("strict-transport-security"));
    let other = Server::start(&[]);
    let request = client.get(format!("{}/healthz", other.base));
    let answer = request.header("X-Forwarded-Proto", "https").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"), "anybody could say that");
}

#[tokio::test]
async fn no_escape_of_a_log_reaches_a_terminal() {
    let package = r#"{"name": "p", "scripts": {"main": "printf '\\033]0;title\\007\\033[31mred\\033[0m\\033[2J\\n'"}}"#;
    let server = Server::start_with(package, &[]);
    let id = server.run("main", &[]).await;
    server.wait_for_status(&id, "completed").await;
    for path in ["logs?format=text", "logs/download?format=text"] {
        let path = format!("/api/processes/{id}/{path}");
        let text = server.send(Method::GET, &path, None).await.text().await.unwrap();
        assert_eq!(text, "]0;title\u{1b}[31mred\u{1b}[0m[2J\n", "{path}");
    }
    // Nothing of it is lost: JSON has every byte, and itself no escape.
    assert_eq!(server.lines(&id).await, ["\u{1b}]0;title\u{7}\u{1b}[31mred\u{1b}[0m\u{1b}[2J"]);
    let path = format!("/api/processes/{id}/logs?format=ndjson");
    let text = server.send(Method::GET, &path, None).await.text().await.unwrap();
    assert!(!text.contains('\u{1b}') && text.contains("\\u001b]0;title"), "{text}");
}
