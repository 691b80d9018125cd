//! Children with bad habits: only they themselves suffer from them.

use std::process::Command;

use crate::check::{account, start, start_witness};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, keeper_pid};

const NOBLOCK: &str = "exec perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die; \
    my $lost = 0; for my $i (1..200000) { syswrite(STDOUT, \"line $i\\n\") or $lost++ } \
    exit($lost > 0 ? 9 : 0)'";

const SCRIPTS: [(&str, &str); 5] = [
    ("closes", "exec >&-; echo to nobody 2>/dev/null; echo on stderr >&2; exit 5"),
    ("reads", "echo one; timeout 0.3 cat <&1 >/dev/null; echo two; exit 6"),
    ("noblock", NOBLOCK),
    ("endless", "exec sh -c 'head -c $0 /dev/zero | tr \"\\0\" x'"),
    ("bytes", r"printf 'a\000b\377\033[31m</script>\342\200\256end\n'"),
];

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(28, "output_without_a_newline", write_endless_line),
        Row::new(29, "any_bytes_and_html_in_the_output", write_any_bytes),
        Row::new(30, "a_child_closes_reads_or_unblocks_its_output", misuse_output),
    ]
}

/// The most memory that a process has had, in bytes.
fn peak_memory(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

fn write_endless_line() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let bytes = rounds(64, 1024) * 1024 * 1024;
        let before = peak_memory(server.pid());
        let id = server.run("endless", &[&bytes.to_string()]).await;
        let process = server.wait_for_status(&id, "completed").await;
        // Lines are cut at 2 MiB.
        let parts = process["nextIdx"].as_u64().unwrap();
        assert_eq!(parts, bytes.div_ceil(2 * 1024 * 1024));
        let grown = peak_memory(server.pid()) - before;
        assert!(grown < 192 * 1024 * 1024, "the server has grown by {grown} bytes");
        assert!(peak_memory(keeper_pid(&server)) < 64 * 1024 * 1024);
        Findings { rounds: 1, ..Findings::default() }
    })
}

fn write_any_bytes() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let id = server.run("bytes", &[]).await;
        server.wait_for_status(&id, "completed").await;
        let wanted = "a\0b\u{fffd}\u{1b}[31m</script>\u{202e}end";
        assert_eq!(server.lines(&id).await, [wanted]);
        // The page shows it and is not changed by it.
        let page = server.send(reqwest::Method::GET, &format!("/processes/{id}"), None).await;
        let page = page.text().await.unwrap();
        assert!(page.contains("&lt;/script"), "the line is not on the page");
        assert!(!page.contains("</script>\u{202e}"), "the line has ended a script");
        Findings { rounds: 1, ..Findings::default() }
    })
}

async fn ends_with(server: &Server, script: &str, code: i64) {
    let id = server.run(script, &[]).await;
    let process = server.wait_for(&id, |process| process["endedAt"].is_i64()).await;
    assert_eq!(process["exitCode"], code, "{process}");
}

fn misuse_output() -> Findings {
    block_on(async {
        let server = start(&SCRIPTS, &[]);
        let mut findings = Findings::default();
        let lines = 8_000;
        for _ in 0..rounds(1, 5) {
            let id = start_witness(&server, lines, 1_000, 8).await;
            ends_with(&server, "closes", 5).await;
            ends_with(&server, "reads", 6).await;
            if Command::new("perl").arg("-v").output().is_ok() {
                // Full pipes make its writes fail; its own are all that it loses.
                let id = server.run("noblock", &[]).await;
                server.wait_for(&id, |process| process["endedAt"].is_i64()).await;
            }
            server.wait_for_status(&id, "completed").await;
            account(&server, &id, lines, 1_500, &mut findings).await;
            findings.rounds += 1;
        }
        findings
    })
}
