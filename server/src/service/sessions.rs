//! Signing in and out: sessions.

use app::model::{Session, SessionList, Verb};

use super::audit::About;
use super::identify::Peer;
use super::people::LOCAL;
use super::{ADMIN, Caller, Service, ServiceError, SignedOut, hashing};
use crate::auth::{Audience, Grant, SESSION_TTL, Target};
use crate::store::{AccessChange, SessionRecord, UserRecord};

/// Sessions that one person has at the same time; the oldest gives way.
const MOST: usize = 20;
/// Of what a browser calls itself; the rest says nothing.
const CLIENT_CHARS: usize = 200;
/// The one whom the link makes, when there is no admin.
pub(super) const FIRST_USER: &str = "admin";

/// Whom a sign-in is about, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claimed {
    /// Empty for a name that is nobody's.
    pub(super) name: String,
    /// Empty for somebody who is not known yet.
    pub(super) user_id: String,
}

impl From<&UserRecord> for Claimed {
    fn from(user: &UserRecord) -> Self {
        Self { name: user.name.clone(), user_id: user.id.clone() }
    }
}

impl Service {
    /// A new one-time code for the link on the console.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn issue_code(&self) -> Result<String, ServiceError> {
        self.codes
            .issue(self.now())
            .map_err(|error| ServiceError::new(500, "internal", error.to_string()))
    }

    /// Redeems a one-time code: signs the oldest admin in, or makes the first one. The token of the
    /// new session.
    ///
    /// # Errors
    /// 401 when the code is wrong, used or expired.
    pub async fn sign_in_by_code(&self, code: &str, peer: &Peer) -> Result<String, ServiceError> {
        let redeemed = self
            .codes
            .redeem(code, self.now())
            .map_err(|error| ServiceError::new(401, "sign_in_refused", error.to_string()));
        let token = match redeemed {
            Ok(()) => {
                let user = self.first_admin().await?;
                let token = self.begin_session(&user, "link", None, peer).await;
                return self.signed_in((&user).into(), "link", peer, token).await;
            }
            Err(error) => Err(error),
        };
        self.signed_in(Claimed::default(), "link", peer, token).await
    }

    /// Signs somebody in with their password. Name and password are refused alike, and in the same
    /// time, whether there is somebody of that name or not.
    ///
    /// # Errors
    /// 401 when they do not fit, 429 after too many tries.
    pub async fn sign_in_by_password(
        &self,
        name: &str,
        password: String,
        peer: &Peer,
    ) -> Result<String, ServiceError> {
        let keys = [format!("name:{}", name.to_lowercase()), format!("address:{}", peer.network())];
        let keys = keys.each_ref().map(String::as_str);
        if let Err(error) = self.begin_try(&keys) {
            return self.signed_in(Claimed::default(), "password", peer, Err(error)).await;
        }
        let user = self.directory.known().user_named(name).cloned();
        let hash = user.as_ref().filter(|user| !user.is_disabled);
        let hash = hash.and_then(|user| user.password_hash.clone());
        let is_right = hashing::verify(&self.hashing, password, hash).await;
        match user {
            Some(user) if is_right => {
                self.lockout.succeed(keys[0], &keys[1..]);
                let token = self.begin_session(&user, "password", None, peer).await;
                self.signed_in((&user).into(), "password", peer, token).await
            }
            user => {
                let detail = "the name or the password is wrong";
                let refused = Err(ServiceError::new(401, "sign_in_refused", detail));
                // Only the names of people: what else was typed may be a password.
                let claimed = user.as_ref().map(Claimed::from).unwrap_or_default();
                self.signed_in(claimed, "password", peer, refused).await
            }
        }
    }

    /// Counts a try to guess something.
    pub(super) fn begin_try(&self, keys: &[&str]) -> Result<(), ServiceError> {
        self.lockout.begin(keys, self.clock.now_ms()).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let detail = format!("too many tries: try again in {seconds} s");
            ServiceError {
                retry_after_s: Some(seconds),
                ..ServiceError::new(429, "too_many_tries", detail)
            }
        })
    }

    /// The admin of our own who was made first and is not kept out; made now when there is none. Whom a
    /// provider vouches for is never taken: they would have the same account.
    async fn first_admin(&self) -> Result<UserRecord, ServiceError> {
        let known = self.directory.known();
        let own = known.records.users.iter().filter(|user| user.source == LOCAL);
        let admins = own.filter(|user| user.role == ADMIN && !user.is_disabled);
        if let Some(first) = admins.min_by_key(|user| user.created_at) {
            return Ok(first.clone());
        }
        let made_by = "the link on the console";
        let user = match known.user_named(FIRST_USER) {
            // Whoever reads the console owns Runyard: they can let themselves in again.
            Some(user) if user.source == LOCAL => {
                UserRecord { role: ADMIN.to_owned(), is_disabled: false, ..user.clone() }
            }
            Some(_) => self.blank_user(&format!("{FIRST_USER} (console)"), ADMIN, made_by)?,
            None => self.blank_user(FIRST_USER, ADMIN, made_by)?,
        };
        self.directory.change(&[AccessChange::PutUser(user.clone())]).await?;
        Ok(user)
    }

    /// A session for somebody who has shown who they are; its token. `id_token` is sealed.
    pub(super) async fn begin_session(
        &self,
        user: &UserRecord,
        method: &str,
        id_token: Option<String>,
        peer: &Peer,
    ) -> Result<String, ServiceError> {
        let grant = Grant {
            name: &user.name,
            role: &user.role,
            scope: &[],
            audience: Audience::Session,
            ttl: SESSION_TTL,
        };
        let issued = self
            .tokens
            .issue(&grant, self.now())
            .map_err(|error| ServiceError::new(500, "internal", error.to_string()))?;
        let now_ms = self.clock.now_ms();
        let ttl_ms = i64::try_from(SESSION_TTL.as_millis()).unwrap_or(i64::MAX);
        let known = self.directory.known();
        let over = known.sessions_of(&user.id).skip(MOST - 1);
        let mut changes: Vec<_> =
            over.map(|session| AccessChange::DeleteSession(session.id.clone())).collect();
        changes.push(AccessChange::PutSession(SessionRecord {
            id: issued.id,
            user_id: user.id.clone(),
            created_at: now_ms,
            expires_at: now_ms + ttl_ms,
            last_seen_at: now_ms,
            address: peer.address.clone(),
            client: peer.client.chars().take(CLIENT_CHARS).collect(),
            method: method.to_owned(),
            id_token,
        }));
        self.directory.change(&changes).await?;
        Ok(issued.token)
    }

    /// Writes down how a sign-in went.
    pub(super) async fn signed_in<T>(
        &self,
        claimed: Claimed,
        via: &str,
        peer: &Peer,
        token: Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let Claimed { name, user_id } = claimed;
        let (outcome, detail) = match &token {
            Ok(_) => ("ok", String::new()),
            Err(error) => (error.code, error.detail.clone()),
        };
        let mut record =
            self.audit_record(&name, "session.create", About::thing(&name), outcome, detail);
        record.actor_id = user_id;
        record.via = via.to_owned();
        record.address.clone_from(&peer.address);
        self.audit(record).await;
        token
    }
}

