//! Stopped means that nobody is left.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};

use crate::check;
use crate::row::{Findings, Row, rounds};
use crate::support::{Server, command};
use crate::system::{block_on, is_alive, keeper_pid, no_groups, send, tree_of, wait_until};

/// Each of them starts itself twice, in a session of its own, up to some 60 at a time for ever.
const BOMB: &str = "trap '' TERM HUP; echo armed; \
    grow() { i=0; while [ $i -lt 20 ]; do setsid sh -c 'trap \"\" TERM HUP; sleep 30 & \
    while :; do sh -c \"sleep 0.02\" & wait $!; done' & i=$((i+1)); done; }; grow; wait";

const SCRIPTS: [(&str, &str); 4] = [
    ("bomb", BOMB),
    ("daemon", "(trap '' HUP; exec setsid sleep 307) & echo started; exit 4"),
    ("quiet-daemon", "(exec setsid sleep 308 >/dev/null 2>&1) & echo started; exit 0"),
    ("sleep", "exec sleep 309"),
];

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(20, "a_fork_bomb_with_setsid_and_control_groups", cut_with_groups),
        Row::new(21, "a_fork_bomb_with_setsid_and_no_control_groups", cut_without_groups),
        Row::new(21, "survivors_of_a_stop_are_named", name_survivors),
        Row::new(22, "a_daemonised_grandchild_holds_the_pipe", tell_of_daemon),
        Row::new(22, "what_was_left_behind_is_not_started_over", refuse_leftovers),
        Row::new(20, "two_hundred_stops_at_once", stop_many),
    ]
}

