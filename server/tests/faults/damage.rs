//! The spool is damaged, or loses what was not on the disk yet: what is missing is told, and the rest
//! goes on.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;
use server::sys::spool::{RunFiles, read_exit, read_meta};

use crate::check::{start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, is_alive, keeper_pid, send, tree_of, wait_until};
use crate::witness;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(32, "flipped_and_cut_files_of_the_spool", damage_spool),
        Row::new(35, "power_loss", lose_power),
    ]
}

/// Numbers without chance: the same ones in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

fn segments(run: &Path, stream: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(run).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<_> = files
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(stream))
        .collect();
    found.sort();
    found
}

/// The numbers of a stream's lines that are whole, which have to be in order and there once; and how
/// many lines are not whole.
fn numbers(entries: &[Value], stream: char, findings: &mut Findings) -> (Vec<u64>, u64) {
    let kind = if stream == 'o' { "stdout" } else { "stderr" };
    let (mut seen, mut torn) = (Vec::new(), 0);
    for entry in entries.iter().filter(|entry| entry["type"] == kind) {
        match witness::read(stream, entry["line"].as_str().unwrap()) {
            Some(line) => {
                findings.lines += 1;
                assert!(seen.last().is_none_or(|last| *last < line.number), "out of order");
                seen.push(line.number);
            }
            None => torn += 1,
        }
    }
    (seen, torn)
}

fn told(entries: &[Value], words: &str) -> usize {
    let own = entries.iter().filter(|entry| entry["type"] == "system");
    own.filter(|entry| entry["line"].as_str().unwrap().contains(words)).count()
}

const MISSING: &str = "are missing here";
const DAMAGED: &str = "the spool's index is damaged";

/// A child that has ended while no server was there: most of what it wrote is in the spool only.
async fn leave_unread(lines: u64) -> (Server, String, PathBuf) {
    let mut server = start(&[], &[]);
    let id = start_witness(&server, lines, 1_000, 4).await;
    server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 100).await;
    server.crash();
    let run = server.data().join("runs").join(format!("{id}.1"));
    wait_until("the child's end", || read_exit(&run).is_ok_and(|exit| exit.is_some()));
    (server, id, run)
}

/// What is done to a file, and what the log has to say.
struct Damage {
    stream: &'static str,
    harm: fn(&mut Vec<u8>),
    mark: Option<&'static str>,
    /// Streams of which lines may be missing.
    costs: &'static str,
}

const DAMAGES: [Damage; 6] = [
    // The index: order and times suffer, no line is lost.
    Damage { stream: "idx", harm: |b| at(b, 70)[0] ^= 4, mark: Some(DAMAGED), costs: "" },
    Damage { stream: "idx", harm: |b| at(b, 60).fill(0xa5), mark: Some(DAMAGED), costs: "" },
    Damage { stream: "idx", harm: |b| cut(b, 60), mark: Some(DAMAGED), costs: "" },
    Damage { stream: "out", harm: |b| cut(b, 60), mark: Some(MISSING), costs: "o" },
    Damage { stream: "err", harm: |b| cut(b, 90), mark: Some(MISSING), costs: "e" },
    // What a child wrote has no checksum: a flipped bit is shown as it is.
    Damage { stream: "out", harm: |b| at(b, 80)[0] ^= 1, mark: None, costs: "o" },
];

/// From so many hundredths on.
fn at(bytes: &mut [u8], percent: usize) -> &mut [u8] {
    let from = bytes.len() * percent / 100;
    &mut bytes[from..]
}

fn cut(bytes: &mut Vec<u8>, percent: usize) {
    // Not at the end of a record, nor of a line.
    bytes.truncate(bytes.len() * percent / 100 + 7);
}

