//! The records of a run: those that the keeper sends along, and those of its index.

use super::{Gap, RunTail};
use crate::sys::spool::{ExitRecord, IndexRecord, RECORD_SIZE, SpoolError};

/// Records read from the index at a time.
pub(super) const RECORDS: usize = 256;

impl RunTail {
    /// Nothing is there yet, and the keeper tells of all that comes: the index need not be read.
    pub fn expect_news(&mut self) {
        self.is_index_known = true;
    }

    /// The keeper may not have told of everything: the index is read.
    pub fn doubt_news(&mut self) {
        self.is_index_known = false;
    }

    /// Records that the keeper sent along; used when they follow on what is known, else the index
    /// file is read.
    pub fn offer(&mut self, from_off: u64, records: &[IndexRecord]) {
        let in_work = u64::from(self.current.is_some()) + self.queued.len() as u64;
        let known = self.index_off + in_work * RECORD_SIZE;
        if from_off == known && self.queued.len() + records.len() <= RECORDS {
            self.queued.extend(records);
        } else if from_off + records.len() as u64 * RECORD_SIZE > known {
            self.is_index_known = false;
        }
    }

    pub(super) fn next_record(&mut self) -> Result<Option<IndexRecord>, SpoolError> {
        if self.current.is_none() {
            if self.queued.is_empty() {
                self.read_on()?;
            }
            self.current = self.queued.pop_front();
        }
        Ok(self.current)
    }

    /// Reads on in the index. What is damaged is passed over when something sound follows: each record
    /// counts from the beginning, so no byte is lost with it. When nothing follows, it may be the end
    /// that the next keeper cuts off and writes anew; only once the root has ended, what it has written
    /// is taken in without.
    fn read_on(&mut self) -> Result<(), SpoolError> {
        let ends_later = self.end.as_ref().is_some_and(|end| end.idx_off > self.index_off);
        let mut is_damaged = false;
        if !self.is_index_known || ends_later {
            match self.reader.read_records(self.index_off, RECORDS) {
                Ok(records) => {
                    // A damaged one may stand behind those that were read.
                    self.is_index_known = records.is_empty();
                    if !records.is_empty() {
                        self.queued.extend(records);
                        return Ok(());
                    }
                }
                Err(SpoolError::Corrupt { .. } | SpoolError::Released { .. }) => is_damaged = true,
                Err(error) => return Err(error),
            }
        }
        if is_damaged && let Some(off) = self.reader.find_record(self.index_off)? {
            self.gaps.push_back(Gap::Records { count: (off - self.index_off) / RECORD_SIZE });
            self.index_off = off;
            self.queued.extend(self.reader.read_records(off, RECORDS)?);
            return Ok(());
        }
        let is_short = |end: &ExitRecord| {
            end.out_off > self.out.offset
                || end.err_off > self.err.offset
                || end.streams_closed && !self.is_closed()
        };
        if let Some(end) = self.end.clone().filter(is_short) {
            let missing = end.idx_off.saturating_sub(self.index_off) / RECORD_SIZE;
            if missing > 0 || is_damaged {
                self.gaps.push_back(Gap::Records { count: missing.max(1) });
            }
            self.index_off = self.index_off.max(end.idx_off);
            self.is_made_up = true;
            self.queued.push_back(IndexRecord {
                boottime_ns: 0,
                realtime_ns: u64::try_from(end.ended_at_ms).unwrap_or(0).saturating_mul(1_000_000),
                out_off: end.out_off.max(self.out.offset),
                err_off: end.err_off.max(self.err.offset),
                flags: if end.streams_closed { IndexRecord::BOTH_CLOSED } else { 0 },
            });
        }
        Ok(())
    }
}
