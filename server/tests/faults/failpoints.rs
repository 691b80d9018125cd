//! The server dies at the worst moments, one after the other.

use serde_json::{Value, json};

use crate::check::{account, package_json};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, tree_of, wait_until};

const NAME: &str = "RUNYARD_FAILPOINT";

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(2, "server_killed_around_commit_and_release", die_around_commit),
        Row::new(13, "server_killed_between_spawn_and_its_record", die_after_spawn),
    ]
}

fn die_around_commit() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        let places = ["before-commit", "after-commit", "before-release", "before-forget"];
        let times: &[u64] = if rounds(0, 1) == 0 { &[3] } else { &[2, 3, 4, 5, 7, 9, 12] };
        for place in places {
            for nth in times {
                // Each run releases once or twice and is forgotten once.
                let nth =
                    if place.starts_with("before-") && place != "before-commit" { 1 } else { *nth };
                let point = format!("{place}:{nth}");
                let mut server = Server::start_with(&package_json(&[]), &[(NAME, point.as_str())]);
                // Enough for a release: two segments and more.
                let lines = if place == "before-release" { 60_000 } else { 6_000 };
                let args = [lines.to_string(), "1000".into(), "60".into(), "0".into()];
                let body = json!({"scriptName": "witness", "args": args});
                let request = reqwest::Client::new()
                    .post(format!("{}/api/processes", server.base))
                    .bearer_auth(server.token())
                    .json(&body);
                // It may die before it has answered: what was not stored then was never promised.
                let answer = request.send().await;
                assert_eq!(server.wait_for_end(), None, "it ends by a signal at {point}");
                server.drop_setting(NAME);
                server.relaunch();
                let id = match answer {
                    Ok(answer) => answer.json::<Value>().await.unwrap()["processId"].clone(),
                    Err(_) => server.get("/api/processes").await["processes"][0]["id"].clone(),
                };
                findings.rounds += 1;
                let Some(id) = id.as_str().map(str::to_owned) else { continue };
                server.wait_for_status(&id, "completed").await;
                account(&server, &id, lines, 3_000, &mut findings).await;
                if nth == 1 {
                    break;
                }
            }
        }
        findings
    })
}

/// The keeper has started it, and nobody has written that down.
fn die_after_spawn() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 10) {
            let mut server = Server::start_with(&package_json(&[]), &[(NAME, "after-spawn:1")]);
            let lines: u64 = 3_000;
            let body = json!({
                "scriptName": "witness", "args": [lines.to_string(), "1000", "5", "0"]
            });
            let request = reqwest::Client::new()
                .post(format!("{}/api/processes", server.base))
                .bearer_auth(server.token())
                .json(&body);
            request.send().await.unwrap_err();
            assert_eq!(server.wait_for_end(), None, "it ends by a signal");
            let runs = server.data().join("runs");
            let run = std::fs::read_dir(&runs).unwrap().next().unwrap().unwrap().file_name();
            let id = run.to_str().unwrap().split('.').next().unwrap().to_owned();
            server.drop_setting(NAME);
            server.relaunch();
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["attempts"].as_array().unwrap().len(), 1, "{process}");
            // Started once: each line is there once.
            account(&server, &id, lines, 3_000, &mut findings).await;
            wait_until("the end of the tree", || tree_of(&id).is_empty());
            let all = server.get("/api/processes").await;
            assert_eq!(all["processes"].as_array().unwrap().len(), 1);
            findings.rounds += 1;
        }
        findings
    })
}
