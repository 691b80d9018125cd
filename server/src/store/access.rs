//! What is kept of people, their sessions and tokens, and the audit as it is read.
//!
//! [`AccessStore`] is a port of its own beside [`super::Store`]: it is written to when somebody is
//! invited or signs in, not for every line of a log, so it needs no queue.

use async_trait::async_trait;

use super::{AuditRecord, StoreError};

/// Somebody who may come in.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Unique, and never used again.
    pub id: String,
    /// As it is written; compared without case.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// In the PHC format; `None` for those who come in another way.
    pub password_hash: Option<String>,
    /// `local`, or the issuer that vouches for them.
    pub source: String,
    /// Who they are at that issuer.
    pub subject: Option<String>,
    /// Whether they are kept out.
    pub is_disabled: bool,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// The name of who made it.
    pub created_by: String,
    /// Milliseconds since the epoch.
    pub password_changed_at: Option<i64>,
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRecord({}, {})", self.name, self.role)
    }
}

/// A browser that is signed in. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// That of its token; no secret.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// When they signed in.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// To the minute.
    pub last_seen_at: i64,
    /// From where they signed in.
    pub address: String,
    /// What their browser calls itself.
    pub client: String,
    /// How they signed in: `link`, `password` or `oidc`.
    pub method: String,
    /// What a provider vouched with, sealed; kept where signing out ends the session there, too.
    pub id_token: Option<String>,
}

/// A token of a program. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// That in the token; no secret.
    pub id: String,
    /// What the audit calls it.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// Rules that narrow the role.
    pub scope: Vec<String>,
    /// Who made it; `None` on the command line.
    pub user_id: Option<String>,
    /// When it was made, or first seen.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// To the minute.
    pub last_used_at: Option<i64>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
}

/// All that decides who is let in, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRecords {
    /// Rises with every change.
    pub version: i64,
    /// By name.
    pub users: Vec<UserRecord>,
    /// Newest first.
    pub sessions: Vec<SessionRecord>,
    /// Newest first.
    pub tokens: Vec<TokenRecord>,
}

/// One change of who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// Adds somebody, or replaces them.
    PutUser(UserRecord),
    /// Removes somebody with their sessions and tokens.
    DeleteUser(String),
    /// Adds a session.
    PutSession(SessionRecord),
    /// Ends a session.
    DeleteSession(String),
    /// Adds a token, or replaces it.
    PutToken(TokenRecord),
    /// A session was seen at this time.
    SeenSession(String, i64),
    /// A token was used at this time.
    SeenToken(String, i64),
    /// Forgets sessions and tokens that ended before this time.
    Forget(i64),
}

/// A line of the audit as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Rises by one.
    pub id: i64,
    /// What happened.
    pub record: AuditRecord,
    /// Of the attempt that it is about.
    pub pid: Option<i32>,
    /// Of that attempt, once it has ended.
    pub exit_code: Option<i32>,
    /// The signal that ended that attempt.
    pub signal: Option<String>,
    /// Over this line and the hash of the one before; empty for lines older than the chain.
    pub hash: String,
}

/// Where the chain begins and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEnds {
    /// The line before its first one, and its hash.
    pub base: (i64, String),
    /// Its newest line, and its hash.
    pub head: (i64, String),
}

/// The part of a database that knows people.
#[async_trait]
pub trait AccessStore: Send + Sync + 'static {
    /// Rises with every change of who is let in, whoever makes it.
    async fn access_version(&self) -> Result<i64, StoreError>;
    /// All of them.
    async fn access_records(&self) -> Result<AccessRecords, StoreError>;
    /// Makes all of the changes, or none. [`StoreError::Taken`] for a name that somebody has.
    async fn change_access(&self, changes: &[AccessChange]) -> Result<(), StoreError>;
    /// At most `limit` lines with an id below `before`, newest first.
    async fn audit_before(&self, before: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError>;
    /// At most `limit` lines with an id above `after`, oldest first.
    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError>;
    /// Where the chain begins and ends.
    async fn audit_ends(&self) -> Result<AuditEnds, StoreError>;
    /// Removes the lines that are older than `at`; how many.
    async fn prune_audit(&self, at: i64) -> Result<u64, StoreError>;
}
