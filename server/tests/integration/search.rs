//! Finding lines: in one log and in all, by words, streams, levels and time; and taking them away.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::Server;

/// The events of a search as they were sent.
async fn events(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/logs/search?format=ndjson&{query}");
    let response = server.send(Method::GET, &path, None).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let text = response.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn lines_of(events: &[Value]) -> Vec<String> {
    let hits = events.iter().filter_map(|event| event["hit"]["line"].as_str());
    hits.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_search_streams_what_it_finds_newest_first() {
    let server = Server::start(&[]);
    let first = server.run("lines", &["29999"]).await;
    server.wait_for_status(&first, "completed").await;
    let second = server.run("say", &["a needle", "no Needle", "nothing"]).await;
    server.wait_for_status(&second, "completed").await;

    let found = events(&server, "q=needle").await;
    assert_eq!(found[0]["process"]["id"].as_str(), Some(second.as_str()));
    assert_eq!(found[0]["process"]["script"], "say");
    assert_eq!(lines_of(&found), ["no Needle", "a needle"]);
    let end = &found[found.len() - 1]["end"];
    assert_eq!(end["truncated"], false);
    assert!(end["lines"].as_i64().unwrap() >= 30_000, "{end}");

    assert_eq!(lines_of(&events(&server, "q=Needle").await), ["no Needle"]);
    assert_eq!(lines_of(&events(&server, "q=^a.n.*e$&regex=true").await), ["a needle"]);
    assert!(lines_of(&events(&server, "q=^n.*x$&regex=true").await).is_empty());
    let numbers = events(&server, "q=0001234&limit=3").await;
    assert_eq!(lines_of(&numbers), ["000000012349", "000000012348", "000000012347"]);
    assert_eq!(numbers[numbers.len() - 1]["end"]["truncated"], true);

    let count = server.get("/api/logs/search?q=0000&count=true").await;
    assert_eq!((&count["matches"], count["hits"].as_array().unwrap().len()), (&30_000.into(), 0));

    let one = format!("q=2999&process={first}&limit=1");
    assert_eq!(lines_of(&events(&server, &one).await), ["000000029999"]);
    assert!(lines_of(&events(&server, "q=needle&until=1").await).is_empty());
    assert_eq!(lines_of(&events(&server, "q=needle&project=FIXTURE").await).len(), 2);
    assert!(lines_of(&events(&server, "q=needle&project=other").await).is_empty());
    assert!(lines_of(&events(&server, "q=needle&stream=stderr,system").await).is_empty());
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_in_words() {
    let server = Server::start(&[]);
    for (query, words) in [
        ("q=", "give the text"),
        ("q=(&regex=true", "no regular expression"),
        ("q=(%5Cw{99}){99}&regex=true", "too costly"),
        ("q=a*&regex=true", "every line"),
        ("q=a&limit=0", "1 to 1000"),
        ("q=a&stream=out", "no stream"),
    ] {
        let path = format!("/api/logs/search?{query}");
        let (status, _, detail) = server.problem(Method::GET, &path, None).await;
        assert_eq!(status, 400, "{query}");
        assert!(detail.contains(words), "{detail}");
    }
    let path = "/api/logs/search?q=a&process=nobody";
    assert_eq!(server.problem(Method::GET, path, None).await.0, 404);
}

#[tokio::test]
async fn a_page_takes_only_what_is_wanted() {
    let server = Server::start(&[]);
    let id = server.run("say", &["INFO up", "ERROR down", "  at main", "WARN slow", "plain"]).await;
    server.wait_for_status(&id, "completed").await;
    let page = async |query: &str| {
        let page = server.get(&format!("/api/processes/{id}/logs?{query}")).await;
        let entries = page["entries"].as_array().unwrap().clone();
        entries.iter().map(|e| e["line"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page("level=error").await, ["ERROR down", "  at main"]);
    assert_eq!(page("level=warn").await, ["ERROR down", "  at main", "WARN slow"]);
    assert_eq!(page("after=-1&limit=1&q=down").await, ["ERROR down"]);
    assert_eq!(page("before=4&limit=2&stream=stdout").await.len(), 2);
    assert_eq!(page("q=%5E(info|plain)&regex=true").await, ["INFO up", "plain"]);
    assert!(page("until=1&after=-1").await.is_empty());

    let timeline = server.get(&format!("/api/processes/{id}/logs/timeline?buckets=10")).await;
    let buckets = timeline["buckets"].as_array().unwrap();
    let sum = |name: &str| buckets.iter().map(|b| b[name].as_i64().unwrap()).sum::<i64>();
    let all = server.entries(&id).await.len();
    assert!((1..=10).contains(&buckets.len()), "{buckets:?}");
    assert_eq!(sum("lines"), i64::try_from(all).unwrap());
    assert!(buckets.last().unwrap()["lines"].as_i64() > Some(0), "the last line is in the last");
    assert_eq!((sum("errors"), sum("warnings")), (1, 1));
    assert_eq!(buckets[0]["firstIdx"], 0);
}

#[tokio::test]
async fn a_download_has_every_line() {
    let server = Server::start(&[]);
    let id = server.run("lines", &["99999"]).await;
    server.wait_for_status(&id, "completed").await;
    let download = async |query: &str| {
        let path = format!("/api/processes/{id}/logs/download?{query}");
        let response = server.send(Method::GET, &path, None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        (name, response.text().await.unwrap())
    };
    let (name, text) = download("format=text&stream=stdout").await;
    assert!(
        name.starts_with("attachment; filename=\"lines-") && name.ends_with(".log\""),
        "{name}"
    );
    let mut expected = String::new();
    for number in 0..100_000 {
        expected.push_str(&format!("{number:012}\n"));
    }
    assert!(text == expected, "{} bytes", text.len());
    let (_, text) = download("format=ndjson&q=99999$&regex=true").await;
    let entry: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!(entry["line"], "000000099999");

    let coloured = server.run("colour", &[]).await;
    server.wait_for_status(&coloured, "completed").await;
    let path = format!("/api/processes/{coloured}/logs/download?format=text&plain=true&q=red");
    let response = server.send(Method::GET, &path, None).await;
    assert_eq!(response.text().await.unwrap(), "red\n");
}

#[tokio::test]
async fn what_is_being_written_is_found_in_pages_too() {
    let server = Server::start(&[]);
    let id = server.run("tree", &[]).await;
    server.wait_for_line(&id, "ready").await;
    // Maybe in memory only, maybe stored: a page joins both.
    let page = server.get(&format!("/api/processes/{id}/logs?q=ready")).await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    let path = format!("/api/processes/{id}/logs/download?format=text&q=ready");
    let text = server.send(Method::GET, &path, None).await.text().await.unwrap();
    assert_eq!(text, "ready\n");
}
