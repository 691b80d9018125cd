//! The WebSocket's contract.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{PATIENCE, Server};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(server: &Server) -> Self {
        Self::open_as(server, server.token()).await.0
    }

    /// With other headers; what it is told first is still to come.
    pub(crate) async fn open_with(server: &Server, headers: &[(&'static str, &str)]) -> Self {
        Self(connect_async(Self::handshake(server, headers)).await.unwrap().0)
    }

    /// The handshake with a token.
    pub(crate) fn request(server: &Server, token: &str) -> Request {
        Self::handshake(server, &[("Authorization", &format!("Bearer {token}"))])
    }

    fn handshake(server: &Server, headers: &[(&'static str, &str)]) -> Request {
        let mut request = format!("ws://{}/ws", server.address()).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    }

    /// With another token; the socket and the processes it was told of.
    pub(crate) async fn open_as(server: &Server, token: &str) -> (Self, Value) {
        let mut socket =
            Self::open_with(server, &[("Authorization", &format!("Bearer {token}"))]).await;
        let status = socket.next().await.unwrap();
        assert_eq!(status["type"], "status");
        (socket, status["processes"].clone())
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap()?;
            match message {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Entries of a log until its process has ended.
    async fn entries_to_the_end(&mut self, id: &str) -> Vec<Value> {
        let mut entries = Vec::new();
        loop {
            let message = self.next().await.unwrap();
            match message["type"].as_str().unwrap() {
                "logs" => entries.extend(message["entries"].as_array().unwrap().iter().cloned()),
                "process-update"
                    if message["process"]["id"] == id && message["process"]["endedAt"].is_i64() =>
                {
                    return entries;
                }
                _ => {}
            }
        }
    }
}

fn assert_contiguous(entries: &[Value], first: i64) {
    for (i, entry) in entries.iter().enumerate() {
        assert_eq!(entry["idx"], first + i as i64);
    }
}

#[tokio::test]
async fn a_follower_gets_every_line_once_and_then_the_end() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server).await;
    let id = server.run("burst", &[]).await;
    socket.send(json!({"type": "subscribe", "processId": id})).await;
    assert_eq!(socket.next_of("subscribed").await["processId"], json!(id));
    let entries = socket.entries_to_the_end(&id).await;
    assert_eq!(entries.len(), 300_000);
    assert_contiguous(&entries, 0);
    assert_eq!(entries[299_999]["line"], "000000299999");
}

#[tokio::test]
async fn a_subscription_resumes_after_an_index() {
    let server = Server::start(&[]);
    let id = server.run("lines", &["50000"]).await;
    server.wait_for_status(&id, "completed").await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({"type": "subscribe", "processId": id, "after": 123})).await;
    let mut entries = Vec::new();
    while entries.len() < 50_001 - 124 {
        let message = socket.next_of("logs").await;
        entries.extend(message["entries"].as_array().unwrap().iter().cloned());
    }
    assert_contiguous(&entries, 124);
    socket.send(json!({"type": "unsubscribe", "processId": id})).await;
    socket.next_of("unsubscribed").await;
    socket.send(json!({"type": "subscribe", "processId": id, "mode": "tail"})).await;
    let mut entries = Vec::new();
    while entries.len() < 1000 {
        let message = socket.next_of("logs").await;
        entries.extend(message["entries"].as_array().unwrap().iter().cloned());
    }
    assert_contiguous(&entries, 49_001);
    socket.send(json!({"type": "replay", "processId": id})).await;
    let message = socket.next_of("logs").await;
    assert_eq!(message["entries"][0]["idx"], 49_001);
}

#[tokio::test]
async fn a_follower_that_does_not_read_loses_nothing() {
    let server = Server::start(&[]);
    let mut slow = Socket::open(&server).await;
    let id = server.run("lines", &["400000"]).await;
    slow.send(json!({"type": "subscribe", "processId": id})).await;
    // It reads nothing until all of it is long stored.
    server.wait_for_status(&id, "completed").await;
    let entries = slow.entries_to_the_end(&id).await;
    assert_eq!(entries.len(), 400_001);
    assert_contiguous(&entries, 0);
}

#[tokio::test]
async fn starting_and_stopping_over_the_socket() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server).await;
    socket.send(json!({"type": "start-process", "config": {"scriptName": "sleep"}})).await;
    let update = loop {
        let update = socket.next_of("process-update").await;
        if update["process"]["status"] == "running" {
            break update;
        }
    };
    let id = update["process"]["id"].clone();
    assert!(update["process"]["pid"].is_i64());
    socket.send(json!({"type": "stop-process", "processId": id})).await;
    let statuses = [socket.next_of("process-update").await, socket.next_of("process-update").await];
    let statuses = statuses.map(|update| update["process"]["status"].as_str().unwrap().to_owned());
    assert_eq!(statuses, ["stopping", "stopped"]);
}

#[tokio::test]
async fn messages_that_are_wrong_are_answered_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let mut socket = Socket::open(&server).await;
    for (message, code) in [
        ("not json".to_owned(), "invalid_message"),
        (json!({"type": "dance"}).to_string(), "invalid_message"),
        (json!({"type": "subscribe"}).to_string(), "invalid_message"),
        (json!({"type": "subscribe", "processId": "none"}).to_string(), "process_not_found"),
        (json!({"type": "stop-process", "processId": "none"}).to_string(), "process_not_found"),
        (
            json!({"type": "start-process", "config": {"scriptName": "rm"}}).to_string(),
            "script_not_found",
        ),
    ] {
        socket.0.send(Message::text(message.clone())).await.unwrap();
        let answer = socket.next_of("error").await;
        assert_eq!(answer["code"], code, "{message}");
        assert!(answer["message"].as_str().unwrap().len() > 10);
    }
    // Frames that are not the protocol end this connection, and only this one.
    socket.0.send(Message::binary(vec![0; 10])).await.unwrap();
    while socket.next().await.is_some() {}
    let mut large = Socket::open(&server).await;
    let _ = large.0.send(Message::text("x".repeat(2 << 20))).await;
    while large.next().await.is_some() {}
    Socket::open(&server).await;
}

#[tokio::test]
async fn a_socket_needs_an_identity_and_the_right_origin() {
    let server = Server::start(&[]);
    let request = format!("ws://{}/ws", server.address()).into_client_request().unwrap();
    let Err(Error::Http(answer)) = connect_async(request).await else { panic!("it was let in") };
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn messages_count_as_requests() {
    let server = Server::start(&[("RUNYARD_LIMITS__REQUESTS_PER_MINUTE", "20")]);
    let (mut socket, _) = Socket::open_as(&server, server.token()).await;
    let unknown = json!({"type": "unsubscribe", "processId": "x"});
    let mut answered = 0;
    loop {
        socket.send(unknown.clone()).await;
        let answer = socket.next().await.unwrap();
        if answer["type"] == "error" {
            assert_eq!(answer["code"], "too_many_requests");
            break;
        }
        answered += 1;
        assert!(answered <= 21, "nothing was refused");
    }
    assert!(answered >= 10, "{answered}");
    let refused = server.send(reqwest::Method::GET, "/api/processes", None).await;
    assert_eq!(refused.status(), 429);
}
