//! The database cannot be written for a while, or is not on its disk when power is lost: the spool has what
//! is not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::Method;
use sqlx::{Connection as _, SqliteConnection};

use crate::check::{account, package_json, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::shortage::{SmallDisk, fill};
use crate::support::{Server, command};
use crate::system::{block_on, is_alive, keeper_pid, send, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(15, "database_locked", lock_database),
        Row::new(15, "database_full", fill_database),
        Row::new(15, "database_gone", move_database),
        Row::new(15, "database_missing_at_a_start", refuse_new_database),
        Row::new(35, "power_loss_before_the_database_is_on_its_disk", lose_log),
    ]
}

/// How long nothing can be stored, and a witness that writes until about the end of that.
struct Outage {
    length: Duration,
    rounds: u64,
    lines: u64,
    pause_us: u64,
}

/// `RUNYARD_OUTAGE_S` makes it as long as one likes, and tries it once.
fn outage() -> Outage {
    let asked = std::env::var("RUNYARD_OUTAGE_S").ok().map(|it| it.parse().unwrap());
    match asked {
        None => Outage {
            length: Duration::from_secs(rounds(2, 12)),
            rounds: rounds(1, 5),
            lines: 12_000,
            pause_us: 1_000,
        },
        Some(seconds) => Outage {
            length: Duration::from_secs(seconds),
            rounds: 1,
            // Four every 20 ms and a bit.
            lines: 180 * (seconds + 10),
            pause_us: 20_000,
        },
    }
}

fn lock_database() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let mut findings = Findings::default();
        let url = format!("sqlite:{}", server.data().join("runyard.db").display());
        let outage = outage();
        for _ in 0..outage.rounds {
            let lines = outage.lines;
            let id = start_witness(&server, lines, outage.pause_us, 4).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let mut rival = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut rival).await.unwrap();
            sqlx::query("BEGIN IMMEDIATE").execute(&mut rival).await.unwrap();
            // Nothing can be stored, and the live end of the log goes on.
            let from = server.process(&id).await["nextIdx"].as_i64().unwrap();
            let to = from + 500;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > to).await;
            // Longer than any single try of the writer.
            tokio::time::sleep(outage.length).await;
            sqlx::query("ROLLBACK").execute(&mut rival).await.unwrap();
            rival.close().await.unwrap();
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["exitCode"], 0);
            account(&server, &id, lines, 1_500, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}

/// The disk under the database is full for a while: the spool is on another one.
fn fill_database() -> Findings {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("database");
        std::fs::create_dir_all(&place).unwrap();
        let Some(disk) = SmallDisk::mount(&place, 24) else {
            return Findings::skip("no file system can be mounted here (not root?)");
        };
        let database = place.join("runyard.db");
        let setting = [("RUNYARD_SERVER__DATABASE", database.to_str().unwrap())];
        let server = Server::start_in(folder, &package_json(&[]), &setting);
        let mut findings = Findings::default();
        let outage = outage();
        for _ in 0..outage.rounds {
            let lines = outage.lines;
            let id = start_witness(&server, lines, outage.pause_us, 4).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            let filler = place.join(".filler");
            assert!(fill(&filler) > 0);
            // Nothing can be stored, and the live end of the log goes on.
            let from = server.process(&id).await["nextIdx"].as_i64().unwrap();
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > from + 500).await;
            tokio::time::sleep(outage.length).await;
            std::fs::remove_file(&filler).unwrap();
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["exitCode"], 0);
            account(&server, &id, lines, 1_500, &mut findings).await;
            findings.rounds += 1;
        }
        drop(server);
        drop(disk);
        findings
    })
}

/// What `/readyz` says, when it is not ready.
async fn why_not_ready(server: &Server) -> Option<String> {
    let answer = server.send(Method::GET, "/readyz", None).await;
    if answer.status().is_success() {
        return None;
    }
    Some(answer.text().await.unwrap())
}

