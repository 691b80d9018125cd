//! The sending half.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use app::api::ProcessFilter;
use app::model::{Process, ServerMessage};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval};

use super::super::socket::WriteHalf;
use super::connection::{Shared, encode};
use super::frame::{Opcode, write_frame, write_texts};
use crate::engine::Update;
use crate::service::Caller;

/// How long a closing frame may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);
/// A client is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(30);

pub(super) struct Writer {
    caller: Caller,
    pub(super) shared: Arc<Shared>,
    pub(super) socket: WriteHalf,
    updates: Receiver<Arc<Update>>,
    /// Changes to be sent; ends of processes until their last lines are.
    held: Vec<Arc<Update>>,
}

/// Sends until the connection is over.
pub(super) async fn run(caller: Caller, shared: Arc<Shared>, socket: WriteHalf) {
    let updates = caller.updates();
    let mut writer = Writer { caller, shared, socket, updates, held: Vec::new() };
    if let Err(error) = writer.run().await {
        tracing::debug!(%error, "a WebSocket was lost");
    }
}

impl Writer {
    async fn run(&mut self) -> io::Result<()> {
        self.send_status().await?;
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        loop {
            for (opcode, payload) in self.shared.take_answers() {
                write_frame(&mut self.socket, opcode, &[payload]).await?;
            }
            if let Some(closing) = self.shared.closing() {
                let mut payload = closing.code.to_be_bytes().to_vec();
                payload.extend_from_slice(closing.reason.as_bytes());
                write_frame(&mut self.socket, Opcode::Close, &[payload.into()]).await?;
                return self.socket.shutdown().await;
            }
            let mut sent = false;
            for subscription in self.shared.subscriptions() {
                sent |= self.send_entries(&subscription).await?;
            }
            sent |= self.send_updates().await?;
            if sent {
                continue;
            }
            tokio::select! {
                () = self.shared.wake.notified() => {}
                update = self.updates.recv() => match update {
                    // It is sent with those that are about to come: under load each would be a packet.
                    Ok(update) => {
                        self.held.push(update);
                        yield_now().await;
                    }
                    Err(RecvError::Lagged(_)) => self.send_status().await?,
                    Err(RecvError::Closed) => self.shared.wake.notified().await,
                },
                _ = ping.tick() => write_frame(&mut self.socket, Opcode::Ping, &[]).await?,
            }
        }
    }

    /// The newest processes, as many as a page lists: on open, and when changes were missed.
    async fn send_status(&mut self) -> io::Result<()> {
        let message = match self.caller.list_processes(ProcessFilter::default()).await {
            Ok(list) => ServerMessage::Status { processes: list.processes },
            Err(error) => ServerMessage::Error { code: error.code.into(), message: error.detail },
        };
        write_frame(&mut self.socket, Opcode::Text, &[encode(&message)]).await
    }

    /// Sends every change that may be sent, in one piece; `false` when there was none.
    async fn send_updates(&mut self) -> io::Result<bool> {
        let mut payloads = Vec::new();
        let mut has_missed = false;
        for update in std::mem::take(&mut self.held) {
            payloads.extend(self.payload_or_hold(update));
        }
        loop {
            match self.updates.try_recv() {
                Ok(update) => payloads.extend(self.payload_or_hold(update)),
                Err(TryRecvError::Lagged(_)) => has_missed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if has_missed {
            // What was missed lies before what has come.
            self.send_status().await?;
        }
        if !payloads.is_empty() {
            write_texts(&mut self.socket, &payloads).await?;
        }
        Ok(has_missed || !payloads.is_empty())
    }

    /// What is to be sent of a change, if it may be. The end of a followed process is told after its last
    /// lines.
    fn payload_or_hold(&mut self, update: Arc<Update>) -> Option<Bytes> {
        let process = &update.process;
        if !self.caller.may_see(process) {
            return None;
        }
        if process.status.is_ended()
            && let Some(subscription) = self.shared.subscription(&process.id)
            && subscription.next_idx() < process.next_idx
        {
            self.held.retain(|other| other.process.id != process.id);
            self.held.push(update);
            return None;
        }
        let encode =
            |process: &Process| encode(&ServerMessage::ProcessUpdate { process: process.clone() });
        Some(update.encoded(encode).clone())
    }
}
