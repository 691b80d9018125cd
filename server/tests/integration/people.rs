//! People, their sessions and tokens, and what the audit says of them.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, command};
use crate::websocket::Socket;

const PASSWORD: &str = "correct horse battery";

/// A browser: it keeps its cookie, and says where its forms come from.
struct Browser<'a> {
    server: &'a Server,
    client: Client,
}

impl<'a> Browser<'a> {
    fn new(server: &'a Server) -> Self {
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Self { server, client }
    }

    async fn send_from(&self, origin: Option<&str>, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.server.base)).form(form);
        let request = match origin {
            Some(origin) => request.header("Origin", origin),
            None => request,
        };
        request.send().await.unwrap()
    }

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send_from(Some(&self.server.base), path, form).await
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.server.base)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    async fn sign_in(&self, name: &str, password: &str) -> String {
        let answer = self.send("/sign-in", &[("name", name), ("password", password)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

async fn add(server: &Server, name: &str, role: &str) -> String {
    let body = json!({"name": name, "role": role, "password": PASSWORD});
    let answer = server.send(Method::POST, "/api/users", Some(body)).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let user: Value = answer.json().await.unwrap();
    user["id"].as_str().unwrap().to_owned()
}

async fn audit(server: &Server, query: &str) -> Vec<Value> {
    let page = server.get(&format!("/api/audit?{query}")).await;
    page["lines"].as_array().unwrap().clone()
}

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
    let waits = browser.sign_in("ada", PASSWORD).await;
    assert!(waits.starts_with("/sign-in?refused=wait&s="), "also the right one: {waits}");
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
async fn the_audit_tells_who_did_what_from_where_and_how_it_ended() {
    let server = Server::start(&[]);
    let id = server.run("fail", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    // The end is shown a moment before it is stored, where the audit looks.
    let begin = std::time::Instant::now();
    let line = loop {
        let line = audit(&server, &format!("process={id}")).await[0].clone();
        if !line["exitCode"].is_null() {
            break line;
        }
        assert!(begin.elapsed() < crate::support::PATIENCE, "{line}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    let expected = json!({
        "actor": "tests", "via": "token", "address": "127.0.0.1", "action": "process.start",
        "project": "fixture", "script": "fail", "processId": id, "attempt": 1, "outcome": "ok",
        "exitCode": 3, "signal": null, "pid": process["attempts"][0]["pid"],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&line[key], value, "{key}");
    }
    assert!(line["detail"].as_str().unwrap().contains("exit 3"), "the command: {line}");

    let csv = server.send(Method::GET, &format!("/api/audit?format=csv&process={id}"), None).await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.starts_with("id,at,actor,") && csv.contains(&id), "{csv}");
    assert_eq!(audit(&server, "q=no-such-text-anywhere").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_audit_of_a_role_is_about_what_it_sees() {
    let server = Server::start(&[("RUNYARD_ROLES__NARROW", "view on hello")]);
    let seen = server.run("hello", &[]).await;
    let hidden = server.run("fail", &[]).await;
    add(&server, "ada", "viewer").await;
    let token = server.token_of("narrow", &[]);
    let answer = server.send_as(&token, Method::GET, "/api/audit", None).await;
    let page: Value = answer.json().await.unwrap();
    let lines = page["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{page}");
    assert_eq!(lines[0]["processId"], *seen);
    assert!(!page.to_string().contains(&hidden));
}

#[tokio::test]
async fn a_changed_line_of_the_audit_is_found() {
    let mut server = Server::start(&[]);
    for _ in 0..3 {
        server.run("hello", &[]).await;
    }
    server.stop_and_restart();
    let verify = || {
        let mut verify = command(server.folder.path());
        let output =
            verify.args(["audit", "verify", "--data"]).arg(server.data()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert!(verify().0);
    let database = format!("sqlite:{}", server.data().join("runyard.db").display());
    let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
    sqlx::query("UPDATE audit SET actor = 'somebody else' WHERE id = 2")
        .execute(&pool)
        .await
        .unwrap();
    let (ok, text) = verify();
    assert!(!ok && text.contains("line 2 is not as it was written"), "{text}");
}
