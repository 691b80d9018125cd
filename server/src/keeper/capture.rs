//! The two pipes of one run, and the spool that they flow into.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::failpoint;
use crate::sys::pipe;
use crate::sys::spool::{IndexRecord, Moved, RECORD_SIZE, SpoolWriter, Stream};

/// Bytes moved from one pipe before the other runs have their turn.
const MAX_MOVE: usize = 1024 * 1024;

/// How far a capture has come: written by its mover, read by the control thread.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes of the index.
    pub(super) idx_off: AtomicU64,
    /// Both streams have ended.
    pub(super) closed: AtomicBool,
}

/// One run's output on its way.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) key: u64,
    pub(super) run: String,
    pub(super) out: Option<OwnedFd>,
    pub(super) err: Option<OwnedFd>,
    spool: SpoolWriter,
    progress: Arc<Progress>,
    /// The server has not been told of the newest record.
    pub(super) untold: bool,
    /// The spool could not be written: the pipes are left alone until it can.
    pub(super) stalled: bool,
    /// The root has ended: what is moved from now on is what others write.
    pub(super) root_has_ended: bool,
}

/// What a turn has brought.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Bytes moved.
    pub(super) bytes: u64,
    /// The record written, and where in the index.
    pub(super) record: Option<(u64, IndexRecord)>,
    /// What kept the rest from moving.
    pub(super) error: Option<io::Error>,
}

impl Capture {
    pub(super) fn new(
        key: u64,
        run: String,
        pipes: (Option<OwnedFd>, Option<OwnedFd>),
        mut spool: SpoolWriter,
        progress: Arc<Progress>,
    ) -> Self {
        let (out, err) = pipes;
        for (stream, is_gone) in [(Stream::Out, out.is_none()), (Stream::Err, err.is_none())] {
            if is_gone {
                spool.cut_stream(stream);
            }
        }
        Self {
            key,
            run,
            out,
            err,
            spool,
            progress,
            untold: false,
            stalled: false,
            root_has_ended: false,
        }
    }

    /// Moves once from each of the pipes that are ready, stdout first, and writes one record.
    pub(super) fn advance(&mut self, out: bool, err: bool) -> Step {
        let mut step = Step::default();
        for (stream, ready) in [(Stream::Out, out), (Stream::Err, err)] {
            if ready && step.error.is_none() {
                step.error = self.take(stream, &mut step.bytes).err();
            }
        }
        self.finish(step)
    }

    /// Moves all that is in the pipes now. Somebody else may go on writing: that does not count.
    pub(super) fn drain(&mut self) -> Step {
        let mut step = Step::default();
        for stream in [Stream::Out, Stream::Err] {
            if step.error.is_none() {
                step.error = self.drain_stream(stream, &mut step.bytes).err();
            }
        }
        self.finish(step)
    }

