//! Takes one run's output out of the keeper's spool.
//!
//! The order of the two streams is that of the keeper's index records, and within a record stdout
//! comes first. A [`Cursor`] stands at a line's end of each stream; from there, the same records
//! give the same lines again.

use std::path::Path;

use app::model::EntryKind;

use crate::store::{Cursor, StoreError};
use crate::sys::spool::{ExitRecord, IndexRecord, RECORD_SIZE, SpoolError, SpoolReader, Stream};

use super::mask::Mask;
use super::recorder::Recorder;
use super::split::{MAX_LINE, Splitter};

mod drops;
mod gap;
mod index;
#[cfg(test)]
mod tests;

pub use gap::{Dropped, Gap};

/// One read from a segment.
const READ_BYTES: usize = 64 * 1024;

/// Why a run's output cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The spool is damaged or gone.
    #[error("cannot read the output of {run}: {source}")]
    Spool {
        /// Which run.
        run: String,
        /// What was found.
        source: SpoolError,
    },
    /// The store refused it for good.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How one stream stands.
#[derive(Debug)]
struct StreamTail {
    stream: Stream,
    kind: EntryKind,
    splitter: Splitter,
    /// Bytes taken in.
    offset: u64,
    closed: bool,
    /// From there to the offset nothing is there, and nobody was told yet.
    missing_from: Option<u64>,
}

impl StreamTail {
    /// What was counted up to `to` is not there. A line that has begun ends here.
    fn miss(&mut self, to: u64, ts: i64, recorder: &mut Recorder) {
        let kind = self.kind;
        self.splitter.finish(|line, continued| recorder.push(ts, kind, line, continued));
        self.missing_from.get_or_insert(self.offset);
        self.offset = to;
    }

    /// What is missing, once it is known how much.
    fn missed(&mut self) -> Option<Gap> {
        let from = self.missing_from.take()?;
        Some(Gap::Bytes { stream: self.stream, from, to: self.offset })
    }
}

/// Reads one run's spool from a cursor on.
#[derive(Debug)]
pub struct RunTail {
    run: String,
    reader: SpoolReader,
    out: StreamTail,
    err: StreamTail,
    index_off: u64,
    /// The record in work: its bytes are not all taken in yet.
    current: Option<IndexRecord>,
    queued: std::collections::VecDeque<IndexRecord>,
    /// The index has no record that is not known: of those that come the keeper tells.
    is_index_known: bool,
    /// The record in work stands in no file.
    is_made_up: bool,
    /// What was written last may be missing.
    is_cut: bool,
    /// How the root has ended, until that is no more needed.
    end: Option<ExitRecord>,
    /// What was dropped just before, and nobody was told yet: more may follow.
    dropped: Option<Dropped>,
    /// What is missing, in the order in which it was met.
    gaps: std::collections::VecDeque<Gap>,
    buffer: Vec<u8>,
}

