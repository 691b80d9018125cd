//! Packs entries for the store, and unpacks them.
//!
//! A chunk keeps the bytes as the child wrote them; what is invalid in UTF-8 is only replaced when
//! it is shown.

use app::model::{Entry, EntryKind, Level};
use parking_lot::Mutex;

use crate::store::Chunk;

use super::batch::{Batch, BatchBuilder};
use super::carry::{Begin, Carry};

mod format;

use format::{CONTINUED, kind_to_byte, put_begin, put_varint};
pub use format::{Entries, entries};

/// Entries as they are.
const CODEC_PLAIN: u8 = 0;
/// The same, zstd-compressed.
const CODEC_ZSTD: u8 = 1;
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
    /// What is in force where it begins.
    pub begin: Begin,
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
            style: self.begin.style.into(),
            under: self.begin.under,
        }
    }

    /// How serious it is, as far as its words or those that it goes on with tell.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.begin.under.or_else(|| Level::guess(self.line))
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
    /// Notes what is in force where the chunk begins: before its first entry.
    pub fn begin(&mut self, carry: &mut Carry) {
        for kind in [EntryKind::Stdout, EntryKind::Stderr, EntryKind::System] {
            let begin = carry.now(kind);
            if !begin.is_plain() {
                put_begin(&mut self.bytes, kind, begin);
            }
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: &RawEntry<'_>) {
        let &RawEntry { ts, kind, line, continued, .. } = entry;
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

/// What is in force behind a chunk.
///
/// # Errors
/// When the chunk cannot be read.
pub fn carry_after(chunk: &Chunk) -> Result<Carry, ChunkError> {
    let unpacked = unpack(chunk)?;
    let mut entries = entries(&unpacked, chunk.first_idx);
    for entry in entries.by_ref() {
        entry?;
    }
    Ok(entries.into_carry())
}

/// A stored chunk as a batch, for those who follow from the store.
///
/// # Errors
/// When the chunk cannot be read.
pub fn to_batch(chunk: &Chunk) -> Result<Batch, ChunkError> {
    let unpacked = unpack(chunk)?;
    let mut builder = BatchBuilder::default();
    for entry in entries(&unpacked, chunk.first_idx) {
        builder.push(&entry?);
    }
    Ok(builder.take(chunk.first_idx))
}

/// An entry of standard output for tests.
#[cfg(test)]
pub(super) fn sample_entry(idx: i64, line: &[u8]) -> RawEntry<'_> {
    let (kind, begin) = (EntryKind::Stdout, Begin::default());
    RawEntry { idx, ts: 5, kind, line, continued: false, begin }
}

#[cfg(test)]
mod tests;
