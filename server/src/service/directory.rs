//! Who is let in, as it is known at this moment.
//!
//! Every request asks, so all of it is in memory; the store has it for the next start. Whatever
//! changes goes through [`Directory::change`], and what another program changed (`runyard user`) is
//! seen within a second by the version that the database counts. Those who wait for the end of an
//! access (open WebSockets) are told of every change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::engine::Clock;
use crate::store::{
    AccessChange, AccessRecords, AccessStore, SessionRecord, StoreError, TokenRecord, UserRecord,
};

/// How often the database is asked whether another program changed something.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Being seen is written down to the minute.
const SEEN_EVERY_MS: i64 = 60_000;
/// Looks between two times at which what has ended is forgotten.
const FORGET_EVERY: u32 = 3_600;
/// Tokens of the command line that were seen and wait to be written down.
const MAX_NOTICED: usize = 1_000;

/// All of it at one moment.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// In the store's order.
    pub(super) records: AccessRecords,
    users: HashMap<String, usize>,
    names: HashMap<String, usize>,
    sessions: HashMap<String, usize>,
    tokens: HashMap<String, usize>,
}

impl Known {
    fn new(records: AccessRecords) -> Self {
        fn index<T>(all: &[T], key: impl Fn(&T) -> String) -> HashMap<String, usize> {
            all.iter().enumerate().map(|(place, one)| (key(one), place)).collect()
        }
        Self {
            users: index(&records.users, |user| user.id.clone()),
            names: index(&records.users, |user| user.name.to_lowercase()),
            sessions: index(&records.sessions, |session| session.id.clone()),
            tokens: index(&records.tokens, |token| token.id.clone()),
            records,
        }
    }

    /// Somebody by their id.
    pub(super) fn user(&self, id: &str) -> Option<&UserRecord> {
        self.records.users.get(*self.users.get(id)?)
    }

    /// Somebody by their name, in any case.
    pub(super) fn user_named(&self, name: &str) -> Option<&UserRecord> {
        self.records.users.get(*self.names.get(&name.to_lowercase())?)
    }

    /// A session by its id.
    pub(super) fn session(&self, id: &str) -> Option<&SessionRecord> {
        self.records.sessions.get(*self.sessions.get(id)?)
    }

    /// A token by its id.
    pub(super) fn token(&self, id: &str) -> Option<&TokenRecord> {
        self.records.tokens.get(*self.tokens.get(id)?)
    }

    /// The sessions of somebody, newest first.
    pub(super) fn sessions_of<'a>(
        &'a self,
        user_id: &'a str,
    ) -> impl Iterator<Item = &'a SessionRecord> {
        self.records.sessions.iter().filter(move |session| session.user_id == user_id)
    }

    /// What ends every access of somebody: their sessions, and the tokens that they made.
    pub(super) fn take_back(&self, user_id: &str, now_ms: i64) -> Vec<AccessChange> {
        let sessions =
            self.sessions_of(user_id).map(|one| AccessChange::DeleteSession(one.id.clone()));
        let live = self.records.tokens.iter().filter(|token| {
            token.user_id.as_deref() == Some(user_id) && token.revoked_at.is_none()
        });
        let tokens = live.map(|token| {
            AccessChange::PutToken(TokenRecord { revoked_at: Some(now_ms), ..token.clone() })
        });
        sessions.chain(tokens).collect()
    }
}

#[derive(Debug, Default)]
struct Pending {
    sessions: HashMap<String, i64>,
    tokens: HashMap<String, i64>,
    noticed: HashMap<String, TokenRecord>,
}

/// See the module.
pub(super) struct Directory {
    store: Arc<dyn AccessStore>,
    known: RwLock<Arc<Known>>,
    /// Makes sure that what is read later is also shown later.
    reloading: tokio::sync::Mutex<()>,
    changed: watch::Sender<i64>,
    pending: Mutex<Pending>,
}

impl Directory {
    /// Reads all of it.
    pub(super) async fn open(store: Arc<dyn AccessStore>) -> Result<Self, StoreError> {
        let records = store.access_records().await?;
        let changed = watch::Sender::new(records.version);
        Ok(Self {
            store,
            known: RwLock::new(Arc::new(Known::new(records))),
            reloading: tokio::sync::Mutex::default(),
            changed,
            pending: Mutex::default(),
        })
    }

