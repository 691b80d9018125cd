//! People, sessions, tokens, and reading the audit. Each is rare, so statements are plain.

mod rows;

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};

use rows::{AuditRow, SessionRow, TokenRow, UserRow};

use super::SqliteStore;
use super::error::{damaged, to_store_error};
use crate::store::{
    AccessChange, AccessRecords, AccessStore, AuditEnds, AuditLine, SessionRecord, StoreError,
    TokenRecord, UserRecord,
};

/// The columns of an [`AuditRow`]. What became of a process is its own table's to tell.
macro_rules! columns {
    () => {
        "audit.id, at, actor, actor_id, via, address, action, target, project, script,
         audit.process_id AS process_id, attempt, outcome, detail, hash, a.pid AS pid,
         a.exit_code AS exit_code, a.signal AS signal
         FROM audit LEFT JOIN attempts AS a
         ON a.process_id = audit.process_id AND a.n = audit.attempt"
    };
}

#[async_trait]
impl AccessStore for SqliteStore {
    async fn access_version(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT n FROM access_version")
            .fetch_one(&self.readers)
            .await
            .map_err(to_store_error)
    }

    async fn access_records(&self) -> Result<AccessRecords, StoreError> {
        // One transaction, so that the version is that of the rows.
        let mut read = self.readers.begin().await.map_err(to_store_error)?;
        let version = sqlx::query_scalar("SELECT n FROM access_version")
            .fetch_one(&mut *read)
            .await
            .map_err(to_store_error)?;
        let users: Vec<UserRow> = sqlx::query_as("SELECT * FROM users ORDER BY name_folded")
            .fetch_all(&mut *read)
            .await
            .map_err(to_store_error)?;
        let sessions: Vec<SessionRow> =
            sqlx::query_as("SELECT * FROM sessions ORDER BY created_at DESC, id")
                .fetch_all(&mut *read)
                .await
                .map_err(to_store_error)?;
        let tokens: Vec<TokenRow> =
            sqlx::query_as("SELECT * FROM tokens ORDER BY created_at DESC, id")
                .fetch_all(&mut *read)
                .await
                .map_err(to_store_error)?;
        Ok(AccessRecords {
            version,
            users: users.into_iter().map(UserRecord::from).collect(),
            sessions: sessions.into_iter().map(SessionRecord::from).collect(),
            tokens: tokens.into_iter().map(TokenRecord::try_from).collect::<Result<_, _>>()?,
        })
    }

    async fn change_access(&self, changes: &[AccessChange]) -> Result<(), StoreError> {
        let mut turn = self.writer.turn().await?;
        let mut write = turn.begin_with("BEGIN IMMEDIATE").await.map_err(to_store_error)?;
        for change in changes {
            make(&mut write, change).await?;
        }
        write.commit().await.map_err(to_store_error)
    }

    async fn audit_before(&self, before: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let sql =
            concat!("SELECT ", columns!(), " WHERE audit.id < ?1 ORDER BY audit.id DESC LIMIT ?2");
        let rows: Vec<AuditRow> = sqlx::query_as(sql)
            .bind(before)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(to_store_error)?;
        Ok(rows.into_iter().map(AuditLine::from).collect())
    }

    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let sql = concat!("SELECT ", columns!(), " WHERE audit.id > ?1 ORDER BY audit.id LIMIT ?2");
        let rows: Vec<AuditRow> = sqlx::query_as(sql)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(to_store_error)?;
        Ok(rows.into_iter().map(AuditLine::from).collect())
    }

    async fn audit_ends(&self) -> Result<AuditEnds, StoreError> {
        let (base_id, base, head_id, head): (i64, String, i64, String) = sqlx::query_as(
            "SELECT base.id, base.hash, head.id, head.hash
             FROM audit_base AS base, audit_head AS head",
        )
        .fetch_one(&self.readers)
        .await
        .map_err(to_store_error)?;
        Ok(AuditEnds { base: (base_id, base), head: (head_id, head) })
    }

    async fn prune_audit(&self, at: i64) -> Result<u64, StoreError> {
        let mut turn = self.writer.turn().await?;
        let mut write = turn.begin_with("BEGIN IMMEDIATE").await.map_err(to_store_error)?;
        // Up to the first line that stays: the clock may have been put back in between.
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT coalesce((SELECT min(id) FROM audit WHERE at >= ?1) - 1,
                             (SELECT max(id) FROM audit))",
        )
        .bind(at)
        .fetch_one(&mut *write)
        .await
        .map_err(to_store_error)?;
        let Some(last) = last else { return Ok(0) };
        sqlx::query(
            "UPDATE audit_base SET id = kept.id, hash = kept.hash
             FROM (SELECT id, hash FROM audit WHERE id = ?1) AS kept WHERE kept.id > audit_base.id",
        )
        .bind(last)
        .execute(&mut *write)
        .await
        .map_err(to_store_error)?;
        let removed = sqlx::query("DELETE FROM audit WHERE id <= ?1")
            .bind(last)
            .execute(&mut *write)
            .await
            .map_err(to_store_error)?;
        write.commit().await.map_err(to_store_error)?;
        Ok(removed.rows_affected())
    }
}

