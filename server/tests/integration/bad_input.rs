//! Whatever is wrong is told in words with a stable code, and the server goes on.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, Server};

#[tokio::test]
async fn starts_that_are_refused() {
    let server = Server::start(&[]);
    symlink("/", server.project().join("escape")).unwrap();
    let long = "x".repeat(1001);
    let start = |extra: Value| {
        let mut body = json!({"scriptName": "say"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let cases = [
        (json!({"scriptName": "rm"}), 404, "script_not_found"),
        (start(json!({"args": ["a\u{1b}b"]})), 422, "argument_control_character"),
        (start(json!({"args": [long]})), 422, "argument_too_long"),
        (start(json!({"args": ["a;b"]})), 422, "argument_denied"),
        (start(json!({"args": ["$(id)"]})), 422, "argument_denied"),
        (start(json!({"args": ["../x"]})), 422, "argument_denied"),
        (start(json!({"args": ["--out=/etc/passwd"]})), 422, "argument_denied"),
        (start(json!({"cwd": "/"})), 422, "cwd_outside_project"),
        (start(json!({"cwd": "escape"})), 422, "cwd_outside_project"),
        (start(json!({"cwd": "nowhere"})), 422, "cwd_not_found"),
        (start(json!({"env": {"LD_PRELOAD": "x"}})), 422, "env_denied"),
        (start(json!({"env": {"SECRET": "x"}})), 422, "env_denied"),
        (start(json!({"killSignal": "SIGNOPE"})), 422, "signal_unknown"),
        (json!({"scriptName": "missing"}), 422, "executable_not_found"),
        (start(json!({"tpye": "x"})), 400, "invalid_json"),
        (start(json!({"args": "x"})), 400, "invalid_json"),
        (json!([]), 400, "invalid_json"),
    ];
    for (body, status, code) in cases {
        let got = server.problem(Method::POST, "/api/processes", Some(body.clone())).await;
        assert_eq!((got.0, got.1.as_str()), (status, code), "{body}: {}", got.2);
        assert!(got.2.len() > 10, "{body}: {}", got.2);
    }
    let got =
        server.problem(Method::POST, "/api/processes", Some(json!({"scriptName": "helo"}))).await;
    assert!(got.2.contains("hello"), "a near name is offered: {}", got.2);
    // Every refused start is in the audit, soon after its answer, and nothing was started.
    let begin = Instant::now();
    let refused = async || {
        let audit = server.get("/api/audit?limit=1000").await;
        let lines = audit["lines"].as_array().unwrap();
        lines.iter().filter(|line| line["outcome"] == "argument_denied").count()
    };
    while refused().await != 4 {
        assert!(begin.elapsed() < PATIENCE, "{} refusals are in the audit", refused().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(server.get("/api/processes").await["processes"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn requests_that_do_not_fit() {
    let server = Server::start(&[]);
    let id = server.run("hello", &[]).await;
    server.wait_for_status(&id, "completed").await;
    let of = |tail: &str| format!("/api/processes/{id}{tail}");
    let cases = [
        (Method::GET, "/api/processes/none".to_owned(), None, 404, "process_not_found"),
        (Method::DELETE, "/api/processes/none".to_owned(), None, 404, "process_not_found"),
        (Method::DELETE, of(""), None, 409, "invalid_state"),
        (Method::POST, of("/signal"), Some(json!({"signal": "SIGFOO"})), 422, "signal_unknown"),
        (Method::POST, of("/signal"), Some(json!({"signal": "SIGHUP"})), 409, "invalid_state"),
        (Method::GET, of("/logs?tail=0"), None, 400, "bad_request"),
        (Method::GET, of("/logs?tail=1&after=2"), None, 400, "bad_request"),
        (Method::GET, of("/logs?tail=many"), None, 400, "bad_request"),
        (Method::GET, of("/logs?stream=stdin"), None, 400, "bad_request"),
        (Method::GET, "/api/processes?status=odd".to_owned(), None, 400, "bad_request"),
        (Method::GET, "/api/processes?limit=0".to_owned(), None, 400, "bad_request"),
        (Method::GET, "/api/processes?colour=red".to_owned(), None, 400, "bad_request"),
        (Method::GET, "/api/nothing".to_owned(), None, 404, "not_found"),
    ];
    for (method, path, body, status, code) in cases {
        let got = server.problem(method.clone(), &path, body).await;
        assert_eq!((got.0, got.1.as_str()), (status, code), "{method} {path}: {}", got.2);
    }
    assert_eq!(server.process(&id).await["status"], "completed");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start(&[]);
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST /api/processes HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n",
        server.address(),
        server.token()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("body_too_large") {
        let read = tokio::time::timeout(PATIENCE, socket.read_buf(&mut answer)).await.unwrap();
        assert!(read.unwrap() > 0, "it closed after {}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn starting_too_often_is_refused_with_the_time_to_wait() {
    let server = Server::start(&[("RUNYARD_LIMITS__STARTS_PER_MINUTE", "2")]);
    server.run("hello", &[]).await;
    server.run("hello", &[]).await;
    let answer =
        server.send(Method::POST, "/api/processes", Some(json!({"scriptName": "hello"}))).await;
    assert_eq!(answer.status().as_u16(), 429);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "too_many_starts");
}

#[tokio::test]
async fn a_script_takes_the_arguments_that_it_says() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("project")).unwrap();
    let config = "[run.args]\nsay = \"target:staging|prod --tag:/v[0-9]+/\"\n";
    std::fs::write(folder.path().join("project/runyard.toml"), config).unwrap();
    let package =
        r#"{"name": "fixture", "scripts": {"say": "printf '%s\\n'", "hello": "echo hello"}}"#;
    let server = Server::start_in(folder, package, &[]);
    let start = |args: &[&str]| Some(json!({"scriptName": "say", "args": args}));
    for (args, words) in [
        (&[][..], "target is missing"),
        (&["production"], "one of staging, prod"),
        (&["prod", "--tag", "latest"], "--tag must be like /v[0-9]+/"),
        (&["prod", "--force"], "there is no option --force"),
    ] {
        let (status, code, detail) =
            server.problem(Method::POST, "/api/processes", start(args)).await;
        assert_eq!((status, code.as_str()), (422, "argument_unfit"), "{args:?}");
        assert!(detail.contains(words), "{detail}");
    }
    let id = server.run("say", &["prod", "--tag", "v12"]).await;
    server.wait_for_status(&id, "completed").await;
    assert_eq!(server.lines(&id).await[..3], ["prod", "--tag", "v12"]);
    // Others take what they took.
    server.run("hello", &[]).await;
    let scripts = server.get("/api/scripts").await;
    let scripts = scripts["projects"][0]["scripts"].as_array().unwrap();
    let say = scripts.iter().find(|script| script["name"] == "say").unwrap();
    assert_eq!(say["args"][0]["choices"], json!(["staging", "prod"]));
    let hello = scripts.iter().find(|script| script["name"] == "hello").unwrap();
    assert!(hello["args"].is_null());
}
