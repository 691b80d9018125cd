//! Scripts as another user, and kept from writing elsewhere: with real children. Only root can
//! become somebody else, so without it those tests say that they did not run.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::support::Server;

const PACKAGE_JSON: &str = r#"{
  "name": "fixture",
  "scripts": {
    "who": "id -u; id -G; echo $HOME $USER; grep NoNewPrivs /proc/self/status; echo again > /dev/stdout",
    "write": "for to in inside $TARGET /tmp/$NAME; do if echo x > $to/file; then echo yes $to; else echo no $to; fi; done 2>/dev/null; echo x > /dev/null && cat package.json | head -1",
    "loop": "trap 'echo got it; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
    "echo": "echo ready; read line; echo said $line"
  }
}"#;

/// A test that is passed over says why.
#[allow(clippy::print_stdout, reason = "there is nowhere else to say it")]
fn is_possible(is_possible: bool, why_not: &str) -> bool {
    if !is_possible {
        println!("skipped: {why_not}");
    }
    is_possible
}

fn is_root() -> bool {
    is_possible(nix::unistd::geteuid().is_root(), "only root can become another user")
}

fn open_to_all(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_script_runs_as_another_user_without_groups_and_new_rights() {
    if !is_root() {
        return;
    }
    let server = Server::start_with(PACKAGE_JSON, &[("RUNYARD_RUN__RUN_AS", "nobody")]);
    open_to_all(server.folder.path(), 0o755);
    let id = server.run("who", &[]).await;
    server.wait_for_status(&id, "completed").await;
    let lines = server.lines(&id).await;
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let home = format!("{} nobody", nobody.dir.display());
    let (uid, gid) = (nobody.uid.to_string(), nobody.gid.to_string());
    assert_eq!(lines, [&uid, &gid, &home, "NoNewPrivs:\t1", "again"]);
    let shown = server.get(&format!("/api/processes/{id}/configuration")).await;
    let rules = shown["rules"].as_array().unwrap();
    assert!(rules.contains(&json!({"name": "run_as", "value": "nobody"})), "{rules:?}");

    // Signals, stops and standard input reach it as they reach any.
    let id = server.run("loop", &[]).await;
    server.wait_for_line(&id, "ready").await;
    server.send(reqwest::Method::DELETE, &format!("/api/processes/{id}"), None).await;
    server.wait_for_status(&id, "stopped").await;
    assert_eq!(server.lines(&id).await[..2], ["ready", "got it"]);
    let body = json!({"scriptName": "echo", "type": "long-running", "strategy": {"stdin": true}});
    let id = server.run_with(body).await;
    server.wait_for_line(&id, "ready").await;
    let line = Some(json!({"line": "hello"}));
    let path = format!("/api/processes/{id}/stdin");
    let sent = server.send(reqwest::Method::POST, &path, line).await;
    assert_eq!(sent.status(), 204, "{}", sent.text().await.unwrap());
    server.wait_for_line(&id, "said hello").await;
}

#[tokio::test]
async fn a_user_who_may_not_read_the_program_is_told() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hidden");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    open_to_all(&program, 0o700);
    let package = format!(r#"{{"name": "p", "scripts": {{"main": "{}"}}}}"#, program.display());
    let server = Server::start_with(&package, &[("RUNYARD_RUN__RUN_AS", "nobody:nogroup")]);
    let id = server.run("main", &[]).await;
    let ended = server.wait_for_status(&id, "failed").await;
    assert_eq!(ended["exitCode"], 126);
    let lines = server.lines(&id).await;
    assert!(lines[0].contains("ermission denied"), "{lines:?}");
}

#[tokio::test]
async fn a_script_writes_in_its_project_and_nowhere_else() {
    let outside = tempfile::Builder::new().tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let inside_tmp = tempfile::Builder::new().prefix("runyard-sandbox").tempdir_in("/tmp").unwrap();
    let target = outside.path().to_str().unwrap().to_owned();
    let name = inside_tmp.path().file_name().unwrap().to_str().unwrap().to_owned();
    let settings = |sandbox: &'static str| {
        [("RUNYARD_RUN__SANDBOX", sandbox), ("RUNYARD_RUN__ENV_ALLOW", "TARGET,NAME")]
    };
    let body = json!({"scriptName": "write", "env": {"TARGET": target, "NAME": name}});
    let words = |may: &str| {
        vec![
            "yes inside".to_owned(),
            format!("{may} {target}"),
            format!("yes /tmp/{name}"),
            "{".to_owned(),
        ]
    };
    let free = Server::start_with(PACKAGE_JSON, &settings("off"));
    let id = free.run_with(body.clone()).await;
    free.wait_for_status(&id, "completed").await;
    assert_eq!(free.lines(&id).await, words("yes"), "without it the same script may");
    if !is_possible(server::confine::can_sandbox(), "this kernel has no Landlock of Linux 6.2") {
        return;
    }
    for how in ["require", "try"] {
        let kept = Server::start_with(PACKAGE_JSON, &settings(how));
        let id = kept.run_with(body.clone()).await;
        kept.wait_for_status(&id, "completed").await;
        assert_eq!(kept.lines(&id).await, words("no"), "{how}");
    }
}
