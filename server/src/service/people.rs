//! People: who may come in, with which role, and their passwords.

use std::collections::HashMap;

use app::model::{
    Me, NewUser, PasswordChange, RoleInfo, RoleList, User, UserChange, UserList, Verb,
};

use super::audit::About;
use super::{Caller, Service, ServiceError, hashing};
use crate::auth::{Target, check_password};
use crate::store::{AccessChange, UserRecord};

/// As tokens have it.
const MAX_NAME_CHARS: usize = 100;

impl Caller {
    /// Who asks.
    #[must_use]
    pub fn me(&self) -> Me {
        let who = self.who();
        let known = self.service().directory.known();
        let user = who.user_id.as_deref().and_then(|id| known.user(id));
        Me {
            name: who.identity.name.clone(),
            role: who.identity.role.clone(),
            via: who.identity.via.as_str().to_owned(),
            verbs: self.access().verbs(Target::System),
            has_password: user.is_some_and(|user| user.password_hash.is_some()),
        }
    }

    /// Every role.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_roles(&self) -> Result<RoleList, ServiceError> {
        self.authorise(Verb::Admin, "role.list").await?;
        let roles = self.service().policy.roles().map(|role| RoleInfo {
            name: role.name().to_owned(),
            rules: role.rules(),
            starts_per_minute: role.starts_per_minute(),
        });
        Ok(RoleList { roles: roles.collect() })
    }

    /// Everybody.
    ///
    /// # Errors
    /// 403 without `admin`.
    pub async fn list_users(&self) -> Result<UserList, ServiceError> {
        self.authorise(Verb::Admin, "user.list").await?;
        let known = self.service().directory.known();
        let mut sessions: HashMap<&str, usize> = HashMap::new();
        for session in &known.records.sessions {
            *sessions.entry(&session.user_id).or_default() += 1;
        }
        let count = |user: &UserRecord| sessions.get(user.id.as_str()).copied().unwrap_or(0);
        let users = known.records.users.iter().map(|user| shown(user, count(user)));
        Ok(UserList { users: users.collect() })
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// 403 without `admin`, 409 for a name that is taken, 422 for what cannot be.
    pub async fn create_user(&self, new: NewUser) -> Result<User, ServiceError> {
        self.authorise(Verb::Admin, "user.create").await?;
        let made = self.service().new_user(&new.name, &new.role, &new.password, self.name()).await;
        let made = match made {
            Ok(user) => self.put_user(user).await,
            Err(error) => Err(error),
        };
        let detail = format!("role {}", new.role);
        self.audited("user.create", About::thing(&new.name), &detail, made).await
    }

    /// Changes somebody's role, password, or whether they are kept out.
    ///
    /// # Errors
    /// 403 without `admin`, 404 when there is nobody of this id, 422 for what cannot be.
    pub async fn change_user(&self, id: &str, change: UserChange) -> Result<User, ServiceError> {
        self.authorise(Verb::Admin, "user.change").await?;
        let user = self.find_user(id)?;
        let name = user.name.clone();
        let mut words = Vec::new();
        if let Some(role) = &change.role {
            words.push(format!("role {} to {role}", user.role));
        }
        if let Some(is_disabled) = change.is_disabled {
            words.push((if is_disabled { "kept out" } else { "let in" }).to_owned());
        }
        if change.password.is_some() {
            words.push("another password".to_owned());
        }
        let changed = self.try_change_user(user, change).await;
        self.audited("user.change", About::thing(name), &words.join(", "), changed).await
    }

    async fn try_change_user(
        &self,
        mut user: UserRecord,
        change: UserChange,
    ) -> Result<User, ServiceError> {
        let service = self.service();
        let is_oneself = self.who().user_id.as_deref() == Some(&user.id);
        if let Some(role) = change.role {
            service.check_role(&role)?;
            if is_oneself && role != user.role {
                return Err(unfit("nobody can change their own role: ask another admin"));
            }
            user.role = role;
        }
        if let Some(is_disabled) = change.is_disabled {
            if is_oneself && is_disabled {
                return Err(unfit("nobody can keep themselves out: ask another admin"));
            }
            user.is_disabled = is_disabled;
        }
        let ends_sessions = user.is_disabled || change.password.is_some();
        if let Some(password) = change.password {
            service.set_password(&mut user, &password).await?;
        }
        let mut changes = Vec::new();
        if ends_sessions {
            let known = service.directory.known();
            let ended = known.sessions_of(&user.id);
            changes.extend(ended.map(|session| AccessChange::DeleteSession(session.id.clone())));
        }
        changes.push(AccessChange::PutUser(user.clone()));
        service.directory.change(&changes).await?;
        Ok(shown(&user, service.directory.known().sessions_of(&user.id).count()))
    }

    /// Removes somebody with their sessions and tokens. What they did stays in the audit.
    ///
    /// # Errors
    /// 403 without `admin`, 404 when there is nobody of this id, 422 for oneself.
    pub async fn delete_user(&self, id: &str) -> Result<(), ServiceError> {
        self.authorise(Verb::Admin, "user.delete").await?;
        let user = self.find_user(id)?;
        let deleted = if self.who().user_id.as_deref() == Some(id) {
            Err(unfit("nobody can remove themselves: ask another admin"))
        } else {
            let change = AccessChange::DeleteUser(id.to_owned());
            self.service().directory.change(&[change]).await.map_err(ServiceError::from)
        };
        self.audited("user.delete", About::thing(user.name), "", deleted).await
    }

    /// Changes one's own password. Other sessions of one's own end.
    ///
    /// # Errors
    /// 403 for a token, 422 for a present password that is wrong or a new one that is weak.
    pub async fn change_password(&self, change: PasswordChange) -> Result<(), ServiceError> {
        let done = self.try_change_password(change).await;
        self.audited("user.password", About::thing(self.name()), "", done).await
    }

    async fn try_change_password(&self, change: PasswordChange) -> Result<(), ServiceError> {
        let service = self.service();
        let mut user = self.oneself()?;
        if user.source != LOCAL {
            return Err(unfit("your password is not kept here: change it where you sign in"));
        }
        if let Some(hash) = user.password_hash.clone() {
            let key = format!("password:{}", user.id);
            service.begin_try(&[&key])?;
            let current = change.current.unwrap_or_default();
            if !hashing::verify(&service.hashing, current, Some(hash)).await {
                return Err(unfit("the present password is wrong"));
            }
            service.lockout.succeed(&key, &[]);
        }
        service.set_password(&mut user, &change.new).await?;
        let known = service.directory.known();
        let here = &self.who().identity.token_id;
        let others = known.sessions_of(&user.id).filter(|session| session.id != *here);
        let mut changes: Vec<_> =
            others.map(|session| AccessChange::DeleteSession(session.id.clone())).collect();
        changes.push(AccessChange::PutUser(user));
        Ok(service.directory.change(&changes).await?)
    }

    /// The person who asks.
    pub(super) fn oneself(&self) -> Result<UserRecord, ServiceError> {
        let known = self.service().directory.known();
        let user = self.own_id().and_then(|id| known.user(id));
        user.cloned().ok_or_else(|| {
            ServiceError::new(403, "person_needed", "this is for people: sign in with a browser")
        })
    }

    fn find_user(&self, id: &str) -> Result<UserRecord, ServiceError> {
        let known = self.service().directory.known();
        known.user(id).cloned().ok_or_else(|| {
            ServiceError::new(404, "user_not_found", format!("nobody has the id {id}"))
        })
    }

    async fn put_user(&self, user: UserRecord) -> Result<User, ServiceError> {
        let answer = shown(&user, 0);
        self.service().directory.change(&[AccessChange::PutUser(user)]).await?;
        Ok(answer)
    }
}

