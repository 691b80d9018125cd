//! Whether a file is the operator's own: who else can change it could otherwise take rights that
//! only the operator has to give.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::geteuid;

/// Writing by the group and by everybody.
const OTHERS_WRITE: u32 = 0o022;
/// In such a folder one can only change what is one's own.
const STICKY: u32 = 0o1000;

/// How somebody else than root and whoever runs this can change the file at this absolute path, in
/// words; `None` when nobody can.
pub(super) fn find_others(path: &Path) -> Option<String> {
    let me = geteuid().as_raw();
    path.ancestors().find_map(|part| {
        let why = match part.symlink_metadata() {
            Ok(about) => tell(&about, me)?,
            Err(error) => format!("cannot be looked at: {error}"),
        };
        Some(format!("{} {why}", part.display()))
    })
}

/// How others can change what this is about.
fn tell(about: &Metadata, me: u32) -> Option<String> {
    if about.is_symlink() {
        // Where it leads may be changed in folders that are not looked at.
        return Some("is a symbolic link".to_owned());
    }
    if about.uid() != 0 && about.uid() != me {
        return Some(format!("belongs to user {}", about.uid()));
    }
    let is_sticky = about.is_dir() && about.mode() & STICKY != 0;
    (about.mode() & OTHERS_WRITE != 0 && !is_sticky)
        .then(|| format!("can be written by others (mode {:o})", about.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

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
        assert!(find_others(&link.join("runyard.toml")).unwrap().contains("symbolic link"));
        assert!(find_others(&within.join("none")).unwrap().contains("cannot be looked at"));
        if geteuid().is_root() {
            chown(&file, Some(65_534), None).unwrap();
            assert!(find_others(&file).unwrap().contains("belongs to user 65534"));
        }
    }
}