/// Moves the database and its companions.
fn carry(from: &Path, to: &Path) {
    for name in ["runyard.db", "runyard.db-wal", "runyard.db-shm"] {
        if from.join(name).exists() {
            fs::rename(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// The database and its companions are moved to another folder, and back after a while.
fn move_database() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let away = server.folder.path().join("away");
        fs::create_dir(&away).unwrap();
        let mut findings = Findings::default();
        let outage = outage();
        for _ in 0..outage.rounds {
            let lines = outage.lines;
            let id = start_witness(&server, lines, outage.pause_us, 4).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
            assert_eq!(why_not_ready(&server).await, None);
            carry(&server.data(), &away);
            // Nothing is written where nobody would find it, and the live end of the log goes on.
            let why = why_not_ready(&server).await.unwrap();
            assert!(why.contains("put it back"), "{why}");
            let from = server.process(&id).await["nextIdx"].as_i64().unwrap();
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > from + 500).await;
            tokio::time::sleep(outage.length).await;
            assert!(!server.data().join("runyard.db").exists(), "it was made again");
            carry(&away, &server.data());
            let process = server.wait_for_status(&id, "completed").await;
            assert_eq!(process["exitCode"], 0);
            assert_eq!(why_not_ready(&server).await, None);
            account(&server, &id, lines, 1_500, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}

/// A server that does not find its database does not take what runs for strangers, whom it would end.
fn refuse_new_database() -> Findings {
    block_on(async {
        let mut server = start(&[("sleep", "exec sleep 323")], &[]);
        let id = server.run("sleep", &[]).await;
        let child = server.process(&id).await["pid"].as_i64().unwrap() as i32;
        server.stop();
        let away = server.folder.path().join("away");
        fs::create_dir(&away).unwrap();
        carry(&server.data(), &away);
        let output = command(server.folder.path())
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(server.data())
            .output()
            .unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "it serves a new database");
        assert!(words.contains("put the database of before back"), "{words}");
        assert!(words.contains(&child.to_string()) && is_alive(child), "{words}");
        let new = server.folder.path().join("new");
        fs::create_dir(&new).unwrap();
        carry(&server.data(), &new);
        carry(&away, &server.data());
        server.relaunch();
        let process = server.process(&id).await;
        assert_eq!(
            (&process["status"], process["pid"].as_i64()),
            (&"running".into(), Some(child.into()))
        );
        Findings { rounds: 1, ..Findings::default() }
    })
}

/// All that was committed since the database was last folded into its file is lost with the power, for
/// the disk has refused to take it: nothing of that was given back to the keeper.
fn lose_log() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        for _ in 0..rounds(1, 5) {
            let never = ("RUNYARD_DISTURB", "store-sync:0:1000000:eio");
            let numbers = 20_000;
            let script = format!("echo begun; read go < go; seq -f %01000.0f 1 {numbers}");
            let mut server = start(&[("loud", &script)], &[never]);
            let fifo = server.project().join("go");
            nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let id = server.run("loud", &[]).await;
            let url = format!("sqlite:{}", server.data().join("runyard.db").display());
            let mut rival = SqliteConnection::connect(&url).await.unwrap();
            loop {
                let count = "SELECT count(*) FROM process_logs";
                let stored: i64 = sqlx::query_scalar(count).fetch_one(&mut rival).await.unwrap();
                if stored > 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut rival).await.unwrap();
            rival.close().await.unwrap();
            fs::write(&fifo, "go\n").unwrap();
            server.wait_for_status(&id, "completed").await;
            let keeper = keeper_pid(&server);
            server.crash();
            send(keeper, Signal::SIGKILL);
            wait_until("the end of the keeper", || !is_alive(keeper));
            let run = server.data().join("runs").join(format!("{id}.1"));
            let segments = fs::read_dir(&run).unwrap().flatten();
            let out = segments.filter(|it| it.file_name().to_string_lossy().starts_with("out."));
            assert_eq!(
                out.count(),
                3,
                "the spool was released before the database was on its disk"
            );
            fs::remove_file(server.data().join("runyard.db-wal")).unwrap();
            fs::remove_file(server.data().join("runyard.db-shm")).unwrap();
            server.drop_setting(never.0);
            server.relaunch();
            let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
            assert_eq!(process["exitCode"], 0, "{process}");
            let entries = server.entries(&id).await;
            let seen: Vec<u64> = entries
                .iter()
                .filter_map(|entry| entry["line"].as_str().unwrap().parse().ok())
                .collect();
            assert!(seen.iter().copied().eq(1..=numbers), "{} lines are there", seen.len());
            wait_until("the spool to be given back", || !run.exists());
            findings.lines += numbers;
            findings.rounds += 1;
        }
        findings
    })
}
