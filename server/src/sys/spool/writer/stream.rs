//! One stream of a spool: the segment that is written to.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Moved;
use crate::sys::dir::{Dir, create_private_dir};
use crate::sys::pipe;
use crate::sys::spool::Stream;
use crate::sys::spool::segment::{file_name, start_of};

/// Bytes copied at a time where splice does not work: what a pipe holds.
const COPY_BYTES: usize = 64 * 1024;
/// Bytes dropped at a time.
const DISCARD_BYTES: usize = 16 * 1024;

/// The end of a stream.
#[derive(Debug)]
pub(super) struct StreamWriter {
    stream: Stream,
    pub(super) off: u64,
    pub(super) open: Option<(u64, File)>,
    /// This file system does not splice: bytes go through here, and stay until they are written.
    pub(super) copy: Option<Vec<u8>>,
}

impl StreamWriter {
    pub(super) fn at(stream: Stream, off: u64) -> Self {
        Self { stream, off, open: None, copy: None }
    }

    /// The segment that the next byte goes to, made when there is none, and where it begins.
    pub(super) fn segment(&mut self, dir: &Path) -> io::Result<(u64, &File)> {
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

    /// Takes bytes that are then nowhere; with how many line ends.
    pub(super) fn discard(&mut self, pipe: BorrowedFd<'_>, max: usize) -> io::Result<(Moved, u64)> {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        if let Some(held) = self.copy.as_mut().filter(|held| !held.is_empty()) {
            let (bytes, lines) = (held.len(), count(held));
            held.clear();
            self.off += bytes as u64;
            return Ok((Moved::Bytes(bytes), lines));
        }
        let mut buffer = [0; DISCARD_BYTES];
        let want = buffer.len().min(max);
        match pipe::read(pipe, &mut buffer[..want]) {
            Ok(0) => Ok((Moved::End, 0)),
            Ok(bytes) => {
                self.off += bytes as u64;
                Ok((Moved::Bytes(bytes), count(&buffer[..bytes])))
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok((Moved::Nothing, 0)),
                _ => Err(error),
            },
        }
    }

    /// Makes the newest segment end at this offset, if it ends before.
    pub(super) fn lengthen(&mut self, dir: &Path, to: u64) -> io::Result<()> {
        let Some(last) = to.checked_sub(1) else { return Ok(()) };
        let start = start_of(self.stream, last);
        let flags = libc::O_RDWR | libc::O_CREAT;
        let file = open_or_create(dir)?.open_file(&file_name(self.stream, start), flags)?;
        if file.metadata()?.len() < to - start {
            file.set_len(to - start)?;
        }
        Ok(())
    }

    pub(super) fn take(
        &mut self,
        dir: &Path,
        pipe: BorrowedFd<'_>,
        max: usize,
    ) -> io::Result<Moved> {
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
mod tests {
    use super::*;
    use crate::sys::pipe::Pipe;
    use std::io::Write;
    use std::os::fd::AsFd;

    const ALL: usize = 1024 * 1024;

    #[test]
    fn a_copy_that_could_not_be_written_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let pipe = Pipe::new().unwrap();
        File::from(pipe.child).write_all(b"precious").unwrap();
        let (read, mut buffer) = (pipe.read.as_fd(), Vec::new());
        let read_only = File::open(&path).unwrap();
        copy_at(read, &mut buffer, &read_only, 0, ALL).unwrap_err();
        let file = File::options().write(true).open(&path).unwrap();
        assert_eq!(copy_at(read, &mut buffer, &file, 0, 3).unwrap(), 3);
        assert_eq!(copy_at(read, &mut buffer, &file, 3, ALL).unwrap(), 5);
        assert_eq!(copy_at(read, &mut buffer, &file, 8, ALL).unwrap(), 0);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}
