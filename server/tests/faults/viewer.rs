//! A viewer as a browser is one: it follows a log over the WebSocket, and when the connection breaks
//! it comes back and asks for what follows the last entry that it has seen.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_util::task::TaskTracker;

use crate::support::{PATIENCE, Server};

/// Follows the log of `id` to the end of the process; returns how many entries it was shown and how
/// often it had to come back. Every index has to come once, in order.
pub(crate) async fn follow(address: String, token: String, id: String) -> (i64, u64) {
    let (mut next, mut breaks) = (0, 0);
    while !follow_until_break(&address, &token, &id, &mut next).await {
        breaks += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (next, breaks)
}

pub(crate) fn start(server: &Server, id: &str) -> tokio::task::JoinHandle<(i64, u64)> {
    let (address, token) = (server.address().to_owned(), server.token().to_owned());
    TaskTracker::new().spawn(follow(address, token, id.to_owned()))
}

/// `true`: the process has ended.
async fn follow_until_break(address: &str, token: &str, id: &str, next: &mut i64) -> bool {
    let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
    let Ok((mut socket, _)) = connect_async(request).await else { return false };
    let subscribe = json!({"type": "subscribe", "processId": id, "after": *next - 1});
    if socket.send(Message::text(subscribe.to_string())).await.is_err() {
        return false;
    }
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        let message = match message.unwrap_or_else(|_| panic!("the viewer hears nothing")) {
            Some(Ok(Message::Text(text))) => serde_json::from_str::<Value>(&text).unwrap(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
            Some(Ok(_)) => continue,
        };
        match message["type"].as_str().unwrap() {
            "logs" => {
                for entry in message["entries"].as_array().unwrap() {
                    assert_eq!(entry["idx"], *next, "the viewer saw a hole or a double");
                    *next += 1;
                }
            }
            "process-update" => {
                let process = &message["process"];
                if process["id"] == id && process["endedAt"].is_i64() {
                    return true;
                }
            }
            "error" => panic!("the viewer was refused: {message}"),
            _ => {}
        }
    }
}
