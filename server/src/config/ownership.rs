//! Whether a file is the operator's own: who else can change it could otherwise take rights that
//! only the operator has to give.
//!
//! Symbolic links are followed as the system follows them, and every folder and link on the way has to
//! be the operator's as well: so a file that is mounted through links (as Kubernetes mounts what it
//! configures, `runyard.toml -> ..data/runyard.toml`, `..data -> ..2026_11_24`) is one's own, and a
//! link that leads to where others write is not.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::geteuid;

/// Writing by the group and by everybody.
const OTHERS_WRITE: u32 = 0o022;
/// In such a folder one can only change what is one's own.
const STICKY: u32 = 0o1000;
/// As many as the system follows.
const MOST_LINKS: usize = 40;

/// How somebody else than root and whoever runs this can change the file at this absolute path, in
/// words; `None` when nobody can.
pub(super) fn find_others(path: &Path) -> Option<String> {
    let me = geteuid().as_raw();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    let mut left = parts_of(path);
    if let Some(why) = look_at(&at, me) {
        return Some(format!("/ {why}"));
    }
    while let Some(part) = left.pop_front() {
        if part == ".." {
            // No part of `at` is a link, so this is what is above it.
            at.pop();
            continue;
        }
        let next = at.join(part);
        if let Some(why) = look_at(&next, me) {
            return Some(format!("{} {why}", next.display()));
        }
        let Ok(target) = next.read_link() else {
            at = next;
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return Some(format!("{} leads through too many symbolic links", path.display()));
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut through = parts_of(&target);
        through.append(&mut left);
        left = through;
    }
    None
}

/// What a path is made of, but for its root.
fn parts_of(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

fn look_at(path: &Path, me: u32) -> Option<String> {
    match path.symlink_metadata() {
        Ok(about) => tell(path, &about, me),
        Err(error) => Some(format!("cannot be looked at: {error}")),
    }
}

/// How others can change what this is about.
fn tell(path: &Path, about: &Metadata, me: u32) -> Option<String> {
    if about.uid() != 0 && about.uid() != me {
        return Some(format!("belongs to user {}", about.uid()));
    }
    let is_sticky = about.is_dir() && about.mode() & STICKY != 0;
    // A link has no mode of its own: who can write in its folder can change it.
    let is_open = !about.is_symlink() && about.mode() & OTHERS_WRITE != 0 && !is_sticky;
    (is_open && !is_read_only(path))
        .then(|| format!("can be written by others (mode {:o})", about.mode() & 0o7777))
}

/// Whether it lies on a file system where nobody here can write, whatever its mode says.
fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|about| about.flags().contains(FsFlags::ST_RDONLY))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};

    use super::*;

    #[test]
    fn a_file_is_ones_own_when_nobody_else_can_change_it_or_put_another_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("within");
        create_dir(&within).unwrap();
        let file = within.join("runyard.toml");
        write(&file, "").unwrap();
        let set = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        set(&within, 0o755);
        set(&file, 0o644);
        assert_eq!(find_others(&file), None);
        for (path, mode, words) in [
            (&file, 0o664, "runyard.toml can be written by others (mode 664)"),
            (&file, 0o646, "mode 646"),
            (&within, 0o775, "within can be written by others"),
        ] {
            let before = path.metadata().unwrap().mode();
            set(path, mode);
            let told = find_others(&file).unwrap();
            assert!(told.contains(words), "{told}");
            set(path, before);
        }
        // As in /tmp: others cannot put another file in its place.
        set(&within, 0o1777);
        assert_eq!(find_others(&file), None);
        let link = folder.path().join("link");
        symlink(&within, &link).unwrap();
        assert_eq!(find_others(&link.join("runyard.toml")), None, "a link of one's own");
        assert!(find_others(&within.join("none")).unwrap().contains("cannot be looked at"));
        if geteuid().is_root() {
            chown(&file, Some(65_534), None).unwrap();
            assert!(find_others(&file).unwrap().contains("belongs to user 65534"));
        }
    }

    #[test]
    fn a_file_is_ones_own_through_links_that_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let set = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        // As Kubernetes mounts a secret.
        let mount = root.join("mount");
        let stamped = mount.join("..2026_11_24");
        create_dir(&mount).unwrap();
        create_dir(&stamped).unwrap();
        write(stamped.join("runyard.toml"), "").unwrap();
        symlink("..2026_11_24", mount.join("..data")).unwrap();
        let file = mount.join("runyard.toml");
        symlink("..data/runyard.toml", &file).unwrap();
        set(&mount, 0o1777);
        assert_eq!(find_others(&file), None);
        // Where one of the folders or files behind the links is open to others.
        for (path, mode) in
            [(&stamped, 0o777), (&mount, 0o777), (&stamped.join("runyard.toml"), 0o666)]
        {
            let before = path.metadata().unwrap().mode();
            set(path, mode);
            let told = find_others(&file).unwrap();
            assert!(told.contains("can be written by others"), "{told}");
            set(path, before);
        }
        // Out of a folder of one's own into one of others, by name and by ..
        let open = root.join("open");
        create_dir(&open).unwrap();
        write(open.join("theirs"), "").unwrap();
        set(&open, 0o777);
        for (name, target) in [("a", open.join("theirs")), ("b", "../open/theirs".into())] {
            symlink(target, mount.join(name)).unwrap();
            let told = find_others(&mount.join(name)).unwrap();
            assert!(told.contains("open can be written by others"), "{told}");
        }
        symlink("round", mount.join("round")).unwrap();
        assert!(find_others(&mount.join("round")).unwrap().contains("too many symbolic links"));
        symlink("nowhere", mount.join("broken")).unwrap();
        assert!(find_others(&mount.join("broken")).unwrap().contains("cannot be looked at"));
        assert_eq!(find_others(Path::new("/proc/version")), None, "nobody can write there");
        if geteuid().is_root() {
            // Whoever owns the link can lead it elsewhere.
            lchown(mount.join("..data"), Some(65_534), None).unwrap();
            assert!(find_others(&file).unwrap().contains("..data belongs to user 65534"));
        }
    }
}
