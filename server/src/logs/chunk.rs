//! Packs entries for the store, and unpacks them.
//!
//! A chunk keeps the bytes as the child wrote them; what is invalid in UTF-8 is only replaced when
//! it is shown. Format, per entry: a byte of kind and flags, the time as a zigzag varint relative
//! to the entry before, the length as a varint, the bytes.

use app::model::{Entry, EntryKind};
use parking_lot::Mutex;

use crate::store::Chunk;

use super::batch::{Batch, BatchBuilder};

/// Entries as they are.
const CODEC_PLAIN: u8 = 0;
/// The same, zstd-compressed.
const CODEC_ZSTD: u8 = 1;
const CONTINUED: u8 = 0x80;
/// Below this, compression saves less than its frame costs.
const COMPRESS_FROM: usize = 256;
/// Fast, and lines compress well at any level.
const LEVEL: i32 = 1;
/// Nothing in the store may make a reader take more than this (two of the longest lines).
const MAX_UNPACKED: usize = 8 * 1024 * 1024;

/// One compressor for all: its tables are larger than what it compresses.
static COMPRESSOR: Mutex<Option<zstd::bulk::Compressor<'static>>> = Mutex::new(None);

/// A chunk that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// Written by a newer version, or damaged.
    #[error("log chunk at index {0} has an unknown codec")]
    Codec(i64),
    /// The bytes are damaged.
    #[error("log chunk at index {0} is damaged")]
    Damaged(i64),
}

/// One entry of an unpacked chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEntry<'a> {
    /// Its index.
    pub idx: i64,
    /// Milliseconds since the epoch.
    pub ts: i64,
    /// The stream.
    pub kind: EntryKind,
    /// As the child wrote it.
    pub line: &'a [u8],
    /// Whether the next entry of the stream goes on with this line.
    pub continued: bool,
}

impl RawEntry<'_> {
    /// The entry as it is sent.
    #[must_use]
    pub fn to_entry(&self) -> Entry {
        Entry {
            idx: self.idx,
            ts: self.ts,
            kind: self.kind,
            line: String::from_utf8_lossy(self.line).into_owned(),
            continued: self.continued,
        }
    }
}

/// Collects entries for a [`Chunk`].
#[derive(Debug, Default)]
pub struct ChunkBuilder {
    bytes: Vec<u8>,
    count: i64,
    first_ts: i64,
    last_ts: i64,
    previous_ts: i64,
}

impl ChunkBuilder {
    /// Appends an entry.
    pub fn push(&mut self, ts: i64, kind: EntryKind, line: &[u8], continued: bool) {
        if self.count == 0 {
            (self.first_ts, self.last_ts, self.previous_ts) = (ts, ts, 0);
        }
        self.first_ts = self.first_ts.min(ts);
        self.last_ts = self.last_ts.max(ts);
        self.count += 1;
        self.bytes.push(kind_to_byte(kind) | if continued { CONTINUED } else { 0 });
        let delta = ts.wrapping_sub(self.previous_ts);
        self.previous_ts = ts;
        put_varint(&mut self.bytes, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
        put_varint(&mut self.bytes, line.len() as u64);
        self.bytes.extend_from_slice(line);
    }

    /// Bytes before compression.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes the chunk out; its first entry has the index `first_idx`.
    pub fn take(&mut self, first_idx: i64) -> Chunk {
        let compressed =
            (self.bytes.len() >= COMPRESS_FROM).then(|| compress(&self.bytes)).flatten();
        let (codec, bytes) = match compressed {
            Some(small) if small.len() < self.bytes.len() => (CODEC_ZSTD, small),
            _ => (CODEC_PLAIN, self.bytes.as_slice().to_vec()),
        };
        let chunk = Chunk {
            first_idx,
            last_idx: first_idx + self.count - 1,
            first_ts: self.first_ts,
            last_ts: self.last_ts,
            codec,
            bytes,
        };
        self.bytes.clear();
        if self.bytes.capacity() > 256 * 1024 {
            self.bytes = Vec::new();
        }
        self.count = 0;
        chunk
    }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut guard = COMPRESSOR.lock();
    if guard.is_none() {
        *guard = zstd::bulk::Compressor::new(LEVEL).ok();
    }
    // Without a compressor the chunk is kept as it is.
    guard.as_mut()?.compress(bytes).ok()
}

/// The unpacked bytes of a chunk, to be walked with [`entries`].
///
/// # Errors
/// When the codec is unknown or the bytes are damaged.
pub fn unpack(chunk: &Chunk) -> Result<Vec<u8>, ChunkError> {
    match chunk.codec {
        CODEC_PLAIN => Ok(chunk.bytes.clone()),
        _ => {
            let mut unpacker = Unpacker::default();
            unpacker.unpack(chunk)?;
            Ok(unpacker.room)
        }
    }
}

/// Unpacks one chunk after the other into the same room.
#[derive(Default)]
pub struct Unpacker {
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
    room: Vec<u8>,
}

impl Unpacker {
    /// The unpacked bytes of a chunk, as of [`unpack`].
    ///
    /// # Errors
    /// When the codec is unknown or the bytes are damaged.
    pub fn unpack<'a>(&'a mut self, chunk: &'a Chunk) -> Result<&'a [u8], ChunkError> {
        match chunk.codec {
            CODEC_PLAIN => Ok(&chunk.bytes),
            CODEC_ZSTD => self.decompress(&chunk.bytes).ok_or(ChunkError::Damaged(chunk.first_idx)),
            _ => Err(ChunkError::Codec(chunk.first_idx)),
        }
    }

