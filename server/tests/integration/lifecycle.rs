//! Start, follow, stop, restart.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::Server;

fn is_alive(pid: i64) -> bool {
    // A zombie is nobody any more.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_script_runs_and_its_log_is_there() {
    let server = Server::start(&[]);
    let answer =
        server.send(Method::POST, "/api/processes", Some(json!({"scriptName": "hello"}))).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let started: serde_json::Value = answer.json().await.unwrap();
    assert!(started["pid"].as_i64().unwrap() > 1);
    let id = started["processId"].as_str().unwrap();
    let process = server.wait_for_status(id, "completed").await;
    assert_eq!(process["reason"], "exit code 0");
    assert_eq!(process["exitCode"], 0);
    assert_eq!(process["project"], "fixture");
    let attempt = &process["attempts"][0];
    assert_eq!(attempt["n"], 1);
    assert_eq!(attempt["pid"], started["pid"]);
    assert_eq!(attempt["cause"], "started by tests");
    assert!(attempt["maxRssBytes"].as_i64().unwrap() > 100_000);
    assert!(attempt["userMs"].is_i64() && attempt["systemMs"].is_i64());
    assert!(attempt["endedAt"].as_i64().unwrap() >= attempt["startedAt"].as_i64().unwrap());
    assert_eq!((&attempt["firstIdx"], &attempt["lastIdx"]), (&json!(0), &json!(2)));
    let mut entries = server.entries(id).await;
    assert!(
        entries.iter().all(|e| e["ts"].as_i64().unwrap() >= attempt["startedAt"].as_i64().unwrap())
    );
    entries.sort_by_key(|e| e["type"].as_str().unwrap().to_owned());
    let said: Vec<_> = entries
        .iter()
        .map(|e| (e["type"].as_str().unwrap(), e["line"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("stderr", "oops"), ("stdout", "hello"), ("stdout", "hello 1.2.3")]);
}

#[tokio::test]
async fn pre_and_post_scripts_run_around() {
    let server = Server::start(&[]);
    let id = server.run("build", &[]).await;
    server.wait_for_status(&id, "completed").await;
    assert_eq!(server.lines(&id).await, ["before", "during", "after"]);
}

#[tokio::test]
async fn arguments_and_environment_arrive_as_they_were_given() {
    let server = Server::start(&[]);
    let id = server.run("say", &["it's", "two words", "--x=\"y\"", "*", "ü"]).await;
    server.wait_for_status(&id, "completed").await;
    assert_eq!(server.lines(&id).await, ["it's", "two words", "--x=\"y\"", "*", "ü"]);
    let body = json!({"scriptName": "env", "env": {"NODE_MARK": "a b"}, "cwd": "inside"});
    let id = server.run_with(body).await;
    server.wait_for_status(&id, "completed").await;
    let lines = server.lines(&id).await;
    for wanted in ["NODE_MARK=a b", "NODE_ENV=production", "npm_lifecycle_event=env"] {
        assert!(lines.iter().any(|l| l == wanted), "{wanted} in {lines:?}");
    }
    assert!(!lines.iter().any(|l| l.starts_with("RUNYARD_LIMITS")), "{lines:?}");
}

#[tokio::test]
async fn a_failure_keeps_its_exit_code() {
    let server = Server::start(&[]);
    let id = server.run("fail", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!((&process["exitCode"], &process["reason"]), (&json!(3), &json!("exit code 3")));
    assert_eq!(server.lines(&id).await, ["bad"]);
}

#[tokio::test]
async fn a_stop_ends_the_whole_tree() {
    let server = Server::start(&[]);
    let id = server.run("tree", &[]).await;
    server.wait_for_line(&id, "ready").await;
    let pid = server.process(&id).await["pid"].as_i64().unwrap();
    let mark = format!("RUNYARD_RUN={id}.1");
    let tree = || -> Vec<i64> {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|e| e.file_name().to_string_lossy().parse().ok());
        pids.filter(|pid: &i64| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|b| *b == 0).any(|v| v == mark.as_bytes()) && is_alive(*pid)
        })
        .collect()
    };
    assert!(tree().len() >= 3 && tree().contains(&pid), "{:?}", tree());
    let answer = server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let process: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(process["status"], "stopped");
    assert_eq!(process["reason"], "stopped by tests: ended by SIGTERM");
    assert_eq!(process["signal"], "SIGTERM");
    assert_eq!(tree(), Vec::<i64>::new());
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed_after_the_grace() {
    let server = Server::start(&[("RUNYARD_RUN__GRACE_S", "1")]);
    let id = server.run("stubborn", &[]).await;
    server.wait_for_line(&id, "ready").await;
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let asked_at = i64::try_from(since_epoch.as_millis()).unwrap();
    let answer = server.send(Method::DELETE, &format!("/api/processes/{id}"), None).await;
    let process: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(process["status"], "stopping");
    assert!(process["reason"].as_str().unwrap().contains("killed if it has not ended after 1 s"));
    let left_ms = process["nextAt"].as_i64().unwrap() - asked_at;
    assert!((1_000..10_000).contains(&left_ms), "{left_ms}");
    let process = server.wait_for_status(&id, "stopped").await;
    assert_eq!(process["nextAt"], serde_json::Value::Null);
    assert_eq!(process["reason"], "stopped by tests: ended by SIGKILL, after the grace");
}

