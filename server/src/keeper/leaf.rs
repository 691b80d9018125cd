//! A control group for each run, where the kernel lets us make one.
//!
//! All of them stand in one group, whose place is written down in the data folder: the next keeper
//! may be started from somewhere else, and has to find them again.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::note;
use super::protocol::{GroupReport, TreeLimits};
use crate::sys::cgroup::Group;
use crate::sys::dir::{self, Dir};
use crate::sys::process;

/// The name in the data folder of the file that says where the groups are.
const PLACE: &str = "keeper.cgroup";
/// What the name of the group of all runs begins with.
const PREFIX: &str = "runyard.";
/// The group for Runyard's own processes: the kernel lets no group give controllers to those below
/// it as long as somebody is in it.
const MAIN: &str = "runyard.main";
/// What limits a tree.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];
/// The kernel hands CPU time out anew so often, in microseconds.
const CPU_PERIOD_US: u32 = 100_000;

/// The group of all runs, held open: the way to it need not be gone for each.
#[derive(Debug)]
struct Base {
    group: Group,
    folder: Dir,
}

impl Base {
    fn open(group: Group) -> io::Result<Self> {
        Ok(Self { folder: Dir::open(group.path())?, group })
    }
}

/// The group of a run that is being started, and its folder for the run to be born into.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) group: Group,
    pub(super) folder: Option<OwnedFd>,
}

/// The groups of all runs.
#[derive(Debug)]
pub(super) struct Leaves {
    base: Option<Base>,
    is_wanted: bool,
    /// It was noted that a run has none: once is enough.
    is_noted: AtomicBool,
}

impl Leaves {
    /// No run has a group.
    pub(super) fn none() -> Self {
        Self { base: None, is_wanted: false, is_noted: AtomicBool::default() }
    }

    /// Finds the place where an earlier keeper had its groups, or makes one below this process's own
    /// group. Where that cannot be done, runs have none.
    pub(super) fn open(data_dir: &Path) -> Self {
        match find_base(data_dir)
            .and_then(|found| match found {
                Some(base) => Ok(Some(base)),
                None => make_base(data_dir),
            })
            .and_then(|base| base.map(Base::open).transpose())
        {
            Ok(base) => Self { base, is_wanted: true, is_noted: AtomicBool::default() },
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

    /// Makes the group of a new run with its limits.
    pub(super) fn make(&self, run: &str, limits: TreeLimits) -> Option<Leaf> {
        let Base { group, folder } = self.base.as_ref()?;
        match folder.make_folder(run) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                self.do_without(run, &error);
                None
            }
            _ => {
                let group = group.below(run);
                set_limits(&group, limits);
                Some(Leaf { group, folder: folder.name_folder(run).ok() })
            }
        }
    }

    /// Moves the root of a run into its group, if it could not be born there. What the root has started
    /// before that is found by other means.
    pub(super) fn enter(&self, run: &str, leaf: &Group, pid: i32) {
        if let Err(error) = leaf.add(pid) {
            self.do_without(run, &error);
            self.remove(run);
        }
    }

    fn do_without(&self, run: &str, error: &io::Error) {
        // It may have ended already.
        if error.raw_os_error() != Some(libc::ESRCH) && !self.is_noted.swap(true, Ordering::Relaxed)
        {
            note(&format!("{run} has no control group of its own: {error}"));
        }
    }

    /// The group of a run, if it has one.
    pub(super) fn get(&self, run: &str) -> Option<Group> {
        Some(self.base.as_ref()?.group.below(run)).filter(Group::exists)
    }

    /// What the group of a run does.
    pub(super) fn report(&self, run: String) -> GroupReport {
        match self.get(&run) {
            Some(leaf) => report(&leaf, run),
            None => GroupReport { run, ..GroupReport::default() },
        }
    }

    /// Removes what an earlier keeper has left of runs that nobody knows, unless somebody is in it.
    pub(super) fn sweep(&self, is_known: impl Fn(&str) -> bool) {
        let Some(base) = &self.base else { return };
        for name in base.group.names().unwrap_or_default() {
            if !is_known(&name) {
                self.remove(&name);
            }
        }
    }

