//! People, their sessions and tokens.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, add, audit};
use crate::support::{Server, command};
use crate::websocket::Socket;

#[tokio::test]
async fn the_first_link_makes_the_admin_who_can_set_a_password() {
    let server = Server::start(&[]);
    assert_eq!(server.get("/api/users").await["users"], json!([]));
    let browser = Browser::new(&server);
    browser.get(server.link.strip_prefix(&server.base).unwrap()).await;
    let me = browser.json("/api/me").await;
    assert_eq!(
        (&me["name"], &me["role"], &me["hasPassword"]),
        (&json!("admin"), &json!("admin"), &json!(false))
    );
    let weak = browser.send("/account/password", &[("new", "short")]).await;
    assert_eq!(weak.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.text().await.unwrap().contains("12 characters"));
    let set = browser.send("/account/password", &[("new", PASSWORD)]).await;
    assert_eq!(set.status(), StatusCode::OK);

    let other = Browser::new(&server);
    assert_eq!(other.sign_in("ADMIN", PASSWORD).await, "/");
    assert_eq!(other.json("/api/me").await["hasPassword"], true);
    // With a password there is a present one to know.
    let wrong = other.send("/account/password", &[("new", "another long password")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn sign_in_tells_nobody_who_there_is() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let disabled = add(&server, "bob", "viewer").await;
    let out = json!({"isDisabled": true});
    server.send(Method::PATCH, &format!("/api/users/{disabled}"), Some(out)).await;
    let browser = Browser::new(&server);
    let mut answers = Vec::new();
    for (name, password) in [("ada", "wrong"), ("nobody", "wrong"), ("bob", PASSWORD)] {
        answers.push(browser.sign_in(name, password).await);
    }
    assert_eq!(answers, ["/sign-in?refused=password"; 3]);
    assert_eq!(browser.get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    // What was typed as the name of nobody is not written down: it may be a password.
    let lines = audit(&server, "action=session.create").await;
    let names: Vec<_> = lines.iter().map(|line| line["actor"].as_str().unwrap()).collect();
    assert_eq!(names, ["bob", "", "ada"]);
    assert!(lines.iter().all(|line| line["address"] == "127.0.0.1" && line["via"] == "password"));
}

#[tokio::test]
async fn a_name_that_is_nobodys_takes_as_long() {
    let server = Server::start(&[("RUNYARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    add(&server, "ada", "viewer").await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let median = async |name: &str, network: &str| {
        let mut times = Vec::new();
        for n in 0..5 {
            let begin = std::time::Instant::now();
            let request = client.post(format!("{}/sign-in", server.base));
            let request = request.form(&[("name", name), ("password", "wrong")]);
            let request = request.header("Origin", &server.base);
            let request = request.header("X-Forwarded-For", format!("{network}.{n}"));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["location"], "/sign-in?refused=password");
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        times[2]
    };
    let known = median("ada", "192.0.2").await;
    let unknown = median("nobody", "198.51.100").await;
    // Without the work of a hash it would be a hundredth.
    assert!(unknown * 4 > known && known * 4 > unknown, "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn guessing_is_made_to_wait() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    for _ in 0..5 {
        assert_eq!(browser.sign_in("ada", "wrong").await, "/sign-in?refused=password");
    }
    // The right one, too.
    let answer = browser.send("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    let wait_s = header("retry-after");
    assert!(wait_s.parse::<u64>().is_ok_and(|seconds| seconds > 0), "{wait_s}");
    assert_eq!(header("location"), format!("/sign-in?refused=wait&s={wait_s}"));
}

#[tokio::test]
async fn a_sign_in_of_another_site_is_refused() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    for origin in [None, Some("http://evil.example"), Some("null")] {
        let form = [("name", "ada"), ("password", PASSWORD)];
        let answer = browser.send_from(origin, "/sign-in", &form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin:?}");
        assert!(answer.headers().get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn a_revoked_session_ends_with_its_sockets() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    let form = [("name", "ada"), ("password", PASSWORD)];
    let answer = browser.send("/sign-in", &form).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let headers = [("Cookie", cookie.as_str()), ("Origin", server.base.as_str())];
    let mut socket = Socket::open_with(&server, &headers).await;
    assert_eq!(socket.next().await.unwrap()["type"], "status");

    let sessions = server.get("/api/sessions").await;
    let session = &sessions["sessions"][0];
    assert_eq!((&session["user"], &session["method"]), (&json!("ada"), &json!("password")));
    let path = format!("/api/sessions/{}", session["id"].as_str().unwrap());
    let ended = server.send(Method::DELETE, &path, None).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    assert_eq!(socket.next().await, None, "the socket is closed");
    assert_eq!(browser.get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    let again = server.send(Method::DELETE, &path, None).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_role_holds_at_once_and_another_password_signs_out() {
    let server = Server::start(&[]);
    let id = add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    let path = format!("/api/users/{id}");
    server.send(Method::PATCH, &path, Some(json!({"role": "operator"}))).await;
    assert_eq!(browser.json("/api/me").await["role"], "operator");
    let body = json!({"password": "another long password"});
    server.send(Method::PATCH, &path, Some(body)).await;
    assert_eq!(browser.get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.sign_in("ada", "another long password").await, "/");
    server.send(Method::DELETE, &path, None).await;
    assert_eq!(browser.get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_everywhere_the_others() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let (here, there) = (Browser::new(&server), Browser::new(&server));
    here.sign_in("ada", PASSWORD).await;
    there.sign_in("ada", PASSWORD).await;
    assert_eq!(here.json("/api/sessions").await["sessions"].as_array().unwrap().len(), 2);
    here.send("/account/sign-out", &[]).await;
    assert_eq!(there.get("/api/me").await.status(), StatusCode::UNAUTHORIZED);
    let sessions = here.json("/api/sessions").await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["isCurrent"], true);

    let session = here.send("/sign-out", &[]).await;
    let cookie = session.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(server.get("/api/sessions").await["sessions"], json!([]));
}

#[tokio::test]
async fn the_console_adds_people_while_the_server_runs_and_the_chain_holds() {
    let server = Server::start(&[]);
    let run = |args: &[&str], input: &str| {
        let mut child = command(server.folder.path())
            .args(args)
            .arg("--data")
            .arg(server.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    server.run("hello", &[]).await;
    let (ok, text) = run(&["user", "add", "ada", "--role", "viewer"], "weak\n");
    assert!(!ok && text.contains("too weak"), "{text}");
    let (ok, text) = run(&["user", "add", "ada", "--role", "viewer"], &format!("{PASSWORD}\n"));
    assert!(ok, "{text}");
    let (ok, text) = run(&["user", "add", "Ada"], &format!("{PASSWORD}\n"));
    assert!(!ok && text.contains("is taken"), "{text}");
    assert_eq!(run(&["user", "list"], "").1, "ada\tviewer\tpassword\n");

    // The server sees it within a second.
    let browser = Browser::new(&server);
    let begin = std::time::Instant::now();
    while server.get("/api/users").await["users"].as_array().unwrap().is_empty() {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(browser.sign_in("ada", PASSWORD).await, "/");
    server.run("hello", &[]).await;

    let (ok, text) = run(&["audit", "verify"], "");
    assert!(ok && text.starts_with("ok: "), "{text}");
    let lines = audit(&server, "limit=1000").await;
    let actors: Vec<_> = lines.iter().map(|line| line["actor"].as_str().unwrap()).collect();
    assert!(actors.contains(&"console") && actors.contains(&"tests"), "{actors:?}");
}

#[tokio::test]
async fn the_console_sets_a_password_that_was_forgotten() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    let mut child = command(server.folder.path())
        .args(["user", "passwd", "ada", "--data"])
        .arg(server.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"another long password\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    // The server sees it within a second, and what was open ends.
    let begin = std::time::Instant::now();
    while browser.get("/api/me").await.status() != StatusCode::UNAUTHORIZED {
        assert!(begin.elapsed() < crate::support::PATIENCE);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(browser.sign_in("ada", PASSWORD).await, "/sign-in?refused=password");
    assert_eq!(browser.sign_in("ada", "another long password").await, "/");
}

#[tokio::test]
async fn signing_in_makes_a_session_of_its_own() {
    let server = Server::start(&[]);
    add(&server, "ada", "viewer").await;
    add(&server, "eve", "viewer").await;
    let eve = Browser::new(&server);
    let form = [("name", "eve"), ("password", PASSWORD)];
    let planted = eve.send("/sign-in", &form).await.headers()["set-cookie"].clone();
    let planted = planted.to_str().unwrap().split(';').next().unwrap().to_owned();
    // A cookie that somebody else has planted is not taken over by who signs in with it.
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{}/sign-in", server.base));
    let request = request.form(&[("name", "ada"), ("password", PASSWORD)]);
    let request = request.header("Origin", &server.base).header("Cookie", &planted);
    let answer = request.send().await.unwrap();
    let made = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(!made.contains(&planted), "{made}");
    assert_eq!(eve.json("/api/me").await["name"], "eve");
}

#[tokio::test]
async fn the_link_makes_nobody_admin_whom_a_provider_vouches_for() {
    let server = Server::start(&[]);
    let database = format!("sqlite:{}", server.data().join("runyard.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    // As one who was called so at a provider has come in before anybody else.
    sqlx::query(
        "INSERT INTO users (id, name, name_folded, role, source, subject, is_disabled, created_at,
                            created_by)
         VALUES ('1', 'admin', 'admin', 'viewer', 'https://id.example', '7', 0, 1, 'id.example'),
                ('2', 'ada', 'ada', 'admin', 'https://id.example', '8', 0, 1, 'id.example')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let count = |users: &Value| users["users"].as_array().unwrap().len();
    server.wait_until("/api/users", |users| count(users) == 2).await;
    let browser = Browser::new(&server);
    browser.get(server.link.strip_prefix(&server.base).unwrap()).await;
    let me = browser.json("/api/me").await;
    assert_eq!((&me["name"], &me["role"]), (&json!("admin (console)"), &json!("admin")));
    let users = server.get("/api/users").await;
    let of = |name: &str| {
        let users = users["users"].as_array().unwrap();
        users.iter().find(|user| user["name"] == name).unwrap().clone()
    };
    assert_eq!(of("admin")["role"], "viewer");
    assert_eq!((of("ada")["sessions"].clone(), count(&users)), (json!(0), 3));
}
