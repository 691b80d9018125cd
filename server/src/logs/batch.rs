//! A run of numbered entries, encoded once and shared by everyone who reads it.

use bytes::Bytes;

use super::chunk::RawEntry;
use super::json::write_entry;

/// Consecutive entries as JSON, ready to be sent: `{..},{..},{..}`.
#[derive(Debug)]
pub struct Batch {
    first_idx: i64,
    last_ts: i64,
    json: Bytes,
    /// Where each entry begins in `json`.
    starts: Box<[u32]>,
}

impl Batch {
    /// Index of the first entry.
    #[must_use]
    pub fn first_idx(&self) -> i64 {
        self.first_idx
    }

    /// Index behind the last entry.
    #[must_use]
    pub fn end_idx(&self) -> i64 {
        self.first_idx + i64::try_from(self.starts.len()).unwrap_or(i64::MAX)
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes in memory, nearly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + self.starts.len() * 4 + size_of::<Self>()
    }

    /// When the newest entry was written.
    #[must_use]
    pub fn last_ts(&self) -> i64 {
        self.last_ts
    }

    /// The JSON of the entries in `from..to` (indexes of the log), without the outer brackets.
    #[must_use]
    pub fn json(&self, from: i64, to: i64) -> Bytes {
        let at = |idx: i64| usize::try_from(idx - self.first_idx).unwrap_or(0);
        let (from, to) = (at(from.max(self.first_idx)), at(to.min(self.end_idx())));
        if from >= to {
            return Bytes::new();
        }
        let begin = self.starts[from] as usize;
        // The next entry's start is one behind the comma.
        let end = self.starts.get(to).map_or(self.json.len(), |&next| next as usize - 1);
        self.json.slice(begin..end)
    }
}

/// Collects entries for a [`Batch`].
#[derive(Debug, Default)]
pub struct BatchBuilder {
    json: Vec<u8>,
    starts: Vec<u32>,
    last_ts: i64,
}

impl BatchBuilder {
    /// Appends the entry with the index `first_idx + len`.
    pub fn push(&mut self, entry: &RawEntry<'_>) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        // A batch is published long before it could reach 4 GiB.
        self.starts.push(u32::try_from(self.json.len()).unwrap_or(u32::MAX));
        self.last_ts = self.last_ts.max(entry.ts);
        write_entry(&mut self.json, entry);
    }

    /// Bytes of JSON so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Takes the batch out; its first entry had the index `first_idx`.
    pub fn take(&mut self, first_idx: i64) -> Batch {
        // A copy has no spare room, which the ring would hold for long; the room is used again, unless
        // it is much larger than what came last.
        let json = Bytes::copy_from_slice(&self.json);
        if self.json.capacity() > 4096 && self.json.capacity() / 4 > json.len() {
            self.json = Vec::new();
        }
        self.json.clear();
        Batch {
            first_idx,
            last_ts: std::mem::take(&mut self.last_ts),
            json,
            starts: std::mem::take(&mut self.starts).into_boxed_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::chunk::sample_entry;

    #[test]
    fn gives_any_part_of_itself() {
        let mut builder = BatchBuilder::default();
        for (idx, line) in (10..).zip(["a", "b", "c"]) {
            builder.push(&sample_entry(idx, line.as_bytes()));
        }
        let batch = builder.take(10);
        assert_eq!((batch.first_idx(), batch.end_idx(), batch.len()), (10, 13, 3));
        for (from, to, want) in [
            (0, 99, "abc"),
            (10, 13, "abc"),
            (11, 12, "b"),
            (12, 99, "c"),
            (0, 11, "a"),
            (13, 99, ""),
        ] {
            let text = format!("[{}]", String::from_utf8(batch.json(from, to).to_vec()).unwrap());
            let entries: Vec<app::model::Entry> = serde_json::from_str(&text).unwrap();
            let lines: String = entries.iter().map(|e| e.line.as_str()).collect();
            assert_eq!(lines, want, "{from}..{to}");
        }
        assert!(builder.is_empty());
    }
}