async fn stop(server: &Server, id: &str) -> serde_json::Value {
    let path = format!("/api/processes/{id}?wait=true");
    let answer = server.send(Method::DELETE, &path, None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn cut(server: &Server, findings: &mut Findings) {
    let bystander = server.run("sleep", &[]).await;
    for _ in 0..rounds(1, 5) {
        let id = server.run("bomb", &[]).await;
        wait_until("the bomb", || tree_of(&id).len() > 40);
        let begin = Instant::now();
        let process = stop(server, &id).await;
        // The grace of one second, and one second to end them all.
        let took = begin.elapsed().saturating_sub(Duration::from_secs(1));
        assert_eq!(process["status"], "stopped", "{process}");
        assert_eq!(tree_of(&id), [0; 0]);
        assert!(took < Duration::from_secs(1), "it took {took:?} beyond the grace");
        findings.note_pause(took);
        findings.rounds += 1;
    }
    assert_eq!(server.process(&bystander).await["status"], "running");
}

fn cut_with_groups() -> Findings {
    block_on(async {
        let server = check::start(&SCRIPTS, &[("RUNYARD_RUN__GRACE_S", "1")]);
        keeper_pid(&server);
        if let Some(why) = no_groups(&server) {
            return Findings::skip(why);
        }
        let mut findings = Findings::default();
        cut(&server, &mut findings).await;
        findings
    })
}

/// A keeper that was started by hand, without control groups.
pub(crate) fn start_without_groups(scripts: &[(&str, &str)], settings: &[(&str, &str)]) -> Server {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("project")).unwrap();
    let data = folder.path().join("data");
    let mut command = command(folder.path());
    let mut keeper = command.args(["keeper", "--no-cgroups", "--data"]).arg(&data).spawn().unwrap();
    // It ends with the server, or with this process.
    std::thread::spawn(move || keeper.wait());
    wait_until("the keeper", || data.join("keeper.sock").exists());
    Server::start_in(folder, &check::package_json(scripts), settings)
}

fn cut_without_groups() -> Findings {
    block_on(async {
        let server = start_without_groups(&SCRIPTS, &[("RUNYARD_RUN__GRACE_S", "1")]);
        assert!(!server.data().join("keeper.cgroup").exists());
        let mut findings = Findings::default();
        cut(&server, &mut findings).await;
        findings
    })
}

/// Nobody survives SIGKILL for long; a keeper that cannot look is how a stop is left hanging.
fn name_survivors() -> Findings {
    block_on(async {
        let server = check::start(&SCRIPTS, &[("RUNYARD_RUN__GRACE_S", "60")]);
        let id = server.run("bomb", &[]).await;
        wait_until("the bomb", || tree_of(&id).len() > 40);
        let root = i32::try_from(server.process(&id).await["pid"].as_i64().unwrap()).unwrap();
        let path = format!("/api/processes/{id}");
        server.send(Method::DELETE, &path, None).await;
        send(root, Signal::SIGKILL);
        // The root is gone and the grace is long: it is not `stopped`, and says who is there.
        let named = |process: &serde_json::Value| {
            let reason = process["reason"].as_str().unwrap();
            reason.contains("still there: pid ") && reason.contains(" more")
        };
        let process = server.wait_for(&id, named).await;
        assert_eq!(process["status"], "stopping");
        assert!(!is_alive(root));
        // It takes commands meanwhile: a second stop does not wait for the grace.
        let begin = Instant::now();
        let process = stop(&server, &id).await;
        assert_eq!((&process["status"], tree_of(&id)), (&"stopped".into(), vec![]));
        assert!(begin.elapsed() < Duration::from_secs(5));
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn tell_of_daemon() -> Findings {
    block_on(async {
        let server = check::start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        for _ in 0..rounds(2, 20) {
            let begin = Instant::now();
            let id = server.run("daemon", &[]).await;
            let process = server.wait_for_status(&id, "failed").await;
            let took = begin.elapsed();
            assert_eq!(process["exitCode"], 4);
            assert!(took < Duration::from_secs(2), "the exit was delayed: {took:?}");
            findings.note_pause(took);
            let [daemon] = tree_of(&id)[..] else { panic!("there is one daemon") };
            let wanted = format!("its output is still held by pid {daemon} (");
            let mut said = Vec::new();
            for _ in 0..1000 {
                said = server.entries(&id).await;
                if said.iter().any(|entry| entry["type"] == "system") {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let line = said.iter().find(|entry| entry["type"] == "system").unwrap();
            assert!(line["line"].as_str().unwrap().starts_with(&wanted), "{line}");
            stop(&server, &id).await;
            wait_until("the end of the daemon", || !is_alive(daemon));
            findings.rounds += 1;
        }
        findings
    })
}

fn refuse_leftovers() -> Findings {
    block_on(async {
        let server = check::start(&SCRIPTS, &[]);
        let id = server.run("quiet-daemon", &[]).await;
        server.wait_for_status(&id, "completed").await;
        wait_until("one daemon", || tree_of(&id).len() == 1);
        let daemon = tree_of(&id)[0];
        wait_until("its program", || {
            std::fs::read(format!("/proc/{daemon}/cmdline"))
                .is_ok_and(|it| it.starts_with(b"sleep"))
        });
        let restart = format!("/api/processes/{id}/restart");
        let (status, _, detail) = server.problem(Method::POST, &restart, None).await;
        assert_eq!(status, 409);
        assert!(detail.contains(&format!("pid {daemon} (sleep 308)")), "{detail}");
        stop(&server, &id).await;
        assert!(!is_alive(daemon));
        let answer = server.send(Method::POST, &restart, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        server.wait_for_status(&id, "completed").await;
        stop(&server, &id).await;
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn stop_many() -> Findings {
    block_on(async {
        let settings =
            [("RUNYARD_LIMITS__MAX_JOBS", "300"), ("RUNYARD_LIMITS__MAX_SERVICES", "300")];
        let server = check::start(&SCRIPTS, &settings);
        let mut ids = Vec::new();
        for _ in 0..200 {
            ids.push(server.run("sleep", &[]).await);
        }
        let begin = Instant::now();
        let server = &server;
        let stops = ids.iter().map(|id| async move { stop(server, id).await });
        for process in futures_util::future::join_all(stops).await {
            assert_eq!(process["status"], "stopped");
        }
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(3), "200 stops took {took:?}");
        let mut findings = Findings { rounds: 1, ..Findings::default() };
        findings.note_pause(took);
        findings
    })
}
