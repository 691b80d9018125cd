//! Every way in, and what it takes to be let through.
//!
//! The table is checked against the sources: a route, server function or message that is not in it
//! fails [`every_door_is_in_the_table`], so none can be forgotten in the matrix.

use app::model::{ClientMessage, Verb};
use serde_json::{Value, json};

/// How a door is knocked at.
#[derive(Clone, Debug)]
pub(super) enum Knock {
    /// REST: method, path (`{id}` stands for the process), body.
    Rest(&'static str, &'static str, Option<Value>),
    /// A server function and its arguments.
    Function(&'static str, Value),
    /// A message over the WebSocket; its tag, and the rest.
    Message(&'static str, Value),
}

/// What a door leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To one process, by its id.
    Process,
    /// To the script, by its name.
    Script,
    /// To Runyard as a whole.
    System,
}

#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) knock: Knock,
    /// All of them are needed; a restart needs the second only while the process lives.
    pub(super) verbs: &'static [Verb],
    pub(super) leads: Leads,
}

/// The script that all doors are about.
pub(super) const SCRIPT: &str = "patient";

/// Every door that is closed to some.
pub(super) fn closed(id: &str) -> Vec<Door> {
    use Knock::{Function, Message, Rest};
    use Leads::{Process, Script, System};
    const VIEW: &[Verb] = &[Verb::View];
    const READ: &[Verb] = &[Verb::ReadLogs];
    const START: &[Verb] = &[Verb::Start];
    const STOP: &[Verb] = &[Verb::Stop];
    const RESTART: &[Verb] = &[Verb::Start, Verb::Stop];
    const SIGNAL: &[Verb] = &[Verb::Signal];
    const STDIN: &[Verb] = &[Verb::Stdin];
    const EDIT: &[Verb] = &[Verb::Edit];
    const ADMIN: &[Verb] = &[Verb::Admin];
    let start = json!({"scriptName": SCRIPT});
    let signal = json!({"signal": "SIGCONT"});
    let of_id = json!({"id": id});
    let tab = json!({"id": id, "tab": "attempts", "before": null, "zone_min": 0});
    let of_process = json!({"processId": id});
    // Never made: the door is what is tried, and the password is too weak to go further.
    let nobody = json!({"name": "nobody", "role": "viewer", "password": "weak"});
    let door = |knock, verbs, leads| Door { knock, verbs, leads };
    vec![
        door(Rest("GET", "/api/processes/{id}", None), VIEW, Process),
        door(Rest("GET", "/api/processes/{id}/logs", None), READ, Process),
        door(Rest("GET", "/api/processes/{id}/logs/timeline", None), READ, Process),
        door(Rest("GET", "/api/processes/{id}/logs/download", None), READ, Process),
        door(Rest("GET", "/processes/{id}/compare", None), READ, Process),
        door(Rest("POST", "/api/processes", Some(start.clone())), START, Script),
        door(Rest("POST", "/api/processes/{id}/signal", Some(signal)), SIGNAL, Process),
        door(Rest("POST", "/api/processes/{id}/restart", None), RESTART, Process),
        door(Rest("DELETE", "/api/processes/{id}", None), STOP, Process),
        door(Rest("GET", "/api/processes/{id}/figures", None), VIEW, Process),
        door(Rest("GET", "/api/processes/{id}/attempts", None), VIEW, Process),
        door(Rest("GET", "/api/processes/{id}/configuration", None), VIEW, Process),
        door(Rest("POST", "/api/processes/{id}/stdin", Some(json!({"line": "x"}))), STDIN, Process),
        door(Rest("POST", "/api/declared/start", None), START, System),
        door(Rest("POST", "/api/declared/stop", None), STOP, System),
        door(Rest("GET", "/api/pools", None), VIEW, System),
        door(Rest("POST", "/api/pools/{name}/pause", None), EDIT, System),
        door(Rest("POST", "/api/pools/{name}/resume", None), EDIT, System),
        door(Rest("GET", "/api/config/diff", None), EDIT, System),
        door(Rest("POST", "/api/config/reload", Some(json!({"version": "x"}))), EDIT, System),
        door(Rest("GET", "/api/roles", None), ADMIN, System),
        door(Rest("GET", "/api/users", None), ADMIN, System),
        door(Rest("POST", "/api/users", Some(nobody)), ADMIN, System),
        door(Rest("PATCH", "/api/users/{id}", Some(json!({}))), ADMIN, System),
        door(Rest("DELETE", "/api/users/{id}", None), ADMIN, System),
        door(Rest("GET", "/people", None), ADMIN, System),
        door(Rest("GET", "/metrics", None), VIEW, System),
        door(Function("get_process", of_id.clone()), VIEW, Process),
        door(Function("allowed_verbs", of_id.clone()), VIEW, Process),
        door(Function("tail_log", json!({"id": id, "tail": 10})), READ, Process),
        door(Function("start_process", json!({"request": start})), START, Script),
        door(Function("restart_process", of_id.clone()), RESTART, Process),
        door(Function("stop_process", of_id.clone()), STOP, Process),
        door(Function("process_tab", tab), VIEW, Process),
        door(Function("process_figures", of_id), VIEW, Process),
        door(Function("send_line", json!({"id": id, "line": "x"})), STDIN, Process),
        door(Function("list_pools", json!({})), VIEW, System),
        door(Function("pause_pool", json!({"name": "jobs", "is_paused": false})), EDIT, System),
        door(Function("preview_reload", json!({})), EDIT, System),
        door(Function("reload", json!({"version": "x"})), EDIT, System),
        door(Function("run_declared", json!({"start": true})), START, System),
        door(Function("signal_process", json!({"id": id, "signal": "SIGCONT"})), SIGNAL, Process),
        door(Message("subscribe", of_process.clone()), READ, Process),
        door(Message("replay", of_process.clone()), READ, Process),
        door(Message("start-process", json!({"config": start})), START, Script),
        door(Message("stop-process", of_process), STOP, Process),
    ]
}

