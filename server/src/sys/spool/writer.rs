//! Writing a run's spool: from its pipes into the segments, and a record for each move.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::{IndexRecord, RECORD_SIZE};
use super::segment::{file_name, list, start_of, tail};
use super::{Cause, Stream};
use crate::sys::clock;
use crate::sys::dir::Dir;
use stream::StreamWriter;

mod stream;

/// Records that may wait for room in the index before nothing more is taken.
const MOST_UNWRITTEN: usize = 4;

/// What came of moving from a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes.
    Bytes(usize),
    /// The pipe is empty.
    Nothing,
    /// The pipe is empty and nobody can write to it any more.
    End,
}

/// The one writer of a run's spool.
#[derive(Debug)]
pub struct SpoolWriter {
    dir: PathBuf,
    out: StreamWriter,
    err: StreamWriter,
    idx: StreamWriter,
    flags: u32,
    /// What was dropped since the newest record: why, and with how many line ends.
    dropped: Option<(Cause, u64)>,
    /// The newest record, written or not; `None` makes the next one due.
    recorded: Option<IndexRecord>,
    /// The newest record that stands in the index.
    written: IndexRecord,
    /// Records that the index had no room for, the oldest first.
    unwritten: VecDeque<IndexRecord>,
    /// The segments end before what the index counts: what was dropped is not in them yet as a hole.
    is_short: bool,
    /// Bytes of both streams whose segments were released before this writer came.
    released: u64,
}

