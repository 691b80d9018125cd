//! A way into a process: a named pipe that it reads as its standard input, and a terminal.
//!
//! The pipe is a file of the data folder, and the process itself holds it open both ways. So it
//! outlives the server and the keeper, whoever writes to it only opens it, and the process never
//! reads an end of file because of us.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use app::model::ProcessId;
use nix::errno::Errno;
use nix::sys::stat::Mode;

use crate::project::through_runyard;

/// The kernel takes so many bytes in one piece: longer lines could be mixed with others.
pub(super) const LONGEST_BYTES: usize = 4_096;
/// Opens the pipe in place of the process's standard input, and becomes the process.
const OPEN_PIPE: &str = "exec \"$0\" \"$@\" 0<>";

/// Why nothing could be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nobody opened it.
    #[error(
        "its standard input is not open: declare stdin = true, or start it with strategy.stdin"
    )]
    NotOpen,
    /// Too long for one piece.
    #[error("{0} bytes are too long for one line: at most {LONGEST_BYTES} with its end are sent")]
    TooLong(usize),
    /// It does not read.
    #[error("it does not read its standard input, and what was sent before fills the pipe")]
    Full,
    /// Anything else.
    #[error("its standard input cannot be written: {0}")]
    Failed(String),
}

fn path_of(data_dir: &Path, id: &ProcessId) -> PathBuf {
    data_dir.join("stdin").join(id.as_str())
}

/// Makes the pipe, new and empty.
pub(super) fn make_pipe(data_dir: &Path, id: &ProcessId) -> Result<PathBuf, String> {
    let path = path_of(data_dir, id);
    let words = |error: &dyn std::fmt::Display| format!("cannot make {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| words(&error))?;
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(words(&error)),
        _ => {}
    }
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|error| words(&error))?;
    Ok(path)
}

/// Removes the pipe. One that is not there needs no removal.
pub(super) fn remove_pipe(data_dir: &Path, id: &ProcessId) {
    let path = path_of(data_dir, id);
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a pipe cannot be removed");
    }
}

/// The same program with the pipe as its standard input.
pub(super) fn with_pipe(
    pipe: &Path,
    program: &Path,
    argv: Vec<String>,
) -> Result<(PathBuf, Vec<String>), String> {
    let text = pipe.to_str().ok_or("the data folder's path is not utf-8")?;
    let quoted = shlex::try_quote(text).map_err(|error| error.to_string())?;
    let program = program.to_str().ok_or("the program's path is not utf-8")?.to_owned();
    let shell = ["sh".to_owned(), "-c".to_owned(), format!("{OPEN_PIPE}{quoted}"), program];
    Ok((PathBuf::from("/bin/sh"), shell.into_iter().chain(argv.into_iter().skip(1)).collect()))
}

/// The same program in a terminal of `columns` and `rows`.
pub(super) fn in_terminal(
    exe: &Path,
    (columns, rows): (u16, u16),
    program: &Path,
    argv: Vec<String>,
) -> (PathBuf, Vec<String>) {
    let words = ["terminal".to_owned(), "--size".to_owned(), format!("{columns}x{rows}")];
    through_runyard(exe, words.into(), program, argv)
}

/// Sends a line, with its end.
pub(super) fn send_line(data_dir: &Path, id: &ProcessId, line: &str) -> Result<(), SendError> {
    let mut bytes = line.as_bytes().to_vec();
    bytes.push(b'\n');
    if bytes.len() > LONGEST_BYTES {
        return Err(SendError::TooLong(bytes.len()));
    }
    // Without a reader the open fails instead of waiting for one.
    let opened =
        OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path_of(data_dir, id));
    let mut pipe = match opened {
        Ok(pipe) => pipe,
        Err(error)
            if error.kind() == ErrorKind::NotFound
                || error.raw_os_error() == Some(Errno::ENXIO as i32) =>
        {
            return Err(SendError::NotOpen);
        }
        Err(error) => return Err(SendError::Failed(error.to_string())),
    };
    match pipe.write(&bytes) {
        Ok(n) if n == bytes.len() => Ok(()),
        Ok(_) => Err(SendError::Failed("it took a part only".to_owned())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(SendError::Full),
        Err(error) => Err(SendError::Failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn lines_reach_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("it's here");
        let id = ProcessId("p".into());
        assert_eq!(send_line(&data, &id, "x"), Err(SendError::NotOpen));
        let pipe = make_pipe(&data, &id).unwrap();
        assert_eq!(send_line(&data, &id, "x"), Err(SendError::NotOpen));
        let argv = ["cat", "-u", "-"].map(str::to_owned).into();
        let (program, argv) = with_pipe(&pipe, Path::new("/bin/cat"), argv).unwrap();
        let mut child = Command::new(program)
            .args(&argv[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for wanted in ["one", "two words", "ü"] {
            // The first may come before the program has opened it.
            while send_line(&data, &id, wanted) == Err(SendError::NotOpen) {
                std::thread::yield_now();
            }
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            assert_eq!(line.trim_end(), wanted);
        }
        let long = "x".repeat(LONGEST_BYTES);
        assert_eq!(send_line(&data, &id, &long), Err(SendError::TooLong(LONGEST_BYTES + 1)));
        child.kill().unwrap();
        child.wait().unwrap();
        remove_pipe(&data, &id);
        assert_eq!(send_line(&data, &id, "x"), Err(SendError::NotOpen));
    }
}
