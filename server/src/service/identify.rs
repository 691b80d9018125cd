//! Who asks: from what a request brings to a [`Caller`].

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::{Caller, Service, ServiceError};
use crate::auth::{Access, Audience, ExternalError, ExternalTokens, Identity, Role, Via};
use crate::config::parse_role;
use crate::store::{TokenRecord, UserRecord};

/// What a request brings to say who it is from.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// A bearer token.
    Bearer(&'a str),
    /// The token in the session cookie.
    Session(&'a str),
    /// Nothing at all.
    Nothing,
}

impl Credential<'_> {
    /// Whether a browser sends it by itself, whoever made it ask.
    #[must_use]
    pub fn is_ambient(self) -> bool {
        !matches!(self, Self::Bearer(_))
    }
}

/// From where somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The address.
    pub address: String,
    /// What the browser or program calls itself.
    pub client: String,
}

impl Peer {
    /// What is counted of strangers: the address, of IPv6 the network (/64) in which one has as many
    /// as one likes.
    pub(super) fn network(&self) -> String {
        match self.address.parse() {
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            _ => self.address.clone(),
        }
    }
}

/// The one who asks, as far as they were found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    /// What the token says, with the name and role as they are now.
    pub(super) identity: Identity,
    /// What the audit calls them. A token that a person made has that person's name with its own: it
    /// can be called like somebody else.
    pub(super) actor: String,
    /// The person, if it is one, or the one who made the token.
    pub(super) user_id: Option<String>,
    /// From where.
    pub(super) peer: Peer,
}

impl Caller {
    /// Counts a request, or a message on a WebSocket.
    ///
    /// # Errors
    /// 429 when there were too many in the last minute.
    pub fn count_request(&self) -> Result<(), ServiceError> {
        self.service().requests.check(&self.key()).map_err(|wait| {
            let detail = "too many requests in a minute (limits.requests_per_minute)";
            too_many("too_many_requests", detail, wait)
        })
    }
}

impl Service {
    /// The service as the one who brings `credential` may use it.
    ///
    /// # Errors
    /// 401 when it is not valid, or no longer.
    pub async fn identify(
        self: &Arc<Self>,
        credential: Credential<'_>,
        peer: Peer,
    ) -> Result<Caller, ServiceError> {
        let identified = self.read(credential).await;
        let identity = identified.map_err(|error| self.count_stranger(error, &peer))?;
        let (identity, user_id) = self.stand(identity)?;
        let access = self.access_of(&identity)?;
        let actor = self.actor_of(&identity, user_id.as_deref());
        let caller = Caller::new(Arc::clone(self), Who { identity, actor, user_id, peer }, access);
        caller.count_request()?;
        Ok(caller)
    }

    /// Who a request says it is from.
    async fn read(&self, credential: Credential<'_>) -> Result<Identity, ServiceError> {
        let (token, audience) = match credential {
            Credential::Bearer(token) => (token, Audience::Api),
            Credential::Session(token) => (token, Audience::Session),
            Credential::Nothing if self.is_auth_off => return Ok(nobody()),
            Credential::Nothing => {
                let words = "sign in with the link that runyard printed, or send a bearer token";
                return Err(unauthorized(words.to_owned()));
            }
        };
        if let Some(external) = self.external.as_ref().filter(|_| audience == Audience::Api)
            && ExternalTokens::is_meant(token)
        {
            let verified = external.verify(token, self.now()).await;
            return verified.map_err(|error| match error {
                ExternalError::Source(_) => {
                    ServiceError::new(503, "keys_unavailable", error.to_string())
                }
                error => unauthorized(error.to_string()),
            });
        }
        let verified = self.tokens.verify(token, audience, self.now());
        verified.map_err(|error| unauthorized(error.to_string()))
    }

    /// A refusal, which is another one when too many came from the same address.
    fn count_stranger(&self, error: ServiceError, peer: &Peer) -> ServiceError {
        self.check_stranger(peer).err().unwrap_or(error)
    }

    /// Counts a request of somebody who has not said who they are.
    pub(super) fn check_stranger(&self, peer: &Peer) -> Result<(), ServiceError> {
        self.strangers.check(&peer.network()).map_err(|wait| {
            let detail = "too many requests from this address without a valid sign-in or token";
            too_many("too_many_requests", detail, wait)
        })
    }

