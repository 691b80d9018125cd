//! Accounts for every line of a witness.

use serde_json::{Value, json};

use crate::row::Findings;
use crate::support::{Server, Settings};
use crate::witness;

/// A server whose project has the witness and some children with bad habits.
pub(crate) fn start(scripts: &[(&str, &str)], settings: Settings<'_>) -> Server {
    Server::start_with(&package_json(scripts), settings)
}

/// The project of a test.
pub(crate) fn package_json(scripts: &[(&str, &str)]) -> String {
    let witness = json!(witness_command());
    let mut all = serde_json::Map::from_iter([("witness".to_owned(), witness)]);
    all.extend(scripts.iter().map(|(name, script)| ((*name).to_owned(), json!(script))));
    json!({"name": "faults", "scripts": all}).to_string()
}

/// What a script says that becomes a witness; its arguments follow.
pub(crate) fn witness_command() -> String {
    let exe = std::env::current_exe().unwrap();
    format!("exec {} {}", exe.display(), witness::NAME)
}

/// Starts a witness; its id.
pub(crate) async fn start_witness(
    server: &Server,
    lines: u64,
    pause_us: u64,
    every: u64,
) -> String {
    let args = [lines, pause_us, every, 0].map(|number| number.to_string());
    server.run("witness", &args.each_ref().map(String::as_str)).await
}

/// Looks at every entry that a witness has left: each of its lines once, in order, in both streams,
/// and stamped within `late_ms` of when it was written. Entries of Runyard's own are left out.
pub(crate) async fn account(
    server: &Server,
    id: &str,
    lines: u64,
    late_ms: i64,
    findings: &mut Findings,
) -> Vec<Value> {
    // The indexes were looked at while they were read: no hole, no double.
    let entries = server.entries(id).await;
    for (stream, kind) in [('o', "stdout"), ('e', "stderr")] {
        let mut next = 0;
        for entry in entries.iter().filter(|entry| entry["type"] == kind) {
            let line = entry["line"].as_str().unwrap();
            let seen = witness::read(stream, line)
                .unwrap_or_else(|| panic!("{kind} has a damaged line: {line:?}"));
            findings.lines += 1;
            if seen.number < next {
                findings.doubled += 1;
            } else {
                findings.lost += seen.number - next;
                next = seen.number + 1;
            }
            let late = entry["ts"].as_i64().unwrap() - seen.at_ms;
            assert!((-late_ms..=late_ms).contains(&late), "line {line:?} is {late} ms late");
        }
        findings.lost += lines - next;
    }
    entries
}
