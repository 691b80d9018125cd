//! `runyard confine`: becomes another user, gives up the means to gain rights, can write only in some
//! folders, and then becomes the program.
//!
//! It runs in the child's place, between the keeper and the program, so that the keeper's spawn stays
//! as it is. It is a program of its own because what it does cannot be undone, and nothing of it may
//! be done halfway: whatever fails, the program does not begin.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, fchown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus,
};
use nix::sys::prctl;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

/// Writing in the sense of this version of Landlock (Linux 6.2): cutting a file is part of it.
const WRITING: ABI = ABI::V3;

/// What the program may not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// The user and group that it becomes.
    pub user: Option<(u32, u32)>,
    /// It can write in these and nowhere else; `None` is everywhere.
    pub writable: Option<Vec<PathBuf>>,
    /// It does not begin where the kernel cannot hold it to that.
    pub is_strict: bool,
}

/// Why the program did not begin.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// It cannot become that user.
    #[error("cannot become user {uid} and group {gid}: {error}")]
    User {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
        /// The system's words.
        error: io::Error,
    },
    /// The kernel has no Landlock, or not enough of it.
    #[error(
        "the kernel cannot keep it from writing elsewhere: {0}; it needs Landlock (Linux 6.2), or \
         run.sandbox = \"try\""
    )]
    Sandbox(String),
    /// It cannot give up the means to gain rights.
    #[error("cannot set no_new_privs: {0}")]
    Privileges(io::Error),
    /// It cannot be executed.
    #[error("cannot start {program}: {error}")]
    Program {
        /// The program.
        program: String,
        /// The system's words.
        error: io::Error,
    },
}

/// Whether this kernel can keep a program from writing.
#[must_use]
pub fn can_sandbox() -> bool {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::from_write(WRITING)).and_then(|it| it.create()).is_ok()
}

/// Becomes the program. It only returns when that cannot be.
#[must_use]
pub fn run(confinement: &Confinement, program: &str, args: &[String]) -> ConfineError {
    if let Err(error) = confine(confinement) {
        return error;
    }
    let error = std::process::Command::new(program).args(args).exec();
    ConfineError::Program { program: program.to_owned(), error }
}

fn confine(confinement: &Confinement) -> Result<(), ConfineError> {
    if let Some((uid, gid)) = confinement.user {
        let failed = |error: io::Error| ConfineError::User { uid, gid, error };
        give_pipes(uid, gid).map_err(failed)?;
        let (user, group) = (Uid::from_raw(uid), Gid::from_raw(gid));
        // The groups first: afterwards nothing could be dropped any more.
        setgroups(&[])
            .and_then(|()| setresgid(group, group, group))
            .and_then(|()| setresuid(user, user, user))
            .map_err(|errno| failed(errno.into()))?;
    }
    prctl::set_no_new_privs().map_err(|errno| ConfineError::Privileges(errno.into()))?;
    let Some(writable) = &confinement.writable else { return Ok(()) };
    restrict_writing(writable, confinement.is_strict)
}

/// Programs open `/dev/stdout` anew, and that asks whose the pipe is.
fn give_pipes(uid: u32, gid: u32) -> io::Result<()> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    for fd in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
        let file = File::from(fd.try_clone_to_owned()?);
        if file.metadata()?.file_type().is_fifo() {
            fchown(&file, Some(uid), Some(gid))?;
        }
    }
    Ok(())
}

fn restrict_writing(writable: &[PathBuf], is_strict: bool) -> Result<(), ConfineError> {
    let wrong = |error: &dyn std::fmt::Display| ConfineError::Sandbox(error.to_string());
    let level = if is_strict { CompatLevel::HardRequirement } else { CompatLevel::BestEffort };
    let writing = AccessFs::from_write(WRITING);
    let status = Ruleset::default()
        .set_compatibility(level)
        .handle_access(writing)
        .and_then(|ruleset| ruleset.create())
        .and_then(|ruleset| ruleset.add_rules(open_all(writable).map(Ok::<_, RulesetError>)))
        .and_then(|ruleset| ruleset.restrict_self())
        .map_err(|error| wrong(&error))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced if is_strict => {
            Err(wrong(&"only a part of it is there"))
        }
        RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced => {
            tell("this kernel has no Landlock of Linux 6.2: it is not kept from writing elsewhere");
            Ok(())
        }
    }
}

/// What may be written in. What cannot be opened may not be, and the program is told before it fails
/// there.
fn open_all(writable: &[PathBuf]) -> impl Iterator<Item = PathBeneath<PathFd>> {
    writable.iter().filter_map(|path| {
        let opened = PathFd::new(path).map_err(|error| error.to_string());
        let checked = opened.and_then(|opened| match fstat(&opened) {
            Ok(about) => Ok((opened, SFlag::from_bits_truncate(about.st_mode))),
            Err(errno) => Err(errno.to_string()),
        });
        match checked {
            Ok((opened, kind)) => {
                let is_folder = kind & SFlag::S_IFMT == SFlag::S_IFDIR;
                let writing = AccessFs::from_write(WRITING);
                let of_a_file = writing & AccessFs::from_file(WRITING);
                Some(PathBeneath::new(opened, if is_folder { writing } else { of_a_file }))
            }
            Err(why) => {
                tell(&format!("{} is not there to be written in: {why}", path.display()));
                None
            }
        }
    })
}

/// Says it where the program's log is: there is no other place.
fn tell(words: &str) {
    let _ = io::Write::write_all(&mut io::stderr(), format!("runyard: {words}\n").as_bytes());
}
