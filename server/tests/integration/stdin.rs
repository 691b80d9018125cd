//! Lines for a process, and terminals.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn lines_reach_a_process_that_reads_them() {
    let server = Server::declaring("[process.echo]\ncommand = [\"cat\"]\nstdin = true\n", &[]);
    let id = server.run("echo", &[]).await;
    let process = server.wait_for_status(&id, "running").await;
    assert_eq!(process["stdin"], true);
    let path = format!("/api/processes/{id}/stdin");
    let send = |line: &str| server.send(Method::POST, &path, Some(json!({"line": line})));
    for line in ["one", "two words", "ünï"] {
        // Right after its start the program may not have opened it yet.
        while send(line).await.status() == StatusCode::CONFLICT {
            tokio::task::yield_now().await;
        }
        server.wait_for_line(&id, line).await;
    }
    let plain = server.run("sleep", &[]).await;
    let path = format!("/api/processes/{plain}/stdin");
    let (status, code, _) = server.problem(Method::POST, &path, Some(json!({"line": "x"}))).await;
    assert_eq!((status, code.as_str()), (409, "stdin_closed"));
}

#[tokio::test]
async fn a_terminal_has_its_size_and_its_log_is_what_it_shows() {
    let script = "test -t 0 && test -t 1 && stty size; printf '10%%\\\\r100%%\\\\n'; read x; echo \
                  got $x; exit 5";
    let toml = format!(
        "[process.screen]\ncommand = [\"sh\", \"-c\", \"{script}\"]\ntype = \"short-lived\"\n\
         stdin = true\ntty = true\ntty_size = [100, 30]\n"
    );
    let server = Server::declaring(&toml, &[]);
    let id = server.run("screen", &[]).await;
    server.wait_for_line(&id, "100%").await;
    let path = format!("/api/processes/{id}/stdin");
    server.send(Method::POST, &path, Some(json!({"line": "typed"}))).await;
    let process = server.wait_for_status(&id, "failed").await;
    assert_eq!(process["exitCode"], 5);
    let lines = server.lines(&id).await;
    let shown: Vec<&String> = lines
        .iter()
        .filter(|line| !line.contains("attempt") && !line.contains("exit code"))
        .collect();
    // The terminal echoes what is typed.
    assert_eq!(shown, ["30 100", "100%", "typed", "got typed"]);
}
