//! Schedules, watched files, and reading the file again.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::audit;
use crate::support::{PATIENCE, Server};

#[tokio::test]
async fn a_schedule_fires_and_its_times_are_shown() {
    let toml = "[process.often]\ncommand = [\"echo\", \"now\"]\nschedule = \"* * * * * *\"\n\
                [process.nightly]\nscript = \"hello\"\nschedule = \"0 3 * * *\"\ntimezone = \
                \"Europe/Berlin\"\n";
    let server = Server::declaring(toml, &[]);
    let process = server.wait_for_declared("often", |p| p["status"] == "completed").await;
    assert_eq!(process["attempts"][0]["causeKind"], "schedule");
    assert_eq!(process["attempts"][0]["cause"], "started by its schedule, * * * * * *");
    let declared = server.get("/api/declared").await;
    let list = declared["processes"].as_array().unwrap();
    let nightly = list.iter().find(|one| one["name"] == "nightly").unwrap();
    let times: Vec<i64> =
        nightly["nextTimes"].as_array().unwrap().iter().map(|t| t.as_i64().unwrap()).collect();
    assert_eq!(times.len(), 5);
    assert!(times.windows(2).all(|pair| (82_800_000..=90_000_000).contains(&(pair[1] - pair[0]))));
    assert_eq!(nightly["timezone"], "Europe/Berlin");
}