    fn drain_stream(&mut self, stream: Stream, bytes: &mut u64) -> io::Result<()> {
        let Some(pipe) = self.pipe(stream) else { return Ok(()) };
        // One more than waits, to see the end of the stream, too.
        let mut left = pipe::waiting_bytes(pipe.as_fd())? + 1;
        while left > 0 {
            match self.take(stream, bytes)? {
                Moved::Bytes(moved) => left = left.saturating_sub(moved as u64),
                Moved::Nothing | Moved::End => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, stream: Stream, bytes: &mut u64) -> io::Result<Moved> {
        let pipe = match stream {
            Stream::Out => &self.out,
            _ => &self.err,
        };
        let Some(pipe) = pipe else { return Ok(Moved::Nothing) };
        failpoint::disturb("spool-write")?;
        let moved = self.spool.take(stream, pipe.as_fd(), MAX_MOVE)?;
        match moved {
            Moved::Bytes(moved) => *bytes += moved as u64,
            Moved::Nothing => {}
            // Closing the pipe also ends its being watched.
            Moved::End => match stream {
                Stream::Out => self.out = None,
                _ => self.err = None,
            },
        }
        Ok(moved)
    }

    fn finish(&mut self, mut step: Step) -> Step {
        self.progress.closed.store(self.spool.is_closed(), Ordering::Release);
        // Of a run that says nothing nothing is kept: that its streams have ended is told with how
        // its root did.
        if self.spool.is_empty() && !self.root_has_ended && !self.spool.is_cut() {
            return step;
        }
        match self.spool.record() {
            Ok(None) => {}
            Ok(Some(record)) => {
                let (_, _, end) = self.spool.offsets();
                step.record = Some((end - RECORD_SIZE, record));
                self.progress.idx_off.store(end, Ordering::Release);
            }
            Err(error) => step.error = Some(error),
        }
        step
    }

    /// The pipes that are open.
    pub(super) fn pipes(&self) -> impl Iterator<Item = &OwnedFd> {
        [&self.out, &self.err].into_iter().flatten()
    }

    /// Whether bytes are in this process's memory only.
    pub(super) fn holds_bytes(&self) -> bool {
        self.spool.holds_bytes()
    }

    fn pipe(&self, stream: Stream) -> Option<&OwnedFd> {
        match stream {
            Stream::Out => self.out.as_ref(),
            _ => self.err.as_ref(),
        }
    }

    /// Bytes of stdout, stderr and the index so far.
    pub(super) fn offsets(&self) -> (u64, u64, u64) {
        self.spool.offsets()
    }

    /// Whether nothing can come any more, and the server knows all of it.
    pub(super) fn is_over(&self) -> bool {
        self.root_has_ended && self.is_closed() && !self.untold
    }

    /// Whether both streams have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.spool.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pipe::Pipe;
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    fn capture(dir: &Path) -> (Capture, File, File) {
        let (out, err) = (Pipe::new().unwrap(), Pipe::new().unwrap());
        let pipes = (Some(out.read), Some(err.read));
        let spool = SpoolWriter::create(dir);
        let capture = Capture::new(1, "a.1".into(), pipes, spool, Arc::default());
        (capture, out.child.into(), err.child.into())
    }

    #[test]
    fn both_streams_of_a_turn_are_one_record() {
        let dir = tempfile::tempdir().unwrap();
        let (mut capture, mut out, mut err) = capture(dir.path());
        out.write_all(b"one\n").unwrap();
        err.write_all(b"two\n").unwrap();
        let step = capture.advance(true, true);
        let (off, record) = step.record.unwrap();
        assert_eq!((step.bytes, off, record.out_off, record.err_off), (8, 0, 4, 4));
        let quiet = capture.advance(true, true);
        assert!(quiet.record.is_none() && quiet.error.is_none());
    }

    #[test]
    fn a_drain_takes_all_and_sees_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (mut capture, mut out, err) = capture(dir.path());
        out.write_all(&[b'x'; 65_536]).unwrap();
        drop(out);
        let (_, record) = capture.drain().record.unwrap();
        assert!(record.out_closed() && !record.err_closed());
        assert_eq!(record.out_off, 65_536);
        assert!(!capture.is_closed());
        drop(err);
        let (_, record) = capture.drain().record.unwrap();
        assert!(record.err_closed() && capture.is_closed());
    }

    #[test]
    fn a_run_that_says_nothing_leaves_nothing_unless_it_outlives_its_root() {
        for root_has_ended in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("a.1");
            let (mut capture, out, err) = capture(&folder);
            capture.root_has_ended = root_has_ended;
            drop((out, err));
            let step = capture.advance(true, true);
            assert!(step.error.is_none() && capture.is_closed());
            assert_eq!((step.record.is_some(), folder.exists()), (root_has_ended, root_has_ended));
            assert_eq!(capture.is_over(), root_has_ended);
        }
    }

    #[test]
    fn a_spool_that_cannot_be_written_leaves_the_bytes_in_the_pipe() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("later/a.1");
        let (mut capture, mut out, _err) = capture(&folder);
        out.write_all(b"patient").unwrap();
        assert!(capture.advance(true, false).error.is_some());
        std::fs::create_dir(dir.path().join("later")).unwrap();
        let step = capture.advance(true, false);
        assert_eq!((step.bytes, step.error.is_none()), (7, true));
    }
}
