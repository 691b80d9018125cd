//! The bytes of a chunk before they are compressed.
//!
//! Format, per entry: a byte of kind and flags, the time as a zigzag varint relative to the entry
//! before, the length as a varint, the bytes. Before the first one stands what is in force in the
//! streams, if something is: a byte of kind and flag, one of the level, the length of the style as a
//! varint, the style.

use app::model::{EntryKind, Level, Style};

use super::{ChunkError, RawEntry};
use crate::logs::carry::{Begin, Carry};

pub(super) const CONTINUED: u8 = 0x80;
/// It is no entry, but what is in force.
const CARRIED: u8 = 0x40;

/// Walks unpacked entries; the first has the index `first_idx`. A damaged entry ends the walk with
/// an error.
#[must_use]
pub fn entries(unpacked: &[u8], first_idx: i64) -> Entries<'_> {
    Entries { rest: unpacked, first_idx, idx: first_idx, ts: 0, carry: Carry::default() }
}

/// See [`entries`].
pub struct Entries<'a> {
    rest: &'a [u8],
    first_idx: i64,
    idx: i64,
    ts: i64,
    carry: Carry,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<RawEntry<'a>, ChunkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.take_entry();
        if entry.is_none() {
            self.rest = &[];
        }
        self.idx += 1;
        Some(entry.ok_or(ChunkError::Damaged(self.first_idx)))
    }
}

impl<'a> Entries<'a> {
    fn take_entry(&mut self) -> Option<RawEntry<'a>> {
        let mut head = self.take_byte()?;
        while head & CARRIED != 0 {
            let kind = kind_from_byte(head & !CARRIED)?;
            let under = level_from_byte(self.take_byte()?)?;
            let style = Style::from(str::from_utf8(self.take_bytes()?).ok()?);
            self.carry.resume(kind, Begin { style, under });
            head = self.take_byte()?;
        }
        let zigzag = take_varint(&mut self.rest)?;
        self.ts = self.ts.wrapping_add((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()));
        let line = self.take_bytes()?;
        let kind = kind_from_byte(head & !CONTINUED)?;
        let (idx, ts, continued) = (self.idx, self.ts, head & CONTINUED != 0);
        let begin = self.carry.next(kind, line);
        Some(RawEntry { idx, ts, kind, line, continued, begin })
    }

    fn take_byte(&mut self) -> Option<u8> {
        let (&byte, after) = self.rest.split_first()?;
        self.rest = after;
        Some(byte)
    }

    /// As many bytes as the varint before them says.
    fn take_bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(take_varint(&mut self.rest)?).ok()?;
        let (bytes, after) = self.rest.split_at_checked(length)?;
        self.rest = after;
        Some(bytes)
    }

    /// What is in force behind the entries that were walked through.
    #[must_use]
    pub fn into_carry(self) -> Carry {
        self.carry
    }
}

pub(super) fn kind_to_byte(kind: EntryKind) -> u8 {
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

pub(super) fn put_begin(out: &mut Vec<u8>, kind: EntryKind, begin: Begin) {
    let style = String::from(begin.style);
    out.extend([kind_to_byte(kind) | CARRIED, begin.under.map_or(0, |level| level as u8 + 1)]);
    put_varint(out, style.len() as u64);
    out.extend_from_slice(style.as_bytes());
}

fn level_from_byte(byte: u8) -> Option<Option<Level>> {
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    match byte {
        0 => Some(None),
        n => levels.into_iter().find(|level| *level as u8 + 1 == n).map(Some),
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
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
