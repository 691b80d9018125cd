//! The two small files of a run: `meta`, who it is, and `exit`, how it ended.
//!
//! Both are a CRC-32 followed by postcard, written beside and renamed into place, so that a reader
//! sees a whole file or none. They are not synced: what was written survives the death of any
//! process, and after a power loss there is no child left for them to be right about.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SpoolError;
use crate::sys::dir::Dir;

const META: &str = "meta";
const EXIT: &str = "exit";
/// Neither file comes near this size.
const MAX_BYTES: u64 = 1024 * 1024;

/// Which process a run is, and where its output comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMeta {
    /// Its root process.
    pub pid: i32,
    /// When that started, in clock ticks since the boot.
    pub starttime: u64,
    /// Which boot that was.
    pub boot_id: String,
    /// When it was started, in milliseconds since the epoch.
    pub started_at_ms: i64,
    /// The inode of the pipe that is its stdout.
    pub out_pipe: u64,
    /// The inode of the pipe that is its stderr.
    pub err_pipe: u64,
    /// The executable.
    pub program: PathBuf,
    /// Where it was started.
    pub cwd: PathBuf,
}

/// How a run's root process ended. Neither a code nor a signal: nobody was there to see it, the run
/// is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRecord {
    /// What it passed to `exit`.
    pub exit_code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Whether it left a core dump.
    pub core_dumped: bool,
    /// Time on the CPU in user mode, microseconds.
    pub user_us: u64,
    /// Time on the CPU in the kernel, microseconds.
    pub system_us: u64,
    /// The most memory that it had at once, bytes.
    pub max_rss_bytes: u64,
    /// When the end was seen, in milliseconds since the epoch.
    pub ended_at_ms: i64,
    /// Bytes of stdout when it ended: all that it wrote itself.
    pub out_off: u64,
    /// The same of stderr.
    pub err_off: u64,
    /// Bytes of the index when it ended.
    pub idx_off: u64,
    /// Whether both streams had ended too. If not, another process holds one of them: what it
    /// writes is still taken in, and the index says when the streams end.
    pub streams_closed: bool,
}

/// Writes `meta`.
///
/// # Errors
/// Those of writing a file.
pub fn write_meta(run_dir: &Path, meta: &RunMeta) -> io::Result<()> {
    write(run_dir, META, "meta.tmp", meta)
}

/// Reads `meta`; `None` when there is none.
///
/// # Errors
/// [`SpoolError::BadFile`] when it is damaged.
pub fn read_meta(run_dir: &Path) -> Result<Option<RunMeta>, SpoolError> {
    read(run_dir, META)
}

/// Writes `exit`.
///
/// # Errors
/// Those of writing a file.
pub fn write_exit(run_dir: &Path, exit: &ExitRecord) -> io::Result<()> {
    write(run_dir, EXIT, "exit.tmp", exit)
}

/// Reads `exit`; `None` when there is none.
///
/// # Errors
/// [`SpoolError::BadFile`] when it is damaged.
pub fn read_exit(run_dir: &Path) -> Result<Option<ExitRecord>, SpoolError> {
    read(run_dir, EXIT)
}

fn write<T: Serialize>(run_dir: &Path, name: &str, beside: &str, value: &T) -> io::Result<()> {
    let body = postcard::to_allocvec(value).map_err(io::Error::other)?;
    let mut bytes = crc32fast::hash(&body).to_le_bytes().to_vec();
    bytes.extend(body);
    let dir = Dir::open(run_dir)?;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    dir.open_file(beside, flags)?.write_all(&bytes)?;
    dir.rename(beside, name)
}

fn read<T: DeserializeOwned>(run_dir: &Path, name: &'static str) -> Result<Option<T>, SpoolError> {
    let file = match Dir::open(run_dir)?.open_file(name, libc::O_RDONLY) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let (crc, body) = bytes.split_first_chunk::<4>().ok_or(SpoolError::BadFile(name))?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Err(SpoolError::BadFile(name));
    }
    postcard::from_bytes(body).map(Some).map_err(|_| SpoolError::BadFile(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_comes_back_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_exit(dir.path()).unwrap(), None);
        let exit = ExitRecord { signal: Some(15), out_off: 7, ..ExitRecord::default() };
        write_exit(dir.path(), &exit).unwrap();
        assert_eq!(read_exit(dir.path()).unwrap(), Some(exit));
        let path = dir.path().join("exit");
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(read_exit(dir.path()), Err(SpoolError::BadFile("exit"))));
        }
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            assert!(matches!(read_exit(dir.path()), Err(SpoolError::BadFile("exit"))));
        }
    }
}
