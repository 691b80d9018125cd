//! What is done at the console, beside a running server or without one: people, and the audit.
//!
//! Whoever can read the data folder owns Runyard, so nothing is asked here. A running server sees
//! the change within a second; what is done is written into the same audit.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::auth::{check_password, hash_password};
use crate::config::suggest::suggest;
use crate::config::{Config, RolesConfig};
use crate::store::{
    AccessChange, AccessStore, AuditRecord, ChainCheck, Change, SqliteStore, Store as _, UserRecord,
};

/// Lines of the audit that are read at a time.
const READ: u32 = 1_000;

/// Adds somebody; the password comes from standard input.
///
/// # Errors
/// A name that is taken, a role that is none, a weak password.
pub async fn add_user(config: &Config, name: &str, role: &str) -> anyhow::Result<String> {
    check_role(&config.roles, role)?;
    let store = open(config).await?;
    let password = read_password(name)?;
    let now_ms = now_ms();
    let user = UserRecord {
        id: uuid::Uuid::now_v7().to_string(),
        name: name.to_owned(),
        role: role.to_owned(),
        password_hash: Some(hash_password(&password)?),
        source: "local".to_owned(),
        subject: None,
        is_disabled: false,
        created_at: now_ms,
        created_by: "the console".to_owned(),
        password_changed_at: Some(now_ms),
    };
    store.change_access(&[AccessChange::PutUser(user)]).await?;
    audit(&store, "user.create", name, &format!("role {role}")).await?;
    Ok(format!("{name} may sign in, as {role}"))
}

/// Gives somebody another password and lets them in again; their sessions end.
///
/// # Errors
/// Nobody of that name, a weak password.
pub async fn set_password(config: &Config, name: &str) -> anyhow::Result<String> {
    let store = open(config).await?;
    let records = store.access_records().await?;
    let wanted = name.to_lowercase();
    let Some(user) = records.users.iter().find(|user| user.name.to_lowercase() == wanted) else {
        let known: Vec<_> = records.users.iter().map(|user| user.name.as_str()).collect();
        bail!("nobody is called {name:?}: {}", suggest("there are", name, &known));
    };
    if user.source != "local" {
        bail!("{name} signs in at {}: the password is kept there", user.source);
    }
    let password = read_password(name)?;
    let changed = UserRecord {
        password_hash: Some(hash_password(&password)?),
        password_changed_at: Some(now_ms()),
        is_disabled: false,
        ..user.clone()
    };
    let sessions = records.sessions.iter().filter(|session| session.user_id == user.id);
    let mut changes: Vec<_> =
        sessions.map(|session| AccessChange::DeleteSession(session.id.clone())).collect();
    changes.push(AccessChange::PutUser(changed));
    store.change_access(&changes).await?;
    audit(&store, "user.password", &user.name, "").await?;
    Ok(format!("{name} has another password, and is signed out everywhere"))
}

/// Everybody: name, role, and how they come in, a line each.
///
/// # Errors
/// When the database cannot be read.
pub async fn list_users(config: &Config) -> anyhow::Result<String> {
    let records = open(config).await?.access_records().await?;
    let line = |user: &UserRecord| {
        let state = match (user.is_disabled, &user.password_hash) {
            (true, _) => "kept out",
            (false, Some(_)) => "password",
            (false, None) if user.source == "local" => "link",
            (false, None) => user.source.as_str(),
        };
        format!("{}\t{}\t{state}", user.name, user.role)
    };
    Ok(records.users.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Follows the audit's chain from its first line to its newest.
///
/// # Errors
/// The first line that is not as it was written, or is missing.
pub async fn verify_audit(config: &Config) -> anyhow::Result<String> {
    let store = open(config).await?;
    let mut check = ChainCheck::new(store.audit_ends().await?);
    loop {
        let lines = store.audit_after(check.last_id(), READ).await?;
        if lines.is_empty() {
            break;
        }
        for line in &lines {
            check.follow(line).context("the audit was changed")?;
        }
    }
    let (lines, head) = check.finish().context("the audit was changed")?;
    Ok(format!("ok: {lines} lines are as they were written; the newest has the hash {head}"))
}

async fn open(config: &Config) -> anyhow::Result<SqliteStore> {
    config.server.prepare_data_dir()?;
    Ok(SqliteStore::open(&config.server.database_url()).await?)
}

fn check_role(roles: &RolesConfig, role: &str) -> anyhow::Result<()> {
    if roles.roles.contains_key(role) {
        return Ok(());
    }
    let known: Vec<_> = roles.roles.keys().map(String::as_str).collect();
    bail!("{role:?} is no role: {}", suggest("the roles are", role, &known))
}

async fn audit(
    store: &SqliteStore,
    action: &str,
    target: &str,
    detail: &str,
) -> anyhow::Result<()> {
    let record = AuditRecord {
        at: now_ms(),
        actor: "console".to_owned(),
        via: "console".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: "ok".to_owned(),
        detail: detail.to_owned(),
        ..AuditRecord::default()
    };
    Ok(store.commit(&[Change::Audit(record)]).await?)
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// The first line of standard input; at a terminal it is asked for twice, and not shown.
fn read_password(name: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let password = if stdin.is_terminal() {
        let first = ask("password: ")?;
        if ask("again: ")? != first {
            bail!("the two are not the same: try again");
        }
        first
    } else {
        read_line()?
    };
    check_password(&password, name)?;
    Ok(password)
}

fn ask(prompt: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    write!(std::io::stderr(), "{prompt}").context("standard error is closed")?;
    let shown = tcgetattr(&stdin).context("the terminal cannot be asked")?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &hidden).context("the terminal cannot be changed")?;
    let line = read_line();
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &shown).context("the terminal cannot be changed")?;
    writeln!(std::io::stderr()).context("standard error is closed")?;
    line
}

fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("no password can be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
