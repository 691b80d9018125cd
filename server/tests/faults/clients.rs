//! Clients that do not read, that flood, and that never finish what they began: nobody else notices.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::check::{account, start, start_witness, witness_command};
use crate::row::{Findings, Row, rounds};
use crate::support::Server;
use crate::system::{block_on, wait_until};
use crate::viewer;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(19, "a_thousand_websockets_that_do_not_read", ignore_output),
        Row::new(19, "websockets_that_flood", flood),
        Row::new(19, "connections_that_never_finish_their_request", stay_half_open),
    ]
}

const MIB: u64 = 1024 * 1024;

/// What a process has in memory that is its own: not the pages of its program, which come and go, and of
/// which a test's has many.
fn memory(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// More descriptors for this process, which holds one end of every socket.
fn allow_descriptors(count: u64) -> bool {
    let pid = std::process::id().to_string();
    let limit = format!("--nofile={count}:");
    let set = Command::new("prlimit").args(["--pid", &pid, &limit]).output();
    set.is_ok_and(|output| output.status.success())
}

/// Connects from an address of its own: a thousand ports of the usual one are a thousand on which no
/// server of another test can be started again.
async fn connect(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into()).unwrap();
    let stream = socket.connect(server.address().parse().unwrap()).await.unwrap();
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Opens a WebSocket by hand; everything behind the head is left to be read.
async fn open_socket(server: &Server) -> Result<TcpStream, String> {
    let mut socket = connect(server).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address(),
        server.token()
    );
    socket.write_all(request.as_bytes()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(0);
        let last = answer.len() - 1;
        socket.read_exact(&mut answer[last..]).unwrap();
    }
    if answer.starts_with(b"HTTP/1.1 101") {
        return Ok(socket);
    }
    let mut body = [0; 4096];
    let len = socket.read(&mut body).unwrap();
    answer.extend(&body[..len]);
    Err(String::from_utf8_lossy(&answer).into_owned())
}

/// The payload of the server's next frame.
fn next_payload(socket: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let mut len = [0; 8];
    let given = match head[1] {
        127 => &mut len[..],
        126 => &mut len[6..],
        _ => &mut len[7..],
    };
    if head[1] < 126 {
        given[0] = head[1];
    } else {
        socket.read_exact(given).unwrap();
    }
    let mut payload = vec![0; usize::try_from(u64::from_be_bytes(len)).unwrap()];
    socket.read_exact(&mut payload).unwrap();
    payload
}

/// Reads everything that was not read, up to the entry before `next`: each once, in order.
fn catch_up(socket: &mut TcpStream, next: i64) {
    let mut expected = None;
    while expected != Some(next) {
        let payload = next_payload(socket);
        let message: Value = serde_json::from_slice(&payload).unwrap_or_default();
        for entry in message["entries"].as_array().into_iter().flatten() {
            let idx = entry["idx"].as_i64().unwrap();
            assert_eq!(idx, *expected.get_or_insert(idx), "an entry is missing or twice");
            expected = Some(idx + 1);
        }
    }
}

