//! Sends what followed logs have.
//!
//! A client that does not read costs nothing: when its socket takes nothing for a while, what is left of
//! the message under way is given back, and is made again from the ring or the store when the client
//! reads on. A thousand of them would hold as many pieces of the log otherwise, each another one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use app::model::{ServerMessage, SubscribeMode};
use bytes::Bytes;
use tokio::time::timeout;

use super::connection::{Subscription, encode};
use super::frame::{Frame, Opcode, write_frame};
use super::writer::Writer;
use crate::logs::batch::Batch;
use crate::logs::hub::{RING_ENTRIES, Read};
use crate::logs::read::ReadError;

/// One message of entries has about so many bytes; then the next subscription has its turn.
const MESSAGE_BYTES: usize = 128 * 1024;
/// Chunks that the store is asked for at a time: one is about as long as a message.
const CHUNKS: u32 = 1;
/// A `tail` that is further behind than this is skipped ahead to the newest entries.
const TAIL_BEHIND: i64 = 10 * RING_ENTRIES;
/// A message that a socket does not take within this time is not held any longer.
const PATIENCE: Duration = Duration::from_millis(100);
/// So much of it is: when that is gone, the client reads.
const LITTLE_BYTES: usize = 512;

impl Writer {
    /// One message of new entries; `false` when there are none.
    pub(super) async fn send_entries(&mut self, subscription: &Subscription) -> io::Result<bool> {
        let mut from = subscription.next_idx();
        if subscription.mode == SubscribeMode::Tail {
            from = self.skip_ahead(subscription, from).await?;
        }
        let batches = match subscription.log.read(from, MESSAGE_BYTES) {
            Read::UpToDate => return Ok(false),
            Read::Batches(batches) => batches,
            Read::Behind(first) => match subscription.reader.batches_from(from, CHUNKS).await {
                Ok(batches) => {
                    // What was removed for its age is passed over.
                    let next = batches.first().map_or(first, |batch| batch.first_idx());
                    if next > from {
                        self.pass_over(subscription, from, next).await?;
                        return Ok(true);
                    }
                    batches
                }
                Err(error) => {
                    self.shared.refuse("log_unreadable", error.to_string());
                    self.shared.unsubscribe(&subscription.id);
                    return Ok(true);
                }
            },
        };
        let mut message = Message::new(subscription, from);
        message.add(&batches, i64::MAX);
        drop(batches);
        let next = message.next;
        if next > from {
            self.send_message(subscription, from, message).await?;
            subscription.advance(from, next);
        }
        Ok(next > from)
    }

    /// Sends the entries from `from` on that `message` has, for as long as that takes.
    async fn send_message(
        &mut self,
        subscription: &Subscription,
        from: i64,
        message: Message,
    ) -> io::Result<()> {
        let next = message.next;
        let mut parts = message.into_parts();
        let mut frame = Frame::new(Opcode::Text, &parts);
        loop {
            match timeout(PATIENCE, frame.send(&mut self.socket, &parts)).await {
                Ok(sent) => return sent,
                Err(_elapsed) => {
                    frame.send_little(&mut self.socket, parts, LITTLE_BYTES).await?;
                    let again = Message::again(subscription, from, next).await;
                    parts = again.map_err(io::Error::other)?.into_parts();
                }
            }
        }
    }

    /// A `tail` that is far behind goes on with the newest entries, and is told what it missed.
    async fn skip_ahead(&mut self, subscription: &Subscription, from: i64) -> io::Result<i64> {
        let end = subscription.log.next_idx();
        if end - from <= TAIL_BEHIND {
            return Ok(from);
        }
        let next = end - RING_ENTRIES;
        self.pass_over(subscription, from, next).await?;
        Ok(next)
    }

    /// Goes on with the entry `next`, and tells what is missed.
    async fn pass_over(
        &mut self,
        subscription: &Subscription,
        from: i64,
        next: i64,
    ) -> io::Result<()> {
        let process_id = subscription.id.clone();
        let gap = ServerMessage::Gap { process_id, from, to: next - 1, dropped: next - from };
        write_frame(&mut self.socket, Opcode::Text, &[encode(&gap)]).await?;
        subscription.advance(from, next);
        Ok(())
    }
}

/// A message of consecutive entries, in parts that are shared.
struct Message {
    parts: Vec<Bytes>,
    /// The index behind its last entry.
    next: i64,
}

impl Message {
    /// One without entries, the first of which will be `from`.
    fn new(subscription: &Subscription, from: i64) -> Self {
        Self { parts: vec![subscription.head.clone()], next: from }
    }

    /// The one that had the entries in `from..to`. It has others when some were removed meanwhile.
    async fn again(subscription: &Subscription, from: i64, to: i64) -> Result<Self, ReadError> {
        let mut message = Self::new(subscription, from);
        while message.next < to {
            let before = message.next;
            let batches = subscription.reader.batches_from(before, CHUNKS).await?;
            message.add(&batches, to);
            if message.next == before {
                break;
            }
        }
        Ok(message)
    }

    /// Appends those entries below `to` that follow.
    fn add(&mut self, batches: &[Arc<Batch>], to: i64) {
        for batch in batches {
            // What the store gives may begin before the cursor.
            let json = batch.json(self.next, to);
            if json.is_empty() {
                continue;
            }
            if self.parts.len() > 1 {
                self.parts.push(Bytes::from_static(b","));
            }
            self.parts.push(json);
            self.next = batch.end_idx().min(to);
        }
    }

    fn into_parts(mut self) -> Vec<Bytes> {
        self.parts.push(Bytes::from_static(b"]}"));
        self.parts
    }
}
