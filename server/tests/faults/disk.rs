//! A disk that fails now and then, and one that is slow.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use server::keeper::client::{KeeperClient, Scope, SpawnSpec, TreeLimits, WhenFull};

use crate::check::{account, package_json, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::{Server, command};
use crate::system::{block_on, wait_until};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(16, "an_io_error_on_the_nth_write", fail_writes),
        Row::new(36, "a_slow_disk", write_slowly),
    ]
}

/// A keeper that was started by hand, whose writes into the spool are disturbed: `FROM:COUNT:HOW`.
fn start_keeper(folder: &Path, disturbance: &str) -> Child {
    std::fs::create_dir_all(folder.join("project")).unwrap();
    let data = folder.join("data");
    let log = std::fs::File::create(folder.join("keeper.log")).unwrap();
    let keeper = command(folder)
        .args(["keeper", "--data"])
        .arg(&data)
        .env("RUNYARD_DISTURB", format!("spool-write:{disturbance}"))
        .stderr(log)
        .spawn()
        .unwrap();
    wait_until("the keeper", || data.join("keeper.sock").exists());
    keeper
}

fn fail_writes() -> Findings {
    block_on(async {
        let mut findings = Findings::default();
        for round in 0..rounds(2, 10) {
            let folder = tempfile::tempdir().unwrap();
            let disturbance = format!("{}:4:eio", 50 + round * 13);
            let mut keeper = start_keeper(folder.path(), &disturbance);
            let log = folder.path().join("keeper.log");
            let sleep = [("sleep", "exec sleep 319")];
            let server = Server::start_in(folder, &package_json(&sleep), &[]);
            let bystander = server.run("sleep", &[]).await;
            let lines = 4_000;
            let id = start_witness(&server, lines, 1_000, 4).await;
            let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
            assert_eq!(
                (&process["status"], &process["exitCode"]),
                (&"completed".into(), &0.into())
            );
            // What came while nothing could be written is stamped when it could.
            account(&server, &id, lines, 5_000, &mut findings).await;
            let said = std::fs::read_to_string(log).unwrap();
            assert!(said.contains("cannot write the output of"), "{said:?}");
            assert!(said.contains("Input/output error"), "{said:?}");
            assert!(said.contains("is written again"), "{said:?}");
            assert_eq!(server.process(&bystander).await["status"], "running");
            assert_eq!(keeper.try_wait().unwrap(), None, "the keeper has ended");
            drop(server);
            keeper.wait().unwrap();
            findings.rounds += 1;
        }
        findings
    })
}

/// The smallest time that so many hundredths of the others are not above.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

fn spec(run: String, argv: &[&str]) -> SpawnSpec {
    SpawnSpec {
        run,
        program: argv[0].into(),
        argv: argv.iter().map(|&arg| arg.to_owned()).collect(),
        cwd: "/".into(),
        env: vec![],
        limits: TreeLimits::default(),
        when_full: WhenFull::default(),
    }
}

/// Each write into the spool takes a tenth of a second, and there is always something to write.
fn write_slowly() -> Findings {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start_keeper(folder.path(), "0:1000000000:100");
        let data = folder.path().join("data");
        let sink = Arc::new(|_| {});
        let exe = std::path::PathBuf::from(env!("CARGO_BIN_EXE_runyard"));
        let keeper = KeeperClient::connect(&data, 1, &exe, sink).await.unwrap();
        for n in 0..8 {
            keeper.spawn(spec(format!("loud.{n}"), &["/usr/bin/yes"])).await.unwrap();
        }
        let count = rounds(100, 1_000);
        let (mut spawns, mut kills) = (Vec::new(), Vec::new());
        for n in 0..count {
            let run = format!("quiet.{n}");
            let begin = Instant::now();
            keeper.spawn(spec(run.clone(), &["/bin/sleep", "320"])).await.unwrap();
            spawns.push(begin.elapsed());
            let begin = Instant::now();
            let sent = keeper.signal(&run, Signal::SIGKILL as i32, Scope::Tree).await.unwrap();
            kills.push(begin.elapsed());
            assert_eq!((sent.delivered, sent.survivors.len()), (1, 0));
        }
        // The short form runs beside other tests: a tenth of it may be theirs.
        let percent = usize::try_from(rounds(90, 99)).unwrap();
        let mut findings = Findings { rounds: count, ..Findings::default() };
        for times in [&mut spawns, &mut kills] {
            let time = percentile(times, percent);
            findings.note_pause(time);
            assert!(time < Duration::from_millis(50), "p{percent} is {time:?}");
        }
        for n in 0..8 {
            let run = format!("loud.{n}");
            keeper.signal(&run, Signal::SIGKILL as i32, Scope::Tree).await.unwrap();
        }
        keeper.close().await;
        child.kill().unwrap();
        child.wait().unwrap();
        findings
    })
}
