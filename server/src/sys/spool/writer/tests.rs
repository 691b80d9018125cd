//! The writer against the reader: what goes in comes out, whatever was cut off in between.

use super::super::{SEGMENT_SIZE, SpoolError, SpoolReader, release};
use super::*;
use crate::sys::pipe::Pipe;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

const ALL: usize = 1024 * 1024;

/// Writes these bytes into a pipe, and has what is in it moved by `take`. Gives back the empty pipe.
fn feed(bytes: &[u8], mut take: impl FnMut(BorrowedFd<'_>) -> Moved) -> (Pipe, File) {
    let pipe = Pipe::new().unwrap();
    let mut child = File::from(pipe.child.try_clone().unwrap());
    for piece in bytes.chunks(60_000) {
        child.write_all(piece).unwrap();
        let mut left = piece.len();
        while left > 0 {
            match take(pipe.read.as_fd()) {
                Moved::Bytes(moved) => left -= moved,
                other => panic!("{other:?} with {left} bytes left"),
            }
        }
    }
    (pipe, child)
}

fn fill(writer: &mut SpoolWriter, stream: Stream, bytes: &[u8]) {
    let (pipe, _child) = feed(bytes, |pipe| writer.take(stream, pipe, ALL).unwrap());
    assert_eq!(writer.take(stream, pipe.read.as_fd(), ALL).unwrap(), Moved::Nothing);
}

/// Drops all of these bytes.
fn waste(writer: &mut SpoolWriter, stream: Stream, bytes: &[u8]) {
    feed(bytes, |pipe| writer.discard(stream, pipe, ALL, Cause::Disk).unwrap());
}

/// The record that is due.
fn next(writer: &mut SpoolWriter) -> Option<IndexRecord> {
    let mut written = Vec::new();
    writer.record(&mut written).unwrap();
    assert!(written.len() < 2, "{written:?}");
    written.pop()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn read_all(dir: &Path, stream: Stream) -> Vec<u8> {
    let (mut reader, mut bytes) = (SpoolReader::new(dir), vec![0; 12 * ALL]);
    let len = reader.read_at(stream, 0, &mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

#[test]
fn bytes_cross_a_segment_boundary_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    let bytes = pattern(usize::try_from(SEGMENT_SIZE).unwrap() + 100_000);
    fill(&mut writer, Stream::Out, &bytes);
    fill(
        &mut writer,
        Stream::Err,
        b"warning
",
    );
    let record = next(&mut writer).unwrap();
    assert_eq!((record.out_off, record.err_off), (bytes.len() as u64, 8));
    assert_eq!(next(&mut writer), None);
    assert!(read_all(dir.path(), Stream::Out) == bytes);

    let mut reader = SpoolReader::new(dir.path());
    assert_eq!(reader.read_records(0, 10).unwrap(), [record]);
    assert_eq!(reader.tail_off().unwrap(), RECORD_SIZE);
    release(dir.path(), SEGMENT_SIZE, 0, 0).unwrap();
    let gone = reader.read_at(Stream::Out, 5, &mut [0; 10]).unwrap_err();
    assert!(matches!(gone, SpoolError::Released { off: 5, .. }));
    assert_eq!(reader.read_at(Stream::Out, SEGMENT_SIZE, &mut [0; 10]).unwrap(), 10);
}

#[test]
fn a_quiet_run_makes_no_file_until_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    let Pipe { read, child, .. } = Pipe::new().unwrap();
    assert_eq!(writer.take(Stream::Out, read.as_fd(), ALL).unwrap(), Moved::Nothing);
    assert_eq!(next(&mut writer), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    drop(child);
    assert_eq!(writer.take(Stream::Out, read.as_fd(), ALL).unwrap(), Moved::End);
    assert!(next(&mut writer).unwrap().out_closed());
    assert!(!writer.is_closed());
}

#[test]
fn what_no_record_counts_is_counted_after_a_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    fill(&mut writer, Stream::Out, b"counted");
    let first = next(&mut writer).unwrap();
    fill(&mut writer, Stream::Out, b" and not");
    drop(writer);
    let idx = dir.path().join("idx.0000000000000000.seg");
    File::options().append(true).open(&idx).unwrap().write_all(b"torn").unwrap();
    assert_eq!(SpoolReader::new(dir.path()).read_records(0, 9).unwrap(), [first]);

    let mut writer = SpoolWriter::recover(dir.path()).unwrap();
    let second = next(&mut writer).unwrap();
    assert_eq!(second.out_off, 15);
    fill(&mut writer, Stream::Out, b" yet");
    let third = next(&mut writer).unwrap();
    let records = SpoolReader::new(dir.path()).read_records(0, 9).unwrap();
    assert_eq!(records, [first, second, third]);
    assert_eq!(read_all(dir.path(), Stream::Out), b"counted and not yet");
}

#[test]
fn records_that_promise_too_much_are_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    fill(&mut writer, Stream::Out, b"0123456789");
    let first = next(&mut writer).unwrap();
    fill(&mut writer, Stream::Out, b"lost");
    next(&mut writer).unwrap();
    let out = dir.path().join("out.0000000000000000.seg");
    File::options().write(true).open(&out).unwrap().set_len(12).unwrap();
    let mut writer = SpoolWriter::recover(dir.path()).unwrap();
    let second = next(&mut writer).unwrap();
    assert_eq!(second.out_off, 12);
    let records = SpoolReader::new(dir.path()).read_records(0, 9).unwrap();
    assert_eq!(records, [first, second]);
}

#[test]
fn a_damaged_record_is_an_error_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    let mut records = Vec::new();
    for _ in 0..3 {
        fill(&mut writer, Stream::Err, b"x");
        records.extend(next(&mut writer));
    }
    let idx = dir.path().join("idx.0000000000000000.seg");
    let mut bytes = std::fs::read(&idx).unwrap();
    bytes[41] ^= 1;
    std::fs::write(&idx, bytes).unwrap();
    let mut reader = SpoolReader::new(dir.path());
    assert_eq!(reader.read_records(0, 9).unwrap(), records[..1]);
    let error = reader.read_records(RECORD_SIZE, 9).unwrap_err();
    assert!(matches!(error, SpoolError::Corrupt { off: RECORD_SIZE }));
    assert_eq!(reader.read_records(2 * RECORD_SIZE, 9).unwrap(), records[2..]);
}

