//! What one may not see is answered, door by door, like what never was.

use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, Knock, Leads, SCRIPT, closed};
use crate::support::Server;

/// May do everything to another script, and knows nothing of the one in question.
const ELSEWHERE: &[(&str, &str)] =
    &[("RUNYARD_ROLES__ELSEWHERE", "all on hello, starts-per-minute 1000")];

/// Whatever an answer could tell: status, length and text.
async fn ask(server: &Server, token: &str, id: &str, door: &Door) -> Option<(u16, String)> {
    let (method, path, body): (Method, _, _) = match &door.knock {
        Knock::Rest(method, path, body) => {
            (method.parse().unwrap(), path.replace("{id}", id), body.clone())
        }
        Knock::Function(name, args) => {
            (Method::POST, format!("/api/ui/{name}"), Some(args.clone()))
        }
        Knock::Message(..) => return None,
    };
    let answer = server.send_as(token, method, &path, body).await;
    let status = answer.status().as_u16();
    Some((status, answer.text().await.unwrap().replace(id, "ID")))
}

#[tokio::test]
async fn no_door_tells_what_is_hidden_from_what_never_was() {
    let server = Server::start(ELSEWHERE);
    let token = server.token_of("elsewhere", &[]);
    let hidden = server.run(SCRIPT, &[]).await;
    server.wait_for_line(&hidden, "ready").await;
    let invented = "01890000-0000-7000-8000-000000000000";
    let mut doors = closed(&hidden);
    let of_pages = ["", "/attempts", "/figures", "/configuration", "/audit", "?line=0", "?q=ready"];
    let pages = of_pages.map(|tail| format!("/processes/{{id}}{tail}"));
    let page = |path: &String| Door {
        knock: Knock::Rest("GET", Box::leak(path.clone().into_boxed_str()), None),
        verbs: &[],
        leads: Leads::Process,
    };
    doors.extend(pages.iter().map(page));
    let others = closed(invented).into_iter().chain(pages.iter().map(page));
    let mut looked_at = 0;
    for (real, other) in doors.iter().zip(others).filter(|(door, _)| door.leads == Leads::Process) {
        let Some(of_real) = ask(&server, &token, &hidden, real).await else { continue };
        let of_other = ask(&server, &token, invented, &other).await.unwrap();
        let (of_real, of_other) = (plain(of_real), plain(of_other));
        assert!(of_real == of_other, "{:?}: {of_real:?} and {of_other:?}", real.knock);
        looked_at += 1;
    }
    assert!(looked_at > 20, "{looked_at}");
}

/// Without what is another one in each answer: the nonce, and the order in which the data of a page came.
fn plain((status, text): (u16, String)) -> (u16, String, Vec<String>) {
    const DATA: &str = "__RESOLVED_RESOURCES[";
    let mut parts = text.split("nonce=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('"').map_or("", |(_, rest)| rest));
    let text = rest.fold(first, |text, part| text + "nonce" + part);
    let mut data = text.split(DATA);
    let page = data.next().unwrap_or_default().to_owned();
    let mut data: Vec<_> =
        data.map(|part| part.split("</script>").next().unwrap_or_default().to_owned()).collect();
    data.sort_unstable();
    (status, page, data)
}

#[tokio::test]
async fn lists_counts_and_figures_are_without_what_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let toml = "[pools]\nsecret-pool = 1\n[process.hidden-service]\nscript = \"patient\"\n\
                type = \"long-running\"\n[process.hello]\nscript = \"hello\"\n\
                type = \"short-lived\"\n";
    std::fs::write(folder.path().join("project/runyard.toml"), toml).unwrap();
    let package = r#"{"name": "fixture", "scripts": {"hello": "echo hello", "patient": "echo hidden-words; sleep 303", "hidden-script": "true"}}"#;
    let server = Server::start_in(folder, package, ELSEWHERE);
    let token = server.token_of("elsewhere", &[]);
    let hidden = server.run("hidden-service", &[]).await;
    server.wait_for_line(&hidden, "hidden-words").await;
    server.run("hello", &[]).await;
    let get = async |path: &str| {
        let answer = server.send_as(&token, Method::GET, path, None).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for path in [
        "/api/processes",
        "/api/processes?q=hidden",
        "/api/processes?status=running",
        "/api/scripts",
        "/api/declared",
        "/api/audit",
        "/api/audit?q=hidden",
        "/api/audit/export?format=json",
        "/api/audit/export?q=hidden",
        "/api/logs/search?q=hidden-words",
        "/api/logs/search?q=hidden-words&count=true",
        &format!("/api/logs/search?q=hidden-words&process={hidden}"),
        "/api/tokens",
        "/api/sessions",
        "/",
        "/?q=hidden",
        "/overview",
        "/search?q=hidden-words",
        "/audit",
    ] {
        let (status, text) = get(path).await;
        let text = text.replace("q=hidden-words", "").replace("hidden-words\"", "");
        assert!(status == 200 || status == 404, "{path}: {status}");
        for word in [hidden.as_str(), "hidden-service", "hidden-script", "secret-pool"] {
            // What was asked for may be repeated; nothing else of it.
            let found = text.replace(&format!("process={hidden}"), "").contains(word);
            assert!(!found || path.contains(word), "{path} tells of {word}: {text}");
        }
    }
    for (function, args) in [
        ("list_processes", json!({"q": null, "status": null, "cursor": null})),
        ("list_scripts", json!({})),
        ("list_declared", json!({})),
        ("list_sparks", json!({})),
        ("overview", json!({})),
    ] {
        let path = format!("/api/ui/{function}");
        let answer = server.send_as(&token, Method::POST, &path, Some(args)).await;
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{function}: {text}");
        for word in [hidden.as_str(), "hidden-", "secret-pool"] {
            assert!(!text.contains(word), "{function} tells of {word}: {text}");
        }
    }
    let (_, text) = get("/api/logs/search?q=hidden-words&count=true").await;
    let counted: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&counted["matches"], &counted["hits"]), (&json!(0), &json!([])), "{text}");
    for path in ["/metrics", "/api/pools", "/api/config/diff", "/api/users", "/api/roles"] {
        let (status, text) = get(path).await;
        assert_eq!(status, 403, "{path}");
        assert!(!text.contains("secret-pool") && !text.contains("hidden"), "{text}");
    }
    // Names are not guessed from what is offered instead.
    for name in ["hidden-servic", "hidden-scrip", "patien"] {
        let body = Some(json!({"scriptName": name}));
        let answer = server.send_as(&token, Method::POST, "/api/processes", body).await;
        let text = answer.text().await.unwrap().replace(name, "NAME");
        assert!(!text.contains("hidden") && !text.contains("patient"), "{text}");
    }
}