impl Caller {
    /// One's own sessions; with `admin`, everybody's.
    #[must_use]
    pub fn list_sessions(&self) -> SessionList {
        let known = self.service().directory.known();
        let who = self.who();
        let sees_all = self.access().allows(Verb::Admin, Target::System);
        let listed = known
            .records
            .sessions
            .iter()
            .filter(|session| sees_all || self.own_id() == Some(&session.user_id));
        let shown = |session: &SessionRecord| {
            let user = known.user(&session.user_id)?;
            let SessionRecord { id, address, client, method, .. } = session.clone();
            Some(Session {
                is_current: id == who.identity.token_id,
                user: user.name.clone(),
                created_at: session.created_at,
                expires_at: session.expires_at,
                last_seen_at: session.last_seen_at,
                id,
                address,
                client,
                method,
            })
        };
        SessionList { sessions: listed.filter_map(shown).collect() }
    }

    /// Ends a session: one's own, or with `admin` any. Its open connections end at once.
    ///
    /// # Errors
    /// 404 when there is none that one may end.
    pub async fn end_session(&self, id: &str) -> Result<(), ServiceError> {
        let known = self.service().directory.known();
        let ends_all = self.access().allows(Verb::Admin, Target::System);
        let session =
            known.session(id).filter(|session| ends_all || self.own_id() == Some(&session.user_id));
        let name = session.and_then(|session| known.user(&session.user_id)).map(|u| u.name.clone());
        let ended = match session {
            Some(session) => {
                let change = AccessChange::DeleteSession(session.id.clone());
                self.service().directory.change(&[change]).await.map_err(ServiceError::from)
            }
            None => {
                let detail = format!("no session has the id {id}");
                Err(ServiceError::new(404, "session_not_found", detail))
            }
        };
        let about = About::thing(name.unwrap_or_default());
        self.audited("session.end", about, "", ended).await
    }

    /// Ends every session of one's own; with `keep_this`, but for the one that asks.
    ///
    /// # Errors
    /// 403 for a token.
    pub async fn end_own_sessions(&self, keep_this: bool) -> Result<(), ServiceError> {
        let user = self.oneself()?;
        let known = self.service().directory.known();
        let here = &self.who().identity.token_id;
        let ended = known.sessions_of(&user.id).filter(|one| !keep_this || one.id != *here);
        let changes: Vec<_> =
            ended.map(|session| AccessChange::DeleteSession(session.id.clone())).collect();
        let detail = format!("{} sessions", changes.len());
        let ended = self.service().directory.change(&changes).await.map_err(ServiceError::from);
        self.audited("session.end", About::thing(user.name), &detail, ended).await
    }

    /// Ends the session that asks, and says where else it has to be ended; for a token there is
    /// nothing to do.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(&self) -> Result<SignedOut, ServiceError> {
        let id = self.who().identity.token_id.clone();
        let known = self.service().directory.known();
        let Some(session) = known.session(&id) else { return Ok(SignedOut::Here) };
        self.end_session(&id).await?;
        Ok(self.service().sign_out_there(session).await)
    }
}
