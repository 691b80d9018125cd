//! Writing a run's spool: from its pipes into the segments, and a record for each move.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::Stream;
use super::record::{IndexRecord, RECORD_SIZE};
use super::segment::{file_name, list, start_of, tail};
use crate::sys::dir::{Dir, create_private_dir};
use crate::sys::{clock, pipe};

/// Bytes copied at a time where splice does not work: what a pipe holds.
const COPY_BYTES: usize = 64 * 1024;

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
    /// The newest record; `None` makes the next one due.
    recorded: Option<IndexRecord>,
}

#[derive(Debug)]
struct StreamWriter {
    stream: Stream,
    off: u64,
    open: Option<(u64, File)>,
    /// This file system does not splice: bytes go through here, and stay until they are written.
    copy: Option<Vec<u8>>,
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
            recorded: Some(IndexRecord::default()),
        }
    }

    /// Continues the spool of a writer that is gone. The files tell how far it came: bytes that no
    /// record counts yet are counted by the next one, and records at the end of the index that are
    /// torn, damaged or count more than there is (power was lost) are cut off.
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
                record.out_off <= this.out.off && record.err_off <= this.err.off
            };
            if let Some(record) = IndexRecord::from_bytes(&bytes).filter(sound) {
                this.flags = record.flags;
                this.recorded = Some(record);
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
        let (writer, closed) = match stream {
            Stream::Out => (&mut self.out, IndexRecord::OUT_CLOSED),
            Stream::Err => (&mut self.err, IndexRecord::ERR_CLOSED),
            Stream::Index => return Err(ErrorKind::InvalidInput.into()),
        };
        let moved = writer.take(&self.dir, pipe, max)?;
        if moved == Moved::End {
            self.flags |= closed;
        }
        Ok(moved)
    }

    /// Notes that the pipe of a stream is gone without having said that the stream has ended.
    pub fn cut_stream(&mut self, stream: Stream) {
        let closed = match stream {
            Stream::Out => IndexRecord::OUT_CLOSED,
            Stream::Err => IndexRecord::ERR_CLOSED,
            Stream::Index => 0,
        };
        if self.flags & closed != closed {
            self.flags |= closed | IndexRecord::CUT;
        }
    }

    /// Whether a pipe was gone before the end of its stream was seen.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.flags & IndexRecord::CUT != 0
    }

    /// Writes a record if anything has come since the last, and returns it. After an error the
    /// next call tries again.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn record(&mut self) -> io::Result<Option<IndexRecord>> {
        let (out_off, err_off, flags) = (self.out.off, self.err.off, self.flags);
        let is_known = |last: IndexRecord| {
            (last.out_off, last.err_off, last.flags) == (out_off, err_off, flags)
        };
        if self.recorded.is_some_and(is_known) {
            return Ok(None);
        }
        let (boottime_ns, realtime_ns) = (clock::boottime_ns(), clock::realtime_ns());
        let record = IndexRecord { boottime_ns, realtime_ns, out_off, err_off, flags };
        let at = self.idx.off;
        let (start, file) = self.idx.segment(&self.dir)?;
        file.write_all_at(&record.to_bytes(), at - start)?;
        self.idx.off += RECORD_SIZE;
        self.recorded = Some(record);
        if self.is_closed() {
            (self.out.open, self.err.open, self.idx.open) = (None, None, None);
        }
        Ok(Some(record))
    }

    /// Bytes of stdout, stderr and the index so far.
    #[must_use]
    pub fn offsets(&self) -> (u64, u64, u64) {
        (self.out.off, self.err.off, self.idx.off)
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

    /// Whether both streams have ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.flags & IndexRecord::BOTH_CLOSED == IndexRecord::BOTH_CLOSED
    }
}

impl StreamWriter {
    fn at(stream: Stream, off: u64) -> Self {
        Self { stream, off, open: None, copy: None }
    }

    /// The segment that the next byte goes to, made when there is none, and where it begins.
    fn segment(&mut self, dir: &Path) -> io::Result<(u64, &File)> {
        let start = start_of(self.stream, self.off);
        let open = match self.open.take() {
            Some(open) if open.0 == start => open,
            _ => {
                let flags = libc::O_RDWR | libc::O_CREAT;
                (start, open_or_create(dir)?.open_file(&file_name(self.stream, start), flags)?)
            }
        };
        let (start, file) = self.open.insert(open);
        Ok((*start, file))
    }

    fn take(&mut self, dir: &Path, pipe: BorrowedFd<'_>, max: usize) -> io::Result<Moved> {
        // No segment is made before there is something to put into it.
        if self.open.is_none() && pipe::waiting_bytes(pipe)? == 0 {
            let ended = pipe::has_ended(pipe)?;
            return Ok(if ended { Moved::End } else { Moved::Nothing });
        }
        let (off, size) = (self.off, self.stream.segment_size());
        self.segment(dir)?;
        let Some((start, file)) = &self.open else { return Ok(Moved::Nothing) };
        let left = usize::try_from(start + size - off).unwrap_or(usize::MAX);
        let max = max.min(left);
        let can_splice = self.copy.is_none();
        let moved = match &mut self.copy {
            Some(buffer) => copy_at(pipe, buffer, file, off - start, max),
            None => pipe::splice_at(pipe, file, off - start, max),
        };
        match moved {
            Ok(0) => Ok(Moved::End),
            Ok(bytes) => {
                self.off += bytes as u64;
                Ok(Moved::Bytes(bytes))
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Moved::Nothing),
                ErrorKind::InvalidInput if can_splice => {
                    self.copy = Some(Vec::new());
                    self.take(dir, pipe, max)
                }
                _ => Err(error),
            },
        }
    }
}

/// The folder of a run is made when its first segment is.
fn open_or_create(dir: &Path) -> io::Result<Dir> {
    match Dir::open(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create_private_dir(dir)?;
            Dir::open(dir)
        }
        opened => opened,
    }
}

/// What splice does, by hand. Bytes that could not be written stay in the buffer for the next try;
/// they die with this process, which is why this is only a way out.
fn copy_at(
    pipe: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
    file: &File,
    off: u64,
    max: usize,
) -> io::Result<usize> {
    if buffer.is_empty() {
        buffer.resize(max.min(COPY_BYTES), 0);
        let got = pipe::read(pipe, buffer);
        buffer.truncate(*got.as_ref().unwrap_or(&0));
        got?;
    }
    let len = buffer.len().min(max);
    file.write_all_at(&buffer[..len], off)?;
    buffer.drain(..len);
    Ok(len)
}

#[cfg(test)]
mod tests;
