//! The writer against the reader: what goes in comes out, whatever was cut off in between.

use super::super::{SEGMENT_SIZE, SpoolError, SpoolReader, release};
use super::*;
use crate::sys::pipe::Pipe;
use std::io::Write;
use std::os::fd::AsFd;

const ALL: usize = 1024 * 1024;

fn fill(writer: &mut SpoolWriter, stream: Stream, bytes: &[u8]) {
    let pipe = Pipe::new().unwrap();
    let mut child = File::from(pipe.child);
    for piece in bytes.chunks(60_000) {
        child.write_all(piece).unwrap();
        let mut left = piece.len();
        while left > 0 {
            match writer.take(stream, pipe.read.as_fd(), ALL).unwrap() {
                Moved::Bytes(moved) => left -= moved,
                other => panic!("{other:?} with {left} bytes left"),
            }
        }
    }
    assert_eq!(writer.take(stream, pipe.read.as_fd(), ALL).unwrap(), Moved::Nothing);
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
    let record = writer.record().unwrap().unwrap();
    assert_eq!((record.out_off, record.err_off), (bytes.len() as u64, 8));
    assert_eq!(writer.record().unwrap(), None);
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
    assert_eq!(writer.record().unwrap(), None);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    drop(child);
    assert_eq!(writer.take(Stream::Out, read.as_fd(), ALL).unwrap(), Moved::End);
    assert!(writer.record().unwrap().unwrap().out_closed());
    assert!(!writer.is_closed());
}

#[test]
fn what_no_record_counts_is_counted_after_a_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    fill(&mut writer, Stream::Out, b"counted");
    let first = writer.record().unwrap().unwrap();
    fill(&mut writer, Stream::Out, b" and not");
    drop(writer);
    let idx = dir.path().join("idx.0000000000000000.seg");
    File::options().append(true).open(&idx).unwrap().write_all(b"torn").unwrap();
    assert_eq!(SpoolReader::new(dir.path()).read_records(0, 9).unwrap(), [first]);

    let mut writer = SpoolWriter::recover(dir.path()).unwrap();
    let second = writer.record().unwrap().unwrap();
    assert_eq!(second.out_off, 15);
    fill(&mut writer, Stream::Out, b" yet");
    let third = writer.record().unwrap().unwrap();
    let records = SpoolReader::new(dir.path()).read_records(0, 9).unwrap();
    assert_eq!(records, [first, second, third]);
    assert_eq!(read_all(dir.path(), Stream::Out), b"counted and not yet");
}

#[test]
fn records_that_promise_too_much_are_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = SpoolWriter::create(dir.path());
    fill(&mut writer, Stream::Out, b"0123456789");
    let first = writer.record().unwrap().unwrap();
    fill(&mut writer, Stream::Out, b"lost");
    writer.record().unwrap().unwrap();
    let out = dir.path().join("out.0000000000000000.seg");
    File::options().write(true).open(&out).unwrap().set_len(12).unwrap();
    let mut writer = SpoolWriter::recover(dir.path()).unwrap();
    let second = writer.record().unwrap().unwrap();
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
        records.extend(writer.record().unwrap());
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
