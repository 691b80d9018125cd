//! Clients that are slow, and those that are many.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{PATIENCE, Server};

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let server = Server::start(&[]);
    let address: SocketAddr = server.address().parse().unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let begin = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

/// The head of a form of so many bytes, and the first few.
fn begun_form(server: &Server, bytes: usize) -> String {
    format!(
        "POST /sign-in HTTP/1.1\r\nHost: {0}\r\nOrigin: {1}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {bytes}\r\n\r\nname=",
        server.address(),
        server.base
    )
}

/// What is answered to a request that stops in its middle.
async fn answer_to(server: &Server, begun: &str) -> String {
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    socket.write_all(begun.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let server = Server::start(&[]);
    let begin = Instant::now();
    let answer = answer_to(&server, &begun_form(&server, 1000)).await;
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    assert!(!answer.contains("200 OK") && !answer.contains("303"), "{answer}");
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_by_its_whole_time() {
    let server = Server::start(&[("RUNYARD_LIMITS__BODY_TIMEOUT_S", "1")]);
    let (mut reader, mut writer) = TcpStream::connect(server.address()).await.unwrap().into_split();
    writer.write_all(begun_form(&server, 100000).as_bytes()).await.unwrap();
    let drip = async {
        // Never a pause that is worth the name.
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let begin = Instant::now();
    tokio::select! {
        read = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer)) => {
            // Cut, with an answer or without one.
            let _ = read.unwrap();
        }
        () = drip => {}
    }
    assert!(begin.elapsed() >= Duration::from_millis(900), "{:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(15), "not by the pauses: {:?}", begin.elapsed());
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("200 OK") && !answer.contains("303"), "{answer}");
}

#[tokio::test]
async fn who_sends_half_a_body_is_told_so_at_every_door() {
    let server = Server::start(&[("RUNYARD_LIMITS__BODY_TIMEOUT_S", "1")]);
    let json = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{",
            server.address(),
            server.token()
        )
    };
    let doors = [begun_form(&server, 1000), json("/api/processes"), json("/api/ui/start_process")];
    for begun in doors {
        let answer = answer_to(&server, &begun).await;
        let door = begun.lines().next().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{door}: {answer}");
        for part in [
            "content-type: application/problem+json",
            "connection: close",
            "x-content-type-options: nosniff",
            "\"code\":\"body_timeout\"",
        ] {
            assert!(answer.contains(part), "{door} without {part}: {answer}");
        }
    }
    // One that is sent in time is as good as ever.
    assert_eq!(server.send(reqwest::Method::POST, "/api/processes", None).await.status(), 400);
}

#[tokio::test]
async fn there_are_no_more_connections_than_are_let_in() {
    let server = Server::start(&[("RUNYARD_LIMITS__MAX_CONNECTIONS", "8")]);
    let ask = async || {
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        // One that is refused may be closed before it has sent all.
        let _ = socket.write_all(request).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let mut held = Vec::new();
    let begin = Instant::now();
    // The last one that the start has used may still be there.
    while held.len() < 8 {
        assert!(begin.elapsed() < PATIENCE);
        let mut socket = TcpStream::connect(server.address()).await.unwrap();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        if socket.read_exact(&mut first).await.is_ok() && first == *b"HTTP/1.1 200" {
            held.push(socket);
        }
    }
    let refused = ask().await;
    // The words may be lost when the system resets what is closed with a request in it.
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.is_empty() || refused.contains("too many connections"), "{refused}");
    held.pop();
    let begin = Instant::now();
    while !ask().await.starts_with("HTTP/1.1 200 ") {
        assert!(begin.elapsed() < PATIENCE, "a place that is free again is given");
    }
}

/// A connection from `source` on which one request was answered; `None` when it was refused.
async fn hold(server: &Server, source: &str) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(server.address().parse().unwrap()).await.unwrap();
    // One that is refused may be closed before it has sent all.
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut first = [0; 12];
    let is_answered = stream.read_exact(&mut first).await.is_ok() && first == *b"HTTP/1.1 200";
    is_answered.then_some(stream)
}

#[tokio::test]
async fn an_address_has_no_more_than_its_share_of_connections() {
    let settings = [
        ("RUNYARD_LIMITS__CONNECTIONS_PER_ADDRESS", "3"),
        ("RUNYARD_SERVER__TRUSTED_PROXIES", "127.0.0.9"),
    ];
    let server = Server::start(&settings);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(hold(&server, "127.0.0.2").await.unwrap());
    }
    assert!(hold(&server, "127.0.0.2").await.is_none(), "its share is used");
    // It is nobody else's trouble; the machine itself and a proxy that is named have no share at all.
    let mut others = Vec::new();
    for source in ["127.0.0.3", "127.0.0.1", "127.0.0.9"] {
        for n in 0..if source == "127.0.0.3" { 3 } else { 6 } {
            let stream = hold(&server, source).await;
            others.push(stream.unwrap_or_else(|| panic!("{source} has {n} only")));
        }
    }
    assert!(hold(&server, "127.0.0.3").await.is_none());
    // What is given back can be had again.
    held.pop();
    let begin = Instant::now();
    while hold(&server, "127.0.0.2").await.is_none() {
        assert!(begin.elapsed() < PATIENCE, "a place that is free again is given");
    }
}
