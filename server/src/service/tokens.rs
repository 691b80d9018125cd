//! Tokens for programs.

use std::time::Duration;

use app::model::{NewToken, Token, TokenList, TokenMade, Verb};

use super::audit::About;
use super::people::unfit;
use super::{Caller, ServiceError};
use crate::auth::{Audience, Grant, Role, Target};
use crate::config::parse_role;
use crate::store::{AccessChange, TokenRecord};

/// Live tokens that one person has at the same time.
const MOST: usize = 200;
const SHORTEST_S: u64 = 60;

impl Caller {
    /// The tokens that one made; with `admin`, everybody's and those of the command line.
    #[must_use]
    pub fn list_tokens(&self) -> TokenList {
        let known = self.service().directory.known();
        let tokens = known.records.tokens.iter().filter(|token| self.may_manage(token));
        let shown = |token: &TokenRecord| {
            let TokenRecord { id, name, role, scope, user_id, .. } = token.clone();
            Token {
                user: user_id.and_then(|id| known.user(&id)).map(|user| user.name.clone()),
                created_at: token.created_at,
                expires_at: token.expires_at,
                last_used_at: token.last_used_at,
                revoked_at: token.revoked_at,
                id,
                name,
                role,
                scope,
            }
        };
        TokenList { tokens: tokens.map(shown).collect() }
    }

    /// The roles that a token of one's own may have.
    #[must_use]
    pub fn grantable_roles(&self) -> Vec<String> {
        if self.access().allows(Verb::Admin, Target::System) {
            return self.service().policy.roles().map(|role| role.name().to_owned()).collect();
        }
        vec![self.who().identity.role.clone()]
    }

    /// The time, in milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.service().clock.now_ms()
    }

    /// A new token of one's own role, or with `admin` of any, as narrow as one likes. People make
    /// tokens; a token makes none.
    ///
    /// # Errors
    /// 403 for a token and for another role, 422 for what cannot be.
    pub async fn create_token(&self, new: NewToken) -> Result<TokenMade, ServiceError> {
        let (name, ttl_s) = (new.name.clone(), new.ttl_s);
        let made = self.try_create_token(new).await;
        let detail = match &made {
            Ok((_, role)) => format!("role {role}, for {ttl_s} s"),
            Err(_) => String::new(),
        };
        let made = made.map(|(made, _)| made);
        self.audited("token.create", About::thing(name), &detail, made).await
    }

    async fn try_create_token(&self, new: NewToken) -> Result<(TokenMade, String), ServiceError> {
        let service = self.service();
        let user = self.oneself()?;
        let role = new.role.unwrap_or_else(|| user.role.clone());
        service.check_role(&role)?;
        if role != user.role && !self.access().allows(Verb::Admin, Target::System) {
            let detail = format!("your role is {}: a token of yours has no other", user.role);
            return Err(ServiceError::new(403, "forbidden", detail));
        }
        let rules = parse_role(&new.scope).map_err(|why| unfit(&why))?;
        Role::new("scope", &rules).map_err(|error| unfit(&error.to_string()))?;
        if new.ttl_s < SHORTEST_S {
            return Err(unfit("a token is good for a minute at least: ttlS is too small"));
        }
        let now_ms = service.clock.now_ms();
        let known = service.directory.known();
        let own = known.records.tokens.iter().filter(|token| {
            token.user_id.as_deref() == Some(&user.id) && token.revoked_at.is_none()
        });
        if own.count() >= MOST {
            return Err(unfit("you have 200 tokens: take back some first"));
        }
        let grant = Grant {
            name: &new.name,
            role: &role,
            scope: &new.scope,
            audience: Audience::Api,
            ttl: Duration::from_secs(new.ttl_s),
        };
        let issued = service
            .tokens
            .issue(&grant, service.now())
            .map_err(|error| unfit(&error.to_string()))?;
        let record = TokenRecord {
            id: issued.id.clone(),
            name: new.name,
            role: role.clone(),
            scope: new.scope,
            user_id: Some(user.id),
            created_at: now_ms,
            expires_at: now_ms + i64::try_from(new.ttl_s).unwrap_or(i64::MAX / 2) * 1000,
            last_used_at: None,
            revoked_at: None,
        };
        service.directory.change(&[AccessChange::PutToken(record)]).await?;
        Ok((TokenMade { id: issued.id, token: issued.token }, role))
    }

    /// Takes a token back, at once: one's own, or with `admin` any.
    ///
    /// # Errors
    /// 404 when there is none that one may take back.
    pub async fn revoke_token(&self, id: &str) -> Result<(), ServiceError> {
        let known = self.service().directory.known();
        let token = known.token(id).filter(|token| self.may_manage(token));
        let name = token.map(|token| token.name.clone()).unwrap_or_default();
        let revoked = match token {
            Some(token) if token.revoked_at.is_none() => {
                let now_ms = self.service().clock.now_ms();
                let revoked = TokenRecord { revoked_at: Some(now_ms), ..token.clone() };
                let change = AccessChange::PutToken(revoked);
                self.service().directory.change(&[change]).await.map_err(ServiceError::from)
            }
            Some(_) => Ok(()),
            None => {
                let detail = format!("no token has the id {id}");
                Err(ServiceError::new(404, "token_not_found", detail))
            }
        };
        self.audited("token.revoke", About::thing(name), "", revoked).await
    }

    fn may_manage(&self, token: &TokenRecord) -> bool {
        let is_own = token.user_id.is_some() && token.user_id.as_deref() == self.own_id();
        is_own || self.access().allows(Verb::Admin, Target::System)
    }
}