/// The source of those who are known here alone.
pub(super) const LOCAL: &str = "local";

impl Service {
    /// Somebody new, not yet kept.
    pub(super) async fn new_user(
        &self,
        name: &str,
        role: &str,
        password: &str,
        by: &str,
    ) -> Result<UserRecord, ServiceError> {
        self.check_role(role)?;
        let mut user = self.blank_user(name, role, by)?;
        self.set_password(&mut user, password).await?;
        Ok(user)
    }

    /// Somebody new without a password.
    pub(super) fn blank_user(
        &self,
        name: &str,
        role: &str,
        by: &str,
    ) -> Result<UserRecord, ServiceError> {
        let name = name.trim();
        let is_long = !(1..=MAX_NAME_CHARS).contains(&name.chars().count());
        if is_long || name.chars().any(char::is_control) {
            return Err(unfit("a name has 1 to 100 characters, none of them a control character"));
        }
        Ok(UserRecord {
            id: uuid::Uuid::now_v7().to_string(),
            name: name.to_owned(),
            role: role.to_owned(),
            password_hash: None,
            source: LOCAL.to_owned(),
            subject: None,
            is_disabled: false,
            created_at: self.clock.now_ms(),
            created_by: by.to_owned(),
            password_changed_at: None,
        })
    }

    pub(super) fn check_role(&self, role: &str) -> Result<(), ServiceError> {
        if self.policy.role(role).is_some() {
            return Ok(());
        }
        let known: Vec<_> = self.policy.roles().map(|role| role.name().to_owned()).collect();
        Err(unfit(&format!("{role:?} is no role: the roles are {}", known.join(", "))))
    }

    async fn set_password(
        &self,
        user: &mut UserRecord,
        password: &str,
    ) -> Result<(), ServiceError> {
        check_password(password, &user.name).map_err(|error| unfit(&error.to_string()))?;
        user.password_hash = Some(hashing::hash(&self.hashing, password.to_owned()).await?);
        user.password_changed_at = Some(self.clock.now_ms());
        Ok(())
    }
}

pub(super) fn unfit(detail: &str) -> ServiceError {
    ServiceError::new(422, "unfit", detail)
}

fn shown(user: &UserRecord, sessions: usize) -> User {
    User {
        id: user.id.clone(),
        name: user.name.clone(),
        role: user.role.clone(),
        source: user.source.clone(),
        has_password: user.password_hash.is_some(),
        is_disabled: user.is_disabled,
        created_at: user.created_at,
        created_by: user.created_by.clone(),
        sessions,
    }
}