#[tokio::test]
async fn a_time_that_comes_during_the_run_before_is_passed_over_or_put_off() {
    let toml = "[process.skips]\ncommand = [\"sleep\", \"2.5\"]\nschedule = \"* * * * * *\"\n\
                overlap = \"skip\"\n[process.queues]\ncommand = [\"sleep\", \"2.5\"]\n\
                schedule = \"* * * * * *\"\noverlap = \"queue\"\n";
    let server = Server::declaring(toml, &[]);
    let runs = async |name: &str| -> Vec<Value> {
        let list = server.get("/api/processes").await;
        let all = list["processes"].as_array().unwrap().iter();
        let mut runs: Vec<_> = all.filter(|one| one["declared"] == name).cloned().collect();
        runs.sort_by_key(|one| one["startedAt"].as_i64());
        runs
    };
    let begin = Instant::now();
    loop {
        let lines = audit(&server, "action=process.schedule").await;
        let told = |target: &str, words: &str| {
            let mut lines = lines.iter().filter(|line| line["target"] == target);
            lines.any(|line| line["detail"].as_str().unwrap().starts_with(words))
        };
        let (skips, queues) = (runs("skips").await, runs("queues").await);
        if told("skips", "passed over")
            && told("queues", "put off")
            && skips.len() > 1
            && queues.len() > 1
        {
            for runs in [skips, queues] {
                assert!(runs[1]["startedAt"].as_i64() >= runs[0]["endedAt"].as_i64(), "{runs:?}");
            }
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{lines:?} {skips:?} {queues:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_start_of_what_is_declared_gives_its_priority_and_nothing_else() {
    let toml = "[process.hold]\ncommand = [\"sleep\", \"300\"]\ntype = \"short-lived\"\n\
                [process.low]\ncommand = [\"true\"]\ntype = \"short-lived\"\n\
                [process.high]\ncommand = [\"true\"]\ntype = \"short-lived\"\n";
    let server = Server::declaring(toml, &[("RUNYARD_LIMITS__MAX_JOBS", "1")]);
    let hold = server.run("hold", &[]).await;
    server.wait_for_status(&hold, "running").await;
    let low = server.run("low", &[]).await;
    let high = server.run_with(json!({"scriptName": "high", "strategy": {"priority": 9}})).await;
    let (first, second) = (server.process(&high).await, server.process(&low).await);
    assert_eq!((&first["position"], &second["position"]), (&json!(1), &json!(2)));
    for (body, words) in [
        (json!({"strategy": {"retries": {"max": 3}}}), "retries stands in runyard.toml"),
        (json!({"strategy": {"priority": "high"}}), "expected a number, got \"high\""),
        (json!({"type": "long-running"}), "is declared as short-lived"),
    ] {
        let mut body = body;
        body["scriptName"] = json!("low");
        let (status, code, detail) =
            server.problem(Method::POST, "/api/processes", Some(body)).await;
        assert_eq!((status, code.as_str()), (422, "strategy_invalid"));
        assert!(detail.contains(words), "{detail}");
    }
}

#[tokio::test]
async fn a_watched_file_starts_it_anew_without_a_pause() {
    let toml = "[process.dev]\ncommand = [\"sleep\", \"300\"]\nwatch = { paths = [\"src/**\"], \
                debounce_ms = 20 }\nrestart = { delay_ms = 60000 }\nbreaker = { failures = 1 }\n";
    let server = Server::declaring(toml, &[]);
    std::fs::create_dir_all(server.project().join("src")).unwrap();
    let id = server.run("dev", &[]).await;
    server.wait_for_status(&id, "running").await;
    let begin = Instant::now();
    let mut n = 0;
    // The watch begins with the process, and nothing tells when: the file is written until it counts.
    let process = loop {
        std::fs::write(server.project().join("src/a.js"), n.to_string()).unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let process = server.process(&id).await;
        if process["attempts"].as_array().unwrap().len() > 1 && process["status"] == "running" {
            break process;
        }
        assert!(begin.elapsed() < PATIENCE, "{process}");
    };
    let attempt = &process["attempts"][1];
    assert_eq!((&attempt["causeKind"], &attempt["causeBy"]), (&json!("watch"), &json!("src/a.js")));
    assert_ne!(process["breaker"], "open", "it is no failure");
}

#[tokio::test]
async fn the_file_is_read_again_after_its_differences_were_shown() {
    let before = "[process.a]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\nautostart = \
                  true\n[process.b]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                  autostart = true\n";
    let server = Server::declaring(before, &[]);
    let a = server.wait_for_declared("a", |p| p["status"] == "running").await;
    let b = server.wait_for_declared("b", |p| p["status"] == "running").await;
    let file = server.project().join("runyard.toml");
    // A bad file changes nothing, and says where it is wrong.
    let write = |text: &str| {
        // As a careful editor does: nobody reads half of it.
        let new = server.project().join("runyard.toml.new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    write("[process.a]\ncommand = []\n");
    let (status, code, detail) = server.problem(Method::GET, "/api/config/diff", None).await;
    assert_eq!((status, code.as_str()), (422, "config_invalid"));
    assert!(detail.contains("runyard.toml:2") && detail.contains("process.a.command"), "{detail}");
    server.hang_up();
    server.wait_for_audit("action=config.reload&outcome=refused").await;
    write(before);
    assert_eq!(server.get("/api/config/diff").await["changes"], json!([]));
    // `a` becomes another, `b` goes, `c` comes.
    let after = before.replace("[process.b]", "[process.c]").replacen("300", "301", 1);
    write(&after);
    let diff = server.get("/api/config/diff").await;
    let kinds: Vec<String> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {}", c["name"].as_str().unwrap(), c["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, ["process.a changed", "process.b removed", "process.c added"]);
    let reload = |version: Value| {
        server.send(Method::POST, "/api/config/reload", Some(json!({"version": version})))
    };
    assert_eq!(reload(json!("another")).await.status(), StatusCode::CONFLICT);
    assert_eq!(reload(diff["version"].clone()).await.status(), StatusCode::OK);
    let wait = |name: &'static str| server.wait_for_declared(name, |p| p["status"] == "running");
    let (newer, _) = tokio::join!(wait("a"), wait("c"));
    assert_ne!(newer["id"], a["id"]);
    server.wait_for_status(b["id"].as_str().unwrap(), "stopped").await;
    // SIGHUP does the same, without a look.
    write("");
    server.hang_up();
    server.wait_for_status(newer["id"].as_str().unwrap(), "stopped").await;
    let declared = server.get("/api/declared").await;
    assert_eq!(declared["processes"], json!([]));
}

#[tokio::test]
async fn the_schema_is_published() {
    let server = Server::start(&[]);
    let schema = server.get("/api/config.schema.json").await;
    assert_eq!(schema["$defs"]["ProcessConfig"]["additionalProperties"], false);
    // The other sections, too: an editor marks a name that does not exist.
    assert_eq!(schema["additionalProperties"], false);
    let limits = &schema["properties"]["limits"];
    assert!(limits["properties"]["max_jobs"].is_object(), "{limits}");
    assert_eq!(limits["additionalProperties"], false);
}

#[tokio::test]
async fn what_a_tree_uses_is_looked_at() {
    let server = Server::start(&[]);
    let id = server.run("stubborn", &[]).await;
    let begin = Instant::now();
    loop {
        let figures = server.get(&format!("/api/processes/{id}/figures")).await;
        let points = figures["points"].as_array().unwrap();
        if points.len() >= 2 {
            assert_eq!(figures["everyMs"], 2_000);
            assert!(points.iter().all(|point| point["rssBytes"].as_i64().unwrap() > 100_000));
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{figures}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