/// Doors that are open to all who are signed in; what they show is looked at in [`super`].
const OPEN: &[&str] = &[
    "GET /api/processes",
    "GET /api/scripts",
    // Each of those is shown to those who may see it.
    "GET /api/declared",
    "function list_declared",
    "function list_sparks",
    // The shape of the file, which is no secret.
    "GET /api/config.schema.json",
    // Of logs that one may read; see `super::forms`.
    "GET /api/logs/search",
    "GET /ws",
    // One's own, and with admin everybody's; see `super::super::people`.
    "GET /api/me",
    "POST /api/me/password",
    "GET /api/sessions",
    "DELETE /api/sessions",
    "DELETE /api/sessions/{id}",
    "GET /api/tokens",
    "POST /api/tokens",
    "DELETE /api/tokens/{id}",
    "GET /api/audit",
    "GET /api/audit/export",
    "GET /account",
    "POST /account/password",
    "POST /account/sign-out",
    "GET /sessions",
    "POST /sessions/{id}/end",
    "GET /tokens",
    "POST /tokens",
    "POST /tokens/{id}/revoke",
    "GET /audit",
    // The same use-cases as REST's; see `super::forms`.
    "POST /people",
    "POST /people/{id}",
    "POST /start",
    "POST /processes/{id}/stop",
    "POST /processes/{id}/restart",
    "POST /sign-out",
    // Server functions have doors of their own, below.
    "POST /api/ui/{*function}",
    // Pages show what server functions give them.
    "GET /",
    "GET /processes/{id}",
    "GET /processes/{id}/{tab}",
    "GET /overview",
    "GET /search",
    // Nothing is behind it.
    "ANY /api/{*unknown}",
    // For those who are not signed in.
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/oidc",
    "GET /sign-in/callback",
    "GET /healthz",
    "GET /api/openapi.json",
    "GET /docs",
    "GET /readyz",
    "function get_user_name",
    "function list_processes",
    "function list_scripts",
    "function overview",
    // A subscription that was let in ends.
    "message unsubscribe",
];

impl Door {
    fn name(&self) -> String {
        match &self.knock {
            Knock::Rest(method, path, _) => format!("{method} {path}"),
            Knock::Function(name, _) => format!("function {name}"),
            Knock::Message(tag, _) => format!("message {tag}"),
        }
    }
}

#[test]
fn every_door_is_in_the_table() {
    let table: Vec<String> = closed("x")
        .iter()
        .map(Door::name)
        .chain(OPEN.iter().map(|name| (*name).to_owned()))
        .collect();
    let found: Vec<String> = [routes(), functions(), messages()].concat();
    assert!(found.len() > 25, "the sources were not understood: {found:?}");
    let missing: Vec<_> = found.iter().filter(|door| !table.contains(door)).collect();
    assert!(missing.is_empty(), "who may pass? {missing:?}");
    let gone: Vec<_> = table.iter().filter(|door| !found.contains(door)).collect();
    assert!(gone.is_empty(), "no such door: {gone:?}");
}

fn source(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::read_to_string(format!("{root}/{path}")).unwrap()
}

/// Those of the router, and those that are added with their description.
fn routes() -> Vec<String> {
    let text = source("server/src/http.rs");
    let mut found = Vec::new();
    for route in text.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once('"').unwrap();
        let handlers = rest.split(".route(").next().unwrap().split(".layer(").next().unwrap();
        for method in ["get", "post", "put", "patch", "delete", "any"] {
            if handlers.contains(&format!("{method}(")) {
                found.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/rest");
    let described = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let metrics = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/metrics.rs").into();
    for file in described.chain([metrics]) {
        let text = std::fs::read_to_string(file).unwrap();
        for description in text.split("utoipa::path(").skip(1) {
            let method = description.trim_start().split(',').next().unwrap().to_uppercase();
            let path = description.split("path = \"").nth(1).unwrap().split('"').next().unwrap();
            found.push(format!("{method} {path}"));
        }
    }
    found
}

fn functions() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/src/api");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let names = text.split("endpoint = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
        found.extend(names.map(|name| format!("function {name}")));
    }
    found
}

/// A new kind of message does not compile here until it has a door.
fn messages() -> Vec<String> {
    let id = json!({"processId": "x", "config": {"scriptName": "x"}});
    let tags = ["subscribe", "unsubscribe", "replay", "start-process", "stop-process"];
    for tag in tags {
        let mut message = id.clone();
        message["type"] = tag.into();
        match serde_json::from_value(message).unwrap() {
            ClientMessage::Subscribe { .. }
            | ClientMessage::Unsubscribe { .. }
            | ClientMessage::Replay { .. }
            | ClientMessage::StartProcess { .. }
            | ClientMessage::StopProcess { .. } => {}
        }
    }
    tags.map(|tag| format!("message {tag}")).into()
}
