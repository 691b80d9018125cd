//! The two pipes of one run, and the spool that they flow into.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::failpoint;
use crate::sys::epoll::Epoll;
use crate::sys::spool::{Cause, IndexRecord, Moved, SpoolWriter, Stream, WhenFull};
use crate::sys::{clock, pipe};

/// Bytes moved from one pipe before the other runs have their turn.
const MAX_MOVE: usize = 1024 * 1024;
/// Once output was dropped, it is dropped for so long before keeping it is tried again: a log has few
/// gaps then, instead of many.
const DROP_NS: u64 = 200_000_000;

/// How far a capture has come: written by its mover, read by the control thread, but for what the
/// server has released.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes of stdout, of stderr and of the index.
    pub(super) out_off: AtomicU64,
    pub(super) err_off: AtomicU64,
    pub(super) idx_off: AtomicU64,
    /// Both streams have ended, and nothing of the above will change.
    pub(super) closed: AtomicBool,
    /// Bytes of both streams that the server has taken in and stored.
    pub(super) released: AtomicU64,
}

/// One that is being dropped.
#[derive(Clone, Copy, Debug)]
struct Dropping {
    cause: Cause,
    until_ns: u64,
}

/// One run's output on its way.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) key: u64,
    pub(super) run: String,
    pub(super) out: Option<OwnedFd>,
    pub(super) err: Option<OwnedFd>,
    /// Pipes of streams that have ended: see [`Capture::close_ended`].
    ended: Vec<OwnedFd>,
    spool: SpoolWriter,
    progress: Arc<Progress>,
    when_full: WhenFull,
    dropping: Option<Dropping>,
    /// Nothing can be kept ever again: the data folder was deleted.
    is_void: bool,
    /// The server has not been told of the newest record.
    pub(super) untold: bool,
    /// The spool could not be written: the pipes are left alone until it can.
    pub(super) stalled: bool,
    /// The root has ended: what is moved from now on is what others write.
    pub(super) root_has_ended: bool,
    /// Its mover knows that it [owes](Capture::owes).
    pub(super) is_owing: bool,
}

/// What a turn has brought.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Bytes moved.
    pub(super) bytes: u64,
    /// The records written, and where in the index the first of them stands.
    pub(super) records: Vec<IndexRecord>,
    pub(super) from_idx_off: u64,
    /// From now on output is dropped, and why.
    pub(super) began_to_drop: Option<String>,
    /// From now on it is kept again.
    pub(super) kept_again: bool,
    /// What kept the rest from moving.
    pub(super) error: Option<io::Error>,
}

impl Progress {
    /// What was written so far.
    pub(super) fn note(&self, spool: &SpoolWriter, is_closed: bool) {
        let (out_off, err_off, idx_off) = spool.offsets();
        self.out_off.store(out_off, Ordering::Relaxed);
        self.err_off.store(err_off, Ordering::Relaxed);
        self.idx_off.store(idx_off, Ordering::Relaxed);
        // Whoever sees this sees the others.
        self.closed.store(is_closed, Ordering::Release);
    }
}

