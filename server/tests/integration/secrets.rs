//! A secret reaches the child, and nobody else: not the log, the audit, an answer or the database.

use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::support::{PATIENCE, Server};

const SECRET: &str = "hunter2-and-more";

const PACKAGE_JSON: &str = r#"{
  "name": "fixture",
  "scripts": {
    "show": "env | grep ^NPM_; echo to-stderr $NPM_TOKEN >&2; echo [$0 $1]",
    "halves": "printf 'out %.5s' $NPM_TOKEN; printf 'err %.5s' $NPM_TOKEN >&2; sleep 0.3; echo ${NPM_TOKEN#?????}; echo ${NPM_TOKEN#?????} >&2",
    "ticks": "echo $NPM_TOKEN; while [ ! -e go ]; do sleep 0.05; done; echo late $NPM_TOKEN; test ${#NPM_TOKEN} = 16 && echo same; while [ ! -e end ]; do sleep 0.05; done",
    "long": "head -c 2097146 /dev/zero | tr '\\0' x; echo $NPM_TOKEN; head -c 2097146 /dev/zero | tr '\\0' y; printf $NPM_TOKEN",
    "deploy": "printf '%s|'",
    "hello": "echo hello"
  }
}"#;

/// Files under `folder` that have the secret in them.
fn files_with_secret(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files_with_secret(&entry.path(), found);
        } else if let Ok(bytes) = std::fs::read(entry.path())
            && String::from_utf8_lossy(&bytes).contains(SECRET)
        {
            found.push(entry.path().display().to_string());
        }
    }
}

