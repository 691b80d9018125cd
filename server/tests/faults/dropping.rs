//! Output that cannot be kept, where the settings say that nobody shall wait for that.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::check::{package_json, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::shortage::{SmallDisk, fill};
use crate::support::Server;
use crate::system::{block_on, is_alive, keeper_pid, send, wait_until};
use crate::witness;

const DROP: (&str, &str) = ("RUNYARD_LOGS__WHEN_FULL", "drop");

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(14, "disk_full_and_output_is_dropped", drop_for_disk),
        Row::new(14, "more_waits_than_may_and_is_dropped", drop_for_backlog),
        Row::new(14, "data_folder_deleted", lose_folder),
    ]
}

/// The number before such a word.
fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if before.len() == text.len() { 0 } else { digits.parse().unwrap() }
}

/// What a log says of one stream of a witness.
struct Told {
    /// Bytes that are there, of its lines and of pieces beside a gap.
    kept: u64,
    dropped: u64,
    missing_lines: u64,
}

/// Every line of a stream is there in its place, or beside a gap, or missing in one.
fn read_stream(entries: &[Value], stream: char, kind: &str, lines: u64) -> Told {
    let of_it = |entry: &&Value| entry["type"] == kind || is_gap(entry);
    let all: Vec<&Value> = entries.iter().filter(of_it).collect();
    let mut told = Told { kept: 0, dropped: 0, missing_lines: 0 };
    let (mut next, mut may_jump) = (0, false);
    for (place, entry) in all.iter().enumerate() {
        let line = entry["line"].as_str().unwrap();
        if is_gap(entry) {
            told.dropped += number_before(line, &format!(" bytes of {kind}"));
            may_jump = true;
            continue;
        }
        let ends_at_gap = all.get(place + 1).is_some_and(|after| is_gap(after));
        match witness::read(stream, line) {
            Some(seen) => {
                assert!(
                    seen.number == next || may_jump && seen.number > next,
                    "{line:?}, not {next}"
                );
                told.missing_lines += seen.number - next;
                (next, may_jump) = (seen.number + 1, false);
                told.kept += line.len() as u64 + 1;
            }
            None => {
                let is_beside = ends_at_gap || place > 0 && is_gap(all[place - 1]);
                assert!(is_beside, "{line:?} is damaged in the middle");
                told.kept += line.len() as u64 + u64::from(!ends_at_gap);
            }
        }
    }
    told.missing_lines += lines - next;
    told
}

fn is_gap(entry: &Value) -> bool {
    entry["type"] == "system" && entry["line"].as_str().unwrap().starts_with("dropped here: ")
}

fn drop_for_disk() -> Findings {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let Some((runs, disk)) = SmallDisk::of_runs(&folder) else {
            return Findings::skip("no file system can be mounted here (not root?)");
        };
        let server = Server::start_in(folder, &package_json(&[]), &[DROP]);
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 5) {
            let lines = 30_000;
            let id = start_witness(&server, lines, 1_000, 5).await;
            let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let filler = runs.join(".filler");
            assert!(fill(&filler) > 0);
            let keeper = keeper_pid(&server);
            // It does not wait for the disk, but writes more than its pipes hold.
            let before = written_by(child);
            wait_until("the child to go on", || written_by(child) > before + 600_000);
            // A keeper that comes meanwhile goes on with it.
            let is_killed = findings.rounds % 2 == 1;
            if is_killed {
                send(keeper, Signal::SIGKILL);
                wait_until("another keeper", || keeper_pid(&server) != keeper);
                let before = written_by(child);
                wait_until("the child to go on", || written_by(child) > before + 600_000);
            }
            std::fs::remove_file(&filler).unwrap();
            let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
            assert_eq!(process["exitCode"], 0, "{process}");
            let is_told = |entries: &[Value]| entries.iter().any(is_gap);
            let entries = loop {
                let entries = server.entries(&id).await;
                if is_told(&entries) {
                    break entries;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            };
            let gaps = entries.iter().filter(|entry| is_gap(entry)).count() as u64;
            for (stream, kind) in [('o', "stdout"), ('e', "stderr")] {
                let told = read_stream(&entries, stream, kind, lines);
                assert!(told.dropped > 100_000 && told.missing_lines > 0, "nothing was dropped");
                assert!(told.missing_lines < lines / 2, "{} lines", told.missing_lines);
                // The end of a line that is cut behind its last letter counts as if it were there.
                let (all, counted) = (witness::bytes_of(lines), told.kept + told.dropped);
                assert!(counted <= all + gaps, "{counted} of {all} bytes, with {gaps} gaps");
                // A keeper that was killed may have dropped more than it had written down.
                assert!(counted >= all || is_killed, "{counted} of {all} bytes");
                findings.lines += lines - told.missing_lines;
            }
            findings.rounds += 1;
        }
        drop(server);
        drop(disk);
        findings
    })
}

