//! Several of the same, each with its number and its port: declared, or asked for by one start.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;

/// Ports that are free one behind the other, or were a moment ago.
fn free_ports(count: u16) -> u16 {
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port));
    loop {
        let first = bind(0).unwrap().local_addr().unwrap().port();
        let all: Vec<_> = (0..count).map_while(|n| bind(first.checked_add(n)?).ok()).collect();
        if all.len() == usize::from(count) {
            return first;
        }
    }
}

/// The numbers and ports that the processes wrote, by replica.
async fn numbers(server: &Server, count: usize) -> Vec<(u64, String, String)> {
    let mut all = Vec::new();
    let list = server.get("/api/processes").await;
    for process in list["processes"].as_array().unwrap() {
        let id = process["id"].as_str().unwrap();
        server.wait_for_status(id, "completed").await;
        let lines = server.lines(id).await;
        let of = |name: &str| {
            let found = lines.iter().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().to_owned()
        };
        let replica = process["replica"].as_u64().unwrap();
        all.push((replica, of("RUNYARD_REPLICA="), of("PORT=")));
    }
    all.sort();
    assert_eq!(all.len(), count);
    all
}

#[tokio::test]
async fn declared_replicas_have_numbers_and_ports_in_a_row() {
    let first = free_ports(3);
    let toml = format!(
        "[process.web]\ncommand = [\"env\"]\ntype = \"long-running\"\nreplicas = 3\nport = {first}\n"
    );
    let server = Server::declaring(&toml, &[]);
    server.run("web", &[]).await;
    let wanted: Vec<_> =
        (0..3).map(|n| (n, n.to_string(), (u64::from(first) + n).to_string())).collect();
    assert_eq!(numbers(&server, 3).await, wanted);
}

#[tokio::test]
async fn a_start_can_ask_for_several_within_the_limits() {
    let server = Server::start(&[("RUNYARD_LIMITS__MAX_SERVICES", "3")]);
    let start = |replicas: u32, more: Value| {
        let mut strategy = json!({"replicas": replicas});
        strategy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"scriptName": "env", "strategy": strategy})
    };
    // All of them or none.
    let body = Some(start(4, json!({})));
    let (status, code, detail) = server.problem(Method::POST, "/api/processes", body).await;
    assert_eq!((status, code.as_str()), (429, "too_many_services"));
    assert!(detail.starts_with("0 services run, 4 more would be beyond"), "{detail}");
    assert_eq!(server.get("/api/processes").await["processes"], json!([]));
    let refused = [
        (json!({"type": "short-lived"}), start(2, json!({})), "it is for services"),
        (json!({}), start(0, json!({})), "replicas: expected 1 to 1000, got 0"),
        (json!({}), start(3, json!({"port": 65_534})), "for the last replica too"),
        (json!({}), json!({"scriptName": "env", "strategy": {"port": 80}}), "it is for services"),
    ];
    for (more, body, words) in refused {
        let mut body = body;
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, detail) = server.problem(Method::POST, "/api/processes", Some(body)).await;
        assert_eq!(status, 422);
        assert!(detail.contains(words), "{detail}");
    }
    let first = free_ports(3);
    server.run_with(start(3, json!({"port": first}))).await;
    let wanted: Vec<_> =
        (0..3).map(|n| (n, n.to_string(), (u64::from(first) + n).to_string())).collect();
    assert_eq!(numbers(&server, 3).await, wanted);
    let list = server.get("/api/processes").await;
    for process in list["processes"].as_array().unwrap() {
        assert_eq!(process["type"], "long-running", "replicas are of services");
        // A restart is the same start.
        let id = process["id"].as_str().unwrap();
        server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
        let has_ended =
            |p: &Value| p["status"] == "completed" && p["attempts"].as_array().unwrap().len() == 2;
        let process = server.wait_for(id, has_ended).await;
        let port = u64::from(first) + process["replica"].as_u64().unwrap();
        let lines = server.lines(id).await;
        let said = lines.iter().filter(|line| **line == format!("PORT={port}")).count();
        assert_eq!(said, 2);
        assert_eq!(process["attempts"][0]["configHash"], process["attempts"][1]["configHash"]);
    }
}
