//! Rows of people, sessions, tokens and the audit, as records.

use sqlx::FromRow;

use crate::store::sqlite::error::damaged;
use crate::store::{AuditLine, AuditRecord, SessionRecord, StoreError, TokenRecord, UserRecord};

#[derive(FromRow)]
pub(super) struct AuditRow {
    id: i64,
    at: i64,
    actor: String,
    actor_id: String,
    via: String,
    address: String,
    action: String,
    target: String,
    project: String,
    script: String,
    process_id: String,
    attempt: Option<u32>,
    outcome: String,
    detail: String,
    hash: String,
    pid: Option<i32>,
    exit_code: Option<i32>,
    signal: Option<String>,
}

impl From<AuditRow> for AuditLine {
    fn from(row: AuditRow) -> Self {
        let record = AuditRecord {
            at: row.at,
            actor: row.actor,
            actor_id: row.actor_id,
            via: row.via,
            address: row.address,
            action: row.action,
            target: row.target,
            project: row.project,
            script: row.script,
            process_id: row.process_id,
            attempt: row.attempt,
            outcome: row.outcome,
            detail: row.detail,
        };
        let AuditRow { id, pid, exit_code, signal, hash, .. } = row;
        Self { id, record, pid, exit_code, signal, hash }
    }
}

#[derive(FromRow)]
pub(super) struct UserRow {
    id: String,
    name: String,
    role: String,
    password_hash: Option<String>,
    source: String,
    subject: Option<String>,
    is_disabled: bool,
    created_at: i64,
    created_by: String,
    password_changed_at: Option<i64>,
}

impl From<UserRow> for UserRecord {
    fn from(row: UserRow) -> Self {
        let UserRow { id, name, role, password_hash, source, subject, is_disabled, .. } = row;
        let UserRow { created_at, created_by, password_changed_at, .. } = row;
        Self {
            id,
            name,
            role,
            password_hash,
            source,
            subject,
            is_disabled,
            created_at,
            created_by,
            password_changed_at,
        }
    }
}

#[derive(FromRow)]
pub(super) struct SessionRow {
    id: String,
    user_id: String,
    created_at: i64,
    expires_at: i64,
    last_seen_at: i64,
    address: String,
    client: String,
    method: String,
    id_token: Option<String>,
}

impl From<SessionRow> for SessionRecord {
    fn from(row: SessionRow) -> Self {
        let SessionRow { id, user_id, created_at, expires_at, .. } = row;
        let SessionRow { last_seen_at, address, client, method, id_token, .. } = row;
        Self {
            id,
            user_id,
            created_at,
            expires_at,
            last_seen_at,
            address,
            client,
            method,
            id_token,
        }
    }
}

#[derive(FromRow)]
pub(super) struct TokenRow {
    id: String,
    name: String,
    role: String,
    scope: String,
    user_id: Option<String>,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<TokenRow> for TokenRecord {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let scope = serde_json::from_str(&row.scope)
            .map_err(|error| damaged(format!("token {}", row.id), error))?;
        let TokenRow { id, name, role, user_id, created_at, expires_at, .. } = row;
        let TokenRow { last_used_at, revoked_at, .. } = row;
        Ok(Self {
            id,
            name,
            role,
            scope,
            user_id,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        })
    }
}
