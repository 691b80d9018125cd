//! Remembers what was looked at, so that a change can be seen without reading anything again.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// No manifest that people write is larger; a larger file is not one.
const LARGEST_BYTES: u64 = 4 << 20;

/// What tells two states of a file apart: times alone miss a second write within a clock tick.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    size: u64,
    inode: u64,
}

impl From<Metadata> for Stamp {
    fn from(metadata: Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
        }
    }
}

/// The files and folders looked at, with their state at that time; `None` for those not there.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: BTreeMap<PathBuf, Option<Stamp>>,
}

impl Watch {
    /// Whether the path is there.
    pub(super) fn look(&mut self, path: &Path) -> bool {
        self.seen.entry(path.to_owned()).or_insert_with(|| stamp(path)).is_some()
    }

    /// The file's text; `None` when there is no such file.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Option<String>> {
        // The stamp comes first: a write between the two is then seen as a change.
        if !self.look(path) {
            return Ok(None);
        }
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file"));
        }
        let mut text = String::new();
        file.take(LARGEST_BYTES + 1).read_to_string(&mut text)?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST_BYTES {
            return Err(io::Error::new(ErrorKind::InvalidData, "it is larger than 4 MiB"));
        }
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Some(text))
    }

    /// Whether any of them is no longer as it was.
    pub(super) fn is_changed(&self) -> bool {
        self.seen.iter().any(|(path, seen)| stamp(path) != *seen)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(Stamp::from)
}
