use super::*;
use crate::sys::epoll::{Events, READABLE};
use crate::sys::pipe::Pipe;
use std::fs::File;
use std::io::Write;
use std::path::Path;

fn capture(dir: &Path) -> (Capture, File, File) {
    let (out, err) = (Pipe::new().unwrap(), Pipe::new().unwrap());
    let pipes = (Some(out.read), Some(err.read));
    let spool = SpoolWriter::create(dir);
    let when_full = WhenFull::default();
    let capture = Capture::new(1, "a.1".into(), pipes, spool, Arc::default(), when_full);
    (capture, out.child.into(), err.child.into())
}

#[test]
fn both_streams_of_a_turn_are_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let (mut capture, mut out, mut err) = capture(dir.path());
    out.write_all(b"one\n").unwrap();
    err.write_all(b"two\n").unwrap();
    let step = capture.advance(true, true);
    let (off, record) = (step.from_idx_off, step.records[0]);
    assert_eq!((step.bytes, off, record.out_off, record.err_off), (8, 0, 4, 4));
    let quiet = capture.advance(true, true);
    assert!(quiet.records.is_empty() && quiet.error.is_none());
}

#[test]
fn a_drain_takes_all_and_sees_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (mut capture, mut out, err) = capture(dir.path());
    out.write_all(&[b'x'; 65_536]).unwrap();
    drop(out);
    let record = capture.drain().records[0];
    assert!(record.out_closed() && !record.err_closed());
    assert_eq!(record.out_off, 65_536);
    assert!(!capture.is_closed());
    drop(err);
    let record = capture.drain().records[0];
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
        assert_eq!((!step.records.is_empty(), folder.exists()), (root_has_ended, root_has_ended));
        assert!(capture.is_over());
        assert!(capture.progress.closed.load(Ordering::Acquire));
    }
}

#[test]
fn a_silent_run_is_closed_without_the_disk_and_a_first_byte_is_left_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("none/a.1");
    let (mut silent, out, err) = capture(&folder);
    assert!(silent.end_silently() && !silent.is_closed());
    let epoll = Epoll::new().unwrap();
    let read = silent.out.as_ref().unwrap();
    epoll.add(read.as_fd(), 1, READABLE).unwrap();
    // As a program has one that is just being started.
    let copy = read.try_clone().unwrap();
    drop(out);
    assert!(silent.end_silently() && !silent.is_closed());
    let reported = || {
        let mut events = Events::with_capacity(4);
        epoll.wait(&mut events, Some(0)).unwrap();
        events.iter().count()
    };
    assert_eq!(reported(), 1);
    silent.close_ended(&epoll);
    assert_eq!(reported(), 0);
    assert!(pipe::has_ended(copy.as_fd()).unwrap());
    drop(err);
    assert!(silent.end_silently() && silent.is_over());
    assert!(silent.progress.closed.load(Ordering::Acquire));

    let (mut loud, out, mut err) = capture(&folder);
    err.write_all(b"first").unwrap();
    drop((out, err));
    assert!(!loud.end_silently() && !loud.is_closed());
    assert_eq!(pipe::waiting_bytes(loud.pipe(Stream::Err).unwrap().as_fd()).unwrap(), 5);
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

#[test]
fn whoever_may_be_dropped_does_not_wait_for_a_backlog() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a.1");
    let (mut capture, mut out, _err) = capture(&folder);
    capture.when_full = WhenFull { drops: true, max_backlog: 5 };
    out.write_all(b"first\n").unwrap();
    assert_eq!(capture.advance(true, false).records[0].dropped(), None);
    out.write_all(b"second\n").unwrap();
    let step = capture.advance(true, false);
    assert!(step.began_to_drop.is_some_and(|why| why.contains("logs.max_backlog")));
    assert_eq!(step.records[0].dropped(), Some((Cause::Backlog, 1)));
    // The rest of it is told in one record, later.
    out.write_all(b"third\n").unwrap();
    assert!(capture.advance(true, false).records.is_empty() && capture.owes());
    let told = capture.settle();
    assert_eq!(
        (told.records[0].out_off, told.records[0].dropped()),
        (19, Some((Cause::Backlog, 1)))
    );
    // The server has taken it in, and what comes is kept again.
    capture.progress.released.store(19, Ordering::Release);
    capture.dropping.as_mut().unwrap().until_ns = 0;
    out.write_all(b"fourth\n").unwrap();
    let step = capture.advance(true, false);
    assert!(step.kept_again && step.error.is_none());
    assert_eq!(step.records[0].dropped(), None);
    // Whoever is not dropped waits.
    capture.when_full.drops = false;
    out.write_all(b"fifth\n").unwrap();
    let step = capture.advance(true, false);
    assert_eq!((step.bytes, step.error.unwrap().kind()), (0, io::ErrorKind::QuotaExceeded));
}

#[test]
fn nobody_waits_for_a_folder_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut capture, mut out, _err) = capture(&dir.path().join("gone/a.1"));
    out.write_all(b"lost").unwrap();
    assert!(capture.advance(true, false).error.is_some());
    capture.become_void();
    let step = capture.drain();
    assert_eq!((step.bytes, step.error.is_none(), capture.owes()), (4, true, false));
}
