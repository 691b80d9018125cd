//! `make soak`: many children of mixed behaviour, while server and keeper are killed, stopped and
//! replaced at random; then every line and every exit is accounted for.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use server::keeper::client::{self, ClientError};

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row};
use crate::system::{block_on, is_alive, keeper_pid, send, tells_ends_of_strangers, wait_until};
use crate::witness;

const PROCESSES: usize = 50;

const SCRIPTS: [(&str, &str); 3] = [
    ("flicker", "i=0; while [ $i -lt 60 ]; do echo tick $i; sleep 0.1; i=$((i+1)); done; exit 7"),
    ("parent", "for i in 1 2 3; do (sleep 1; echo child) & done; wait; exit 8"),
    ("sleep", "exec sleep 317"),
];

/// Only when `RUNYARD_SOAK_MINUTES` says for how long.
pub(crate) fn rows() -> Vec<Row> {
    minutes().map(|_| Row::soak(soak)).into_iter().collect()
}

fn minutes() -> Option<u64> {
    std::env::var("RUNYARD_SOAK_MINUTES").ok()?.parse().ok()
}

/// The same sequence for the same seed: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Lines of both streams that follow the last that is there.
fn missing_at_the_end(entries: &[Value], lines: u64) -> u64 {
    let streams = [('o', "stdout"), ('e', "stderr")];
    let tails = streams.map(|(stream, kind)| {
        let last = entries.iter().rev().find(|entry| entry["type"] == kind);
        let seen = last.and_then(|entry| witness::read(stream, entry["line"].as_str().unwrap()));
        lines - seen.map_or(0, |seen| seen.number + 1)
    });
    tails.iter().sum()
}

fn soak() -> Findings {
    block_on(async {
        let length = Duration::from_secs(60 * minutes().unwrap_or(1));
        let settings = [("RUNYARD_LIMITS__MAX_JOBS", "200")];
        let mut server = start(&SCRIPTS, &settings);
        let other = server.folder.path().join("runyard-other");
        std::fs::copy(env!("CARGO_BIN_EXE_runyard"), &other).unwrap();
        let seed = u64::from(std::process::id()) | 1;
        println!("soak: seed {seed}");
        let mut dice = Dice(seed);
        let mut findings = Findings::default();
        let mut done = [0_u64; 5];
        let (mut exits, mut known, mut declined, mut forced) = (0, 0, 0, 0);
        let begin = Instant::now();
        while begin.elapsed() < length {
            // A generation of children, and faults as long as it lives.
            let mut witnesses = Vec::new();
            let mut others = Vec::new();
            for n in 0..PROCESSES {
                match n % 5 {
                    0 => others.push((server.run("flicker", &[]).await, 7)),
                    1 => others.push((server.run("parent", &[]).await, 8)),
                    _ => {
                        let lines = 500 + dice.roll(4_000);
                        let id = start_witness(&server, lines, 2_000, 1 + dice.roll(3)).await;
                        witnesses.push((id, lines));
                    }
                }
            }
            let generation = Instant::now();
            while generation.elapsed() < Duration::from_secs(12) {
                let fault = dice.roll(5);
                let keeper = keeper_pid(&server);
                let hurt = Instant::now();
                match fault {
                    0 => server.crash_and_restart(),
                    1 => {
                        send(keeper, Signal::SIGKILL);
                        wait_until("the end of the keeper", || !is_alive(keeper));
                        wait_until("another keeper", || keeper_pid(&server) != keeper);
                    }
                    2 => {
                        server.crash();
                        send(keeper, Signal::SIGKILL);
                        wait_until("the end of the keeper", || !is_alive(keeper));
                        server.relaunch();
                    }
                    3 => {
                        let exe = if dice.roll(2) == 0 {
                            other.clone()
                        } else {
                            env!("CARGO_BIN_EXE_runyard").into()
                        };
                        // It may be that one already. And as long as the machine's first process
                        // does not reap what a killed keeper has left to it, the next one declines.
                        match client::upgrade(&server.data(), &exe).await {
                            Err(ClientError::Refused(why)) if why.contains("not reaped") => {
                                declined += 1;
                            }
                            upgraded => {
                                let _ = upgraded.unwrap();
                            }
                        }
                    }
                    _ => {
                        send(server.pid(), Signal::SIGSTOP);
                        std::thread::sleep(Duration::from_millis(dice.roll(400)));
                        send(server.pid(), Signal::SIGCONT);
                    }
                }
                done[fault as usize] += 1;
                findings.note_pause(hurt.elapsed());
                findings.rounds += 1;
                std::thread::sleep(Duration::from_millis(50 + dice.roll(700)));
            }
            for (id, lines) in &witnesses {
                let process = server.wait_for(id, |process| process["endedAt"].is_i64()).await;
                let before = findings.lost;
                let entries = account(&server, id, *lines, 15_000, &mut findings).await;
                let says = |words: &str| {
                    entries.iter().any(|it| it["line"].as_str().unwrap().contains(words))
                };
                if says("nobody saw it end") || says("may be missing") {
                    // What was in its pipes when nobody held them: only the last lines, and said so.
                    let tail = missing_at_the_end(&entries, *lines);
                    assert_eq!(findings.lost - before, tail, "lines in between are lost");
                    (findings.lost, forced) = (before, forced + tail);
                }
                assert!(process["status"] != "lost" || says("nobody saw it end"), "{process}");
                exits += 1;
                known += u64::from(process["exitCode"] == 0);
            }
            for (id, code) in &others {
                let process = server.wait_for(id, |process| process["endedAt"].is_i64()).await;
                exits += 1;
                known += u64::from(process["exitCode"] == *code);
                let lost = process["status"] == "lost";
                assert!(lost || process["exitCode"] == *code, "{process}");
            }
        }
        let [servers, keepers, both, upgrades, stops] = done;
        println!(
            "soak: {} s; killed the server {servers} times, the keeper {keepers} times, both \
             {both} times; {upgrades} upgrades ({declined} declined), {stops} stops; {exits} exits, {} \
             of them lost; {forced} last lines are missing, which their logs say",
            begin.elapsed().as_secs(),
            exits - known
        );
        // With both dead nobody sees an exit; otherwise each is known where the kernel tells it.
        assert!(known == exits || both > 0 || !tells_ends_of_strangers());
        findings
    })
}
