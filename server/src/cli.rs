//! The command line. It only reads what was said; what it means is decided by `config` and `lib`.

mod args;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

pub use args::{
    ConfineArgs, DataArgs, HealthcheckArgs, ServeArgs, TerminalArgs, TokenCreateArgs, UserAddArgs,
    UserPasswdArgs,
};
use args::{RawAudit, RawCli, RawCommand, RawToken, RawUser};

/// The command line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve the web interface and the API.
    Serve(ServeArgs),
    /// Be the keeper of the processes.
    Keeper {
        /// The data folder.
        data: PathBuf,
        /// Give each process a control group of its own, where one can be made.
        groups: bool,
        /// Go on as the keeper that this process was, with what it has left at this descriptor.
        succeed: Option<i32>,
    },
    /// Say what this binary could take over as a keeper.
    KeeperCheck,
    /// Show what runs, also without a server.
    Status(DataArgs),
    /// Stop everything, the server and the keeper too.
    Down(DataArgs),
    /// Let the keeper become this binary.
    Upgrade(DataArgs),
    /// Run a program in a terminal.
    Terminal(TerminalArgs),
    /// Run a program that is kept from some things.
    Confine(ConfineArgs),
    /// Print a token for a program.
    TokenCreate(TokenCreateArgs),
    /// Add somebody who may sign in.
    UserAdd(UserAddArgs),
    /// Give somebody another password.
    UserPasswd(UserPasswdArgs),
    /// Everybody who may sign in.
    UserList(DataArgs),
    /// Check the audit's chain.
    AuditVerify(DataArgs),
    /// Ask a running server whether it is well.
    Healthcheck(HealthcheckArgs),
}

impl Cli {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// Also for `--help` and `--version`, as clap has it: `error.exit()` prints and ends rightly.
    pub fn parse_from<I, T>(args: I) -> Result<Self, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<OsString> + Clone,
    {
        let raw = RawCli::try_parse_from(args)?;
        let command = match raw.command {
            None => Command::Serve(raw.serve),
            Some(RawCommand::Serve(serve)) => Command::Serve(serve),
            Some(RawCommand::Keeper { check: true, .. }) => Command::KeeperCheck,
            Some(RawCommand::Keeper { data, no_cgroups, succeed, .. }) => {
                // The flag is required unless there is a check.
                Command::Keeper { data: data.unwrap_or_default(), groups: !no_cgroups, succeed }
            }
            Some(RawCommand::Status(folder)) => Command::Status(folder),
            Some(RawCommand::Down(folder)) => Command::Down(folder),
            Some(RawCommand::Upgrade(folder)) => Command::Upgrade(folder),
            Some(RawCommand::Terminal(terminal)) => Command::Terminal(terminal),
            Some(RawCommand::Confine(terminal)) => Command::Confine(terminal),
            Some(RawCommand::Token { command: RawToken::Create(create) }) => {
                Command::TokenCreate(create)
            }
            Some(RawCommand::User { command: RawUser::Add(add) }) => Command::UserAdd(add),
            Some(RawCommand::User { command: RawUser::Passwd(passwd) }) => {
                Command::UserPasswd(passwd)
            }
            Some(RawCommand::User { command: RawUser::List(list) }) => Command::UserList(list),
            Some(RawCommand::Audit { command: RawAudit::Verify(verify) }) => {
                Command::AuditVerify(verify)
            }
            Some(RawCommand::Healthcheck(healthcheck)) => Command::Healthcheck(healthcheck),
        };
        Ok(Self { command })
    }
}

/// A time as people write it: `90s`, `30m`, `1h`, `7d`.
fn parse_ttl(text: &str) -> Result<Duration, String> {
    /// A token that outlives this is a password that nobody changes.
    const LONGEST_S: u64 = 366 * 86_400;
    let wanted =
        || format!("{text:?} is no time: a number and s, m, h or d, such as 30m, 1h or 7d");
    let unit_s = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(wanted()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wanted())?;
    match number.checked_mul(unit_s) {
        Some(seconds) if (1..=LONGEST_S).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} is not between 1s and 366d")),
    }
}