    fn decompress(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        let size = zstd::bulk::Decompressor::upper_bound(bytes);
        let size = size.filter(|&size| size <= MAX_UNPACKED)?;
        if self.decompressor.is_none() {
            self.decompressor = zstd::bulk::Decompressor::new().ok();
        }
        self.room.clear();
        self.room.reserve(size);
        self.decompressor.as_mut()?.decompress_to_buffer(bytes, &mut self.room).ok()?;
        Some(&self.room)
    }
}

/// Walks unpacked entries; the first has the index `first_idx`. A damaged entry ends the walk with
/// an error.
pub fn entries(
    unpacked: &[u8],
    first_idx: i64,
) -> impl Iterator<Item = Result<RawEntry<'_>, ChunkError>> {
    let (mut rest, mut idx, mut ts) = (unpacked, first_idx, 0i64);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = take_entry(&mut rest, &mut ts, idx);
        if entry.is_none() {
            rest = &[];
        }
        idx += 1;
        Some(entry.ok_or(ChunkError::Damaged(first_idx)))
    })
}

fn take_entry<'a>(rest: &mut &'a [u8], ts: &mut i64, idx: i64) -> Option<RawEntry<'a>> {
    let (&head, after) = rest.split_first()?;
    *rest = after;
    let zigzag = take_varint(rest)?;
    *ts = ts.wrapping_add((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()));
    let len = usize::try_from(take_varint(rest)?).ok()?;
    let line = rest.get(..len)?;
    *rest = rest.get(len..)?;
    let kind = kind_from_byte(head & !CONTINUED)?;
    Some(RawEntry { idx, ts: *ts, kind, line, continued: head & CONTINUED != 0 })
}

/// A stored chunk as a batch, for those who follow from the store.
///
/// # Errors
/// When the chunk cannot be read.
pub fn to_batch(chunk: &Chunk) -> Result<Batch, ChunkError> {
    let unpacked = unpack(chunk)?;
    let mut builder = BatchBuilder::default();
    for entry in entries(&unpacked, chunk.first_idx) {
        let entry = entry?;
        builder.push(entry.idx, entry.ts, entry.kind, entry.line, entry.continued);
    }
    Ok(builder.take(chunk.first_idx))
}

fn kind_to_byte(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::Stdout => 0,
        EntryKind::Stderr => 1,
        EntryKind::System => 2,
    }
}

fn kind_from_byte(byte: u8) -> Option<EntryKind> {
    match byte {
        0 => Some(EntryKind::Stdout),
        1 => Some(EntryKind::Stderr),
        2 => Some(EntryKind::System),
        _ => None,
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind() -> impl Strategy<Value = EntryKind> {
        prop_oneof![Just(EntryKind::Stdout), Just(EntryKind::Stderr), Just(EntryKind::System)]
    }

    proptest! {
        #[test]
        fn gives_back_what_was_put_in(
            lines in proptest::collection::vec(
                (any::<i64>(), kind(), proptest::collection::vec(any::<u8>(), 0..80), any::<bool>()), 1..60),
            first in 0i64..1_000_000,
        ) {
            let mut builder = ChunkBuilder::default();
            for (ts, kind, line, continued) in &lines {
                builder.push(*ts, *kind, line, *continued);
            }
            let chunk = builder.take(first);
            prop_assert_eq!(chunk.last_idx - chunk.first_idx + 1, i64::try_from(lines.len()).unwrap());
            prop_assert_eq!(chunk.last_ts, lines.iter().map(|l| l.0).max().unwrap());
            let unpacked = unpack(&chunk).unwrap();
            let got: Vec<_> = entries(&unpacked, first).map(|e| e.unwrap()).collect();
            prop_assert_eq!(got.len(), lines.len());
            for (i, (entry, (ts, kind, line, continued))) in got.iter().zip(&lines).enumerate() {
                prop_assert_eq!(entry, &RawEntry { idx: first + i64::try_from(i).unwrap(), ts: *ts, kind: *kind, line, continued: *continued });
            }
            prop_assert_eq!(to_batch(&chunk).unwrap().len(), lines.len());
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), codec in 0u8..3) {
            let chunk = Chunk { first_idx: 0, last_idx: 0, first_ts: 0, last_ts: 0, codec, bytes };
            if let Ok(unpacked) = unpack(&chunk) {
                let _ = entries(&unpacked, 0).count();
            }
            let _ = to_batch(&chunk);
        }
    }

    #[test]
    fn repeated_lines_become_small() {
        let mut builder = ChunkBuilder::default();
        for ts in 0..1000 {
            builder.push(ts, EntryKind::Stdout, b"GET /index.html 200 in 3 ms", false);
        }
        let before = builder.bytes();
        let chunk = builder.take(0);
        assert_eq!(chunk.codec, CODEC_ZSTD);
        assert!(chunk.bytes.len() * 4 < before);
    }
}
