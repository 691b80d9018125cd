//! What a browser, a proxy and the network may do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Server};
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
        assert!(
            !scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"),
            "{policy}"
        );
        let nonce = scripts.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 22, "{nonce}");
        let page = answer.text().await.unwrap();
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
async fn a_slow_head_is_cut_off() {
    let server = Server::start(&[]);
    let address: SocketAddr = server.address().parse().unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
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
        assert!(!policy.contains("'unsafe-eval'") && !policy.contains("script-src *"), "{policy}");
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

/// The head of a form of so many bytes, and the first few.
fn begun_form(server: &Server, bytes: usize) -> String {
    format!(
        "POST /sign-in HTTP/1.1\r\nHost: {0}\r\nOrigin: {1}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {bytes}\r\n\r\nname=",
        server.address(),
        server.base
    )
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let server = Server::start(&[]);
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(begun_form(&server, 1000).as_bytes()).await.unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("200 OK") && !answer.contains("303"), "{answer}");
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_by_its_whole_time() {
    let server = Server::start(&[("RUNYARD_LIMITS__BODY_TIMEOUT_S", "1")]);
    let (mut reader, mut writer) = TcpStream::connect(server.address()).await.unwrap().into_split();
    writer.write_all(begun_form(&server, 100000).as_bytes()).await.unwrap();
    let drip = async {
        // Never a pause that is worth the name.
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let begin = Instant::now();
    tokio::select! {
        read = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer)) => {
            // Cut, with an answer or without one.
            let _ = read.unwrap();
        }
        () = drip => {}
    }
    assert!(begin.elapsed() >= Duration::from_millis(900), "{:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(15), "not by the pauses: {:?}", begin.elapsed());
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("200 OK") && !answer.contains("303"), "{answer}");
}

#[tokio::test]
async fn there_are_no_more_connections_than_are_let_in() {
    let server = Server::start(&[("RUNYARD_LIMITS__MAX_CONNECTIONS", "8")]);
    let ask = async || {
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        // One that is refused may be closed before it has sent all.
        let _ = socket.write_all(request).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let mut held = Vec::new();
    let begin = Instant::now();
    // The last one that the start has used may still be there.
    while held.len() < 8 {
        assert!(begin.elapsed() < PATIENCE);
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        if socket.read_exact(&mut first).await.is_ok() && first == *b"HTTP/1.1 200" {
            held.push(socket);
        }
    }
    let refused = ask().await;
    // The words may be lost when the system resets what is closed with a request in it.
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.is_empty() || refused.contains("too many connections"), "{refused}");
    held.pop();
    let begin = Instant::now();
    while !ask().await.starts_with("HTTP/1.1 200 ") {
        assert!(begin.elapsed() < PATIENCE, "a place that is free again is given");
    }
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