#[tokio::test]
async fn a_restart_is_a_new_attempt_in_the_same_log() {
    let server = Server::start(&[]);
    let id = server.run("lines", &["4"]).await;
    server.wait_for_status(&id, "completed").await;
    let answer = server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let process = server
        .wait_for(&id, |p| {
            p["status"] == "completed" && p["attempts"].as_array().unwrap().len() == 2
        })
        .await;
    assert_eq!(process["attempts"][1]["firstIdx"], 5);
    assert_eq!(process["attempts"][1]["lastIdx"], 9);
    assert_eq!(server.entries(&id).await.len(), 10);
    // Of one that runs: it is stopped first.
    let id = server.run("sleep", &[]).await;
    let first = server.process(&id).await["pid"].as_i64().unwrap();
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    let process = server.wait_for(&id, |p| p["status"] == "running" && p["pid"] != first).await;
    assert_eq!(process["attempts"][0]["signal"], "SIGTERM");
    assert!(!is_alive(first));
}

#[tokio::test]
async fn a_signal_reaches_the_process() {
    let server = Server::start(&[]);
    let id = server.run("sleep", &[]).await;
    let body = Some(json!({"signal": "SIGUSR1"}));
    let answer = server.send(Method::POST, &format!("/api/processes/{id}/signal"), body).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["reason"], "ended by SIGUSR1");
}

#[tokio::test]
async fn a_timeout_and_an_output_limit_end_a_process() {
    let server = Server::start(&[]);
    let id = server.run_with(json!({"scriptName": "sleep", "timeoutMs": 200})).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["reason"], "timeout: it ran longer than 0.2 s (ended by SIGTERM)");
    let body = json!({"scriptName": "lines", "args": ["100000000"], "maxBuffer": 100_000});
    let id = server.run_with(body).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert!(
        process["reason"]
            .as_str()
            .unwrap()
            .starts_with("output limit: it wrote more than 100000 bytes")
    );
    let entries = server.entries(&id).await;
    let said = entries.iter().find(|e| e["type"] == "system").unwrap();
    assert_eq!(said["line"], "killed: it wrote more than its output limit of 100000 bytes");
}

#[tokio::test]
async fn logs_are_read_from_any_place() {
    let server = Server::start(&[]);
    let id = server.run("lines", &["4999"]).await;
    server.wait_for_status(&id, "completed").await;
    let logs = |query: &str| {
        let path = format!("/api/processes/{id}/logs?{query}");
        let server = &server;
        async move {
            let page = server.get(&path).await;
            let idx: Vec<i64> = page["entries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["idx"].as_i64().unwrap())
                .collect();
            (idx, page["nextAfter"].clone())
        }
    };
    assert_eq!(logs("").await.0, (4000..5000).collect::<Vec<_>>());
    assert_eq!(logs("tail=2").await, (vec![4998, 4999], json!(4999)));
    assert_eq!(logs("after=-1&limit=3").await, (vec![0, 1, 2], json!(2)));
    assert_eq!(logs("after=4997").await, (vec![4998, 4999], json!(4999)));
    assert_eq!(logs("after=4999").await, (vec![], json!(4999)));
    assert_eq!(logs("before=3").await.0, [0, 1, 2]);
    assert_eq!(logs("before=3000&limit=2").await.0, [2998, 2999]);
    assert_eq!(logs("q=0000002499&tail=5").await.0, [2499]);
    assert!(logs("stream=stderr").await.0.is_empty());
    assert_eq!(logs("since=0&limit=2").await.0, [0, 1]);
    let text = server
        .send(Method::GET, &format!("/api/processes/{id}/logs?tail=1&format=text"), None)
        .await;
    assert_eq!(text.text().await.unwrap(), "000000004999\n");
    let lines = server
        .send(Method::GET, &format!("/api/processes/{id}/logs?tail=2&format=ndjson"), None)
        .await;
    assert_eq!(lines.text().await.unwrap().lines().count(), 2);
    let found = server.get("/api/logs/search?q=000000001234").await;
    assert_eq!(found["hits"][0]["idx"], 1234);
    assert_eq!(found["hits"][0]["processId"], json!(id));
}

#[tokio::test]
async fn the_list_filters_and_pages() {
    let server = Server::start(&[]);
    let mut ids = Vec::new();
    for script in ["hello", "fail", "hello"] {
        let id = server.run(script, &[]).await;
        server.wait_for(&id, |p| p["endedAt"].is_i64()).await;
        ids.insert(0, id);
    }
    let listed = |page: &serde_json::Value| -> Vec<String> {
        let list = page["processes"].as_array().unwrap();
        list.iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&server.get("/api/processes").await), ids);
    assert_eq!(listed(&server.get("/api/processes?status=failed").await), ids[1..2]);
    assert_eq!(
        listed(&server.get("/api/processes?q=HELL").await),
        [ids[0].clone(), ids[2].clone()]
    );
    let page = server.get("/api/processes?limit=2").await;
    assert_eq!(listed(&page), ids[..2]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let page = server.get(&format!("/api/processes?limit=2&cursor={cursor}")).await;
    assert_eq!((listed(&page), &page["nextCursor"]), (ids[2..].to_vec(), &serde_json::Value::Null));
    let scripts = server.get("/api/scripts").await;
    assert_eq!(scripts["projects"][0]["name"], "fixture");
    let audit = server.get("/api/audit").await;
    let starts =
        audit["lines"].as_array().unwrap().iter().filter(|l| l["action"] == "process.start");
    assert_eq!(starts.count(), 3);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let server = Server::start(&[]);
    for _ in 0..3 {
        let id = server.run("lines", &["1000"]).await;
        server.wait_for_status(&id, "completed").await;
    }
    let runs = server.data().join("runs");
    for _ in 0..500 {
        if std::fs::read_dir(&runs).unwrap().next().is_none() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!(
        "the spool still holds {:?}",
        std::fs::read_dir(Path::new(&runs)).unwrap().collect::<Vec<_>>()
    );
}
