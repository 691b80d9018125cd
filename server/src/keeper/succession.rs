//! What one program leaves to the next that takes its place in the same process: what is open, and
//! what stands in no file. Everything else the next one reads in the folders of the runs, as it would
//! after a crash ([`super::takeover`]).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::KeeperError;
use super::protocol::{OLDEST_VERSION, VERSION};
use crate::sys::exec;
use crate::sys::spool::ExitRecord;

/// The version of [`Estate`].
const ESTATE: u16 = 1;
/// No estate comes near this size.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What is left to the next program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Estate {
    pub(super) lock: i32,
    pub(super) listener: i32,
    /// The descriptors that a child may have.
    pub(super) descriptors: (u64, u64),
    pub(super) groups: bool,
    pub(super) highest_epoch: u64,
    pub(super) runs: Vec<RunEstate>,
    /// When the last byte was moved, in nanoseconds since the boot.
    pub(super) stopped_at_ns: u64,
}

/// What is left of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunEstate {
    pub(super) run: String,
    pub(super) pipes: Vec<i32>,
    /// Its end, when that could not be written.
    pub(super) unwritten: Option<ExitRecord>,
    /// Keeps its place for those who were written to say something here; nobody reads it.
    pub(super) is_end_stored: bool,
    pub(super) forget: bool,
}

/// What a program says that could be the next one.
pub fn capabilities() -> String {
    format!("runyard keeper: estate {ESTATE}, protocol {OLDEST_VERSION} to {VERSION}")
}

/// Whether a program that says this can be the next one.
pub(super) fn can_succeed(said: &str) -> bool {
    let prefix = format!("runyard keeper: estate {ESTATE}, protocol ");
    said.lines().any(|line| line.starts_with(&prefix))
}

impl Estate {
    /// Writes it down where the next program finds it.
    pub(super) fn write(&self) -> io::Result<File> {
        let mut file = exec::memory_file()?;
        let mut bytes = ESTATE.to_le_bytes().to_vec();
        bytes.extend(postcard::to_allocvec(self).map_err(io::Error::other)?);
        file.write_all(&bytes)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// Reads what the program before has left at this descriptor.
    pub(super) fn read(fd: i32) -> Result<Self, KeeperError> {
        let mut bytes = Vec::new();
        File::from(exec::take_kept(fd)?).take(MAX_BYTES).read_to_end(&mut bytes)?;
        let strange =
            || io::Error::new(io::ErrorKind::InvalidData, "what was left is not readable");
        let (version, body) = bytes.split_first_chunk::<2>().ok_or_else(strange)?;
        if u16::from_le_bytes(*version) != ESTATE {
            return Err(strange().into());
        }
        Ok(postcard::from_bytes(body).map_err(|_| strange())?)
    }

    /// Becomes `exe`. Returns only when that cannot be done.
    pub(super) fn leave(&self, exe: &Path, data_dir: &Path, kept: &[&OwnedFd]) -> io::Error {
        let file = match self.write() {
            Ok(file) => file,
            Err(error) => return error,
        };
        let mut kept: Vec<_> = kept.iter().map(|fd| fd.as_fd()).collect();
        kept.push(file.as_fd());
        let argv = [
            exe.display().to_string(),
            "keeper".to_owned(),
            "--data".to_owned(),
            data_dir.display().to_string(),
            "--succeed".to_owned(),
            file.as_raw_fd().to_string(),
        ];
        exec::become_program(exe, &argv, &kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::IntoRawFd;

    #[test]
    fn an_estate_is_read_as_it_was_written() {
        let estate = Estate {
            lock: 5,
            groups: true,
            runs: vec![RunEstate { run: "a.1".into(), pipes: vec![9], ..RunEstate::default() }],
            ..Estate::default()
        };
        let file = estate.write().unwrap();
        assert_eq!(Estate::read(file.into_raw_fd()).unwrap(), estate);
        let mut strange = exec::memory_file().unwrap();
        strange.write_all(&[9, 9, 1, 2]).unwrap();
        strange.seek(SeekFrom::Start(0)).unwrap();
        assert!(Estate::read(strange.into_raw_fd()).is_err());
    }

    #[test]
    fn only_who_reads_this_estate_may_be_next() {
        assert!(can_succeed(&capabilities()));
        assert!(can_succeed("a warning\nrunyard keeper: estate 1, protocol 1 to 7\n"));
        assert!(!can_succeed("runyard keeper: estate 2, protocol 1 to 7"));
        assert!(!can_succeed("hello"));
    }
}