fn damage_spool() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        let lines = 4_000;
        for _ in 0..rounds(1, 3) {
            for damage in &DAMAGES {
                let (mut server, id, run) = leave_unread(lines).await;
                let keeper = keeper_pid(&server);
                let file = segments(&run, damage.stream).pop().unwrap();
                let mut bytes = fs::read(&file).unwrap();
                (damage.harm)(&mut bytes);
                fs::write(&file, bytes).unwrap();
                server.relaunch();
                let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
                assert_eq!(
                    (&process["status"], &process["exitCode"]),
                    (&"completed".into(), &0.into())
                );
                let entries = server.entries(&id).await;
                for stream in ['o', 'e'] {
                    let (seen, torn) = numbers(&entries, stream, &mut findings);
                    if damage.costs.contains(stream) {
                        // Up to the damage all is there, and at most one line is torn by it.
                        assert!(
                            seen.len() as u64 > lines / 2 && torn <= 1,
                            "{stream}: {torn} torn"
                        );
                    } else {
                        assert_eq!(
                            (seen.len() as u64, torn),
                            (lines, 0),
                            "{stream} has lost lines"
                        );
                    }
                }
                for mark in [MISSING, DAMAGED] {
                    let wanted = usize::from(damage.mark == Some(mark));
                    assert_eq!(told(&entries, mark), wanted, "{} {mark}", damage.stream);
                }
                // Everybody else goes on.
                assert!(is_alive(keeper));
                let other = start_witness(&server, 10, 0, 0).await;
                server.wait_for_status(&other, "completed").await;
                findings.rounds += 1;
            }
        }
        findings
    })
}

/// The end of a file that was not on the disk.
fn lose_tail(path: &Path, kept: u64, dice: &mut Dice) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let kept = kept.min(len);
    file.set_len(kept + dice.below(len - kept + 1)).unwrap();
}

fn lose_power() -> Findings {
    block_on(async {
        let (mut findings, mut dice) = (Findings::default(), Dice(35));
        for _ in 0..rounds(3, 40) {
            let mut server = start(&[], &[]);
            let id = start_witness(&server, 1_000_000, 1_000, 6).await;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > 200).await;
            let wal = server.data().join("runyard.db-wal");
            let synced = fs::metadata(&wal).unwrap().len();
            let until = 400 + dice.below(3_000) as i64;
            server.wait_for(&id, |it| it["nextIdx"].as_i64().unwrap() > until).await;
            let keeper = keeper_pid(&server);
            server.crash();
            send(keeper, Signal::SIGKILL);
            for pid in tree_of(&id) {
                send(pid, Signal::SIGKILL);
            }
            wait_until("the end of all", || !is_alive(keeper) && tree_of(&id).is_empty());
            // What was not synced is gone, of each file another part; and it is another boot.
            let run = server.data().join("runs").join(format!("{id}.1"));
            for stream in ["out", "err", "idx"] {
                lose_tail(&segments(&run, stream).pop().unwrap(), 0, &mut dice);
            }
            lose_tail(&wal, synced, &mut dice);
            let _ = fs::remove_file(server.data().join("runyard.db-shm"));
            let mut meta = read_meta(&run).unwrap().unwrap();
            meta.boot_id = "before-the-power-was-lost".into();
            let files = RunFiles::open(&server.data().join("runs")).unwrap();
            files.file(&format!("{id}.1")).unwrap().write_meta(&meta).unwrap();
            server.relaunch();
            let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
            assert_eq!(process["status"], "lost", "{process}");
            let entries = server.entries(&id).await;
            for stream in ['o', 'e'] {
                let (seen, torn) = numbers(&entries, stream, &mut findings);
                let is_prefix = seen.iter().zip(0..).all(|(number, place)| *number == place);
                assert!(is_prefix, "{stream} has a hole");
                assert!(torn <= 1, "{stream} has {torn} torn lines");
            }
            assert_eq!(told(&entries, "nobody saw it end"), 1, "{process}");
            let other = start_witness(&server, 10, 0, 0).await;
            server.wait_for_status(&other, "completed").await;
            findings.rounds += 1;
        }
        findings
    })
}
