//! Times that came while Runyard was not there, those that were put off, and schedules of starts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::audit::database;
use crate::support::Server;

/// The runs of a declaration, by their start.
async fn runs(server: &Server, name: &str) -> Vec<Value> {
    let list = server.get("/api/processes").await;
    let all = list["processes"].as_array().unwrap().iter();
    let mut runs: Vec<_> = all.filter(|one| one["declared"] == name).cloned().collect();
    runs.sort_by_key(|one| one["createdAt"].as_i64());
    runs
}

async fn keep(server: &Server, key: &str, value: &str) {
    let pool = database(server).await;
    sqlx::query(
        "INSERT INTO kept VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .bind(key)
    .bind(value)
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
}

async fn kept(server: &Server, key: &str) -> Option<String> {
    let pool = database(server).await;
    let value = sqlx::query_scalar("SELECT value FROM kept WHERE key = ?1")
        .bind(key)
        .fetch_optional(&pool)
        .await
        .unwrap();
    pool.close().await;
    value
}

#[tokio::test]
async fn times_that_were_missed_are_passed_over_or_made_up_for_by_one_run() {
    // Half an hour from now and half an hour ago, whenever that is.
    let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let minute = (now_s / 60 + 30) % 60;
    let job = |name: &str, missed: &str| {
        format!(
            "[process.{name}]\ncommand = [\"true\"]\nschedule = \"{minute} * * * *\"\nmissed = \
             \"{missed}\"\n"
        )
    };
    let toml = job("makes-up", "run-once") + &job("passes", "skip");
    let mut server = Server::declaring(&toml, &[]);
    for name in ["makes-up", "passes"] {
        // One that is new has no past.
        assert_eq!(runs(&server, name).await, [] as [Value; 0]);
    }
    server.stop();
    let hours_ago = (now_s - 5 * 3_600) * 1_000;
    for name in ["makes-up", "passes"] {
        keep(&server, &format!("schedule/{name}"), &hours_ago.to_string()).await;
    }
    server.relaunch();
    let process = server.wait_for_declared("makes-up", |p| p["status"] == "completed").await;
    assert_eq!(process["attempts"][0]["causeKind"], "schedule");
    // Once, however many were missed, and it is done with.
    server.stop_and_restart();
    for name in ["makes-up", "passes"] {
        let last = kept(&server, &format!("schedule/{name}")).await.unwrap();
        let ago_s = now_s.cast_signed() - last.parse::<i64>().unwrap() / 1_000;
        assert!((0..3_600).contains(&ago_s), "{name} is done with up to {ago_s} s ago");
    }
    assert_eq!(runs(&server, "makes-up").await.len(), 1);
    assert_eq!(runs(&server, "passes").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_time_that_was_put_off_survives_a_crash_of_the_server() {
    let toml = "[process.slow]\ncommand = [\"sh\", \"-c\", \"until test -e go; do sleep 0.02; done\"]\n\
                schedule = \"* * * * * *\"\noverlap = \"queue\"\ntimeout_s = 0\n";
    let mut server = Server::declaring(toml, &[]);
    server.wait_for_declared("slow", |p| p["status"] == "running").await;
    server.wait_for_audit("action=process.schedule").await;
    server.crash();
    assert_eq!(kept(&server, "schedule-pending/slow").await.as_deref(), Some("true"));
    // From now on its own times start nothing: what comes is what was put off.
    let rarely = toml.replace("* * * * * *", "0 0 1 1 *");
    std::fs::write(server.project().join("runyard.toml"), rarely).unwrap();
    server.relaunch();
    let first = server.wait_for_declared("slow", |p| p["status"] == "running").await;
    assert_eq!(runs(&server, "slow").await.len(), 1);
    std::fs::write(server.project().join("go"), "").unwrap();
    let is_second = |p: &Value| p["id"] != first["id"] && p["status"] == "completed";
    let second = server.wait_for_declared("slow", is_second).await;
    assert_eq!(second["attempts"][0]["causeKind"], json!("schedule"));
    assert_eq!(runs(&server, "slow").await.len(), 2);
    server.stop();
    assert_eq!(kept(&server, "schedule-pending/slow").await, None);
}

#[tokio::test]
async fn a_start_can_have_a_schedule_until_it_is_stopped() {
    let mut server = Server::start(&[]);
    let body = |schedule: &str| {
        let strategy = json!({"schedule": schedule, "timezone": "Europe/Berlin"});
        json!({"scriptName": "hello", "strategy": strategy})
    };
    let start = |body: Value| server.send(Method::POST, "/api/processes", Some(body));
    let answer = start(body("* * * * * *")).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let started: Value = answer.json().await.unwrap();
    assert_eq!((&started["status"], &started["pid"]), (&json!("backing_off"), &Value::Null));
    let id = started["processId"].as_str().unwrap().to_owned();
    let runs = |n: usize| move |p: &Value| p["attempts"].as_array().unwrap().len() >= n;
    let process = server.wait_for(&id, runs(2)).await;
    assert_eq!(process["schedule"], "* * * * * *");
    let attempt = &process["attempts"][0];
    assert_eq!(attempt["cause"], "started by its schedule, * * * * * *");
    assert_eq!((&attempt["endKind"], &attempt["exitCode"]), (&json!("exit"), &json!(0)));
    // It stands among the schedules, and goes on after a crash of the server.
    let timed = |list: &Value| list["processes"].as_array().unwrap().clone();
    let list = timed(&server.get("/api/declared").await);
    let shown = &list[0];
    assert_eq!((&shown["name"], &shown["isDeclared"]), (&json!("hello"), &json!(false)));
    assert_eq!((&shown["timezone"], &shown["live"]), (&json!("Europe/Berlin"), &json!([id])));
    assert_eq!(shown["nextTimes"].as_array().unwrap().len(), 5);
    server.crash_and_restart();
    let before = server.process(&id).await["attempts"].as_array().unwrap().len();
    server.wait_for(&id, runs(before + 2)).await;
    server.send(Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    let process = server.process(&id).await;
    assert_eq!(process["status"], "stopped");
    assert_eq!(timed(&server.get("/api/declared").await), [] as [Value; 0]);
    server.stop_and_restart();
    assert_eq!(server.process(&id).await["attempts"], process["attempts"]);

    // One that waits runs at once when it is asked to, and waits again.
    let id = server.run_with(body("0 0 1 1 *")).await;
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    let waits = |p: &Value| p["status"] == "backing_off" && runs(1)(p);
    let process = server.wait_for(&id, waits).await;
    assert_eq!(process["attempts"][0]["causeKind"], "token");
    let reason = process["reason"].as_str().unwrap();
    let wanted = "; it waits for its time, 0 0 1 1 * Europe/Berlin";
    assert!(reason.starts_with("exit code 0 after ") && reason.ends_with(wanted), "{reason}");

    for (body, words) in [
        (body("often"), "is no pattern of times"),
        (json!({"scriptName": "hello", "strategy": {"timezone": "UTC"}}), "belongs to a schedule"),
        (
            json!({"scriptName": "hello", "type": "long-running", "strategy": {"schedule": "@daily"}}),
            "it is for jobs",
        ),
    ] {
        let (status, code, detail) =
            server.problem(Method::POST, "/api/processes", Some(body)).await;
        assert_eq!((status, code.as_str()), (422, "strategy_invalid"));
        assert!(detail.contains(words), "{detail}");
    }
    let viewer = server.token_of("viewer", &[]);
    let body = Some(body("@daily"));
    let answer = server.send_as(&viewer, Method::POST, "/api/processes", body).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