#[test]
fn what_was_dropped_counts_and_leaves_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    fill(&mut writer, Stream::Out, b"kept\n");
    waste(&mut writer, Stream::Out, b"one\ntwo\n");
    waste(&mut writer, Stream::Err, b"three\n");
    let mut records = Vec::new();
    writer.record(&mut records).unwrap();
    fill(&mut writer, Stream::Out, b"again\n");
    writer.record(&mut records).unwrap();
    let all: Vec<_> = records.iter().map(|it| (it.out_off, it.err_off, it.dropped())).collect();
    assert_eq!(all, [(5, 0, None), (13, 6, Some((Cause::Disk, 3))), (19, 6, None)]);
    assert_eq!(SpoolReader::new(dir.path()).read_records(0, 9).unwrap(), records);
    assert_eq!(read_all(dir.path(), Stream::Out), b"kept\n\0\0\0\0\0\0\0\0again\n");
    assert_eq!(read_all(dir.path(), Stream::Err), [0; 6]);
}

#[test]
fn a_spool_that_ends_with_dropped_bytes_is_continued_behind_them() {
    let more = usize::try_from(SEGMENT_SIZE).unwrap();
    for is_lengthened in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = SpoolWriter::create(dir.path());
        fill(&mut writer, Stream::Out, b"kept");
        next(&mut writer).unwrap();
        waste(&mut writer, Stream::Out, &vec![b'x'; more]);
        let dropped = next(&mut writer).unwrap();
        if !is_lengthened {
            // As if it had died between the record and the hole.
            std::fs::remove_file(dir.path().join(file_name(Stream::Out, SEGMENT_SIZE))).unwrap();
            let first = dir.path().join(file_name(Stream::Out, 0));
            File::options().write(true).open(first).unwrap().set_len(4).unwrap();
        }
        let mut writer = SpoolWriter::recover(dir.path()).unwrap();
        assert_eq!(writer.offsets().0, SEGMENT_SIZE + 4);
        assert_eq!(next(&mut writer), None);
        fill(&mut writer, Stream::Out, b"again");
        let last = next(&mut writer).unwrap();
        assert_eq!((dropped.out_off, last.out_off), (SEGMENT_SIZE + 4, SEGMENT_SIZE + 9));
        let mut again = [0; 5];
        SpoolReader::new(dir.path()).read_at(Stream::Out, SEGMENT_SIZE + 4, &mut again).unwrap();
        assert_eq!(&again, b"again");
    }
}

#[test]
fn records_without_room_wait_and_those_of_dropped_bytes_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("later/a.1");
    let mut writer = SpoolWriter::create(&folder);
    let mut written = Vec::new();
    for n in 0..9 {
        waste(&mut writer, Stream::Out, b"line\n");
        writer.record(&mut written).unwrap_err();
        assert_eq!(writer.offsets(), (0, 0, 0), "after {n}: nothing is counted yet");
    }
    assert!(writer.owes_records() && !writer.is_closed());
    std::fs::create_dir(dir.path().join("later")).unwrap();
    writer.record(&mut written).unwrap();
    let all: Vec<_> = written.iter().map(|it| (it.out_off, it.dropped())).collect();
    assert_eq!(all, [(5, Some((Cause::Disk, 1))), (45, Some((Cause::Disk, 8)))]);
    assert!(!writer.owes_records());
    assert_eq!(SpoolWriter::recover(&folder).unwrap().offsets(), (45, 0, 2 * RECORD_SIZE));
}
