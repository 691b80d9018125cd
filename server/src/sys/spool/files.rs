//! The small file of a run, `<run>.run` beside its folder: who it is (`meta`), and how it ended
//! (`exit`).
//!
//! One file with two places in it, because making and unlinking files is most of what a short run
//! costs; for the same reason the folder is only made when there is output, and files are used again
//! ([`super::RunFiles`]). Each place holds a CRC-32 of what follows, its length, and postcard, written
//! at once and by position: what was cut off in the middle is noticed. Nothing is synced: what was written survives the death of any
//! process, and after a power loss there is no child left for it to be right about.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{SpoolError, WhenFull, is_run_name};
use crate::sys::dir::Dir;

/// What a run's file is called after the run.
pub(super) const SUFFIX: &str = ".run";
/// The file never comes near this size.
const MAX_BYTES: u64 = 1024 * 1024;
/// A CRC-32 and a length.
const HEADER: usize = 8;

/// A place in the file.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
    at: usize,
    end: usize,
}

/// First, for it has a size that it never exceeds.
const EXIT: Place = Place { name: "exit", at: 0, end: 256 };
const META: Place = Place { name: "meta", at: EXIT.end, end: 1024 * 1024 };

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
    /// What becomes of output that cannot be kept. It stands behind all others: in the file of an
    /// older version there is nothing.
    #[serde(skip)]
    pub when_full: WhenFull,
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

/// The run whose file has this name.
#[must_use]
pub fn run_of_file(name: &str) -> Option<&str> {
    name.strip_suffix(SUFFIX).filter(|run| is_run_name(run))
}

/// The file of one run.
#[derive(Debug)]
pub struct RunFile(pub(super) File);

impl RunFile {
    /// Takes back what it says.
    ///
    /// # Errors
    /// Those of writing a file.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.0.write_all_at(&[0; META.at + HEADER], 0)
    }

    /// Writes `meta`.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn write_meta(&self, meta: &RunMeta) -> io::Result<()> {
        write(&self.0, META, &(meta, meta.when_full))
    }

    /// Writes `exit`.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn write_exit(&self, exit: &ExitRecord) -> io::Result<()> {
        write(&self.0, EXIT, exit)
    }
}

/// Reads `meta`; `None` when there is none. `run_dir` is the run's folder, here as below.
///
/// # Errors
/// [`SpoolError::BadFile`] when it is damaged.
pub fn read_meta(run_dir: &Path) -> Result<Option<RunMeta>, SpoolError> {
    let Some(body) = read(run_dir, META)? else { return Ok(None) };
    let bad = |_| SpoolError::BadFile(META.name);
    let (mut meta, rest) = postcard::take_from_bytes::<RunMeta>(&body).map_err(bad)?;
    if !rest.is_empty() {
        meta.when_full = postcard::from_bytes(rest).map_err(bad)?;
    }
    Ok(Some(meta))
}

/// Reads `exit`; `None` when there is none.
///
/// # Errors
/// [`SpoolError::BadFile`] when it is damaged.
pub fn read_exit(run_dir: &Path) -> Result<Option<ExitRecord>, SpoolError> {
    let Some(body) = read(run_dir, EXIT)? else { return Ok(None) };
    postcard::from_bytes(&body).map(Some).map_err(|_| SpoolError::BadFile(EXIT.name))
}

/// Where a run's file is.
fn locate(run_dir: &Path) -> io::Result<(Dir, String)> {
    let run = run_dir.file_name().and_then(|name| name.to_str());
    let (Some(folder), Some(run)) = (run_dir.parent(), run) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    Ok((Dir::open(folder)?, format!("{run}{SUFFIX}")))
}

