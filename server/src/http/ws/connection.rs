//! What a connection's two tasks share, and its life.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::model::{ProcessId, ServerMessage, SubscribeMode};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::super::socket::Socket;
use super::frame::Opcode;
use super::{reader, writer};
use crate::logs::hub::{Log, Subscriber};
use crate::logs::read::LogReader;
use crate::service::Caller;

/// Answers that may wait for a client that sends and does not read; one more ends the connection.
const MAX_ANSWERS: usize = 256;
/// Logs that one connection may follow.
pub(super) const MAX_SUBSCRIPTIONS: usize = 256;

/// Ends a connection: code and words for the closing frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

/// One followed log.
pub(super) struct Subscription {
    pub(super) id: ProcessId,
    pub(super) mode: SubscribeMode,
    pub(super) log: Arc<Log>,
    pub(super) reader: LogReader,
    pub(super) subscriber: Arc<Subscriber>,
    /// The next index to send; only the writer moves it, but for a replay.
    pub(super) next: AtomicI64,
    /// `{"type":"logs","processId":"…","entries":[`
    pub(super) head: Bytes,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.log.unsubscribe(&self.subscriber);
    }
}

/// What the two tasks share.
pub(super) struct Shared {
    /// Told of anything to send.
    pub(super) wake: Arc<Notify>,
    state: Mutex<Outgoing>,
    /// Ends both tasks.
    pub(super) over: CancellationToken,
}

#[derive(Default)]
struct Outgoing {
    answers: Vec<(Opcode, Bytes)>,
    subscriptions: Vec<Arc<Subscription>>,
    closing: Option<Closing>,
}

impl Shared {
    /// Something to send before anything else.
    pub(super) fn answer(&self, message: &ServerMessage) {
        self.push(Opcode::Text, encode(message));
    }

    /// A refusal; the connection goes on.
    pub(super) fn refuse(&self, code: &str, message: impl Into<String>) {
        self.answer(&ServerMessage::Error { code: code.into(), message: message.into() });
    }

    /// A frame to send before anything else.
    pub(super) fn push(&self, opcode: Opcode, payload: Bytes) {
        let mut state = self.state.lock();
        if state.answers.len() >= MAX_ANSWERS {
            let reason = "too many answers wait to be read";
            state.closing.get_or_insert(Closing { code: 1008, reason });
            drop(state);
            // The socket takes nothing, so the closing frame may not get through either.
            self.over.cancel();
            return;
        }
        state.answers.push((opcode, payload));
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the connection with a closing frame.
    pub(super) fn close(&self, code: u16, reason: &'static str) {
        self.state.lock().closing.get_or_insert(Closing { code, reason });
        self.wake.notify_one();
    }

    /// Takes the answers that wait.
    pub(super) fn take_answers(&self) -> Vec<(Opcode, Bytes)> {
        std::mem::take(&mut self.state.lock().answers)
    }

    /// Whether the connection is to be closed.
    pub(super) fn closing(&self) -> Option<Closing> {
        self.state.lock().closing
    }

    /// The followed logs.
    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.state.lock().subscriptions.clone()
    }

    /// Follows a log (instead of how it was followed before); `acknowledged` is sent first.
    pub(super) fn subscribe(
        &self,
        subscription: Subscription,
        acknowledged: &ServerMessage,
    ) -> Result<(), ()> {
        let payload = encode(acknowledged);
        let mut state = self.state.lock();
        state.subscriptions.retain(|other| other.id != subscription.id);
        if state.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(());
        }
        state.answers.push((Opcode::Text, payload));
        state.subscriptions.push(Arc::new(subscription));
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// The subscription to a log.
    pub(super) fn subscription(&self, id: &ProcessId) -> Option<Arc<Subscription>> {
        self.state.lock().subscriptions.iter().find(|other| other.id == *id).cloned()
    }

    /// Stops following a log.
    pub(super) fn unsubscribe(&self, id: &ProcessId) {
        self.state.lock().subscriptions.retain(|other| other.id != *id);
    }
}

impl Subscription {
    /// The next index to send.
    pub(super) fn next_idx(&self) -> i64 {
        self.next.load(Ordering::Acquire)
    }

    /// Everything below `next` is sent (or passed over), if nobody moved the cursor meanwhile.
    pub(super) fn advance(&self, from: i64, next: i64) {
        let moved = self.next.compare_exchange(from, next, Ordering::AcqRel, Ordering::Acquire);
        if moved.is_ok() {
            self.log.advance(&self.subscriber, next);
        }
    }
}

/// A message as it is sent.
pub(super) fn encode(message: &ServerMessage) -> Bytes {
    // The wire types have no map with keys that are not text, so this cannot fail.
    serde_json::to_vec(message).unwrap_or_default().into()
}

/// Serves one connection until either side ends it.
pub(super) async fn serve(
    caller: Caller,
    socket: Socket,
    already_read: Bytes,
    closing: CancellationToken,
) {
    let (read_half, write_half) = socket.into_split();
    let over = CancellationToken::new();
    let shared = Arc::new(Shared {
        wake: Arc::new(Notify::new()),
        state: Mutex::default(),
        over: over.clone(),
    });
    let _guard = over.clone().drop_guard();
    let ended = caller.clone();
    let reading = reader::run(caller.clone(), Arc::clone(&shared), read_half, already_read);
    let writing = writer::run(caller, Arc::clone(&shared), write_half);
    tokio::pin!(writing);
    tokio::select! {
        () = reading => {
            // A closing frame that is owed is still sent.
            let _ = tokio::time::timeout(writer::LAST_WORDS, &mut writing).await;
        }
        () = &mut writing => {}
        () = over.cancelled() => {}
        () = ended.until_ended() => {
            shared.close(1008, "what let you in has ended: sign in again");
            let _ = tokio::time::timeout(writer::LAST_WORDS, &mut writing).await;
        }
        () = closing.cancelled() => {
            shared.close(1012, "runyard is restarting");
            let _ = tokio::time::timeout(writer::LAST_WORDS, &mut writing).await;
        }
    }
}
