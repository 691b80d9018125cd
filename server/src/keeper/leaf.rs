//! A control group for each run, where the kernel lets us make one.
//!
//! All of them stand in one group, whose place is written down in the data folder: the next keeper
//! may be started from somewhere else, and has to find them again.

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::note;
use crate::sys::cgroup::Group;
use crate::sys::dir::Dir;

/// The name in the data folder of the file that says where the groups are.
const PLACE: &str = "keeper.cgroup";
/// What the name of the group of all runs begins with.
const PREFIX: &str = "runyard.";

/// The groups of all runs.
#[derive(Debug)]
pub(super) struct Leaves {
    base: Option<Group>,
    is_wanted: bool,
    /// It was noted that a run has none: once is enough.
    is_noted: Cell<bool>,
}

impl Leaves {
    /// No run has a group.
    pub(super) fn none() -> Self {
        Self { base: None, is_wanted: false, is_noted: Cell::default() }
    }

    /// Finds the place where an earlier keeper had its groups, or makes one below this process's own
    /// group. Where that cannot be done, runs have none.
    pub(super) fn open(data_dir: &Path) -> Self {
        match find_base(data_dir).and_then(|found| match found {
            Some(base) => Ok(Some(base)),
            None => make_base(data_dir),
        }) {
            Ok(base) => Self { base, is_wanted: true, is_noted: Cell::default() },
            Err(error) => {
                note(&format!("processes have no control groups of their own: {error}"));
                Self { is_wanted: true, ..Self::none() }
            }
        }
    }

    /// Whether runs shall have groups, where that can be done.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Makes the group of a new run, and moves its root there. What the root has started before
    /// that is found by other means.
    pub(super) fn enter(&self, run: &str, pid: i32) {
        let Some(base) = &self.base else { return };
        if let Err(error) = base.make_below(run).and_then(|leaf| leaf.add(pid)) {
            // It may have ended already.
            if error.raw_os_error() != Some(libc::ESRCH) && !self.is_noted.replace(true) {
                note(&format!("{run} has no control group of its own: {error}"));
            }
            self.remove(run);
        }
    }

    /// The group of a run, if it has one.
    pub(super) fn get(&self, run: &str) -> Option<Group> {
        Some(self.base.as_ref()?.below(run)).filter(Group::exists)
    }

    /// Removes the group of a run, unless somebody is still in it.
    pub(super) fn remove(&self, run: &str) {
        if let Some(leaf) = self.get(run) {
            // Somebody was left behind on purpose; the group is theirs.
            let _ = leaf.remove();
        }
    }

    /// Removes what is empty: the keeper ends.
    pub(super) fn close(&self) {
        if let Some(base) = &self.base {
            let _ = base.remove();
        }
    }
}

fn find_base(data_dir: &Path) -> io::Result<Option<Group>> {
    let file = match Dir::open(data_dir)?.open_file(PLACE, libc::O_RDONLY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let place = io::read_to_string(file)?;
    let place = Path::new(place.trim_end());
    let is_ours = place
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(PREFIX));
    if is_ours { Group::at(place) } else { Ok(None) }
}

fn make_base(data_dir: &Path) -> io::Result<Option<Group>> {
    let Some(own) = Group::own()? else { return Ok(None) };
    let folder = fs::metadata(data_dir)?;
    // No two data folders have the same name, wherever they are.
    let name = format!("{PREFIX}{:x}-{:x}", folder.dev(), folder.ino());
    let base = own.make_below(&name)?;
    let place = base.path().to_str().ok_or(io::ErrorKind::InvalidData)?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    let mut file = Dir::open(data_dir)?.open_file(PLACE, flags)?;
    io::Write::write_all(&mut file, place.as_bytes())?;
    Ok(Some(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_no_group_of_ours_is_not_used() {
        let data = tempfile::tempdir().unwrap();
        for place in ["/", "/sys/fs/cgroup", "/tmp/runyard.x", "../runyard.x", ""] {
            fs::write(data.path().join(PLACE), place).unwrap();
            assert_eq!(find_base(data.path()).unwrap(), None, "{place}");
        }
    }

    #[test]
    fn without_groups_nothing_is_found_and_nothing_fails() {
        let leaves = Leaves::none();
        leaves.enter("a.1", 1);
        assert_eq!(leaves.get("a.1"), None);
        leaves.remove("a.1");
        leaves.close();
    }
}
