//! What was dropped when it was written: passed over, and told as one gap when something else follows.

use super::{Dropped, Gap, RunTail};
use crate::sys::spool::{IndexRecord, RECORD_SIZE};

impl RunTail {
    /// What was dropped is told when more was not, so the cursor may stand before several such records.
    pub(super) fn reload_dropped(&mut self, mut off: u64, mut record: IndexRecord) {
        let (out_off, err_off) = (self.out.offset, self.err.offset);
        let is_untold = |record: &IndexRecord| {
            let is_beyond = record.out_off > out_off || record.err_off > err_off;
            record.dropped().is_some() && is_beyond
        };
        let mut untold = Vec::new();
        while is_untold(&record) {
            untold.push(record);
            let Some(before) = off.checked_sub(RECORD_SIZE) else { break };
            let Ok(earlier) = self.reader.read_records(before, 1) else { break };
            let Some(&earlier) = earlier.first() else { break };
            (off, record) = (before, earlier);
        }
        for record in untold.iter().rev() {
            self.drop_record(record);
        }
    }

    /// What has to be told before a record is taken in: anything that is missing before one of dropped
    /// bytes, and what was dropped before any other one.
    pub(super) fn tells_before(&mut self, record: &IndexRecord) -> bool {
        let told = self.gaps.len();
        match record.dropped() {
            Some((cause, _)) => {
                self.gaps.extend(self.out.missed());
                self.gaps.extend(self.err.missed());
                if self.dropped.as_ref().is_some_and(|before| before.cause != cause) {
                    self.gaps.extend(self.dropped.take().map(Gap::Dropped));
                }
            }
            None => self.gaps.extend(self.dropped.take().map(Gap::Dropped)),
        }
        self.gaps.len() > told
    }

    /// Passes over what a record counts and was dropped.
    pub(super) fn drop_record(&mut self, record: &IndexRecord) {
        let Some((cause, lines)) = record.dropped() else { return };
        if record.out_off <= self.out.offset && record.err_off <= self.err.offset {
            // It is in work again after it was told of.
            return;
        }
        let ts = record.realtime_ms();
        let dropped = self.dropped.get_or_insert(Dropped {
            cause,
            out: self.out.offset..self.out.offset,
            err: self.err.offset..self.err.offset,
            lines: 0,
            has_more_lines: false,
            since_ms: ts,
            until_ms: ts,
        });
        self.out.offset = self.out.offset.max(record.out_off);
        self.err.offset = self.err.offset.max(record.err_off);
        (dropped.out.end, dropped.err.end) = (self.out.offset, self.err.offset);
        dropped.lines += u64::from(lines);
        dropped.has_more_lines |= lines == IndexRecord::MOST_LINES;
        dropped.until_ms = ts;
    }
}