impl RunTail {
    /// Takes up the run whose spool is `dir` at `cursor`. Lines that are too long are not cut through
    /// what `mask` covers.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn open(dir: &Path, cursor: &Cursor, mask: Option<&Mask>) -> Result<Self, TailError> {
        let tail = |stream, kind, offset| StreamTail {
            stream,
            kind,
            splitter: Splitter::new(MAX_LINE).keeping_whole(mask.cloned()),
            offset,
            closed: false,
            missing_from: None,
        };
        let mut this = Self {
            run: cursor.run.clone(),
            reader: SpoolReader::new(dir),
            out: tail(Stream::Out, EntryKind::Stdout, cursor.out_off),
            err: tail(Stream::Err, EntryKind::Stderr, cursor.err_off),
            index_off: cursor.index_off,
            current: None,
            queued: std::collections::VecDeque::new(),
            is_index_known: false,
            is_made_up: false,
            is_cut: false,
            end: None,
            dropped: None,
            gaps: std::collections::VecDeque::new(),
            buffer: Vec::new(),
        };
        if let Some(before) = cursor.index_off.checked_sub(RECORD_SIZE) {
            this.reload_begun_lines(before)?;
        }
        Ok(this)
    }

    /// What follows the cursor in records that are done with are the begun lines.
    fn reload_begun_lines(&mut self, before: u64) -> Result<(), TailError> {
        let run = self.run.clone();
        let records = match self.reader.read_records(before, 1) {
            // What began before is read with the next record.
            Err(SpoolError::Corrupt { .. } | SpoolError::Released { .. }) => return Ok(()),
            records => records.map_err(|e| spool_error(&run, e))?,
        };
        let Some(record) = records.first() else { return Ok(()) };
        self.reload_dropped(before, *record);
        for (to, stream) in [(record.out_off, &mut self.out), (record.err_off, &mut self.err)] {
            while stream.offset < to {
                let piece = read_piece(&mut self.reader, &mut self.buffer, stream, to)
                    .map_err(|e| spool_error(&run, e))?;
                let Some(piece) = piece else {
                    // A gap that nobody was told of before the crash.
                    stream.missing_from = Some(stream.offset);
                    stream.offset = to;
                    break;
                };
                stream.offset += piece.len() as u64;
                stream.splitter.push(piece, |_, _| {});
            }
        }
        self.out.closed = record.out_closed();
        self.err.closed = record.err_closed();
        self.is_cut = record.is_cut();
        Ok(())
    }

    /// Where the run stands: up to the last whole line of each stream.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let at = |s: &StreamTail| s.missing_from.unwrap_or(s.offset - s.splitter.pending() as u64);
        let (out_off, err_off) = match &self.dropped {
            Some(dropped) => (dropped.out.start, dropped.err.start),
            None => (at(&self.out), at(&self.err)),
        };
        Cursor { run: self.run.clone(), index_off: self.index_off, out_off, err_off }
    }

    /// Bytes that the child has written so far, as far as they were taken in.
    #[must_use]
    pub fn bytes_taken(&self) -> u64 {
        self.out.offset + self.err.offset
    }

    /// Index bytes that are done with.
    #[must_use]
    pub fn index_off(&self) -> u64 {
        self.index_off
    }

    /// Whether both streams have ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.out.closed && self.err.closed
    }

    /// Whether a pipe was gone before the end of its stream was seen.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The root has ended: what the index does not count up to there is taken in all the same.
    pub fn ends_at(&mut self, exit: &ExitRecord) {
        if self.end.is_none() {
            self.end = Some(exit.clone());
        }
    }

    /// Something that is missing at the place up to which lines were given: to be told before the next
    /// step.
    pub fn take_gap(&mut self) -> Option<Gap> {
        self.gaps.pop_front()
    }

    /// Takes in about `budget` bytes. `false`: nothing more is there. Returns early where something is
    /// missing: see [`RunTail::take_gap`].
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn step(&mut self, recorder: &mut Recorder, budget: usize) -> Result<bool, TailError> {
        let run = self.run.clone();
        let mut left = budget;
        loop {
            let record = self.next_record().map_err(|e| spool_error(&run, e))?;
            if !self.gaps.is_empty() {
                return Ok(true);
            }
            let Some(record) = record else { return Ok(false) };
            let ts = record.realtime_ms();
            if self.tells_before(&record) {
                return Ok(true);
            }
            if record.dropped().is_some() {
                for stream in [&mut self.out, &mut self.err] {
                    let kind = stream.kind;
                    stream.splitter.finish(|line, _| recorder.push(ts, kind, line, false));
                }
                self.drop_record(&record);
            }
            let ends = [(record.out_off, &mut self.out), (record.err_off, &mut self.err)];
            for (to, stream) in ends {
                while stream.offset < to {
                    if left == 0 || recorder.is_chunk_full() {
                        return Ok(true);
                    }
                    let piece = match read_piece(&mut self.reader, &mut self.buffer, stream, to) {
                        // Its file is gone, and there are later ones.
                        Err(SpoolError::Released { .. }) => {
                            let size = stream.stream.segment_size();
                            let next = (stream.offset / size + 1) * size;
                            stream.miss(next.min(to), ts, recorder);
                            continue;
                        }
                        piece => piece.map_err(|e| spool_error(&run, e))?,
                    };
                    let Some(piece) = piece else {
                        // The record counts more than there is.
                        stream.miss(to, ts, recorder);
                        break;
                    };
                    if let Some(gap) = stream.missed() {
                        self.gaps.push_back(gap);
                        return Ok(true);
                    }
                    left = left.saturating_sub(piece.len());
                    stream.offset += piece.len() as u64;
                    let kind = stream.kind;
                    stream.splitter.push(piece, |line, continued| {
                        recorder.push(ts, kind, line, continued);
                    });
                }
            }
            for (closed, stream) in
                [(record.out_closed(), &mut self.out), (record.err_closed(), &mut self.err)]
            {
                if closed && !stream.closed {
                    if let Some(gap) = stream.missed() {
                        self.gaps.push_back(gap);
                        return Ok(true);
                    }
                    if let Some(dropped) = self.dropped.take() {
                        self.gaps.push_back(Gap::Dropped(dropped));
                        return Ok(true);
                    }
                    stream.closed = true;
                    let kind = stream.kind;
                    stream
                        .splitter
                        .finish(|line, continued| recorder.push(ts, kind, line, continued));
                }
            }
            self.current = None;
            self.is_cut |= record.is_cut();
            if !std::mem::take(&mut self.is_made_up) {
                self.index_off += RECORD_SIZE;
            }
        }
    }

    /// The child has ended: begun lines are lines, even if a grandchild holds the pipe open.
    pub fn finish(&mut self, ts: i64, recorder: &mut Recorder) {
        for stream in [&mut self.out, &mut self.err] {
            let kind = stream.kind;
            stream.splitter.finish(|line, continued| recorder.push(ts, kind, line, continued));
            self.gaps.extend(stream.missed());
        }
        self.gaps.extend(self.dropped.take().map(Gap::Dropped));
    }
}

/// Up to [`READ_BYTES`] of a stream from its offset, not beyond `to`; `None` when they are missing.
fn read_piece<'a>(
    reader: &mut SpoolReader,
    buffer: &'a mut Vec<u8>,
    stream: &StreamTail,
    to: u64,
) -> Result<Option<&'a [u8]>, SpoolError> {
    let want = usize::try_from(to - stream.offset).unwrap_or(READ_BYTES).min(READ_BYTES);
    if buffer.len() < want {
        buffer.resize(want.next_power_of_two().min(READ_BYTES), 0);
    }
    let got = reader.read_at(stream.stream, stream.offset, &mut buffer[..want])?;
    Ok((got > 0).then(|| &buffer[..got]))
}

fn spool_error(run: &str, source: SpoolError) -> TailError {
    TailError::Spool { run: run.to_owned(), source }
}
