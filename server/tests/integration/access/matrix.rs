//! Role × verb × door: what the policy says is what every door does.

use std::sync::Arc;

use app::model::Verb;
use reqwest::Method;
use serde_json::{Value, json};
use server::auth::{Access, Policy, Target};
use server::config::{RolesConfig, parse_role};

use super::doors::{Door, Knock, Leads, SCRIPT, closed};
use crate::support::Server;
use crate::websocket::Socket;

/// Three roles for every verb: it alone, it with sight, everything but it; and one that is about
/// something else.
fn roles() -> Vec<(String, Vec<String>)> {
    let mut roles = vec![("elsewhere".to_owned(), vec!["all on other".to_owned()])];
    for verb in Verb::ALL {
        let key = verb.as_str().replace('-', "_");
        let only = format!("{verb} on {SCRIPT}");
        roles.push((format!("only_{key}"), vec![only.clone()]));
        roles.push((format!("see_{key}"), vec![format!("view on {SCRIPT}"), only]));
        roles.push((format!("not_{key}"), vec!["all".to_owned(), format!("deny {verb}")]));
    }
    roles
}

#[tokio::test]
async fn every_door_does_what_the_policy_says() {
    let mut config = RolesConfig::default();
    let mut settings = vec![("RUNYARD_LIMITS__MAX_JOBS".to_owned(), "2".to_owned())];
    for (name, rules) in roles() {
        settings.push((format!("RUNYARD_ROLES__{}", name.to_uppercase()), rules.join(",")));
        config.roles.insert(name, parse_role(&rules).unwrap());
    }
    let settings: Vec<_> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let server = Server::start(&settings);
    let id = server.run(SCRIPT, &[]).await;
    server.wait_for_line(&id, "ready").await;

    let policy = Policy::new(&config).unwrap();
    let mut wrong = Vec::new();
    let (mut allowed, mut refused) = (0, 0);
    for role in policy.roles() {
        let access = Access::new(Arc::new(role.clone()), None);
        let token = server.token_of(role.name(), &[]);
        let (mut socket, _) = Socket::open_as(&server, &token).await;
        for door in closed(&id) {
            let status = server.process(&id).await["status"].clone();
            let is_ended = ["stopped", "completed", "failed"].iter().any(|end| status == *end);
            let expected = expect(&access, &door, is_ended);
            let got = match &door.knock {
                Knock::Message(tag, rest) => say(&mut socket, tag, rest).await,
                knock => ask(&server, &token, &id, knock).await,
            };
            if expected.is_none() {
                allowed += 1;
            } else {
                refused += 1;
            }
            let fits = match expected {
                Some(code) => got == code,
                // Let in, and then told what is wrong with what was asked.
                None => {
                    !["401", "403", "404 process", "404 script"].iter().any(|c| got.starts_with(c))
                }
            };
            if !fits {
                wrong.push(format!("{}: {:?}: {expected:?}, got {got}", role.name(), door.knock));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allowed > 100 && refused > 200, "{allowed} allowed, {refused} refused");
}

/// The refusal, or `None` when the door is to open.
fn expect(access: &Access, door: &Door, is_ended: bool) -> Option<&'static str> {
    let target = match door.leads {
        Leads::System => Target::System,
        Leads::Process | Leads::Script => Target::Script { project: "fixture", script: SCRIPT },
    };
    // Nothing is there to stop.
    let verbs = if is_ended { &door.verbs[..1] } else { door.verbs };
    if verbs.iter().all(|verb| access.allows(*verb, target)) {
        return None;
    }
    let is_seen = access.allows(Verb::View, target);
    Some(match door.leads {
        Leads::Process if !is_seen => "404 process_not_found",
        // One may know of what one may start.
        Leads::Script if !is_seen => "404 script_not_found",
        _ => "403 forbidden",
    })
}

/// Status and, for a problem, its code.
async fn ask(server: &Server, token: &str, id: &str, knock: &Knock) -> String {
    let (method, path, body) = match knock {
        Knock::Rest(method, path, body) => {
            (method.parse().unwrap(), path.replace("{id}", id), body.clone())
        }
        Knock::Function(name, args) => {
            (Method::POST, format!("/api/ui/{name}"), Some(args.clone()))
        }
        Knock::Message(..) => panic!("a message goes over a socket"),
    };
    let answer = server.send_as(token, method, &path, body).await;
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap_or_default();
    match problem["code"].as_str() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

/// As [`ask`]. Messages are answered in order, so what comes before the answer to a senseless one
/// is the answer to this one; none is a success.
async fn say(socket: &mut Socket, tag: &str, rest: &Value) -> String {
    let mut message = rest.clone();
    message["type"] = tag.into();
    socket.send(message).await;
    socket.send(json!({"type": "fence"})).await;
    let mut code = String::from("200");
    loop {
        let answer = socket.next_of("error").await;
        match answer["code"].as_str().unwrap() {
            "invalid_message" => return code,
            "forbidden" => code = "403 forbidden".to_owned(),
            other if other.ends_with("not_found") => code = format!("404 {other}"),
            other => code = format!("409 {other}"),
        }
    }
}
