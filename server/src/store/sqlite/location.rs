//! Where the database file is, and whether it is ours to write.
//!
//! SQLite would say "unable to open database file" to all of this; here each case has its own words.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The file that `location` (a path, `sqlite:PATH` or `sqlite://PATH`) names, or why it names none.
pub(super) fn parse(location: &str) -> Result<PathBuf, String> {
    let path = location
        .strip_prefix("sqlite:")
        .map_or(location, |path| path.strip_prefix("//").unwrap_or(path));
    if path.is_empty() {
        return Err("it names no file: give sqlite:PATH".into());
    }
    if path == ":memory:" {
        return Err("a database in memory keeps nothing: give sqlite:PATH".into());
    }
    if path.len() != location.len() && path.contains('?') {
        return Err("parameters are not supported: give sqlite:PATH and nothing behind it".into());
    }
    Ok(PathBuf::from(path))
}

/// Makes the file when it is missing, readable by its owner alone, and sees that it can be written.
/// SQLite gives its companions (`-wal`, `-shm`) the same mode.
pub(super) fn prepare(path: &Path) -> Result<(), String> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| explain(path, &error))?;
    check_owner(owner_of(&file)?, nix::unistd::geteuid().as_raw())
}

fn owner_of(file: &File) -> Result<u32, String> {
    Ok(file.metadata().map_err(|error| error.to_string())?.uid())
}

fn check_owner(owner: u32, own: u32) -> Result<(), String> {
    if owner == own {
        return Ok(());
    }
    Err(format!(
        "it belongs to another user (uid {owner}, and this is uid {own}): run as that user"
    ))
}

fn explain(path: &Path, error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(path).display();
            format!("the folder {folder} does not exist")
        }
        ErrorKind::IsADirectory => "it is a folder: name a file".into(),
        ErrorKind::PermissionDenied => "this user may not write it".into(),
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_both_forms_of_url_name_the_same_file() {
        for location in ["/data/run.db", "sqlite:/data/run.db", "sqlite:///data/run.db"] {
            assert_eq!(parse(location).unwrap(), Path::new("/data/run.db"), "{location}");
        }
        assert_eq!(parse("sqlite://data/run.db").unwrap(), Path::new("data/run.db"));
        assert_eq!(parse("odd?name.db").unwrap(), Path::new("odd?name.db"));
    }

    #[test]
    fn what_names_no_file_is_refused_in_words() {
        for location in ["", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            assert!(parse(location).is_err(), "{location}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        assert!(check_owner(1000, 1000).is_ok());
        assert!(check_owner(1000, 0).unwrap_err().contains("another user"));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let path = Path::new("/data/run.db");
        let explained = |kind| explain(path, &Error::from(kind));
        assert_eq!(explained(ErrorKind::NotFound), "the folder /data does not exist");
        assert_eq!(explained(ErrorKind::PermissionDenied), "this user may not write it");
    }
}