/// A frame of a client, whose mask changes nothing.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(len) if len < 126 => bytes.push(0x80 | len),
        _ => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn ignore_output() -> Findings {
    block_on(async {
        let count: u64 = 1_000;
        if !allow_descriptors(count + 1_024) {
            return Findings::skip("prlimit cannot give this process enough descriptors");
        }
        // The viewer beside them is of the same user.
        let most = (count + 1).to_string();
        let witness = format!("until [ -e go ]; do sleep 0.02; done; {}", witness_command());
        let server = start(
            &[("patient", witness.as_str())],
            &[("RUNYARD_LIMITS__SOCKETS_PER_USER", most.as_str())],
        );
        // It begins when all of them are there.
        let lines = rounds(40_000, 80_000);
        let id = server.run("patient", &[&lines.to_string(), "1000", "4", "0"]).await;
        let viewer = viewer::start(&server, &id);
        let mut sockets = Vec::new();
        for n in 0..count {
            let mut socket = open_socket(&server).await.unwrap();
            let mode = if n % 2 == 0 { "all" } else { "tail" };
            let message = json!({"type": "subscribe", "processId": id, "mode": mode}).to_string();
            socket.write_all(&frame(1, message.as_bytes())).unwrap();
            sockets.push(socket);
        }
        let before = memory(server.pid());
        // One more is refused, in words.
        let refused = open_socket(&server).await.unwrap_err();
        assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
        assert!(refused.contains("limits.sockets_per_user"), "{refused}");
        std::fs::write(server.project().join("go"), "").unwrap();
        let process = server.wait_for(&id, |it| it["endedAt"].is_i64()).await;
        let grown = memory(server.pid()).saturating_sub(before);
        assert!(grown < 48 * MIB, "the server has grown by {} MiB", grown / MIB);
        // Those who read after all get all that was kept from them.
        let next = process["nextIdx"].as_i64().unwrap();
        for socket in sockets.iter_mut().step_by(50) {
            catch_up(socket, next);
        }
        // Others see all of it, while those sockets are there.
        let (shown, _) = viewer.await.unwrap();
        let mut findings = Findings { rounds: count, ..Findings::default() };
        let entries = account(&server, &id, lines, 5_000, &mut findings).await;
        assert_eq!(shown, entries.len() as i64, "the viewer has not seen all");
        drop(sockets);
        // What they took is free again.
        let begin = Instant::now();
        while open_socket(&server).await.is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "the places are not given back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        findings
    })
}

/// Pings, questions and noise without reading a single answer.
fn flood() -> Findings {
    block_on(async {
        // Not the limit of requests is looked at here, but what holds without it.
        let server = start(&[], &[("RUNYARD_LIMITS__REQUESTS_PER_MINUTE", "4000000000")]);
        let before = memory(server.pid());
        let mut findings = Findings::default();
        for round in 0..rounds(6, 60) {
            let bytes = match round % 3 {
                0 => frame(9, &[b'x'; 100]),
                1 => frame(1, br#"{"type":"subscribe","processId":"nobody"}"#),
                _ => frame(1, b"{\"type\":\"no such thing\", \"a\": [[[[[[[["),
            };
            let bytes = bytes.repeat(1_000);
            let mut socket = open_socket(&server).await.unwrap();
            socket.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
            let begin = Instant::now();
            // Until the server has had enough of it.
            while socket.write_all(&bytes).is_ok() {
                assert!(begin.elapsed() < Duration::from_secs(20), "it is listened to for ever");
            }
            findings.rounds += 1;
        }
        let id = start_witness(&server, 100, 0, 0).await;
        server.wait_for_status(&id, "completed").await;
        account(&server, &id, 100, 1_500, &mut findings).await;
        let grown = memory(server.pid()).saturating_sub(before);
        assert!(grown < 32 * MIB, "the server has grown by {} MiB", grown / MIB);
        findings
    })
}

fn stay_half_open() -> Findings {
    block_on(async {
        let server = start(&[], &[]);
        let before = memory(server.pid());
        let begin = Instant::now();
        let mut sockets: Vec<TcpStream> = Vec::new();
        for _ in 0..200 {
            sockets.push(connect(&server).await);
        }
        for (n, socket) in sockets.iter_mut().enumerate() {
            let part = &b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "[..n % 40];
            socket.write_all(part).unwrap();
        }
        let id = start_witness(&server, 100, 0, 0).await;
        server.wait_for_status(&id, "completed").await;
        let mut findings = Findings { rounds: 200, ..Findings::default() };
        account(&server, &id, 100, 1_500, &mut findings).await;
        // They are not waited for: 15 seconds for the head of a request, however slowly.
        let mut is_closed = |socket: &mut TcpStream| {
            socket.set_nonblocking(true).unwrap();
            let mut bytes = [0; 512];
            loop {
                match socket.read(&mut bytes) {
                    Ok(0) => return true,
                    Ok(_) => {}
                    Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
                }
            }
        };
        // Those that have said nothing at all count as well.
        wait_until("the end of all", || sockets.iter_mut().all(&mut is_closed));
        findings.note_pause(begin.elapsed());
        let grown = memory(server.pid()).saturating_sub(before);
        assert!(grown < 16 * MIB, "the server has grown by {} MiB", grown / MIB);
        findings
    })
}
