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

/// A folder in which no sandbox lets write by itself.
fn kept_folder() -> tempfile::TempDir {
    tempfile::Builder::new().tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
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
    // Its shell may say on stderr what has become of what it waited for.
    let entries = server.entries(&id).await;
    let said = entries.iter().filter(|entry| entry["type"] == "stdout");
    let said: Vec<_> = said.map(|entry| entry["line"].as_str().unwrap()).collect();
    assert_eq!(said, ["ready", "got it"]);
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
        let kept = Server::start_in(kept_folder(), PACKAGE_JSON, &settings(how));
        let id = kept.run_with(body.clone()).await;
        kept.wait_for_status(&id, "completed").await;
        assert_eq!(kept.lines(&id).await, words("no"), "{how}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named_in_the_log() {
    let folder = kept_folder();
    let missing = folder.path().join("no-such-folder").display().to_string();
    let settings =
        [("RUNYARD_RUN__SANDBOX", "try"), ("RUNYARD_RUN__SANDBOX_WRITE", missing.as_str())];
    let server = Server::start_in(folder, PACKAGE_JSON, &settings);
    let id = server.run("who", &[]).await;
    server.wait_for_status(&id, "completed").await;
    let told = format!("runyard: {missing} is not there to be written in");
    let lines = server.lines(&id).await;
    assert_eq!(lines.iter().filter(|line| line.contains(&told)).count(), 1, "{lines:?}");
}

/// What is declared beside what is only a script, each with rights of its own.
const DECLARED: &str = r#"
[process.free]
script = "who"
type = "short-lived"

[process.nobody]
script = "who"
type = "short-lived"
run_as = "nobody"

[process.kept]
script = "write"
type = "short-lived"
sandbox = "require"

[process.open]
script = "write"
type = "short-lived"
sandbox = "off"
"#;

/// What the process itself wrote.
async fn said(server: &Server, id: &str) -> Vec<String> {
    let entries = server.entries(id).await;
    let own = entries.iter().filter(|entry| entry["type"] == "stdout");
    own.map(|entry| entry["line"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_declared_process_has_a_user_of_its_own() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let toml = DECLARED.split("[process.kept]").next().unwrap();
    std::fs::write(folder.path().join("project/runyard.toml"), toml).unwrap();
    let server = Server::start_in(folder, PACKAGE_JSON, &[]);
    open_to_all(server.folder.path(), 0o755);
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    for (name, uid, rights, rule) in
        [("free", 0, "0", None), ("nobody", nobody.uid.as_raw(), "1", Some("nobody"))]
    {
        let id = server.run(name, &[]).await;
        server.wait_for_status(&id, "completed").await;
        let lines = said(&server, &id).await;
        assert_eq!(lines[0], uid.to_string(), "{name}");
        assert_eq!(lines[3], format!("NoNewPrivs:\t{rights}"), "{name}");
        let shown = server.get(&format!("/api/processes/{id}/configuration")).await;
        let rules = shown["rules"].as_array().unwrap();
        let shown = rules.iter().find(|rule| rule["name"] == "run_as");
        assert_eq!(shown.map(|rule| rule["value"].as_str().unwrap()), rule, "{name}");
        let path = format!("/processes/{id}/configuration");
        let page = server.send(reqwest::Method::GET, &path, None).await;
        let page = page.text().await.unwrap();
        assert_eq!(page.contains("run_as"), rule.is_some(), "{name}");
        // A restart is the same start.
        let path = format!("/api/processes/{id}/restart");
        assert!(server.send(reqwest::Method::POST, &path, None).await.status().is_success());
        server.wait_for(&id, |process| process["attempts"][1]["endedAt"].is_number()).await;
        let lines = said(&server, &id).await;
        assert_eq!((&lines[0], &lines[3]), (&lines[5], &lines[8]), "{name}");
    }
}

#[tokio::test]
async fn each_declared_process_has_a_sandbox_of_its_own() {
    if !is_possible(server::confine::can_sandbox(), "this kernel has no Landlock of Linux 6.2") {
        return;
    }
    let outside = tempfile::Builder::new().tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let inside_tmp = tempfile::Builder::new().prefix("runyard-sandbox").tempdir_in("/tmp").unwrap();
    let target = outside.path().to_str().unwrap().to_owned();
    let name = inside_tmp.path().file_name().unwrap().to_str().unwrap().to_owned();
    let folder = kept_folder();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let toml = format!("[process.kept]{}", DECLARED.split("[process.kept]").nth(1).unwrap());
    std::fs::write(folder.path().join("project/runyard.toml"), toml).unwrap();
    let settings = [("RUNYARD_RUN__ENV_ALLOW", "TARGET,NAME"), ("RUNYARD_RUN__SANDBOX", "try")];
    let server = Server::start_in(folder, PACKAGE_JSON, &settings);
    for (script, may) in [("kept", "no"), ("open", "yes"), ("write", "no")] {
        let env = json!({"TARGET": target, "NAME": name});
        let id = server.run_with(json!({"scriptName": script, "env": env})).await;
        server.wait_for_status(&id, "completed").await;
        let lines = server.lines(&id).await;
        assert!(lines.contains(&format!("{may} {target}")), "{script}: {lines:?}");
        let shown = server.get(&format!("/api/processes/{id}/configuration")).await;
        let rules = shown["rules"].as_array().unwrap();
        let said = rules.iter().find(|rule| rule["name"] == "sandbox");
        let how = said.map(|rule| rule["value"].as_str().unwrap().split(':').next().unwrap());
        let expected = [("kept", Some("require")), ("open", None), ("write", Some("try"))];
        assert!(expected.contains(&(script, how)), "{script}: {how:?}");
    }
    // A start by hand cannot say such things, nor learn from them who is on the machine.
    for (key, value) in
        [("run_as", "nobody"), ("runAs", "no-such-user"), ("sandbox", "off"), ("envFile", "x")]
    {
        let body = json!({"scriptName": "write", "strategy": {key: value}});
        let (status, code, detail) =
            server.problem(reqwest::Method::POST, "/api/processes", Some(body)).await;
        assert_eq!((status, code.as_str()), (422, "strategy_invalid"));
        assert!(detail.ends_with("stands in runyard.toml"), "{detail}");
    }
}
