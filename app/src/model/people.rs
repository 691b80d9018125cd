//! People, their sessions and tokens, and the audit, as they cross the wire.

use serde::{Deserialize, Serialize};

use super::Verb;

/// The one who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The name that the audit knows.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// `session` or `token`.
    pub via: String,
    /// What may be done to Runyard as a whole; for scripts see `canStart`.
    pub verbs: Vec<Verb>,
    /// Whether a password can be given to sign in with.
    pub has_password: bool,
}

impl Me {
    /// Whether people, tokens and sessions of all are theirs to manage.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.verbs.contains(&Verb::Admin)
    }
}

/// Somebody who may come in. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Unique, and never used again.
    pub id: String,
    /// What they sign in with.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// `local`, or the issuer that vouches for them.
    pub source: String,
    /// Whether they have a password.
    pub has_password: bool,
    /// Whether they are kept out.
    pub is_disabled: bool,
    /// When they were made.
    pub created_at: i64,
    /// By whom.
    pub created_by: String,
    /// How many browsers are signed in.
    pub sessions: usize,
}

/// The answer to `GET /api/users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct UserList {
    /// By name.
    pub users: Vec<User>,
}

/// The body of `POST /api/users`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// What they sign in with: 1 to 100 characters.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// 12 characters or more.
    pub password: String,
}

/// The body of `PATCH /api/users/:id`; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserChange {
    /// Another role.
    #[serde(default)]
    pub role: Option<String>,
    /// Whether they are kept out; it ends their sessions and tokens.
    #[serde(default)]
    pub is_disabled: Option<bool>,
    /// Another password; it ends their sessions.
    #[serde(default)]
    pub password: Option<String>,
}

/// The body of `POST /api/me/password`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one; absent when there is none yet.
    #[serde(default)]
    pub current: Option<String>,
    /// The next one.
    pub new: String,
}

/// A browser that is signed in. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// No secret.
    pub id: String,
    /// Whose it is, by name.
    pub user: String,
    /// When they signed in.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// To the minute.
    pub last_seen_at: i64,
    /// From where they signed in.
    pub address: String,
    /// What the browser calls itself.
    pub client: String,
    /// How they signed in: `link`, `password` or `oidc`.
    pub method: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The answer to `GET /api/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// Newest first.
    pub sessions: Vec<Session>,
}

/// A token of a program. Times are milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// No secret.
    pub id: String,
    /// What the audit calls it.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// Rules that narrow the role.
    pub scope: Vec<String>,
    /// Who made it, by name; absent for one of the command line.
    pub user: Option<String>,
    /// When it was made, or first seen.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: i64,
    /// To the minute.
    pub last_used_at: Option<i64>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
}

/// The answer to `GET /api/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct TokenList {
    /// Newest first.
    pub tokens: Vec<Token>,
}

/// The body of `POST /api/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What the audit calls it: 1 to 100 characters.
    pub name: String,
    /// The role's name; one's own when absent.
    #[serde(default)]
    pub role: Option<String>,
    /// Rules that narrow the role, such as `start on site/test`.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Seconds that it is good for: 60 to 31,622,400.
    pub ttl_s: u64,
}

/// The answer to `POST /api/tokens`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenMade {
    /// As it is listed.
    pub id: String,
    /// To be sent as `Authorization: Bearer TOKEN`. It is not kept, and not shown again.
    pub token: String,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenMade({})", self.id)
    }
}

/// A role as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoleInfo {
    /// Its name.
    pub name: String,
    /// Its rules, in the words of the configuration.
    pub rules: Vec<String>,
    /// Starts in any minute, where it has a limit of its own.
    pub starts_per_minute: Option<u32>,
}

/// The answer to `GET /api/roles`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct RoleList {
    /// By name.
    pub roles: Vec<RoleInfo>,
}

/// A line of the audit. A text is empty where there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Rises by one.
    pub id: i64,
    /// Milliseconds since the epoch.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// The person, or the one who made the token; empty for everybody else, and in lines from before it was kept.
    pub actor_id: String,
    /// How they came in: `session`, `token`, `console` ...
    pub via: String,
    /// From which address.
    pub address: String,
    /// `process.start`, `session.create` ...
    pub action: String,
    /// What was acted on.
    pub target: String,
    /// The project it was about.
    pub project: String,
    /// The script it was about.
    pub script: String,
    /// The process it was about; its log is at `/processes/ID`.
    pub process_id: String,
    /// Which attempt of the process.
    pub attempt: Option<u32>,
    /// Of that attempt.
    pub pid: Option<i32>,
    /// Of that attempt, once it has ended.
    pub exit_code: Option<i32>,
    /// The signal that ended that attempt.
    pub signal: Option<String>,
    /// `ok`, or the problem's code.
    pub outcome: String,
    /// Words for people.
    pub detail: String,
    /// Over this line and the one before; empty for lines older than the chain.
    pub hash: String,
}

/// The answer to `GET /api/audit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// Newest first.
    pub lines: Vec<AuditEntry>,
    /// Give it as `cursor` for the next page; absent on the last.
    pub next_cursor: Option<i64>,
}