async fn make(connection: &mut SqliteConnection, change: &AccessChange) -> Result<(), StoreError> {
    let query = match change {
        AccessChange::PutUser(user) => sqlx::query(
            "INSERT INTO users (id, name, name_folded, role, password_hash, source, subject,
                                is_disabled, created_at, created_by, password_changed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name,
                name_folded = excluded.name_folded, role = excluded.role,
                password_hash = excluded.password_hash, is_disabled = excluded.is_disabled,
                password_changed_at = excluded.password_changed_at",
        )
        .bind(&user.id)
        .bind(&user.name)
        .bind(user.name.to_lowercase())
        .bind(&user.role)
        .bind(&user.password_hash)
        .bind(&user.source)
        .bind(&user.subject)
        .bind(user.is_disabled)
        .bind(user.created_at)
        .bind(&user.created_by)
        .bind(user.password_changed_at),
        AccessChange::DeleteUser(id) => sqlx::query("DELETE FROM users WHERE id = ?1").bind(id),
        AccessChange::PutSession(session) => sqlx::query(
            "INSERT INTO sessions (id, user_id, created_at, expires_at, last_seen_at, address,
                                   client, method, id_token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(&session.id)
        .bind(&session.user_id)
        .bind(session.created_at)
        .bind(session.expires_at)
        .bind(session.last_seen_at)
        .bind(&session.address)
        .bind(&session.client)
        .bind(&session.method)
        .bind(&session.id_token),
        AccessChange::DeleteSession(id) => {
            sqlx::query("DELETE FROM sessions WHERE id = ?1").bind(id)
        }
        AccessChange::PutToken(token) => sqlx::query(
            "INSERT INTO tokens (id, name, role, scope, user_id, created_at, expires_at,
                                 last_used_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at",
        )
        .bind(&token.id)
        .bind(&token.name)
        .bind(&token.role)
        .bind(serde_json::to_string(&token.scope).map_err(|e| damaged("a scope", e))?)
        .bind(&token.user_id)
        .bind(token.created_at)
        .bind(token.expires_at)
        .bind(token.last_used_at)
        .bind(token.revoked_at),
        AccessChange::SeenSession(id, at) => {
            sqlx::query("UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1").bind(id).bind(at)
        }
        AccessChange::SeenToken(id, at) => {
            sqlx::query("UPDATE tokens SET last_used_at = ?2 WHERE id = ?1").bind(id).bind(at)
        }
        AccessChange::Forget(at) => {
            sqlx::query("DELETE FROM sessions WHERE expires_at < ?1")
                .bind(at)
                .execute(&mut *connection)
                .await
                .map_err(to_store_error)?;
            sqlx::query("DELETE FROM tokens WHERE expires_at < ?1").bind(at)
        }
    };
    let result = query.execute(connection).await;
    match (result, change) {
        (Err(sqlx::Error::Database(error)), AccessChange::PutUser(user))
            if error.is_unique_violation() =>
        {
            Err(StoreError::Taken(user.name.clone()))
        }
        (result, _) => result.map(|_| ()).map_err(to_store_error),
    }
}