    /// Removes the group of a run, unless somebody is still in it.
    pub(super) fn remove(&self, run: &str) {
        let Some(Base { group, folder }) = &self.base else { return };
        match folder.remove_folder(run) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // There are others below, or somebody was left behind on purpose: the group is theirs.
                let _ = group.below(run).remove();
            }
            _ => {}
        }
    }

    /// Removes what is empty: the keeper ends.
    pub(super) fn close(&self) {
        if let Some(base) = &self.base {
            let _ = base.group.remove();
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
    let found = if is_ours { Group::at(place)? } else { None };
    if let Some(base) = &found {
        hand_down(base, &CONTROLLERS);
    }
    Ok(found)
}

/// Writes the limits of a run into its group. Where a controller is missing, nothing is limited, and
/// [`report`] says so.
fn set_limits(leaf: &Group, limits: TreeLimits) {
    let set = |file: &str, value: String| match leaf.write(file, &value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            note(&format!("cannot write {file} of {}: {error}", leaf.path().display()));
        }
        _ => {}
    };
    if let Some(bytes) = limits.memory_bytes {
        set("memory.max", bytes.to_string());
        // What does not fit shall not go to the disk instead, and a tree ends as a whole.
        set("memory.swap.max", "0".to_owned());
        set("memory.oom.group", "1".to_owned());
    }
    if let Some(milli) = limits.cpu_milli {
        let quota_us = u64::from(milli) * u64::from(CPU_PERIOD_US) / 1_000;
        set("cpu.max", format!("{quota_us} {CPU_PERIOD_US}"));
    }
    if let Some(pids) = limits.pids {
        set("pids.max", pids.to_string());
    }
}

/// Reads what a group does from the group itself, so that every keeper knows it.
fn report(leaf: &Group, run: String) -> GroupReport {
    let limits = |file| leaf.read(file).is_ok_and(|value| !value.starts_with("max"));
    let events = leaf.read("memory.events").unwrap_or_default();
    let oom_kills = events.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok());
    let peak = leaf.read("memory.peak").ok();
    GroupReport {
        run,
        limits_memory: limits("memory.max"),
        limits_cpu: limits("cpu.max"),
        limits_pids: limits("pids.max"),
        oom_kills: oom_kills.unwrap_or_default(),
        peak_bytes: peak.and_then(|peak| peak.trim().parse().ok()),
    }
}

/// Lets the groups below have these controllers, as far as the group has them itself. Whether any of
/// them could not be handed down because somebody is in the group.
fn hand_down(group: &Group, controllers: &[&str]) -> bool {
    let there = group.read("cgroup.controllers").unwrap_or_default();
    let mut is_occupied = false;
    for controller in controllers {
        if there.split_ascii_whitespace().any(|name| name == *controller)
            && let Err(error) = group.write("cgroup.subtree_control", &format!("+{controller}"))
        {
            is_occupied |= error.kind() == io::ErrorKind::ResourceBusy;
        }
    }
    is_occupied
}

/// Hands the controllers down; when nobody but `own` is in the group, they make room for that.
fn make_room(group: &Group, own: &[i32], controllers: &[&str]) -> io::Result<()> {
    if !hand_down(group, controllers) {
        return Ok(());
    }
    let inside = group.processes()?;
    if inside.iter().any(|pid| !own.contains(pid)) {
        return Ok(());
    }
    let main = group.make_below(MAIN)?;
    for pid in inside {
        main.add(pid)?;
    }
    hand_down(group, controllers);
    Ok(())
}

