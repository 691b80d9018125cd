//! The records of the index: how far both streams had come, and when.

use serde::{Deserialize, Serialize};

use super::Cause;

/// Bytes of a record in the index.
pub const RECORD_SIZE: u64 = 40;
const SIZE: usize = 40;
/// What the checksum covers.
const BODY: usize = SIZE - 4;

/// One move of output: the offsets of both streams after it. Within a record stdout comes before
/// stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// When, in nanoseconds since the boot. Never goes back within a boot.
    pub boottime_ns: u64,
    /// When, by the wall clock, in nanoseconds since the epoch.
    pub realtime_ns: u64,
    /// Bytes of stdout so far.
    pub out_off: u64,
    /// Bytes of stderr so far.
    pub err_off: u64,
    /// Bit 0: stdout has ended. Bit 1: stderr has ended. Bit 2: one of them has ended while nobody held
    /// its pipe. Bit 3: what this record counts beyond the one before was dropped; bit 4: because too
    /// much waited, not for want of room; bits 8 to 31: with so many line ends, the largest number
    /// standing for more.
    pub flags: u32,
}

impl IndexRecord {
    /// The bit of [`IndexRecord::flags`] that says that stdout has ended.
    pub const OUT_CLOSED: u32 = 1;
    /// The bit of [`IndexRecord::flags`] that says that stderr has ended.
    pub const ERR_CLOSED: u32 = 2;
    /// The bits that say that both have ended.
    pub const BOTH_CLOSED: u32 = Self::OUT_CLOSED | Self::ERR_CLOSED;
    /// The bit of [`IndexRecord::flags`] that says that a pipe was gone before its end was seen: what
    /// was in it is lost.
    pub const CUT: u32 = 4;
    /// The bit of [`IndexRecord::flags`] that says that what it counts was dropped.
    pub const DROPPED: u32 = 8;
    const FOR_BACKLOG: u32 = 16;
    const LINES_SHIFT: u32 = 8;
    /// The largest number of dropped lines that a record tells.
    pub const MOST_LINES: u32 = u32::MAX >> Self::LINES_SHIFT;

    /// Whether nothing more comes on stdout.
    #[must_use]
    pub fn out_closed(&self) -> bool {
        self.flags & Self::OUT_CLOSED != 0
    }

    /// Whether nothing more comes on stderr.
    #[must_use]
    pub fn err_closed(&self) -> bool {
        self.flags & Self::ERR_CLOSED != 0
    }

    /// Whether the last bytes of a stream may be lost.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.flags & Self::CUT != 0
    }

    /// The flags of a record of dropped bytes.
    pub(super) fn dropped_flags(cause: Cause, lines: u64) -> u32 {
        let lines = u32::try_from(lines).unwrap_or(u32::MAX).min(Self::MOST_LINES);
        let cause = if cause == Cause::Backlog { Self::FOR_BACKLOG } else { 0 };
        Self::DROPPED | cause | lines << Self::LINES_SHIFT
    }

    /// What was dropped, if that is what it counts: why, and how many line ends were in it.
    #[must_use]
    pub fn dropped(&self) -> Option<(Cause, u32)> {
        let is_backlog = self.flags & Self::FOR_BACKLOG != 0;
        let cause = if is_backlog { Cause::Backlog } else { Cause::Disk };
        (self.flags & Self::DROPPED != 0).then_some((cause, self.flags >> Self::LINES_SHIFT))
    }

    /// The flags that stay true for all records after it.
    pub(super) fn lasting_flags(&self) -> u32 {
        self.flags & (Self::BOTH_CLOSED | Self::CUT)
    }

    /// When, in milliseconds since the epoch.
    #[must_use]
    pub fn realtime_ms(&self) -> i64 {
        i64::try_from(self.realtime_ns / 1_000_000).unwrap_or(i64::MAX)
    }

    /// The record as it stands in the file: little endian, a CRC-32 of the rest at its end.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let numbers = [self.boottime_ns, self.realtime_ns, self.out_off, self.err_off];
        for (field, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        bytes[32..BODY].copy_from_slice(&self.flags.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a record back; `None` when its checksum is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        let u64_at = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(field)
        };
        let u32_at = |at: usize| {
            let mut field = [0; 4];
            field.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(field)
        };
        (crc32fast::hash(&bytes[..BODY]) == u32_at(BODY)).then(|| Self {
            boottime_ns: u64_at(0),
            realtime_ns: u64_at(8),
            out_off: u64_at(16),
            err_off: u64_at(24),
            flags: u32_at(32),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_comes_back(numbers: [u64; 4], flags: u32) {
            let [boottime_ns, realtime_ns, out_off, err_off] = numbers;
            let record = IndexRecord { boottime_ns, realtime_ns, out_off, err_off, flags };
            prop_assert_eq!(IndexRecord::from_bytes(&record.to_bytes()), Some(record));
        }

        #[test]
        fn a_flipped_bit_is_noticed(out_off: u64, bit in 0..SIZE * 8) {
            let mut bytes = IndexRecord { out_off, ..IndexRecord::default() }.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(IndexRecord::from_bytes(&bytes), None);
        }
    }

    #[test]
    fn what_was_dropped_stands_in_the_flags() {
        for (cause, lines, told) in
            [(Cause::Disk, 0, 0), (Cause::Backlog, 7, 7), (Cause::Disk, u64::MAX, 0xff_ffff)]
        {
            let flags = IndexRecord::dropped_flags(cause, lines) | IndexRecord::OUT_CLOSED;
            let record = IndexRecord { flags, ..IndexRecord::default() };
            assert_eq!(record.dropped(), Some((cause, told)));
            assert!(record.out_closed() && !record.err_closed() && !record.is_cut());
            assert_eq!(record.lasting_flags(), IndexRecord::OUT_CLOSED);
        }
        assert_eq!(IndexRecord { flags: 7, ..IndexRecord::default() }.dropped(), None);
    }

    #[test]
    fn zeroes_are_not_a_record() {
        assert_eq!(IndexRecord::from_bytes(&[0; SIZE]), None);
    }
}
