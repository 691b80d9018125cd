//! What lines leave in force goes on over the borders of chunks, pages, servers, and no further than their
//! attempt.

use reqwest::Method;
use serde_json::Value;

use crate::support::Server;

const PACKAGE_JSON: &str = r#"{
  "name": "fixture",
  "scripts": {
    "trace": "echo up; printf '\\033[1;31mERROR no\\n'; seq -f '  at frame %.0f' 5000; while [ ! -e go ]; do sleep 0.02; done; seq -f '  at frame %.0f' 5001 10000; printf '\\033[0mdone\\n'; echo '  plain'",
    "green": "printf '\\033[32mgreen\\n'"
  }
}"#;

const FRAMES: i64 = 10_000;

/// In what style an entry begins, and the level of what it goes on with.
fn begin(entry: &Value) -> (Option<&str>, Option<&str>) {
    (entry["style"].as_str(), entry["under"].as_str())
}

/// Runs `trace`, with a server that is killed in its middle; its id.
async fn trace(server: &mut Server) -> String {
    let id = server.run("trace", &[]).await;
    server.wait_for_line(&id, "  at frame 5000").await;
    server.crash_and_restart();
    std::fs::write(server.project().join("go"), "").unwrap();
    server.wait_for_status(&id, "completed").await;
    id
}

#[tokio::test]
async fn a_colour_and_a_stack_trace_go_on_for_thousands_of_lines_and_through_a_crash() {
    let mut server = Server::start_with(PACKAGE_JSON, &[]);
    let id = trace(&mut server).await;
    let entries = server.entries(&id).await;
    let error = entries.iter().position(|entry| entry["line"] == "\u{1b}[1;31mERROR no").unwrap();
    assert_eq!(begin(&entries[error]), (None, None));
    let (frames, rest) = entries[error + 1..].split_at(usize::try_from(FRAMES).unwrap());
    for frame in frames {
        assert_eq!(begin(frame), (Some("1;31"), Some("error")), "{frame}");
    }
    assert_eq!(begin(&rest[0]), (Some("1;31"), None), "{}", rest[0]);
    assert_eq!(begin(&rest[1]), (None, None), "{}", rest[1]);

    // A page says the same, wherever it begins.
    for idx in [error + 700, error + 4_321, error + 9_999] {
        let (after, before) = (idx - 1, idx + 1);
        let places = [
            format!("after={after}&limit=1"),
            format!("before={before}&limit=1"),
            format!("after={after}&limit=1&q=frame"),
        ];
        for place in places {
            let page = server.get(&format!("/api/processes/{id}/logs?{place}")).await;
            assert_eq!(page["entries"][0], entries[idx], "{place}");
        }
    }
    // And so does what is read from the store alone.
    server.stop_and_restart();
    assert!(server.entries(&id).await == entries, "the store says something else");
}

#[tokio::test]
async fn the_level_of_a_stack_trace_is_that_of_its_error_however_far_that_is() {
    let mut server = Server::start_with(PACKAGE_JSON, &[]);
    let id = trace(&mut server).await;
    let page = async |query: &str| {
        let page = server.get(&format!("/api/processes/{id}/logs?level=error&{query}")).await;
        let entries = page["entries"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["line"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let upward = page("limit=10000").await;
    assert_eq!(upward.len(), 10_000);
    assert_eq!((&*upward[0], &*upward[9_999]), ("  at frame 1", "  at frame 10000"));
    let downward = page("after=-1&limit=10000").await;
    assert_eq!((downward.len(), &*downward[9_999]), (10_000, "  at frame 9999"));
    assert!(downward[0].ends_with("ERROR no"), "{}", downward[0]);

    let query = format!("/api/logs/search?process={id}&q=frame&level=error&count=true");
    assert_eq!(server.get(&query).await["matches"], FRAMES);
    // It is one error, however long its stack trace.
    let timeline = server.get(&format!("/api/processes/{id}/logs/timeline")).await;
    let errors =
        timeline["buckets"].as_array().unwrap().iter().map(|b| b["errors"].as_i64().unwrap());
    assert_eq!(errors.sum::<i64>(), 1);
}

#[tokio::test]
async fn a_new_attempt_does_not_begin_in_the_colours_of_the_last_one() {
    let server = Server::start_with(PACKAGE_JSON, &[]);
    let id = server.run("green", &[]).await;
    server.wait_for_status(&id, "completed").await;
    server.send(Method::POST, &format!("/api/processes/{id}/restart"), None).await;
    server.wait_for(&id, |p| p["attempts"][1]["exitCode"] == 0).await;
    let entries = server.entries(&id).await;
    let green: Vec<_> = entries.iter().filter(|entry| entry["type"] == "stdout").collect();
    assert_eq!(green.len(), 2);
    assert!(green.iter().all(|entry| begin(entry) == (None, None)), "{green:?}");
}