    /// The identity as it stands now: whoever was renamed, moved to another role, kept out or
    /// signed out since is seen here.
    fn stand(&self, identity: Identity) -> Result<(Identity, Option<String>), ServiceError> {
        let now_ms = self.clock.now_ms();
        let known = self.directory.known();
        let id = &identity.token_id;
        match identity.via {
            Via::Session => {
                let session = known.session(id).filter(|session| now_ms < session.expires_at);
                let user = session.and_then(|session| enabled(known.user(&session.user_id)));
                let (Some(session), Some(user)) = (session, user) else {
                    return Err(unauthorized("the session has ended: sign in again".to_owned()));
                };
                self.directory.saw_session(session, now_ms);
                let (name, role) = (user.name.clone(), user.role.clone());
                Ok((Identity { name, role, ..identity }, Some(user.id.clone())))
            }
            Via::External | Via::Nobody => Ok((identity, None)),
            Via::Bearer => match known.token(id) {
                Some(token) => {
                    let maker = token.user_id.as_deref();
                    let stands = maker.is_none_or(|maker| {
                        enabled(known.user(maker)).is_some_and(|user| {
                            user.role == token.role || user.role == super::ADMIN
                        })
                    });
                    if token.revoked_at.is_some() || !stands {
                        let words = "the token was taken back: ask for another one";
                        return Err(unauthorized(words.to_owned()));
                    }
                    self.directory.saw_token(token, now_ms);
                    Ok((identity, token.user_id.clone()))
                }
                None => {
                    self.directory.notice(noticed(&identity, now_ms));
                    Ok((identity, None))
                }
            },
        }
    }

    fn actor_of(&self, identity: &Identity, user_id: Option<&str>) -> String {
        let known = self.directory.known();
        let maker = user_id.filter(|_| identity.via == Via::Bearer).and_then(|id| known.user(id));
        maker.map_or_else(
            || identity.name.clone(),
            |maker| format!("{} ({})", identity.name, maker.name),
        )
    }

    /// What an identity may do, by the roles as they are configured now.
    fn access_of(&self, identity: &Identity) -> Result<Access, ServiceError> {
        let role = self.policy.role(&identity.role).ok_or_else(|| {
            let role = &identity.role;
            unauthorized(format!("there is no role {role} any more: ask for another token"))
        })?;
        if identity.scope.is_empty() {
            return Ok(Access::new(role, None));
        }
        let scope = parse_role(&identity.scope)
            .and_then(|rules| Role::new("scope", &rules).map_err(|error| error.to_string()))
            .map_err(|why| unauthorized(format!("the scope of the token is not valid: {why}")))?;
        Ok(Access::new(role, Some(Arc::new(scope))))
    }
}

impl Caller {
    /// Resolves when what let them in does so no longer, or not to the same: signed out, taken
    /// back, expired, moved to another role.
    pub async fn until_ended(&self) {
        /// A longer sleep would not see a clock that was put forward.
        const LONGEST: Duration = Duration::from_secs(60);
        let service = self.service();
        let mut changes = service.directory.watch();
        loop {
            let who = self.who();
            let left_ms = who.identity.expires_at_ms.saturating_sub(service.clock.now_ms());
            let stands = service.stand(who.identity.clone());
            let is_the_same = stands.is_ok_and(|(now, _)| now.role == who.identity.role);
            if left_ms <= 0 || !is_the_same {
                return;
            }
            let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)).min(LONGEST);
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

fn enabled(user: Option<&UserRecord>) -> Option<&UserRecord> {
    user.filter(|user| !user.is_disabled)
}

/// A token that the command line made, as it is written down.
fn noticed(identity: &Identity, now_ms: i64) -> TokenRecord {
    TokenRecord {
        id: identity.token_id.clone(),
        name: identity.name.clone(),
        role: identity.role.clone(),
        scope: identity.scope.clone(),
        user_id: None,
        created_at: now_ms,
        expires_at: identity.expires_at_ms,
        last_used_at: Some(now_ms),
        revoked_at: None,
    }
}

/// Who asks where nobody is asked.
fn nobody() -> Identity {
    Identity {
        name: "anybody".to_owned(),
        role: super::ADMIN.to_owned(),
        scope: Vec::new(),
        token_id: String::new(),
        expires_at_ms: i64::MAX,
        via: Via::Nobody,
    }
}

fn too_many(code: &'static str, detail: &str, wait: Duration) -> ServiceError {
    let seconds = wait.as_secs() + 1;
    let detail = format!("{detail}: try again in {seconds} s");
    ServiceError { retry_after_s: Some(seconds), ..ServiceError::new(429, code, detail) }
}

fn unauthorized(detail: String) -> ServiceError {
    ServiceError::new(401, "unauthorized", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_counted_as_one() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
            ("", ""),
        ] {
            let peer = Peer { address: address.into(), ..Peer::default() };
            assert_eq!(peer.network(), network);
        }
    }
}