async fn assert_nowhere(server: &Server, ids: &[&str]) {
    let mut paths = vec!["/api/processes".to_owned(), "/api/audit".to_owned()];
    for id in ids {
        paths.push(format!("/api/processes/{id}"));
        paths.push(format!("/api/processes/{id}/logs"));
        for part in ["", "/configuration", "/attempts"] {
            paths.push(format!("/processes/{id}{part}"));
            paths.push(format!("/api/processes/{id}{part}"));
        }
        paths.push(format!("/processes/{id}/audit"));
    }
    for path in paths {
        let answer = server.send(Method::GET, &path, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains(SECRET), "{path} shows it");
    }
    // What a process has written itself is in the spool until the database is on its disk.
    let begin = std::time::Instant::now();
    loop {
        let mut found = Vec::new();
        files_with_secret(&server.data(), &mut found);
        if found.is_empty() {
            return;
        }
        let is_spool = found.iter().all(|path| path.ends_with(".seg"));
        assert!(is_spool && begin.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_secret_of_the_environment_is_covered_everywhere() {
    let server = Server::start_with(PACKAGE_JSON, &[]);
    let env = json!({"NPM_TOKEN": SECRET});
    let shown = server.run_with(json!({"scriptName": "show", "env": env})).await;
    server.wait_for_status(&shown, "completed").await;
    let mut lines = server.lines(&shown).await;
    lines.sort();
    assert_eq!(lines, ["NPM_TOKEN=***", "[sh ]", "to-stderr ***"]);
    let halves = server.run_with(json!({"scriptName": "halves", "env": env})).await;
    server.wait_for_status(&halves, "completed").await;
    let mut lines = server.lines(&halves).await;
    lines.sort();
    assert_eq!(lines, ["err ***", "out ***"]);
    // A variable with a plain name is one when the start says so.
    let marked = json!({"scriptName": "show", "env": {"NPM_TOKENS": SECRET}});
    let plain = server.run_with(marked.clone()).await;
    server.wait_for_line(&plain, &format!("NPM_TOKENS={SECRET}")).await;
    server.wait_for_status(&plain, "completed").await;
    let mut said = marked;
    said["secretEnv"] = json!(["NPM_TOKENS"]);
    let said = server.run_with(said).await;
    server.wait_for_line(&said, "NPM_TOKENS=***").await;
    let wrong = Some(json!({"scriptName": "show", "secretEnv": ["NPM_TOKEN"]}));
    let (status, code, _) = server.problem(Method::POST, "/api/processes", wrong).await;
    assert_eq!((status, code.as_str()), (422, "secret_unknown"));
}

#[tokio::test]
async fn a_secret_is_in_no_answer_and_no_file() {
    let server = Server::start_with(PACKAGE_JSON, &[("RUNYARD_RUN__ENV_ALLOW", "NPM_*,MARKED")]);
    let env = json!({"NPM_TOKEN": SECRET});
    let one = server.run_with(json!({"scriptName": "show", "env": env})).await;
    let marked = json!({"scriptName": "show", "env": {"MARKED": SECRET}, "secretEnv": ["MARKED"]});
    let two = server.run_with(marked).await;
    let by_place = json!({"scriptName": "deploy", "args": ["to", SECRET, "--key=hunter2-and-more"], "secretArgs": [1, 2]});
    let three = server.run_with(by_place).await;
    for id in [&one, &two] {
        server.wait_for_status(id, "completed").await;
    }
    let process = server.wait_for_status(&three, "completed").await;
    assert_eq!(process["args"], json!(["to", "***", "--key=***"]));
    assert_eq!(server.lines(&three).await, ["to|***|--key=***|"]);
    let refused =
        json!({"scriptName": "deploy", "args": ["../hunter2-and-more"], "secretArgs": [0]});
    let (_, code, detail) = server.problem(Method::POST, "/api/processes", Some(refused)).await;
    assert!(code == "argument_denied" && !detail.contains(SECRET), "{detail}");
    server.wait_until("/api/audit?q=argument", |answer| answer["lines"] != json!([])).await;
    // What the keeper had of their output is given back once it is stored.
    let begin = std::time::Instant::now();
    while std::fs::read_dir(server.data().join("runs")).unwrap().count() > 0 {
        assert!(begin.elapsed() < crate::support::PATIENCE, "the spool is not given back");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_nowhere(&server, &[&one, &two, &three]).await;
}

#[tokio::test]
async fn a_secret_is_covered_after_a_crash_and_there_after_a_restart() {
    let mut server = Server::start_with(PACKAGE_JSON, &[]);
    let body = json!({"scriptName": "ticks", "env": {"NPM_TOKEN": SECRET}});
    let id = server.run_with(body).await;
    server.wait_for_line(&id, "***").await;
    server.crash();
    // Written while no server is there.
    std::fs::write(server.project().join("go"), "").unwrap();
    server.relaunch();
    server.wait_for_line(&id, "same").await;
    assert_eq!(server.lines(&id).await, ["***", "late ***", "same"]);
    std::fs::write(server.project().join("end"), "").unwrap();
    server.wait_for_status(&id, "completed").await;
    server.stop_and_restart();
    let path = format!("/api/processes/{id}/restart");
    let restarted = server.send(Method::POST, &path, None).await;
    assert!(restarted.status().is_success());
    let ended = server.wait_for_status(&id, "completed").await;
    assert_eq!(ended["attempts"].as_array().unwrap().len(), 2);
    let lines = server.lines(&id).await;
    assert_eq!(lines.iter().filter(|line| *line == "same").count(), 2, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(SECRET)), "{lines:?}");
}

#[tokio::test]
async fn without_its_key_a_sealed_start_is_lost_and_the_rest_goes_on() {
    let mut server = Server::start_with(PACKAGE_JSON, &[]);
    let body = json!({"scriptName": "ticks", "env": {"NPM_TOKEN": SECRET}});
    let sealed = server.run_with(body).await;
    let plain = server.run("ticks", &[]).await;
    server.wait_for_line(&sealed, "***").await;
    server.crash();
    std::fs::remove_file(server.data().join("seal.key")).unwrap();
    server.relaunch();
    let lost = server.wait_for_status(&sealed, "lost").await;
    assert!(lost["reason"].as_str().unwrap().contains("seal.key"), "{lost}");
    assert_eq!(server.process(&plain).await["status"], "running");
    let path = format!("/api/processes/{sealed}/restart");
    let (status, code, _) = server.problem(Method::POST, &path, None).await;
    assert_eq!((status, code.as_str()), (409, "unsealed"));
}

#[tokio::test]
async fn a_script_says_which_of_its_arguments_are_secret() {
    let toml = "[run.args]\ndeploy = \"target:a|b pin:secret --password:secret\"\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    std::fs::write(folder.path().join("project/runyard.toml"), toml).unwrap();
    let server = Server::start_in(folder, PACKAGE_JSON, &[]);
    let id = server.run("deploy", &["a", "1234", "--password", SECRET]).await;
    let process = server.wait_for_status(&id, "completed").await;
    assert_eq!(process["args"], json!(["a", "***", "--password", "***"]));
    // What is too short to be looked for is covered as an argument all the same.
    assert_eq!(server.lines(&id).await, ["a|1234|--password|***|"]);
    let audit = server.get("/api/audit?action=process.start").await;
    let detail = audit["lines"][0]["detail"].as_str().unwrap();
    assert_eq!(detail, "printf '%s|' a '***' --password '***'");
}

#[tokio::test]
async fn a_declared_process_has_secrets_out_of_files() {
    let toml = |more: &str| {
        format!(
            "[process.service]\nscript = \"ticks\"\nenv_file = {{ NPM_TOKEN = \"../token\" }}\n\
             [process.job]\ncommand = [\"printf\", \"%s\\n\", \"$PIN\", \"$KNOWN\"]\n\
             type = \"short-lived\"\nsecret_env = [\"PI*\"]\n\
             env = {{ PIN = \"99-or-a-hundred\", KNOWN = \"plain-as-day\" }}\n{more}"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    std::fs::write(folder.path().join("project/runyard.toml"), toml("")).unwrap();
    std::fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
    let server = Server::start_in(folder, PACKAGE_JSON, &[]);
    let service = server.run("service", &[]).await;
    server.wait_for_line(&service, "***").await;
    std::fs::write(server.project().join("go"), "").unwrap();
    // It has the whole of it, and not the line end.
    server.wait_for_line(&service, "same").await;
    let job = server.run("job", &[]).await;
    server.wait_for_status(&job, "completed").await;
    let lines = server.lines(&job).await;
    assert!(lines.contains(&"***".to_owned()) && lines.contains(&"plain-as-day".to_owned()));
    let shown = server.get(&format!("/api/processes/{job}/configuration")).await.to_string();
    assert!(shown.contains("plain-as-day") && !shown.contains("99-or-a-hundred"), "{shown}");
    let shown = server.get(&format!("/api/processes/{service}/configuration")).await.to_string();
    assert!(shown.contains("NPM_TOKEN"), "{shown}");

    // Another secret in the file is a change, which is told without it and starts it anew.
    std::fs::write(server.folder.path().join("token"), "another-secret").unwrap();
    let diff = server.get("/api/config/diff").await;
    let text = diff.to_string();
    assert!(text.contains("../token (another)") && !text.contains("another-secret"), "{text}");
    let body = Some(json!({"version": diff["version"]}));
    let reloaded = server.send(Method::POST, "/api/config/reload", body).await;
    assert_eq!(reloaded.status(), 200);
    let anew = server
        .wait_for_declared("service", |process| {
            process["id"] != json!(service) && process["status"] == "running"
        })
        .await;
    let anew = anew["id"].as_str().unwrap().to_owned();
    server.wait_for_line(&anew, "late ***").await;
    // What cannot be read changes nothing, and is told with the file and the key.
    std::fs::remove_file(server.folder.path().join("token")).unwrap();
    let (status, code, detail) = server.problem(Method::GET, "/api/config/diff", None).await;
    assert_eq!((status, code.as_str()), (422, "config_invalid"));
    assert!(detail.contains("process.service.env_file: NPM_TOKEN: cannot read"), "{detail}");
    assert!(detail.contains("token: No such file"), "{detail}");
    std::fs::write(server.project().join("end"), "").unwrap();
    assert_nowhere(&server, &[&job]).await;
}

#[tokio::test]
async fn a_secret_at_the_cut_of_a_line_that_is_too_long_is_covered() {
    let server = Server::start_with(PACKAGE_JSON, &[]);
    let id = server.run_with(json!({"scriptName": "long", "env": {"NPM_TOKEN": SECRET}})).await;
    server.wait_for_status(&id, "completed").await;
    let lines = server.lines(&id).await;
    let cut: Vec<_> =
        lines.iter().map(|line| (line.len(), line.trim_matches(['x', 'y']))).collect();
    assert_eq!(cut, [(2_097_146, ""), (3, "***"), (2_097_146, ""), (3, "***")]);
}
