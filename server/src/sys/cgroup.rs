//! Control groups, version 2: a folder of the kernel's that holds a whole tree of processes. A child
//! is born into the group of its parent whatever it does, so a group can be asked who is in it and
//! can be ended at one stroke.
//!
//! Everything here is reading and writing small files. Where no group can be made (no version 2, a
//! read-only mount, nothing delegated to this user) that is an ordinary error.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Groups below a group that are looked into, one in the other.
const MAX_DEPTH: usize = 8;

/// A control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group(PathBuf);

impl Group {
    /// The group that this process is in; `None` when there is no version 2 hierarchy to be seen.
    ///
    /// # Errors
    /// Those of reading `/proc`.
    pub fn own() -> io::Result<Option<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let groups = fs::read_to_string("/proc/self/cgroup")?;
        Ok(locate(&mounts, &groups).map(Self))
    }

    /// The group with this folder, if the folder is one of a mounted version 2 hierarchy.
    ///
    /// # Errors
    /// Those of reading `/proc`.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let is_below = mount_points(&mounts).any(|(_, point)| path.starts_with(point));
        let is_plain = path.components().all(|part| part != std::path::Component::ParentDir);
        Ok((is_below && is_plain && path.is_dir()).then(|| Self(path.to_owned())))
    }

    /// The group of this name in this one, made unless it is there.
    ///
    /// # Errors
    /// Those of `mkdir(2)`.
    pub fn make_below(&self, name: &str) -> io::Result<Self> {
        let below = self.below(name);
        match fs::create_dir(&below.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(below),
        }
    }

    /// The group of this name in this one, whether it is there or not.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.0.is_dir()
    }

    /// Moves a process into it, with all of its threads. Its children stay where they are.
    ///
    /// # Errors
    /// No permission, no such process or group.
    pub fn add(&self, pid: i32) -> io::Result<()> {
        self.write("cgroup.procs", &pid.to_string())
    }

    /// Ends all who are in it or below, and whoever they are starting just now.
    ///
    /// # Errors
    /// `NotFound` when there is no such group, or on a kernel before 5.14.
    pub fn kill(&self) -> io::Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// Who is in it or below, those that have ended left out. Nobody when it is not there.
    ///
    /// # Errors
    /// Those of reading files.
    pub fn members(&self) -> io::Result<Vec<i32>> {
        let mut pids = Vec::new();
        collect_members(&self.0, MAX_DEPTH, &mut pids)?;
        Ok(pids)
    }

    /// Who is in it, and not below.
    ///
    /// # Errors
    /// Those of reading files.
    pub fn processes(&self) -> io::Result<Vec<i32>> {
        let text = self.read("cgroup.procs")?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// The names of the groups below it.
    ///
    /// # Errors
    /// Those of reading a folder.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let folders = folders(&self.0)?;
        let names = folders.iter().filter_map(|folder| folder.file_name()?.to_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// The group above it, if its own name is this one.
    #[must_use]
    pub fn without_last(&self, name: &str) -> Option<Self> {
        let above = self.0.parent().filter(|_| self.0.file_name().is_some_and(|it| it == name))?;
        Some(Self(above.to_owned()))
    }

    /// A folder that is none.
    #[cfg(test)]
    pub(crate) fn pretend(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Removes it with those below. What is not empty stays.
    ///
    /// # Errors
    /// `ResourceBusy` when somebody is in it.
    pub fn remove(&self) -> io::Result<()> {
        remove_tree(&self.0, MAX_DEPTH)
    }

    /// Sets one of its values.
    ///
    /// # Errors
    /// Those of writing a file: `NotFound` when the controller is not there.
    pub fn write(&self, file: &str, value: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.0.join(file))?.write_all(value.as_bytes())
    }

    /// Reads one of its values.
    ///
    /// # Errors
    /// Those of reading a file: `NotFound` when the controller is not there.
    pub fn read(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.0.join(file))
    }
}

fn collect_members(path: &Path, depth: usize, pids: &mut Vec<i32>) -> io::Result<()> {
    match fs::read_to_string(path.join("cgroup.procs")) {
        Ok(text) => pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok())),
        Err(error) if is_gone(&error) => return Ok(()),
        // A group of threads only has no list of processes.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
        Err(error) => return Err(error),
    }
    for below in folders(path)? {
        if depth > 0 {
            collect_members(&below, depth - 1, pids)?;
        }
    }
    Ok(())
}

fn remove_tree(path: &Path, depth: usize) -> io::Result<()> {
    // Most have none below: then this is all that there is to do.
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
        Err(error) if !is_gone(&error) => return Err(error),
        _ => return Ok(()),
    }
    for below in folders(path)? {
        if depth > 0 {
            remove_tree(&below, depth - 1)?;
        }
    }
    match fs::remove_dir(path) {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

fn folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(path) {
        Err(error) if is_gone(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
    Ok(folders.map(|entry| entry.path()).collect())
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
}

/// Where the version 2 hierarchies are mounted: the folder of the hierarchy that is seen there, and
/// the place.
fn mount_points(mounts: &str) -> impl Iterator<Item = (String, PathBuf)> {
    mounts.lines().filter_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        back.starts_with("cgroup2 ").then_some(())?;
        let mut fields = front.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        Some((unescape(root), PathBuf::from(unescape(point))))
    })
}

/// The folder of the group that `/proc/self/cgroup` names.
fn locate(mounts: &str, groups: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // What is outside of the namespace cannot be reached.
    if own.split('/').any(|part| part == "..") {
        return None;
    }
    mount_points(mounts).find_map(|(root, point)| {
        let below = Path::new(own).strip_prefix(&root).ok()?;
        Some(point.join(below))
    })
}

/// `/proc` writes a space as `\040`.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "24 1 0:5 / / rw - ext4 /dev/sda rw\n\
        25 1 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_own_group_is_found_below_its_mount() {
        let at = |mounts: &str, groups: &str| locate(mounts, groups);
        assert_eq!(
            at(UNIFIED, "0::/user.slice/a.scope\n"),
            Some("/sys/fs/cgroup/user.slice/a.scope".into())
        );
        let hybrid = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(at(hybrid, "4:memory:/x\n0::/\n"), Some("/sys/fs/cgroup/unified/".into()));
        let bound = "41 31 0:38 /box /mnt/a\\040b rw - cgroup2 cgroup2 rw\n";
        assert_eq!(at(bound, "0::/box/in\n"), Some("/mnt/a b/in".into()));
        assert_eq!(at(bound, "0::/other\n"), None);
        assert_eq!(at(UNIFIED, "0::/../outside\n"), None);
        assert_eq!(at(UNIFIED, "4:memory:/x\n"), None);
        assert_eq!(at("24 1 0:5 / / rw - ext4 /dev/sda rw\n", "0::/\n"), None);
    }

    #[test]
    fn members_are_gathered_from_all_levels_and_a_missing_group_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let group = Group(dir.path().to_owned());
        let below = group.make_below("a").unwrap().make_below("b").unwrap();
        fs::write(dir.path().join("cgroup.procs"), "7\n8\n").unwrap();
        fs::write(dir.path().join("a/cgroup.procs"), "").unwrap();
        fs::write(below.path().join("cgroup.procs"), "9\n").unwrap();
        assert_eq!(group.members().unwrap(), [7, 8, 9]);
        assert_eq!(group.below("gone").members().unwrap(), [0; 0]);
        group.below("gone").remove().unwrap();
        assert!(group.below("gone").kill().is_err());
    }

    #[test]
    fn a_folder_outside_of_the_hierarchy_is_no_group() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Group::at(dir.path()).unwrap(), None);
    }
}