    /// All of it, as it is now.
    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read())
    }

    /// Told of every change.
    pub(super) fn watch(&self) -> watch::Receiver<i64> {
        self.changed.subscribe()
    }

    /// The store that it is kept in.
    pub(super) fn store(&self) -> &dyn AccessStore {
        &*self.store
    }

    /// Makes changes; afterwards everybody knows them.
    pub(super) async fn change(&self, changes: &[AccessChange]) -> Result<(), StoreError> {
        self.store.change_access(changes).await?;
        self.reload().await
    }

    async fn reload(&self) -> Result<(), StoreError> {
        let _guard = self.reloading.lock().await;
        let records = self.store.access_records().await?;
        let version = records.version;
        *self.known.write() = Arc::new(Known::new(records));
        self.changed.send_replace(version);
        Ok(())
    }

    /// Remembers that a session was seen, to write it down when a minute has passed.
    pub(super) fn saw_session(&self, session: &SessionRecord, now_ms: i64) {
        if now_ms - session.last_seen_at >= SEEN_EVERY_MS {
            self.pending.lock().sessions.insert(session.id.clone(), now_ms);
        }
    }

    /// As [`Self::saw_session`].
    pub(super) fn saw_token(&self, token: &TokenRecord, now_ms: i64) {
        if token.last_used_at.is_none_or(|at| now_ms - at >= SEEN_EVERY_MS) {
            self.pending.lock().tokens.insert(token.id.clone(), now_ms);
        }
    }

    /// Remembers a token that the command line made, so that it is listed and can be taken back.
    pub(super) fn notice(&self, token: TokenRecord) {
        let mut pending = self.pending.lock();
        if pending.noticed.len() < MAX_NOTICED {
            pending.noticed.insert(token.id.clone(), token);
        }
    }

    /// Looks for changes of others and writes down who was seen, until `stop`.
    pub(super) async fn tend(&self, clock: &dyn Clock, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => break,
            }
            looks = looks.wrapping_add(1);
            let result = self.look(clock, looks % FORGET_EVERY == 1).await;
            if let Err(error) = result {
                tracing::warn!(%error, "who may come in cannot be read again");
            }
        }
        if let Err(error) = self.write_down().await {
            tracing::warn!(%error, "who was seen cannot be written down");
        }
    }

    async fn look(&self, clock: &dyn Clock, forgets: bool) -> Result<(), StoreError> {
        if forgets {
            self.store.change_access(&[AccessChange::Forget(clock.now_ms())]).await?;
        }
        self.write_down().await?;
        let known = self.known.read().records.version;
        if self.store.access_version().await? != known {
            self.reload().await?;
        }
        Ok(())
    }

    async fn write_down(&self) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut *self.pending.lock());
        let mut changes: Vec<_> =
            pending.noticed.into_values().map(AccessChange::PutToken).collect();
        let sessions = pending.sessions.iter();
        changes.extend(sessions.map(|(id, at)| AccessChange::SeenSession(id.clone(), *at)));
        let tokens = pending.tokens.iter();
        changes.extend(tokens.map(|(id, at)| AccessChange::SeenToken(id.clone(), *at)));
        if changes.is_empty() {
            return Ok(());
        }
        self.store.change_access(&changes).await?;
        if !pending.sessions.is_empty() || !pending.tokens.is_empty() {
            // Being seen moves no version, and is shown all the same.
            self.reload().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str, user_id: &str) -> SessionRecord {
        SessionRecord {
            id: id.into(),
            user_id: user_id.into(),
            created_at: 0,
            expires_at: 9,
            last_seen_at: 0,
            address: String::new(),
            client: String::new(),
            method: "oidc".into(),
            id_token: None,
        }
    }

    fn token(id: &str, user_id: Option<&str>, revoked_at: Option<i64>) -> TokenRecord {
        TokenRecord {
            id: id.into(),
            name: id.into(),
            role: "viewer".into(),
            scope: vec![],
            user_id: user_id.map(str::to_owned),
            created_at: 0,
            expires_at: 9,
            last_used_at: None,
            revoked_at,
        }
    }

    #[test]
    fn whoever_loses_their_role_loses_their_sessions_and_their_tokens() {
        let known = Known::new(AccessRecords {
            sessions: vec![session("s1", "ada"), session("s2", "bob")],
            tokens: vec![
                token("t1", Some("ada"), None),
                token("t2", Some("ada"), Some(3)),
                token("t3", Some("bob"), None),
                token("t4", None, None),
            ],
            ..AccessRecords::default()
        });
        let expected = [
            AccessChange::DeleteSession("s1".into()),
            AccessChange::PutToken(token("t1", Some("ada"), Some(7))),
        ];
        assert_eq!(known.take_back("ada", 7), expected);
    }
}