fn write<T: Serialize>(file: &File, place: Place, value: &T) -> io::Result<()> {
    let body = postcard::to_allocvec(value).map_err(io::Error::other)?;
    if HEADER + body.len() > place.end - place.at {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let length = u32::try_from(body.len()).map_err(io::Error::other)?.to_le_bytes();
    let checked = [length.as_slice(), body.as_slice()].concat();
    let bytes = [crc32fast::hash(&checked).to_le_bytes().as_slice(), &checked].concat();
    file.write_all_at(&bytes, place.at as u64)
}

/// What was written to a place.
fn read(run_dir: &Path, place: Place) -> Result<Option<Vec<u8>>, SpoolError> {
    let opened = locate(run_dir).and_then(|(folder, name)| folder.open_file(&name, libc::O_RDONLY));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let there = bytes.get(place.at..bytes.len().min(place.end)).unwrap_or_default();
    if there.iter().take(HEADER).all(|byte| *byte == 0) {
        return Ok(None);
    }
    check(there).map(|body| Some(body.to_vec())).ok_or(SpoolError::BadFile(place.name))
}

/// The body of what was written to a place, if it is sound.
fn check(bytes: &[u8]) -> Option<&[u8]> {
    let (crc, checked) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*checked.first_chunk()?)).ok()?;
    let checked = checked.get(..length.checked_add(4)?)?;
    (crc32fast::hash(checked) == u32::from_le_bytes(*crc)).then(|| &checked[4..])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sys::spool::run_files::tests::folder;

    pub(in super::super) fn meta() -> RunMeta {
        RunMeta {
            pid: 7,
            starttime: 8,
            boot_id: "this".into(),
            started_at_ms: 9,
            out_pipe: 10,
            err_pipe: 11,
            program: "/bin/true".into(),
            cwd: "/".into(),
            when_full: WhenFull { drops: true, max_backlog: 1 << 40 },
        }
    }

    #[test]
    fn both_come_back_whichever_was_written_first() {
        let (_dir, files) = folder();
        let exit = ExitRecord { signal: Some(15), out_off: 7, ..ExitRecord::default() };
        let (one, two) = (files.run_dir("a.1"), files.run_dir("a.2"));
        let file = files.create("a.1").unwrap();
        assert_eq!(files.create("a.1").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!((read_meta(&one).unwrap(), read_exit(&one).unwrap()), (None, None));
        file.write_meta(&meta()).unwrap();
        assert_eq!((read_meta(&one).unwrap(), read_exit(&one).unwrap()), (Some(meta()), None));
        files.file("a.1").unwrap().write_exit(&exit).unwrap();
        let file = files.create("a.2").unwrap();
        files.file("a.2").unwrap().write_exit(&exit).unwrap();
        assert_eq!((read_meta(&two).unwrap(), read_exit(&two).unwrap()), (None, Some(exit)));
        file.write_meta(&meta()).unwrap();
        assert_eq!(read_meta(&one).unwrap(), read_meta(&two).unwrap());
        assert_eq!(read_exit(&one).unwrap(), read_exit(&two).unwrap());
    }

    #[test]
    fn what_an_older_version_has_written_is_read() {
        let (_dir, files) = folder();
        write(&files.create("a.1").unwrap().0, META, &meta()).unwrap();
        let older = RunMeta { when_full: WhenFull::default(), ..meta() };
        assert_eq!(read_meta(&files.run_dir("a.1")).unwrap(), Some(older));
    }

    #[test]
    fn the_longest_exit_fits_its_place() {
        let (_dir, files) = folder();
        let longest = ExitRecord {
            exit_code: Some(i32::MIN),
            signal: Some(i32::MIN),
            core_dumped: true,
            user_us: u64::MAX,
            system_us: u64::MAX,
            max_rss_bytes: u64::MAX,
            ended_at_ms: i64::MIN,
            out_off: u64::MAX,
            err_off: u64::MAX,
            idx_off: u64::MAX,
            streams_closed: true,
        };
        files.file("a.1").unwrap().write_exit(&longest).unwrap();
        assert_eq!(read_exit(&files.run_dir("a.1")).unwrap(), Some(longest));
    }

    #[test]
    fn damage_is_noticed() {
        let (_dir, files) = folder();
        let run = files.run_dir("a.1");
        let exit = ExitRecord { signal: Some(15), ..ExitRecord::default() };
        files.file("a.1").unwrap().write_exit(&exit).unwrap();
        let path = run.with_file_name("a.1.run");
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(matches!(read_exit(&run), Err(SpoolError::BadFile("exit"))));
        }
        for length in 1..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(matches!(read_exit(&run), Err(SpoolError::BadFile("exit"))));
        }
    }

    #[test]
    fn names_tell_runs_from_other_files() {
        assert_eq!(run_of_file("0193-abc.1.run"), Some("0193-abc.1"));
        for other in ["a.1", ".run", "..run", "a b.run", "a.1.run.tmp"] {
            assert_eq!(run_of_file(other), None, "{other}");
        }
    }
}
