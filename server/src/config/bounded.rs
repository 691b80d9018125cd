//! Reading a small file that somebody else may have put there: not waiting for a pipe, not following a
//! device to its end, and not more of it than was meant.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What is known of a file, and its bytes: one more than `most_bytes` when it has more than that,
/// whatever it says of its length; `None` when it is no regular file.
///
/// # Errors
/// When it cannot be opened or read.
pub(crate) fn read_bounded(
    path: &Path,
    most_bytes: u64,
) -> io::Result<(Metadata, Option<Vec<u8>>)> {
    // Without blocking, should somebody have put a pipe there.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    // Of the open file, not of the path: what is looked at is what is read.
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok((about, None));
    }
    let mut bytes = Vec::new();
    file.take(most_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((about, Some(bytes)))
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn it_reads_no_more_than_was_meant_whatever_the_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        let read = |path: &Path, most| read_bounded(path, most).unwrap().1.map(|it| it.len());
        assert_eq!(read(&path, 5), Some(5));
        assert_eq!(read(&path, 3), Some(4));
        // It says that it is empty, and has more than that.
        let endless = Path::new("/proc/self/status");
        assert_eq!(endless.metadata().unwrap().len(), 0);
        assert_eq!(read(endless, 16), Some(17));
    }

    #[test]
    fn what_has_no_end_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert_eq!(read_bounded(path, 16).unwrap().1, None, "{}", path.display());
        }
    }
}
