//! Reading a run's spool while the keeper writes it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::{IndexRecord, RECORD_SIZE};
use super::segment::{file_name, list, start_of, tail};
use super::{SpoolError, Stream};
use crate::sys::dir::Dir;

/// Index bytes read at a time: 256 records.
const INDEX_READ: usize = 256 * 40;

/// Reads the streams of one run. One segment of each is kept open.
#[derive(Debug)]
pub struct SpoolReader {
    dir: PathBuf,
    open: [Option<OpenSegment>; 3],
}

#[derive(Debug)]
struct OpenSegment {
    start: u64,
    file: File,
}

impl SpoolReader {
    /// Reads from this folder. Nothing is opened yet: the folder may come later.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: [None, None, None] }
    }

    /// Fills `buffer` with the bytes of `stream` from offset `off` on; returns how many there were:
    /// fewer than asked for at the end of what has been written.
    ///
    /// # Errors
    /// [`SpoolError::Released`] when the bytes were there and have been given back.
    pub fn read_at(
        &mut self,
        stream: Stream,
        off: u64,
        buffer: &mut [u8],
    ) -> Result<usize, SpoolError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = off + filled as u64;
            let start = start_of(stream, at);
            let Some(file) = self.segment(stream, start, at)? else { break };
            let left = start + stream.segment_size() - at;
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len() - filled);
            let got = match file.read_at(&mut buffer[filled..filled + want], at - start) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            filled += got;
            if got == 0 {
                break;
            }
        }
        Ok(filled)
    }

    /// At most `max` records of the index from offset `from_off` on. A record that is not wholly
    /// written yet is left for the next time.
    ///
    /// # Errors
    /// [`SpoolError::Corrupt`] when the first of them is damaged; damage further on is reported
    /// when it is reached.
    pub fn read_records(
        &mut self,
        from_off: u64,
        max: usize,
    ) -> Result<Vec<IndexRecord>, SpoolError> {
        let mut records = Vec::new();
        let mut buffer = [0; INDEX_READ];
        while records.len() < max {
            let off = from_off + records.len() as u64 * RECORD_SIZE;
            let want = INDEX_READ.min((max - records.len()).saturating_mul(40));
            let got = self.read_at(Stream::Index, off, &mut buffer[..want])?;
            let (whole, _) = buffer[..got].as_chunks::<40>();
            for bytes in whole {
                match IndexRecord::from_bytes(bytes) {
                    Some(record) => records.push(record),
                    None if records.is_empty() => return Err(SpoolError::Corrupt { off }),
                    None => return Ok(records),
                }
            }
            if got < want {
                break;
            }
        }
        Ok(records)
    }

    /// Where the first sound record of the index from `from_off` on stands; `None` when there is none.
    ///
    /// # Errors
    /// Those of reading files.
    pub fn find_record(&mut self, from_off: u64) -> Result<Option<u64>, SpoolError> {
        let end = self.tail_off()?;
        let mut off = from_off;
        while off < end {
            match self.read_records(off, 1) {
                Ok(records) if !records.is_empty() => return Ok(Some(off)),
                Ok(_) | Err(SpoolError::Corrupt { .. }) => off += RECORD_SIZE,
                // Its segment is gone.
                Err(SpoolError::Released { .. }) => {
                    let size = Stream::Index.segment_size();
                    off = (off / size + 1) * size;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Where the index ends: after its last whole record.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub fn tail_off(&self) -> Result<u64, SpoolError> {
        let dir = match Dir::open(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            opened => opened?,
        };
        let tail = tail(&dir, Stream::Index)?;
        Ok(tail - tail % RECORD_SIZE)
    }

    /// The segment that begins at `start`; `None` when it has not been written yet.
    fn segment(
        &mut self,
        stream: Stream,
        start: u64,
        off: u64,
    ) -> Result<Option<&File>, SpoolError> {
        let slot = match stream {
            Stream::Out => &mut self.open[0],
            Stream::Err => &mut self.open[1],
            Stream::Index => &mut self.open[2],
        };
        if slot.as_ref().is_none_or(|open| open.start != start) {
            let dir = match Dir::open(&self.dir) {
                Ok(dir) => dir,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            match dir.open_file(&file_name(stream, start), libc::O_RDONLY) {
                Ok(file) => *slot = Some(OpenSegment { start, file }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // The newest segment is never released.
                    return match list(&dir, stream)?.last() {
                        Some(&newest) if newest > start => {
                            Err(SpoolError::Released { stream, off })
                        }
                        _ => Ok(None),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(slot.as_ref().map(|open| &open.file))
    }
}
