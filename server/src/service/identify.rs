//! Who asks: from what a request brings to a [`Caller`].

use std::sync::Arc;

use super::{Caller, Service, ServiceError};
use crate::auth::{Access, Audience, Identity, Role, Via};
use crate::config::parse_role;

/// What a request brings to say who it is from.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// A bearer token.
    Bearer(&'a str),
    /// The token in the session cookie.
    Session(&'a str),
}

impl Credential<'_> {
    /// Whether a browser sends it by itself, whoever made it ask.
    #[must_use]
    pub fn is_ambient(self) -> bool {
        matches!(self, Self::Session(_))
    }
}

impl Service {
    /// The service as the one who brings `credential` may use it.
    ///
    /// # Errors
    /// 401 when it is not valid, or no longer.
    pub fn identify(self: &Arc<Self>, credential: Credential<'_>) -> Result<Caller, ServiceError> {
        let (token, audience) = match credential {
            Credential::Bearer(token) => (token, Audience::Api),
            Credential::Session(token) => (token, Audience::Session),
        };
        let identity = self
            .tokens
            .verify(token, audience, self.now())
            .map_err(|error| unauthorized(error.to_string()))?;
        let access = self.access_of(&identity)?;
        Ok(Caller::new(Arc::clone(self), identity, access))
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

fn unauthorized(detail: String) -> ServiceError {
    ServiceError::new(401, "unauthorized", detail)
}

impl From<Via> for &'static str {
    fn from(via: Via) -> Self {
        match via {
            Via::Session => "session",
            Via::Bearer => "token",
        }
    }
}