fn make_base(data_dir: &Path) -> io::Result<Option<Group>> {
    let Some(own) = Group::own()? else { return Ok(None) };
    let own = own.without_last(MAIN).unwrap_or(own);
    // The server that has started this keeper, and this keeper.
    let ours = [process::parent_pid(), process::own_pid()];
    if let Err(error) = make_room(&own, &ours, &CONTROLLERS) {
        note(&format!("limits are not set by control groups: {error}"));
    }
    let (device, inode) = dir::identity(data_dir)?;
    // No two data folders have the same name, wherever they are.
    let name = format!("{PREFIX}{:x}-{:x}", device, inode);
    let base = own.make_below(&name)?;
    hand_down(&base, &CONTROLLERS);
    let place = base.path().to_str().ok_or(io::ErrorKind::InvalidData)?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    let mut file = Dir::open(data_dir)?.open_file(PLACE, flags)?;
    io::Write::write_all(&mut file, place.as_bytes())?;
    Ok(Some(base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        assert!(leaves.make("a.1", TreeLimits::default()).is_none());
        assert_eq!(leaves.get("a.1"), None);
        assert_eq!(leaves.report("a.1".into()).run, "a.1");
        leaves.sweep(|_| false);
        leaves.remove("a.1");
        leaves.close();
    }

    /// A folder that looks like a group with these files.
    fn pretend(files: &[(&str, &str)]) -> (tempfile::TempDir, Group) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let group = Group::pretend(dir.path());
        (dir, group)
    }

    #[test]
    fn limits_are_written_where_there_are_controllers_and_read_again() {
        let files = ["memory.max", "memory.swap.max", "memory.oom.group", "cpu.max"];
        let (dir, leaf) = pretend(&files.map(|name| (name, "max 100000\n")));
        let limits =
            TreeLimits { memory_bytes: Some(1 << 30), cpu_milli: Some(1_500), pids: Some(9) };
        set_limits(&leaf, limits);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
        assert!(read("memory.max").starts_with("1073741824"));
        assert!(read("memory.swap.max").starts_with('0'));
        assert!(read("memory.oom.group").starts_with('1'));
        assert!(read("cpu.max").starts_with("150000 100000"));
        let mut expected = GroupReport {
            run: "a.1".into(),
            limits_memory: true,
            limits_cpu: true,
            ..GroupReport::default()
        };
        assert_eq!(report(&leaf, "a.1".into()), expected);
        fs::write(dir.path().join("memory.events"), "oom 3\noom_kill 2\noom_group_kill 1\n")
            .unwrap();
        fs::write(dir.path().join("memory.peak"), "1073741000\n").unwrap();
        (expected.oom_kills, expected.peak_bytes) = (2, Some(1_073_741_000));
        assert_eq!(report(&leaf, "a.1".into()), expected);
        let (_dir, free) = pretend(&[("memory.max", "max\n"), ("cpu.max", "max 100000\n")]);
        let nothing = GroupReport { run: "b.1".into(), ..GroupReport::default() };
        assert_eq!(report(&free, "b.1".into()), nothing);
    }

    #[test]
    fn what_nobody_knows_is_swept_away_unless_it_is_held() {
        let (dir, base) = pretend(&[]);
        for name in ["gone.1", "known.1", "held.1/below"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("held.1/cgroup.procs"), "7\n").unwrap();
        let base = Some(Base::open(base).unwrap());
        let leaves = Leaves { base, is_wanted: true, is_noted: AtomicBool::default() };
        leaves.sweep(|run| run == "known.1");
        let left = |name: &str| dir.path().join(name).exists();
        assert_eq!([left("gone.1"), left("known.1"), left("held.1")], [false, true, true]);
    }

    /// With a controller that the machine has to spare, as the rule is the same for all of them.
    #[test]
    fn those_inside_make_room_unless_a_stranger_is_among_them() {
        let Ok(Some(own)) = Group::own() else { return };
        let there = own.read("cgroup.controllers").unwrap_or_default();
        let handed = own.read("cgroup.subtree_control").unwrap_or_default();
        let mut names = there.split_ascii_whitespace();
        let spare = names.find(|name| handed.contains(name) || hand_over(&own, name));
        let Some(spare) = spare else { return };
        let Ok(group) = own.make_below(&format!("runyard-test-{}", process::own_pid())) else {
            return;
        };
        let mut children: Vec<_> = (0..2)
            .map(|_| std::process::Command::new("sleep").arg("60").spawn().unwrap())
            .collect();
        let pids: Vec<i32> = children.iter().map(|child| child.id().cast_signed()).collect();
        for pid in &pids {
            group.add(*pid).unwrap();
        }
        make_room(&group, &pids[..1], &[spare]).unwrap();
        assert_eq!(group.read("cgroup.subtree_control").unwrap().trim(), "");
        assert_eq!(group.processes().unwrap().len(), 2, "a stranger is not moved");
        make_room(&group, &pids, &[spare]).unwrap();
        assert!(group.read("cgroup.subtree_control").unwrap().contains(spare));
        assert_eq!(group.processes().unwrap(), [0; 0]);
        assert_eq!(group.below(MAIN).processes().unwrap().len(), 2);
        group.kill().unwrap();
        for child in &mut children {
            child.wait().unwrap();
        }
        while group.remove().is_err() {
            std::thread::yield_now();
        }
        if !handed.contains(spare) {
            own.write("cgroup.subtree_control", &format!("-{spare}")).unwrap();
        }
    }

    fn hand_over(group: &Group, controller: &str) -> bool {
        group.write("cgroup.subtree_control", &format!("+{controller}")).is_ok()
    }
}