impl SpoolWriter {
    /// The writer of a new run, whose folder is there and empty.
    #[must_use]
    pub fn create(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            out: StreamWriter::at(Stream::Out, 0),
            err: StreamWriter::at(Stream::Err, 0),
            idx: StreamWriter::at(Stream::Index, 0),
            flags: 0,
            dropped: None,
            recorded: Some(IndexRecord::default()),
            written: IndexRecord::default(),
            unwritten: VecDeque::new(),
            is_short: false,
            released: 0,
        }
    }

    /// Continues the spool of a writer that is gone. The files tell how far it came: bytes that no
    /// record counts yet are counted by the next one, and records at the end of the index that are
    /// torn, damaged or count more than there is (power was lost) are cut off. What was dropped need
    /// not be there.
    ///
    /// # Errors
    /// Those of reading and cutting the files.
    pub fn recover(path: &Path) -> io::Result<Self> {
        let mut this = Self::create(path);
        let dir = match Dir::open(path) {
            Ok(dir) => dir,
            // Nothing was written yet.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(this),
            Err(error) => return Err(error),
        };
        this.out.off = tail(&dir, Stream::Out)?;
        this.err.off = tail(&dir, Stream::Err)?;
        for stream in [Stream::Out, Stream::Err] {
            this.released += list(&dir, stream)?.first().copied().unwrap_or(0);
        }
        let idx_tail = tail(&dir, Stream::Index)?;
        this.idx.off = idx_tail - idx_tail % RECORD_SIZE;
        this.recorded = None;
        while let Some(before) = this.idx.off.checked_sub(RECORD_SIZE) {
            let start = start_of(Stream::Index, before);
            let flags = libc::O_RDONLY;
            let file = match dir.open_file(&file_name(Stream::Index, start), flags) {
                Ok(file) => file,
                // It has been released: all of it was read by the server, so it was sound.
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            let mut bytes = [0; 40];
            file.read_exact_at(&mut bytes, before - start)?;
            let sound = |record: &IndexRecord| {
                let is_there = record.out_off <= this.out.off && record.err_off <= this.err.off;
                is_there || record.dropped().is_some()
            };
            if let Some(record) = IndexRecord::from_bytes(&bytes).filter(sound) {
                this.flags = record.lasting_flags();
                this.is_short = record.dropped().is_some();
                this.out.off = this.out.off.max(record.out_off);
                this.err.off = this.err.off.max(record.err_off);
                (this.recorded, this.written) = (Some(record), record);
                break;
            }
            this.idx.off = before;
        }
        if this.idx.off < idx_tail {
            this.cut_index(&dir)?;
        }
        Ok(this)
    }

    fn cut_index(&self, dir: &Dir) -> io::Result<()> {
        for start in list(dir, Stream::Index)?.into_iter().rev() {
            let name = file_name(Stream::Index, start);
            if start >= self.idx.off && start > 0 {
                dir.unlink(&name)?;
            } else {
                return dir.open_file(&name, libc::O_WRONLY)?.set_len(self.idx.off - start);
            }
        }
        Ok(())
    }

    /// Moves at most `max` bytes from a pipe to the end of `out` or `err`. The next
    /// [`SpoolWriter::record`] counts them.
    ///
    /// # Errors
    /// Those of writing a file, such as a full disk: the bytes are still in the pipe.
    pub fn take(&mut self, stream: Stream, pipe: BorrowedFd<'_>, max: usize) -> io::Result<Moved> {
        if self.dropped.is_some() {
            self.note();
        }
        if self.unwritten.len() >= MOST_UNWRITTEN {
            return Err(ErrorKind::StorageFull.into());
        }
        let writer = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
            Stream::Index => return Err(ErrorKind::InvalidInput.into()),
        };
        let moved = writer.take(&self.dir, pipe, max)?;
        if moved == Moved::End {
            self.end_stream(stream);
        }
        Ok(moved)
    }

    /// Takes at most `max` bytes from a pipe and drops them. The next [`SpoolWriter::record`] counts
    /// them, and says so.
    ///
    /// # Errors
    /// Those of reading a pipe.
    pub fn discard(
        &mut self,
        stream: Stream,
        pipe: BorrowedFd<'_>,
        max: usize,
        cause: Cause,
    ) -> io::Result<Moved> {
        if self.dropped.is_none_or(|(before, _)| before != cause) {
            self.note();
        }
        let writer = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
            Stream::Index => return Err(ErrorKind::InvalidInput.into()),
        };
        let (moved, lines) = writer.discard(pipe, max)?;
        match moved {
            Moved::Bytes(_) => self.dropped.get_or_insert((cause, 0)).1 += lines,
            Moved::Nothing => {}
            Moved::End => self.end_stream(stream),
        }
        Ok(moved)
    }

    /// Notes that a stream has ended of which all is written.
    pub fn end_stream(&mut self, stream: Stream) {
        self.flags |= closed_flag(stream);
    }

    /// Notes that the pipe of a stream is gone without having said that the stream has ended.
    pub fn cut_stream(&mut self, stream: Stream) {
        let closed = closed_flag(stream);
        if self.flags & closed != closed {
            self.flags |= closed | IndexRecord::CUT;
        }
    }

    /// Whether a pipe was gone before the end of its stream was seen.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.flags & IndexRecord::CUT != 0
    }

    /// Writes a record if anything has come since the last, after those for which there was no room;
    /// what was written is added to `written`. After an error the next call tries again.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn record(&mut self, written: &mut Vec<IndexRecord>) -> io::Result<()> {
        self.note();
        while let Some(&record) = self.unwritten.front() {
            if self.is_short {
                self.lengthen()?;
            }
            let at = self.idx.off;
            let (start, file) = self.idx.segment(&self.dir)?;
            file.write_all_at(&record.to_bytes(), at - start)?;
            self.idx.off += RECORD_SIZE;
            self.unwritten.pop_front();
            self.written = record;
            self.is_short = record.dropped().is_some();
            written.push(record);
        }
        if self.is_short {
            self.lengthen()?;
        }
        if self.is_closed() {
            (self.out.open, self.err.open, self.idx.open) = (None, None, None);
        }
        Ok(())
    }

    /// Makes a record of what has come since the last, without writing it.
    pub fn note(&mut self) {
        let (out_off, err_off) = (self.out.off, self.err.off);
        let is_known = |last: IndexRecord| {
            (last.out_off, last.err_off, last.lasting_flags()) == (out_off, err_off, self.flags)
        };
        if self.recorded.is_some_and(is_known) {
            return;
        }
        let dropped = self.dropped.take();
        let merged = dropped.and_then(|dropped| self.merge(dropped));
        let (cause, lines) = merged.or(dropped).unzip();
        let more = cause.zip(lines).map_or(0, |(cause, n)| IndexRecord::dropped_flags(cause, n));
        let (boottime_ns, realtime_ns) = (clock::boottime_ns(), clock::realtime_ns());
        let flags = self.flags | more;
        let record = IndexRecord { boottime_ns, realtime_ns, out_off, err_off, flags };
        self.recorded = Some(record);
        self.unwritten.push_back(record);
    }

    /// Takes the newest record back, if it is of dropped bytes too and was not written. The first of
    /// several stays: it tells when the dropping began.
    fn merge(&mut self, (cause, lines): (Cause, u64)) -> Option<(Cause, u64)> {
        let newest = self.unwritten.back()?.dropped()?;
        let place = self.unwritten.len().checked_sub(2);
        let before = place.and_then(|place| self.unwritten.get(place)).unwrap_or(&self.written);
        let is_same = newest.0 == cause && before.dropped().is_some_and(|it| it.0 == cause);
        if !is_same {
            return None;
        }
        self.unwritten.pop_back();
        Some((cause, lines.saturating_add(u64::from(newest.1))))
    }

    /// Gives the segments the length that the index counts.
    fn lengthen(&mut self) -> io::Result<()> {
        self.out.lengthen(&self.dir, self.written.out_off)?;
        self.err.lengthen(&self.dir, self.written.err_off)?;
        self.is_short = false;
        Ok(())
    }

    /// Whether records wait for room in the index.
    #[must_use]
    pub fn owes_records(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Bytes of both streams, those that were dropped or released too.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.out.off + self.err.off
    }

    /// Bytes of both streams whose segments were released before this writer came.
    #[must_use]
    pub fn released_bytes(&self) -> u64 {
        self.released
    }

    /// Bytes of stdout, stderr and the index so far, as far as the index counts them when it had no
    /// room for the rest.
    #[must_use]
    pub fn offsets(&self) -> (u64, u64, u64) {
        if self.unwritten.is_empty() {
            return (self.out.off, self.err.off, self.idx.off);
        }
        (self.written.out_off, self.written.err_off, self.idx.off)
    }

    /// Whether neither stream has had a byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.off == 0 && self.err.off == 0
    }

    /// Whether bytes have left a pipe and are in no file yet.
    #[must_use]
    pub fn holds_bytes(&self) -> bool {
        let holds = |stream: &StreamWriter| stream.copy.as_ref().is_some_and(|it| !it.is_empty());
        holds(&self.out) || holds(&self.err)
    }

    /// Whether `out` or `err` has ended.
    #[must_use]
    pub fn is_stream_closed(&self, stream: Stream) -> bool {
        match stream {
            Stream::Out => self.flags & IndexRecord::OUT_CLOSED != 0,
            Stream::Err => self.flags & IndexRecord::ERR_CLOSED != 0,
            Stream::Index => false,
        }
    }

    /// Whether both streams have ended, and the index says so.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let is_said = self.unwritten.is_empty();
        is_said && self.flags & IndexRecord::BOTH_CLOSED == IndexRecord::BOTH_CLOSED
    }
}

/// What a record says when a stream has ended.
fn closed_flag(stream: Stream) -> u32 {
    match stream {
        Stream::Out => IndexRecord::OUT_CLOSED,
        Stream::Err => IndexRecord::ERR_CLOSED,
        Stream::Index => 0,
    }
}

#[cfg(test)]
mod tests;
