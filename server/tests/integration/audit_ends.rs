//! What the audit tells of what nobody asked for at a door, and of people whose names were given again.

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, add, audit};
use crate::support::{PATIENCE, Server, command};

/// Waits for so many lines of an action on a process; oldest first.
async fn lines_of(server: &Server, id: &str, action: &str, count: usize) -> Vec<Value> {
    let begin = std::time::Instant::now();
    loop {
        let mut lines = audit(server, &format!("process={id}&action={action}")).await;
        if lines.len() >= count {
            lines.reverse();
            return lines;
        }
        assert!(begin.elapsed() < PATIENCE, "{lines:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_last_end_of_a_process_is_told_and_not_each_retry() {
    let toml = "[process.retried]\ncommand = [\"sh\", \"-c\", \"exit 4\"]\n\
                retries = { max = 3, delay_ms = 1 }\n";
    let server = Server::declaring(toml, &[]);
    let id = server.run("retried", &[]).await;
    let process = server.wait_for_status(&id, "failed").await;
    let attempts = process["attempts"].as_array().unwrap();
    assert!(attempts.len() > 2, "{process}");
    let ends = lines_of(&server, &id, "process.end", 2).await;
    let told: Vec<_> = ends.iter().map(|line| line["attempt"].as_u64().unwrap()).collect();
    assert_eq!(told, [1, attempts.len() as u64], "the first, which was asked for, and the last");
    assert!(ends.iter().all(|line| line["outcome"] == "exit 4"), "{ends:?}");
}

#[tokio::test]
async fn an_attempt_that_somebody_ends_is_told_whoever_began_it() {
    let toml = "[process.kept]\ncommand = [\"sh\", \"-c\", \"test -e once || { touch once; exit 5; }; exec sleep 300\"]\n\
                type = \"long-running\"\nrestart = { when = \"on-failure\", delay_ms = 1, jitter = 0.0 }\n";
    let server = Server::declaring(toml, &[]);
    let id = server.run("kept", &[]).await;
    server
        .wait_for(&id, |it| it["status"] == "running" && it["attempts"][1]["pid"].is_number())
        .await;
    let stopped =
        server.send(reqwest::Method::DELETE, &format!("/api/processes/{id}?wait=true"), None).await;
    assert!(stopped.status().is_success());
    let ends = lines_of(&server, &id, "process.end", 2).await;
    let told: Vec<_> = ends.iter().map(|line| (&line["attempt"], &line["outcome"])).collect();
    assert_eq!(told, [(&json!(1), &json!("exit 5")), (&json!(2), &json!("SIGTERM"))]);
}

#[tokio::test]
async fn what_runyard_starts_by_itself_is_told_as_such() {
    let toml = "[process.base]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                [process.web]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\n\
                depends_on = { base = \"started\" }\n\
                [process.own]\ncommand = [\"sleep\", \"300\"]\ntype = \"long-running\"\nautostart = true\n";
    let server = Server::declaring(toml, &[]);
    let web = server.run("web", &[]).await;
    server.wait_for_status(&web, "running").await;
    for (name, words) in [("base", "started for web"), ("own", "started together with runyard")] {
        let process = server.wait_for_declared(name, |it| it["status"] == "running").await;
        let id = process["id"].as_str().unwrap();
        let line = lines_of(&server, id, "process.start", 1).await.remove(0);
        let expected = json!({
            "actor": "runyard", "actorId": "", "via": "engine", "script": name, "outcome": "ok",
            "detail": words, "attempt": 1, "project": process["project"],
        });
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&line[key], value, "{key} of {line}");
        }
    }
    assert_eq!(lines_of(&server, &web, "process.start", 1).await[0]["actor"], "tests");
}

#[tokio::test]
async fn a_name_that_is_given_again_does_not_bring_the_acts_of_before() {
    let server = Server::start(&[]);
    let first = add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", "not the password").await;
    browser.sign_in("ada", PASSWORD).await;
    let seen = |page: &Value| {
        let lines = page["lines"].as_array().unwrap();
        lines.iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = browser.json("/api/audit").await;
    assert_eq!(seen(&own), ["ok", "sign_in_refused"], "one's own sign-ins, and tries at them");
    assert!(own["lines"].as_array().unwrap().iter().all(|line| line["actorId"] == *first));
    // A token that is called like her is not her either.
    let mut create = command(server.folder.path());
    create.args(["token", "create", "--role", "viewer", "--name", "ada", "--ttl", "1h", "--data"]);
    let output = create.arg(server.data()).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let refused = server.send_as(token.trim(), reqwest::Method::GET, "/api/users", None).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(seen(&browser.json("/api/audit").await).len(), 2);
    let path = format!("/api/users/{first}");
    assert!(server.send(reqwest::Method::DELETE, &path, None).await.status().is_success());
    add(&server, "ada", "viewer").await;
    let browser = Browser::new(&server);
    browser.sign_in("ada", PASSWORD).await;
    assert_eq!(seen(&browser.json("/api/audit").await), ["ok"], "hers alone");
}

#[tokio::test]
async fn a_role_that_is_another_one_than_before_is_told() {
    let roles = [
        ("RUNYARD_ROLES__KEPT", "view on hello"),
        ("RUNYARD_ROLES__DROPPED", "view start on hello, starts-per-minute 3"),
    ];
    let mut server = Server::start(&roles);
    assert_eq!(audit(&server, "action=role").await, Vec::<Value>::new());
    server.stop_and_restart();
    assert_eq!(audit(&server, "action=role").await, Vec::<Value>::new(), "nothing has changed");
    server.drop_setting("RUNYARD_ROLES__DROPPED");
    server.stop_and_restart();
    let lines = audit(&server, "action=role").await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["target"], "dropped");
    let detail = lines[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("starts-per-minute 3") && detail.ends_with(" became nothing"),
        "{detail}"
    );
}