impl Capture {
    pub(super) fn new(
        key: u64,
        run: String,
        pipes: (Option<OwnedFd>, Option<OwnedFd>),
        mut spool: SpoolWriter,
        progress: Arc<Progress>,
        when_full: WhenFull,
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
            ended: Vec::new(),
            spool,
            progress,
            when_full,
            dropping: None,
            is_void: false,
            untold: false,
            stalled: false,
            root_has_ended: false,
            is_owing: false,
        }
    }

    /// Moves once from each of the pipes that are ready, stdout first, and writes one record.
    pub(super) fn advance(&mut self, out: bool, err: bool) -> Step {
        let mut step = Step::default();
        for (stream, ready) in [(Stream::Out, out), (Stream::Err, err)] {
            if ready && step.error.is_none() {
                step.error = self.take(stream, &mut step).err();
            }
        }
        self.finish(step)
    }

    /// Ends the streams that have ended, of a run that has written nothing so far; the disk is not touched
    /// for that. `false`: something has come, and is to be moved.
    pub(super) fn end_silently(&mut self) -> bool {
        for stream in [Stream::Out, Stream::Err] {
            let Some(pipe) = self.pipe(stream) else { continue };
            match pipe::has_ended(pipe.as_fd()) {
                Ok(true) => {
                    self.spool.end_stream(stream);
                    self.put_aside(stream);
                }
                Ok(false) if matches!(pipe::waiting_bytes(pipe.as_fd()), Ok(0)) => {}
                _ => return false,
            }
        }
        self.progress.note(&self.spool, self.is_closed());
        true
    }

    /// The pipe of a stream that has ended.
    fn put_aside(&mut self, stream: Stream) {
        let pipe = match stream {
            Stream::Out => self.out.take(),
            _ => self.err.take(),
        };
        self.ended.extend(pipe);
    }

    /// Closes the pipes of streams that have ended, which `epoll` stops watching first: a program that is
    /// being started has a copy of all that is open, and so long a pipe that is closed here is reported
    /// again and again.
    pub(super) fn close_ended(&mut self, epoll: &Epoll) {
        for pipe in self.ended.drain(..) {
            // One that was not watched is as well.
            let _ = epoll.remove(pipe.as_fd());
        }
    }

    /// The pipes that are open are watched no longer.
    pub(super) fn unwatch(&self, epoll: &Epoll) {
        for pipe in self.pipes() {
            let _ = epoll.remove(pipe.as_fd());
        }
    }

    /// Moves all that is in the pipes now. Somebody else may go on writing: that does not count.
    pub(super) fn drain(&mut self) -> Step {
        let mut step = Step::default();
        for stream in [Stream::Out, Stream::Err] {
            if step.error.is_none() {
                step.error = self.drain_stream(stream, &mut step).err();
            }
        }
        self.finish(step)
    }

    fn drain_stream(&mut self, stream: Stream, step: &mut Step) -> io::Result<()> {
        let Some(pipe) = self.pipe(stream) else { return Ok(()) };
        // One more than waits, to see the end of the stream, too.
        let mut left = pipe::waiting_bytes(pipe.as_fd())? + 1;
        while left > 0 {
            match self.take(stream, step)? {
                Moved::Bytes(moved) => left = left.saturating_sub(moved as u64),
                Moved::Nothing | Moved::End => break,
            }
        }
        Ok(())
    }

    fn take(&mut self, stream: Stream, step: &mut Step) -> io::Result<Moved> {
        let moved = match self.drops_now() {
            Some(cause) => self.discard(stream, cause)?,
            None => match self.keep(stream, &mut step.kept_again) {
                Ok(moved) => moved,
                Err(error) => {
                    let Some(cause) = self.may_drop(&error) else { return Err(error) };
                    if self.dropping.is_none() {
                        step.began_to_drop = Some(error.to_string());
                    }
                    let until_ns = clock::boottime_ns() + DROP_NS;
                    self.dropping = Some(Dropping { cause, until_ns });
                    self.discard(stream, cause)?
                }
            },
        };
        match moved {
            Moved::Bytes(moved) => step.bytes += moved as u64,
            Moved::Nothing => {}
            Moved::End => self.put_aside(stream),
        }
        Ok(moved)
    }

    fn keep(&mut self, stream: Stream, kept_again: &mut bool) -> io::Result<Moved> {
        let Some(pipe) = of_stream(&self.out, &self.err, stream) else { return Ok(Moved::Nothing) };
        failpoint::disturb("spool-write")?;
        if self.is_beyond_backlog() && pipe::waiting_bytes(pipe.as_fd())? > 0 {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, BacklogFull));
        }
        let moved = self.spool.take(stream, pipe.as_fd(), MAX_MOVE)?;
        if matches!(moved, Moved::Bytes(_)) {
            *kept_again |= self.dropping.take().is_some();
        }
        Ok(moved)
    }

    fn discard(&mut self, stream: Stream, cause: Cause) -> io::Result<Moved> {
        let Some(pipe) = of_stream(&self.out, &self.err, stream) else { return Ok(Moved::Nothing) };
        self.spool.discard(stream, pipe.as_fd(), MAX_MOVE, cause)
    }

    /// Whether what comes now is dropped without a look whether it could be kept.
    fn drops_now(&self) -> Option<Cause> {
        if self.is_void {
            return Some(Cause::Disk);
        }
        let dropping = self.dropping.filter(|it| clock::boottime_ns() < it.until_ns)?;
        Some(dropping.cause)
    }

    /// Whether what could not be kept may be dropped, and why it had to be.
    fn may_drop(&self, error: &io::Error) -> Option<Cause> {
        let cause = match error.kind() {
            _ if !self.when_full.drops => return None,
            io::ErrorKind::QuotaExceeded if self.is_beyond_backlog() => Cause::Backlog,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::Disk,
            _ => return None,
        };
        Some(cause)
    }

    fn is_beyond_backlog(&self) -> bool {
        let most = self.when_full.max_backlog;
        let released = self.progress.released.load(Ordering::Acquire);
        most > 0 && self.spool.total_bytes().saturating_sub(released) >= most
    }

    /// Nothing can be kept any more, and nobody who writes shall wait for that.
    pub(super) fn become_void(&mut self) {
        self.is_void = true;
    }

    fn finish(&mut self, step: Step) -> Step {
        let step = self.write_what_is_due(step);
        self.progress.note(&self.spool, self.is_closed());
        step
    }

    fn write_what_is_due(&mut self, step: Step) -> Step {
        if self.is_void {
            return step;
        }
        // Of a run that says nothing nothing is kept: that its streams have ended is told with how
        // its root did.
        if self.spool.is_empty() && !self.root_has_ended && !self.spool.is_cut() {
            return step;
        }
        let has_ended = self.out.is_none() && self.err.is_none();
        if step.began_to_drop.is_none() && self.drops_now().is_some() && !has_ended {
            // One record for all of it, later.
            self.spool.note();
            return step;
        }
        self.write_records(step)
    }

    /// Writes the records for which there was no room, or which could wait.
    pub(super) fn settle(&mut self) -> Step {
        let step = self.write_records(Step::default());
        self.progress.note(&self.spool, self.is_closed());
        step
    }

    fn write_records(&mut self, mut step: Step) -> Step {
        let (_, _, from_idx_off) = self.spool.offsets();
        step.from_idx_off = from_idx_off;
        let written = self.spool.record(&mut step.records);
        if let Err(error) = written
            && self.may_drop(&error).is_none()
        {
            step.error = Some(error);
        }
        step
    }

    /// Whether it has to be looked at again soon, though nothing may come: what was dropped is not
    /// told yet.
    pub(super) fn owes(&self) -> bool {
        !self.is_void && self.spool.owes_records()
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
        of_stream(&self.out, &self.err, stream)
    }

    /// Bytes of stdout, stderr and the index so far.
    pub(super) fn offsets(&self) -> (u64, u64, u64) {
        self.spool.offsets()
    }

    /// Whether nothing can come any more, and the server knows all of it.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed() && !self.untold
    }

    /// Whether both streams have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.spool.is_closed() || self.is_void && self.out.is_none() && self.err.is_none()
    }
}

/// The pipe of a stream, beside which the rest of a capture can be changed.
fn of_stream<'a>(
    out: &'a Option<OwnedFd>,
    err: &'a Option<OwnedFd>,
    stream: Stream,
) -> Option<&'a OwnedFd> {
    match stream {
        Stream::Out => out.as_ref(),
        _ => err.as_ref(),
    }
}

/// More waits to be taken in than may.
#[derive(Debug, thiserror::Error)]
#[error("more of it waits to be taken in than logs.max_backlog allows")]
struct BacklogFull;

#[cfg(test)]
mod tests;