fn drop_for_backlog() -> Findings {
    block_on(async {
        let numbers = 60_000;
        let script = format!("seq -f %01000.0f 0 {}", numbers - 1);
        let server = start(&[("loud", &script)], &[("RUNYARD_LOGS__MAX_BACKLOG", "32M")]);
        keeper_pid(&server);
        // Nothing is taken in from its first line on.
        let strategy = json!({"whenFull": "drop"});
        let id = server.run_with(json!({"scriptName": "loud", "strategy": strategy})).await;
        let child = server.process(&id).await["pid"].as_i64();
        send(server.pid(), Signal::SIGSTOP);
        if let Some(child) = child {
            wait_until("the end of the child", || !is_alive(child as i32));
        }
        send(server.pid(), Signal::SIGCONT);
        let process = server.wait_for_status(&id, "completed").await;
        assert_eq!(process["exitCode"], 0);
        let entries = server.entries(&id).await;
        let mut next = 0;
        let (mut missing, mut pieces, mut gaps, mut lines) = (0, 0, 0, 0);
        for entry in &entries {
            let line = entry["line"].as_str().unwrap();
            if is_gap(entry) {
                assert!(line.contains("logs.max_backlog"), "{line}");
                gaps += 1;
                lines += number_before(line, " lines)");
            } else if entry["type"] == "stdout" && line.len() == 1_000 {
                let number: u64 = line.parse().unwrap();
                assert!(number >= next, "{number} comes after {next}");
                assert!(number == next || gaps > 0, "{next} is missing, and nothing was told");
                missing += number - next;
                next = number + 1;
            } else if entry["type"] == "stdout" {
                pieces += 1;
            }
        }
        missing += numbers - next;
        assert!(gaps > 0 && missing > 10_000, "{missing} lines are missing, in {gaps} gaps");
        assert!(pieces <= 2 * gaps, "{pieces} pieces of lines");
        // Lines of which a piece is there are missing as well, and so is one whose end was dropped.
        assert!(
            missing.abs_diff(lines) <= 2 * gaps,
            "{missing} are missing, and {lines} were told"
        );
        Findings { rounds: 1, lines: numbers - missing, ..Findings::default() }
    })
}

/// Bytes that a process has written so far.
fn written_by(pid: i32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.unwrap().parse().unwrap()
}

/// Somebody deletes the data folder while a process runs: it runs on, and with it ends the keeper.
fn lose_folder() -> Findings {
    block_on(async {
        let mut server = start(&[], &[]);
        let keeper = keeper_pid(&server);
        let id = start_witness(&server, 1_000_000_000, 1_000, 20).await;
        let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
        server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
        server.crash();
        std::fs::remove_dir_all(server.data()).unwrap();
        // More than its pipes hold.
        let before = written_by(child);
        wait_until("the child to go on", || written_by(child) > before + 1_000_000);
        assert!(is_alive(keeper), "the keeper has left its child alone");
        send(child, Signal::SIGKILL);
        wait_until("the end of the keeper", || !is_alive(keeper));
        assert!(!server.data().exists(), "the keeper has made the folder again");
        server.relaunch();
        Findings { rounds: 1, ..Findings::default() }
    })
}
