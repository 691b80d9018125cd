//! The flags and their help texts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::{Flags, parse_listen};

use super::parse_ttl;

/// Run the scripts and services of a project from the browser.
///
/// Without a command it serves the project in the current folder on http://127.0.0.1:3147 and prints
/// a link that signs you in. Settings come from runyard.toml, then from the environment
/// (RUNYARD_SERVER__LISTEN and so on), then from these flags.
#[derive(Debug, Parser)]
#[command(name = "runyard", version, args_conflicts_with_subcommands = true)]
pub(super) struct RawCli {
    #[command(flatten)]
    pub(super) serve: ServeArgs,
    #[command(subcommand)]
    pub(super) command: Option<RawCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RawCommand {
    /// Serve the web interface and the API (this is what runyard does without a command)
    Serve(ServeArgs),
    /// Hold the running processes; the server starts this by itself
    Keeper {
        /// The data folder
        #[arg(long, value_name = "DIR", required_unless_present = "check")]
        data: Option<PathBuf>,
        /// Do not give each process a control group of its own
        #[arg(long)]
        no_cgroups: bool,
        /// Say which keepers this binary can take the place of, and end
        #[arg(long)]
        check: bool,
        /// Go on as the keeper that this process was: what it left is at this descriptor
        #[arg(long, value_name = "FD", hide = true)]
        succeed: Option<i32>,
    },
    /// Show what runs, whether a server is there or not
    Status(DataArgs),
    /// Stop every process, the server and the keeper
    Down(DataArgs),
    /// Let the running keeper become this binary; what runs does not notice
    Upgrade(DataArgs),
    /// Run a program in a terminal of its own; the server starts this by itself
    #[command(hide = true)]
    Terminal(TerminalArgs),
    /// Run a program that is kept from some things; the server starts this by itself
    #[command(hide = true)]
    Confine(ConfineArgs),
    /// Tokens for programs that use the API
    Token {
        #[command(subcommand)]
        command: RawToken,
    },
    /// People who may sign in
    User {
        #[command(subcommand)]
        command: RawUser,
    },
    /// The audit
    Audit {
        #[command(subcommand)]
        command: RawAudit,
    },
    /// Ask a running server whether it is well; the exit code is 0 when it is
    Healthcheck(HealthcheckArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum RawToken {
    /// Print a new token, to be sent as "Authorization: Bearer TOKEN"
    Create(TokenCreateArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum RawUser {
    /// Add somebody; the password is asked for, or read from standard input
    Add(UserAddArgs),
    /// Give somebody another password, and let them in again
    Passwd(UserPasswdArgs),
    /// Everybody, with role and way in
    List(DataArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum RawAudit {
    /// Check that no line was changed or taken out
    Verify(DataArgs),
}

/// Which data folder a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DataArgs {
    /// The server's data folder [default: as for serve]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Read settings from this file [default: runyard.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use this database, a URL or a file [default: runyard.db in the data folder]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

impl DataArgs {
    /// As the configuration takes it.
    #[must_use]
    pub fn into_flags(self) -> Flags {
        let Self { data, config, database } = self;
        Flags { data, config, database, ..Flags::default() }
    }
}

/// The flags of `user add`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct UserAddArgs {
    /// What they sign in with
    pub name: String,
    /// What they may do
    #[arg(long, value_name = "ROLE", default_value = "admin")]
    pub role: String,
    /// Where.
    #[command(flatten)]
    pub place: DataArgs,
}

/// The flags of `user passwd`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct UserPasswdArgs {
    /// Whose password
    pub name: String,
    /// Where.
    #[command(flatten)]
    pub place: DataArgs,
}

/// The flags of `serve`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Listen on this address [default: 127.0.0.1:3147]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen, conflicts_with = "port")]
    pub listen: Option<SocketAddr>,
    /// Listen on this port of 127.0.0.1
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Listen on an address that other machines reach, without TLS: passwords go over the line as
    /// they are
    #[arg(long)]
    pub allow_remote: bool,
    /// Keep everything in this folder [default: .runyard in the first project]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A folder with a package.json or a Procfile; several may be given [default: the current one]
    #[arg(long = "project", value_name = "DIR", num_args = 1..)]
    pub projects: Vec<PathBuf>,
    /// Read settings from this file [default: runyard.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use this database, a URL or a file [default: runyard.db in the data folder]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Stop the processes, too, when the server is told to end
    #[arg(long)]
    pub stop_children: bool,
}

/// What `terminal` runs.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct TerminalArgs {
    /// Columns and rows
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x40")]
    pub size: String,
    /// The program
    pub program: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

/// What `confine` runs, and what it is kept from.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct ConfineArgs {
    /// Become this user and group
    #[arg(long, value_name = "UID:GID", value_parser = parse_user)]
    pub user: Option<(u32, u32)>,
    /// Write in this folder, and in no other that is not named
    #[arg(long, value_name = "FOLDER")]
    pub write: Vec<PathBuf>,
    /// Do not begin where the kernel cannot hold it to that
    #[arg(long)]
    pub strict: bool,
    /// The program
    pub program: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

fn parse_user(text: &str) -> Result<(u32, u32), String> {
    let ids = text.split_once(':').and_then(|(uid, gid)| uid.parse().ok().zip(gid.parse().ok()));
    ids.ok_or_else(|| format!("{text:?} is no user and group: write them as 1000:1000"))
}

/// The flags of `token create`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct TokenCreateArgs {
    /// What the token may do
    #[arg(long, value_name = "ROLE", default_value = "admin")]
    pub role: String,
    /// Narrow the role to this rule, such as "start on site/test"; several may be given
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// Whose it is; the audit shows this name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// How long it is good for: 30m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_ttl)]
    pub ttl: Duration,
    /// The server's data folder, which holds the signing key [default: as for serve]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Read settings from this file [default: runyard.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The flags of `healthcheck`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct HealthcheckArgs {
    /// The address that the server listens on [default: as for serve]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub listen: Option<SocketAddr>,
    /// Read settings from this file [default: runyard.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ServeArgs {
    /// As the configuration takes it.
    #[must_use]
    pub fn into_flags(self) -> Flags {
        let by_port = self.port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        Flags {
            config: self.config,
            allow_remote: self.allow_remote,
            listen: self.listen.or(by_port),
            data: self.data,
            database: self.database,
            projects: self.projects,
        }
    }
}

impl TokenCreateArgs {
    /// As the configuration takes it.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data: self.data.clone(), ..Flags::default() }
    }
}

impl HealthcheckArgs {
    /// As the configuration takes it.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), listen: self.listen, ..Flags::default() }
    }
}
