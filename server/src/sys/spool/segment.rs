//! The files of a stream: which one holds an offset, and which are no longer needed.

use std::io;
use std::path::Path;

use super::Stream;
use super::record::RECORD_SIZE;
use crate::sys::dir::Dir;

/// Bytes of a whole segment of `out` or `err`.
pub const SEGMENT_SIZE: u64 = 8 * 1024 * 1024;
/// Bytes of a whole segment of the index: whole records, as near to 1 MiB as they come.
pub const INDEX_SEGMENT_SIZE: u64 = 1024 * 1024 / RECORD_SIZE * RECORD_SIZE;

/// Where the segment begins that holds the byte at `off`.
pub(super) fn start_of(stream: Stream, off: u64) -> u64 {
    off - off % stream.segment_size()
}

/// The name of the segment that begins at `start`.
pub(super) fn file_name(stream: Stream, start: u64) -> String {
    format!("{stream}.{start:016x}.seg")
}

/// Where the segments of a stream begin, ascending.
pub(super) fn list(dir: &Dir, stream: Stream) -> io::Result<Vec<u64>> {
    let mut starts: Vec<u64> =
        dir.names()?.iter().filter_map(|name| parse_name(stream, name)).collect();
    starts.sort_unstable();
    Ok(starts)
}

fn parse_name(stream: Stream, name: &str) -> Option<u64> {
    let digits = name.strip_prefix(stream.name())?.strip_prefix('.')?.strip_suffix(".seg")?;
    let start = u64::from_str_radix(digits, 16).ok()?;
    (name == file_name(stream, start) && start_of(stream, start) == start).then_some(start)
}

/// How many bytes of a stream there are, released ones included: where its newest segment ends.
pub(super) fn tail(dir: &Dir, stream: Stream) -> io::Result<u64> {
    let Some(&start) = list(dir, stream)?.last() else { return Ok(0) };
    let file = dir.open_file(&file_name(stream, start), libc::O_RDONLY)?;
    Ok(start + file.metadata()?.len())
}

/// Unlinks the segments that lie wholly below these offsets. The newest of each stream stays, even
/// if it is full: it tells where the stream ends.
///
/// # Errors
/// Those of opening the run's folder and unlinking in it.
pub fn release(run_dir: &Path, out: u64, err: u64, idx: u64) -> io::Result<()> {
    let dir = Dir::open(run_dir)?;
    for (stream, upto) in [(Stream::Out, out), (Stream::Err, err), (Stream::Index, idx)] {
        let mut starts = list(&dir, stream)?;
        starts.pop();
        for start in starts {
            if start.saturating_add(stream.segment_size()) <= upto {
                dir.unlink(&file_name(stream, start))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_segments_below_the_offset_go_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..3 {
            let name = file_name(Stream::Out, index * SEGMENT_SIZE);
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        std::fs::write(folder.path().join("out.zz.seg"), "x").unwrap();
        let dir = Dir::open(folder.path()).unwrap();
        let starts = || list(&dir, Stream::Out).unwrap();
        release(folder.path(), SEGMENT_SIZE - 1, 0, 0).unwrap();
        assert_eq!(starts(), [0, SEGMENT_SIZE, 2 * SEGMENT_SIZE]);
        release(folder.path(), SEGMENT_SIZE, 0, 0).unwrap();
        assert_eq!(starts(), [SEGMENT_SIZE, 2 * SEGMENT_SIZE]);
        release(folder.path(), u64::MAX, u64::MAX, u64::MAX).unwrap();
        assert_eq!(starts(), [2 * SEGMENT_SIZE]);
        assert_eq!(tail(&dir, Stream::Out).unwrap(), 2 * SEGMENT_SIZE + 1);
        assert_eq!(tail(&dir, Stream::Err).unwrap(), 0);
    }

    #[test]
    fn index_segments_hold_whole_records() {
        assert_eq!(INDEX_SEGMENT_SIZE % RECORD_SIZE, 0);
        assert_eq!(start_of(Stream::Index, INDEX_SEGMENT_SIZE - 1), 0);
        assert_eq!(start_of(Stream::Index, INDEX_SEGMENT_SIZE), INDEX_SEGMENT_SIZE);
    }
}
