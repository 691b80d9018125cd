//! Remembers what was looked at, so that a change can be seen without reading anything again.
//!
//! Most of it is not there: the lock files of package managers that are not used, in every folder up the
//! tree. A folder that has not changed since has no new file in it, so one look at it tells of all of them.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// A folder may change again within a tick of its file system's clock, and its time stay the same. So its
/// time tells something only when it is so many seconds old.
const TICK_S: i64 = 2;
/// No manifest that people write is larger; a larger file is not one.
const LARGEST_BYTES: u64 = 4 << 20;

/// What tells two states of a file apart: times alone miss a second write within a clock tick.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    /// Also changes with the permissions, and nobody sets it.
    changed: (i64, i64),
    size: u64,
    inode: u64,
}

impl From<Metadata> for Stamp {
    fn from(metadata: Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.size(),
            inode: metadata.ino(),
        }
    }
}

impl Stamp {
    /// Whether a later change would surely give another one.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).is_ok_and(|now_s| now_s > self.changed.0 + TICK_S)
    }
}

/// The files and folders looked at, with their state at that time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// What is there, and links to what is not.
    there: BTreeMap<PathBuf, Option<Stamp>>,
    absent: Mutex<BTreeMap<PathBuf, Absent>>,
}

/// What was looked for in a folder and was not there.
#[derive(Debug, Default)]
struct Absent {
    paths: Vec<PathBuf>,
    /// Of the folder, from before it was last seen that none of them is there.
    folder: Option<Stamp>,
}

impl Absent {
    /// Whether one of them is there now.
    fn has_come(&mut self, folder: &Path) -> bool {
        let now = stamp(folder);
        if now.is_some() && now == self.folder {
            return false;
        }
        if self.paths.iter().any(|path| path.exists()) {
            return true;
        }
        self.folder = now.filter(Stamp::is_settled);
        false
    }
}

impl Watch {
    /// Whether the path is there.
    pub(super) fn look(&mut self, path: &Path) -> bool {
        if let Some(seen) = self.there.get(path) {
            return seen.is_some();
        }
        let folder = path.parent().unwrap_or(path);
        let absent = self.absent.get_mut().entry(folder.to_owned()).or_default();
        if absent.paths.iter().any(|known| known == path) {
            return false;
        }
        let seen = stamp(path);
        let is_there = seen.is_some();
        if is_there || path.is_symlink() {
            self.there.insert(path.to_owned(), seen);
        } else {
            // What was known of the folder tells nothing of this one.
            absent.folder = None;
            absent.paths.push(path.to_owned());
        }
        is_there
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
        self.there.iter().any(|(path, seen)| stamp(path) != *seen)
            || self.absent.lock().iter_mut().any(|(folder, absent)| absent.has_come(folder))
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(Stamp::from)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder in which `b` is and `a` is not.
    fn watched() -> (tempfile::TempDir, Watch) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "1").unwrap();
        let mut watch = Watch::default();
        assert!(watch.look(&dir.path().join("b")));
        assert!(!watch.look(&dir.path().join("a")) && !watch.look(&dir.path().join("a")));
        assert_eq!(watch.absent.get_mut().get(dir.path()).unwrap().paths.len(), 1);
        (dir, watch)
    }

    type Change<'a> = &'a dyn Fn(&Path);

    #[test]
    fn every_change_is_seen_however_soon_it_comes() {
        let changes: [(&str, Change<'_>); 4] = [
            ("another file", &|dir| fs::write(dir.join("c"), "").unwrap()),
            ("a file that was not there", &|dir| fs::write(dir.join("a"), "").unwrap()),
            ("another text", &|dir| fs::write(dir.join("b"), "22").unwrap()),
            ("no file", &|dir| fs::remove_file(dir.join("b")).unwrap()),
        ];
        for (what, change) in changes {
            let (dir, watch) = watched();
            assert!(!watch.is_changed());
            change(dir.path());
            assert_eq!(watch.is_changed(), what != "another file", "{what}");
        }
    }

    #[test]
    fn a_folder_tells_of_its_files_once_it_is_settled_and_the_same() {
        let (dir, watch) = watched();
        assert!(!watch.is_changed());
        let mut all = watch.absent.lock();
        let absent = all.get_mut(dir.path()).unwrap();
        assert_eq!(absent.folder, None, "it was just changed");
        // One that is there tells whether it is looked for.
        absent.paths.push(dir.path().join("b"));
        assert!(absent.has_come(dir.path()));
        absent.folder = stamp(dir.path());
        assert!(!absent.has_come(dir.path()));
        let before = Stamp { changed: (0, 0), ..stamp(dir.path()).unwrap() };
        assert!(before.is_settled());
        absent.folder = Some(before);
        assert!(absent.has_come(dir.path()));
    }

    #[test]
    fn a_link_to_nothing_is_seen_to_lead_somewhere() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, target) = (dir.path().join("a"), elsewhere.path().join("a"));
        symlink(&target, &link).unwrap();
        let mut watch = Watch::default();
        assert!(!watch.look(&link) && !watch.look(&link));
        assert!(!watch.is_changed());
        fs::write(target, "").unwrap();
        assert!(watch.is_changed());
    }
}
