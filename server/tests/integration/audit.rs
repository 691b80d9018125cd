//! The audit: a line for each act, a chain that tells what was changed, and what each may read of it.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, add, audit};
use crate::support::{Server, command};

/// Whether the chain is whole, and what is said of it.
fn verify(server: &Server) -> (bool, String) {
    let mut verify = command(server.folder.path());
    let output: Output =
        verify.args(["audit", "verify", "--data"]).arg(server.data()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

pub(crate) async fn database(server: &Server) -> sqlx::SqlitePool {
    let database = format!("sqlite:{}", server.data().join("runyard.db").display());
    sqlx::SqlitePool::connect(&database).await.unwrap()
}

#[tokio::test]
async fn the_audit_tells_who_did_what_from_where_and_how_it_ended() {
    let server = Server::start(&[]);
    let id = server.run("fail", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    // The end is shown a moment before it is stored, where the audit looks.
    let begin = std::time::Instant::now();
    let line = loop {
        let query = format!("process={id}&action=process.start");
        let line = audit(&server, &query).await[0].clone();
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

    let ends = audit(&server, &format!("process={id}&action=process.end")).await;
    assert_eq!(ends.len(), 1, "{ends:?}");
    let expected = json!({
        "actor": "runyard", "action": "process.end", "project": "fixture", "script": "fail",
        "processId": id, "attempt": 1, "outcome": "exit 3", "at": process["endedAt"],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&ends[0][key], value, "{key}");
    }
    let detail = ends[0]["detail"].as_str().unwrap();
    let pid = format!("pid {}", process["attempts"][0]["pid"]);
    assert!(detail.contains(&pid) && detail.contains("started by tests"), "{detail}");
    assert!(audit(&server, &format!("process={id}&outcome=refused")).await.is_empty());

    let csv = server.send(Method::GET, &format!("/api/audit/export?process={id}"), None).await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 3);
    assert!(csv.starts_with("id,at,actor,") && csv.contains(&id), "{csv}");
    assert_eq!(audit(&server, "q=no-such-text-anywhere").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_audit_of_a_role_is_about_what_it_sees() {
    let server = Server::start(&[("RUNYARD_ROLES__NARROW", "view on hello")]);
    let seen = server.run("hello", &[]).await;
    let hidden = server.run("fail", &[]).await;
    for id in [&seen, &hidden] {
        server.wait_for_audit(&format!("process={id}&action=process.end")).await;
    }
    add(&server, "ada", "viewer").await;
    let token = server.token_of("narrow", &[]);
    let answer = server.send_as(&token, Method::GET, "/api/audit", None).await;
    let page: Value = answer.json().await.unwrap();
    let lines = page["lines"].as_array().unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["process.end", "process.start"], "{page}");
    for line in lines {
        assert_eq!(line["processId"], *seen);
    }
    assert!(!page.to_string().contains(&hidden));
}

#[tokio::test]
async fn a_changed_line_of_the_audit_is_found() {
    let mut server = Server::start(&[]);
    for _ in 0..3 {
        server.run("hello", &[]).await;
    }
    server.stop_and_restart();
    let verify = || verify(&server);
    assert!(verify().0);
    let pool = database(&server).await;
    sqlx::query("UPDATE audit SET actor = 'somebody else' WHERE id = 2")
        .execute(&pool)
        .await
        .unwrap();
    let (ok, text) = verify();
    assert!(!ok && text.contains("line 2 is not as it was written"), "{text}");
}

#[tokio::test]
async fn another_outcome_than_the_one_that_was_told_is_found() {
    let mut server = Server::start(&[]);
    let failed = server.run("fail", &[]).await;
    server.wait_for_audit(&format!("process={failed}&action=process.end")).await;
    server.stop();
    assert!(verify(&server).0);
    let pool = database(&server).await;
    let change = async |sql: &'static str| {
        sqlx::query(sql).execute(&pool).await.unwrap();
    };
    change("UPDATE audit SET outcome = 'exit 0' WHERE action = 'process.end'").await;
    let (ok, text) = verify(&server);
    assert!(!ok && text.contains("is not as it was written"), "{text}");
    change("UPDATE audit SET outcome = 'exit 3' WHERE action = 'process.end'").await;
    assert!(verify(&server).0);
    // The page of the process shows what is kept of the attempt itself.
    change("UPDATE attempts SET exit_code = 0").await;
    let (ok, text) = verify(&server);
    let words = format!("the attempt of {failed} ended by exit 3, and the attempt differs");
    assert!(!ok && text.contains(&words), "{text}");
    change("UPDATE attempts SET exit_code = 3").await;
    assert!(verify(&server).0);
    change("DELETE FROM audit WHERE action = 'process.end'").await;
    assert!(!verify(&server).0, "a line that was taken out");
    server.relaunch();
}

/// The actions and outcomes that a test has caused, by what they were about.
fn told(lines: &[Value], action: &str, target: &str) -> Vec<String> {
    let fits = |line: &&Value| line["action"] == action && line["target"] == target;
    lines.iter().filter(fits).map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_act_leaves_a_line() {
    let server = Server::declaring(
        "[process.cat]\ncommand = [\"cat\"]\ntype = \"long-running\"\nstdin = true\n",
        &[],
    );
    let send = async |method: Method, path: &str, body: Option<Value>| {
        let status = server.send(method, path, body).await.status();
        assert!(status.is_success(), "{path}: {status}");
    };
    // What is done to processes.
    let id = server.run("cat", &[]).await;
    server.wait_for_status(&id, "running").await;
    let of_it = |tail: &str| format!("/api/processes/{id}{tail}");
    send(Method::POST, &of_it("/stdin"), Some(json!({"line": "hello"}))).await;
    send(Method::POST, &of_it("/signal"), Some(json!({"signal": "SIGCONT"}))).await;
    send(Method::POST, &of_it("/restart"), None).await;
    server.wait_for(&id, |process| process["attempts"][1]["pid"].is_number()).await;
    send(Method::DELETE, &of_it("?wait=true"), None).await;
    // To Runyard.
    send(Method::POST, "/api/pools/jobs/pause", None).await;
    send(Method::POST, "/api/pools/jobs/resume", None).await;
    let version = server.get("/api/config/diff").await["version"].clone();
    send(Method::POST, "/api/config/reload", Some(json!({"version": version}))).await;
    send(Method::POST, "/api/declared/start", None).await;
    send(Method::POST, "/api/declared/stop", None).await;
    // To people.
    let ada = add(&server, "ada", "viewer").await;
    let of_ada = format!("/api/users/{ada}");
    send(Method::PATCH, &of_ada, Some(json!({"role": "operator"}))).await;
    let browser = Browser::new(&server);
    assert_eq!(browser.sign_in("ada", "not the password").await, "/sign-in?refused=password");
    assert_eq!(browser.sign_in("ada", PASSWORD).await, "/");
    let form = [("name", "ci"), ("role", "operator"), ("scope", ""), ("days", "1")];
    assert_eq!(browser.send("/tokens", &form).await.status(), 201);
    let token = browser.json("/api/tokens").await["tokens"][0]["id"].clone();
    let revoke = format!("/tokens/{}/revoke", token.as_str().unwrap());
    assert_eq!(browser.send(&revoke, &[]).await.status(), 303);
    let form = [("current", PASSWORD), ("new", "another long password")];
    assert_eq!(browser.send("/account/password", &form).await.status(), 200);
    assert_eq!(browser.get("/people").await.status(), 403);
    assert_eq!(browser.send("/sign-out", &[]).await.status(), 303);
    send(Method::DELETE, &of_ada, None).await;

    // The end of the second attempt is stored a moment after it is shown.
    let begin = std::time::Instant::now();
    while audit(&server, &format!("process={id}&action=process.end")).await.len() < 2 {
        assert!(begin.elapsed() < crate::support::PATIENCE, "two attempts have ended");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let lines = audit(&server, "limit=1000").await;
    for (action, target, outcomes) in [
        ("process.start", id.as_str(), &["ok"][..]),
        ("process.stdin", &id, &["ok"]),
        ("process.signal", &id, &["ok"]),
        ("process.restart", &id, &["ok"]),
        ("process.stop", &id, &["ok"]),
        ("pool.pause", "jobs", &["ok"]),
        ("pool.resume", "jobs", &["ok"]),
        ("config.reload", "runyard.toml", &["ok"]),
        ("declared.start", "runyard.toml", &["ok"]),
        ("declared.stop", "runyard.toml", &["ok"]),
        ("user.create", "ada", &["ok"]),
        ("user.change", "ada", &["ok"]),
        ("session.create", "ada", &["ok", "sign_in_refused"]),
        ("token.create", "ci", &["ok"]),
        ("token.revoke", "ci", &["ok"]),
        ("user.password", "ada", &["ok"]),
        ("user.list", "runyard", &["forbidden"]),
        ("session.end", "ada", &["ok"]),
        ("user.delete", "ada", &["ok"]),
    ] {
        assert_eq!(told(&lines, action, target), outcomes, "{action} on {target}: {lines:#?}");
    }
    // Each tells who, how they came in and from where; no line has a password or what was typed in.
    // What came of an act is told by Runyard, from nowhere.
    for line in &lines {
        let is_own = line["actor"] == "runyard";
        for key in if is_own { &["actor"][..] } else { &["actor", "via", "address"] } {
            assert_ne!(line[key], "", "{key} of {line}");
        }
        assert!(line["action"] != "process.end" || is_own, "{line}");
    }
    assert_eq!(told(&lines, "process.end", &id), ["SIGTERM", "SIGTERM"], "{lines:#?}");
    let text = Value::from(lines).to_string();
    for secret in [PASSWORD, "another long password", "not the password"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(verify(&server).0);
}

#[tokio::test]
async fn who_has_made_a_token_is_named_with_it() {
    let server = Server::start(&[]);
    add(&server, "ada", "operator").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    // Called like somebody else, it is still hers.
    let form = [("name", "admin"), ("role", "operator"), ("scope", ""), ("days", "1")];
    let page = browser.send("/tokens", &form).await.text().await.unwrap();
    let token = page.split("token-text").nth(1).unwrap().split(['>', '<']).nth(1).unwrap();
    let body = Some(json!({"scriptName": "hello"}));
    let started = server.send_as(token, Method::POST, "/api/processes", body).await;
    assert_eq!(started.status(), 201);
    let line = audit(&server, "action=process.start").await[0].clone();
    assert_eq!((&line["actor"], &line["via"]), (&json!("admin (ada)"), &json!("token")));
}

#[tokio::test]
async fn the_audit_comes_in_pages_and_as_a_file_of_three_forms() {
    let server = Server::start(&[]);
    for _ in 0..3 {
        server.run("hello", &[]).await;
    }
    let page = server.get("/api/audit?action=process.start&limit=2").await;
    assert_eq!(page["lines"].as_array().unwrap().len(), 2);
    let rest = format!("/api/audit?action=process.start&cursor={}", page["nextCursor"]);
    let rest = server.get(&rest).await;
    assert_eq!((rest["lines"].as_array().unwrap().len(), &rest["nextCursor"]), (1, &Value::Null));
    for (format, kind, lines) in [
        ("csv", "text/csv; charset=utf-8", 1 + 3),
        ("json", "application/json", 2 + 3),
        ("ndjson", "application/x-ndjson", 3),
    ] {
        let path = format!("/api/audit/export?action=process.start&format={format}");
        let answer = server.send(Method::GET, &path, None).await;
        let expected = format!("attachment; filename=\"audit.{format}\"");
        assert_eq!(answer.headers()["content-disposition"], *expected);
        assert_eq!(answer.headers()["content-type"], kind);
        let text = answer.text().await.unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
    }
    let refused = server.send(Method::GET, "/api/audit?format=csv", None).await;
    assert_eq!(refused.status(), 400, "a page has one form");
}

#[tokio::test]
async fn old_lines_go_and_the_chain_of_the_rest_holds() {
    let mut server = Server::start(&[("RUNYARD_AUDIT__KEEP_DAYS", "30")]);
    for _ in 0..3 {
        let id = server.run("hello", &[]).await;
        server.wait_for_audit(&format!("process={id}&action=process.end")).await;
    }
    let before = audit(&server, "limit=1000").await;
    assert_eq!(before.len(), 6, "{before:?}");
    server.crash();
    let pool = database(&server).await;
    let day_ms = 86_400_000_i64;
    sqlx::query("UPDATE audit SET at = at - ?1 WHERE id <= 5")
        .bind(31 * day_ms)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    assert!(!verify(&server).0, "a line cannot be made to look old");
    server.relaunch();
    server.wait_for_audit("action=audit.prune").await;
    let lines = audit(&server, "limit=1000").await;
    let last = lines.last().unwrap();
    assert_eq!(last["id"], before[0]["id"], "the newest of the six is the oldest now");
    let pruned = lines.iter().find(|line| line["action"] == "audit.prune").unwrap();
    assert!(pruned["detail"].as_str().unwrap().starts_with("5 lines"), "{pruned}");
    let (ok, text) = verify(&server);
    assert!(ok, "{text}");
    // The logs have a time of their own.
    assert_eq!(server.get("/api/processes").await["processes"].as_array().unwrap().len(), 3);
}

/// For a server that does not sweep away what [`add_old_lines`] adds.
pub(crate) const KEEPS_OLD_LINES: (&str, &str) = ("RUNYARD_AUDIT__KEEP_DAYS", "0");

/// Lines of long ago, before all that the server has written: it goes on behind its own newest one.
pub(crate) async fn add_old_lines(server: &Server, count: i64) {
    let pool = database(server).await;
    sqlx::query(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
         INSERT INTO audit (id, at, actor, action, target, project, script, outcome, detail)
         SELECT -n, 1000000 - n, 'old', 'process.start', 'x', 'fixture',
             CASE n % 3 WHEN 0 THEN 'hello' ELSE 'fail' END, 'ok', 'a, \"b\" ' || n
         FROM numbers",
    )
    .bind(count)
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
}

#[tokio::test]
async fn an_export_has_all_of_it() {
    let server = Server::start(&[("RUNYARD_ROLES__NARROW", "view on hello"), KEEPS_OLD_LINES]);
    assert_eq!(export(&server, server.token(), "format=json&actor=nobody").await, "[]\n");
    add_old_lines(&server, 12_001).await;
    let json = export(&server, server.token(), "format=json&actor=old").await;
    let json: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(json.len(), 12_001);
    let ids: Vec<_> = json.iter().map(|line| line["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=12_001).map(|n| -n).collect::<Vec<_>>(), "newest first, each once");
    let ndjson = export(&server, server.token(), "format=ndjson&actor=old").await;
    let lines: Vec<Value> =
        ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, json);
    let csv = export(&server, server.token(), "actor=old").await;
    assert_eq!(csv.lines().count(), 12_002);
    assert_eq!(csv.lines().filter(|line| line.starts_with("id,at,")).count(), 1);
    assert!(csv.lines().last().unwrap().contains("\"a, \"\"b\"\" 12001\""), "quoted");
    // A filter that fits few, and a time.
    let few = export(&server, server.token(), "format=ndjson&q=%22b%22%20120").await;
    assert_eq!(few.lines().count(), 1 + 10 + 2, "120, 1200 to 1209, 12000 and 12001");
    let none = export(&server, server.token(), "format=ndjson&actor=old&since=4000000").await;
    assert_eq!(none, "");
    // As much as the role sees, and no line more.
    let narrow = server.token_of("narrow", &[]);
    let seen = export(&server, &narrow, "format=ndjson").await;
    assert_eq!(seen.lines().count(), 12_001 / 3);
    assert!(!seen.contains("fail"), "what is hidden");
    let refused = server.send(Method::GET, "/api/audit/export?outcome=maybe", None).await;
    assert_eq!(refused.status(), 400);
}

async fn export(server: &Server, token: &str, query: &str) -> String {
    let path = format!("/api/audit/export?{query}");
    let answer = server.send_as(token, Method::GET, &path, None).await;
    assert_eq!(answer.status(), 200, "{query}");
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    answer.text().await.unwrap()
}
