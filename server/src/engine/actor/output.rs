//! Takes a run's output in: from the spool to the recorder, and gives back to the keeper what is
//! stored.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use super::{Actor, ActorError, Change, Cursor, Run};
use crate::failpoint;
use crate::sys::spool::{RECORD_SIZE, SEGMENT_SIZE};

/// Entries wait at most so long before they are handed to the store.
pub(super) const SAVE_AFTER: Duration = Duration::from_millis(250);
/// Bytes taken in before commands are looked at again.
const STEP_BYTES: usize = 512 * 1024;
/// So long the taking in waits for followers that read, before it leaves them behind; they then
/// read from the store.
const PATIENCE: Duration = Duration::from_millis(100);

impl Actor {
    /// Takes in what is there, up to a step. `true`: there is more.
    pub(super) async fn take_in(&mut self, run: &mut Run) -> Result<bool, ActorError> {
        while self.recorder.is_full() {
            let stored = self.recorder.stored().await?;
            self.note_stored(run, stored.cursor);
        }
        self.wait_for_followers().await;
        if let Some(exit) = &run.exit {
            run.tail.ends_at(exit);
        }
        let more = run.tail.step(&mut self.recorder, STEP_BYTES)?;
        if self.recorder.show() && self.recorder.log().is_followed() {
            // Those who follow it are sent it before all else.
            yield_now().await;
        }
        self.mark_gaps(run).await?;
        if self.recorder.is_chunk_full() {
            self.save_output(run).await?;
        } else if self.recorder.has_unsaved() && run.unsaved_since.is_none() {
            run.unsaved_since = Some(Instant::now());
        }
        Ok(more)
    }

    /// Says in the log what is missing at this place. One transaction stores that, the lines before it
    /// and the cursor behind it: it is told once.
    pub(super) async fn mark_gaps(&mut self, run: &mut Run) -> Result<(), ActorError> {
        while let Some(gap) = run.tail.take_gap() {
            let text = gap.describe();
            if gap.is_wanted() {
                tracing::warn!(run = run.name, text, "output was dropped");
            } else {
                tracing::error!(run = run.name, text, "the spool is damaged");
            }
            run.unsaved_since = None;
            run.has_cursor = true;
            let now = self.shared.clock.now_ms();
            let words = self.recorder.stage_system(now, &text);
            self.shared.writer.submit(vec![words, Change::PutCursor(run.tail.cursor())]).await?;
            self.recorder.show_staged().await?;
        }
        Ok(())
    }

    /// Lets followers that read keep up with the ring: the spool waits on disk meanwhile.
    async fn wait_for_followers(&self) {
        let log = self.recorder.log();
        let patience = Instant::now() + PATIENCE;
        while log.is_ahead() {
            if tokio::time::timeout_at(patience, log.subscriber_moved()).await.is_err() {
                log.leave_behind();
            }
        }
    }

    /// Hands the collected entries to the store, and what has changed of the process.
    pub(super) async fn save_output(&mut self, run: &mut Run) -> Result<(), ActorError> {
        run.unsaved_since = None;
        if self.recorder.has_unsaved() {
            run.has_cursor = true;
            self.recorder.save(Some(run.tail.cursor())).await?;
        }
        if self.is_unsaved {
            self.save_later().await?;
        }
        Ok(())
    }

    /// Runyard's own words in the log.
    pub(super) async fn say(&mut self, run: &mut Run, text: &str) -> Result<(), ActorError> {
        self.save_output(run).await?;
        run.has_cursor = true;
        let now = self.shared.clock.now_ms();
        let stored = self.recorder.system(now, text, Some(run.tail.cursor())).await?;
        self.note_stored(run, stored);
        Ok(())
    }

    /// What is stored, the keeper need not keep; it is told once a segment is whole.
    pub(super) fn note_stored(&self, run: &mut Run, cursor: Option<Cursor>) {
        let Some(cursor) = cursor else { return };
        let total = cursor.out_off + cursor.err_off;
        if total >= run.released + SEGMENT_SIZE {
            run.released = total;
            // The record before the cursor tells where the begun lines end.
            let index_off = cursor.index_off.saturating_sub(RECORD_SIZE);
            self.shared.releases.release(Cursor { index_off, ..cursor });
        }
    }

    /// Runyard ends: what was taken in is stored, and the child goes on.
    pub(super) async fn leave(&mut self, run: &mut Run) -> Result<(), ActorError> {
        self.recorder.show();
        self.save_output(run).await?;
        self.recorder.drain().await?;
        Ok(())
    }

    /// The run is over: once all of it is stored, the keeper may forget it.
    pub(super) async fn give_back(&mut self, mut run: Run) -> Result<(), ActorError> {
        self.save_output(&mut run).await?;
        self.recorder.drain().await?;
        let mut changes = self.record_changes();
        if run.has_cursor {
            changes.push(Change::DropCursor(run.name.clone()));
        }
        self.shared.writer.submit_at_leisure(changes).await?;
        failpoint::reach("before-forget");
        if run.tail.bytes_taken() > 0 {
            self.shared.releases.forget(&run.name);
        } else {
            // It has no output whose only other copy the spool would be.
            self.shared.keeper.forget(&run.name);
        }
        self.shared.mailboxes.close(&run.name);
        Ok(())
    }
}
