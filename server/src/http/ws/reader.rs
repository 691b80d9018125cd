//! The receiving half: messages in, use-cases out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::model::{ClientMessage, ProcessId, ServerMessage, SubscribeMode};
use bytes::Bytes;
use fastwebsockets::{OpCode, Role, WebSocketError, after_handshake_split};
use tokio::io::AsyncReadExt as _;

use super::super::socket::ReadHalf;
use super::connection::{MAX_SUBSCRIPTIONS, Shared, Subscription};
use super::frame::Opcode;
use crate::logs::hub::RING_ENTRIES;
use crate::service::{Caller, ServiceError};

/// The largest message that is taken in.
const MAX_MESSAGE: usize = 1024 * 1024;
/// A client that says nothing for so long, not even to a ping, is gone.
pub(super) const IDLE: Duration = Duration::from_secs(120);

/// Takes messages in until the client leaves.
pub(super) async fn run(
    caller: Caller,
    shared: Arc<Shared>,
    read_half: ReadHalf,
    already_read: Bytes,
) {
    let stream = std::io::Cursor::new(already_read).chain(read_half);
    let (mut socket, _) = after_handshake_split(stream, tokio::io::sink(), Role::Server);
    socket.set_max_message_size(MAX_MESSAGE);
    socket.set_auto_pong(false);
    socket.set_auto_close(false);
    let mut message: Vec<u8> = Vec::new();
    loop {
        // Pongs and closings are answered below, in the writer's order.
        let mut unused = |_| std::future::ready(Ok::<(), std::io::Error>(()));
        let frame = match tokio::time::timeout(IDLE, socket.read_frame(&mut unused)).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(error)) => return shared.close(close_code(&error), "the frame is not accepted"),
            Err(_) => return shared.close(1001, "nothing was heard for 120 s"),
        };
        match frame.opcode {
            OpCode::Text | OpCode::Continuation => {
                if message.len() + frame.payload.len() > MAX_MESSAGE {
                    return shared.close(1009, "a message may have 1 MiB at most");
                }
                message.extend_from_slice(&frame.payload);
                if frame.fin {
                    handle(&caller, &shared, &message).await;
                    message.clear();
                }
            }
            OpCode::Binary => return shared.close(1003, "messages are text"),
            OpCode::Ping => shared.push(Opcode::Pong, Bytes::copy_from_slice(&frame.payload)),
            OpCode::Pong => {}
            OpCode::Close => return shared.close(1000, ""),
        }
    }
}

fn close_code(error: &WebSocketError) -> u16 {
    match error {
        WebSocketError::FrameTooLarge => 1009,
        WebSocketError::InvalidUTF8 => 1007,
        _ => 1002,
    }
}

/// One message. Whatever is wrong with it is answered; the connection goes on.
async fn handle(caller: &Caller, shared: &Arc<Shared>, message: &[u8]) {
    if let Err(error) = caller.count_request() {
        return shared.refuse(error.code, error.detail);
    }
    let message = match read_message(message) {
        Ok(message) => message,
        Err(words) => return shared.refuse("invalid_message", words),
    };
    if let Err(error) = act(caller, shared, message).await {
        shared.refuse(error.code, error.detail);
    }
}

fn read_message(bytes: &[u8]) -> Result<ClientMessage, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "the message does not fit: {error}; it must be one of subscribe, unsubscribe, \
             replay, start-process, stop-process"
        )
    })
}

async fn act(
    caller: &Caller,
    shared: &Arc<Shared>,
    message: ClientMessage,
) -> Result<(), ServiceError> {
    match message {
        ClientMessage::Subscribe { process_id, mode, after } => {
            subscribe(caller, shared, process_id, mode, after).await?;
        }
        ClientMessage::Unsubscribe { process_id } => {
            shared.unsubscribe(&process_id);
            shared.answer(&ServerMessage::Unsubscribed { process_id });
        }
        ClientMessage::Replay { process_id } => match shared.subscription(&process_id) {
            Some(subscription) => {
                let from = (subscription.log.next_idx() - RING_ENTRIES).max(0);
                subscription.next.fetch_min(from, Ordering::AcqRel);
                shared.wake.notify_one();
            }
            None => {
                subscribe(caller, shared, process_id, SubscribeMode::Tail, None).await?;
            }
        },
        ClientMessage::StartProcess { config } => {
            caller.start_process(*config).await?;
        }
        ClientMessage::StopProcess { process_id } => {
            caller.stop_process(&process_id, false).await?;
        }
    }
    Ok(())
}

async fn subscribe(
    caller: &Caller,
    shared: &Arc<Shared>,
    id: ProcessId,
    mode: SubscribeMode,
    after: Option<i64>,
) -> Result<(), ServiceError> {
    let (log, reader) = caller.follow_log(&id).await?;
    let newest = (log.next_idx() - RING_ENTRIES).max(0);
    let from = match (after, mode) {
        (Some(after), _) => after.max(-1).saturating_add(1).min(log.next_idx()),
        (None, SubscribeMode::All) => 0,
        (None, SubscribeMode::Tail) => newest,
    };
    let subscriber = log.subscribe(from, Arc::clone(&shared.wake));
    let head = format!("{{\"type\":\"logs\",\"processId\":\"{id}\",\"entries\":[");
    let acknowledged = ServerMessage::Subscribed { process_id: id.clone() };
    let next = AtomicI64::new(from);
    let subscription =
        Subscription { id, mode, log, reader, subscriber, next, head: Bytes::from(head) };
    shared.subscribe(subscription, &acknowledged).map_err(|()| {
        let detail = format!("one connection can follow {MAX_SUBSCRIPTIONS} logs: open another");
        ServiceError::new(429, "too_many_subscriptions", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What comes is a message or is refused in words, whatever it is.
        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            kind in "subscribe|unsubscribe|replay|start-process|stop-process|other",
            value in "[-0-9a-z\\[\\]{}\":,.\\\\ ]{0,40}",
        ) {
            for bytes in [bytes, format!("{{\"type\":\"{kind}\",{value}}}").into_bytes()] {
                if let Err(words) = read_message(&bytes) {
                    prop_assert!(words.contains("it must be one of subscribe"));
                }
            }
        }

        #[test]
        fn frames_of_any_bytes_end_the_connection_at_most(
            bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut socket, _) =
                    after_handshake_split(&bytes[..], tokio::io::sink(), Role::Server);
                socket.set_max_message_size(MAX_MESSAGE);
                let mut unused = |_| std::future::ready(Ok::<(), std::io::Error>(()));
                // Each frame takes bytes, so there are no more of them than bytes.
                let mut frames = 0;
                while socket.read_frame(&mut unused).await.is_ok() {
                    frames += 1;
                    assert!(frames <= bytes.len());
                }
            });
        }
    }
}
