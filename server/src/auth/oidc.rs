//! Signing in at an OpenID Connect provider: authorization code with PKCE.
//!
//! What binds the two halves together ([`Flow`]) goes with the browser, sealed by the caller: state,
//! nonce and the verifier of the code are good for one browser and ten minutes. What the provider is
//! (its addresses and keys) is read from its discovery document, and kept for a while ([`discovery`]).

mod client;
mod discovery;
mod sign_out;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openidconnect::core::{CoreAuthenticationFlow, CoreGenderClaim, CoreIdTokenVerifier};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, CsrfToken, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RequestTokenError, Scope,
    TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use client::{Client, Others, SIGNATURES, as_map};
use discovery::Discovery;

use super::outbound::{Outbound, OutboundError, SharedOutbound};
use super::role_map::map_role;
use crate::config::OidcConfig;

/// Between the two halves.
pub const FLOW_TTL: Duration = Duration::from_secs(600);
/// A name of ours has no more characters.
const MAX_NAME_CHARS: usize = 100;

/// Why somebody is not signed in by the provider.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider does not answer, or says nothing that can be used.
    #[error("the provider cannot be asked: {0}")]
    Unavailable(String),
    /// The provider does not take the code: it was used, or is of another browser.
    #[error("the provider refuses the code: {0}")]
    Code(String),
    /// Its token is not good.
    #[error("the provider's token is not good: {0}")]
    Token(String),
}

/// What the second half needs of the first. It is a secret of the browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// What the provider must hand back.
    pub state: String,
    nonce: String,
    verifier: String,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
}

/// Somebody whom the provider vouches for.
#[derive(Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Who it is there, for ever.
    pub subject: String,
    /// What they are called there.
    pub name: String,
    /// What their groups lead to; `None` when to nothing.
    pub role: Option<String>,
    /// The token that says so: who is to be signed out there is told by it.
    pub id_token: String,
}

/// A provider of sign-ins.
#[derive(Debug)]
pub struct OidcProvider {
    config: OidcConfig,
    http: Outbound,
    discovery: Discovery,
}

impl OidcProvider {
    /// The provider that `config` names. It is asked when somebody signs in.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: OidcConfig, shared: &SharedOutbound) -> Result<Self, OutboundError> {
        Ok(Self { config, http: shared.get()?, discovery: Discovery::default() })
    }

    /// What people know it as.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.config.label
    }

    /// Its name for those who come from it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// The first half: the address to send the browser to, and what to keep with it.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn begin(&self, now: SystemTime) -> Result<(String, Flow), OidcError> {
        let metadata = self.metadata(now).await?;
        let client = self.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let expires_at = now.duration_since(UNIX_EPOCH).unwrap_or_default() + FLOW_TTL;
        let flow = Flow {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            expires_at: i64::try_from(expires_at.as_millis()).unwrap_or(i64::MAX),
        };
        Ok((url.into(), flow))
    }

    /// The second half: whom the provider vouches for. Whether `flow` is that of this browser and
    /// still good is for the caller to see to.
    ///
    /// # Errors
    /// When the provider cannot be asked, refuses the code, or gives a token that is not good.
    pub async fn finish(
        &self,
        flow: &Flow,
        code: String,
        now: SystemTime,
    ) -> Result<Vouched, OidcError> {
        let metadata = self.metadata(now).await?;
        let mut client = self.client(&metadata)?;
        let bad = |why: &dyn std::fmt::Display| OidcError::Token(why.to_string());
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| OidcError::Unavailable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(response) => {
                    OidcError::Code(response.to_string())
                }
                RequestTokenError::Request(error) => OidcError::Unavailable(error.to_string()),
                RequestTokenError::Parse(error, _) => bad(&error),
                RequestTokenError::Other(error) => bad(&error),
            })?;
        let token = answer.id_token().ok_or_else(|| bad(&"there is no id_token"))?;
        let nonce = Nonce::new(flow.nonce.clone());
        let signed = token.claims(&verifier_of(&client, now), &nonce);
        if let Err(ClaimsVerificationError::SignatureVerification(_)) = signed
            && let Some(newer) = self.newer_metadata(&metadata, now).await?
        {
            // It signs with a key that it had not, or had another one, when it was asked.
            client = self.client(&newer)?;
        }
        let verifier = verifier_of(&client, now);
        let claims = token.claims(&verifier, &nonce).map_err(|error| bad(&error))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| bad(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| bad(&error))?;
            let hash = AccessTokenHash::from_token(answer.access_token(), algorithm, key);
            if hash.map_err(|error| bad(&error))? != *expected {
                return Err(bad(&"the access token is another one (at_hash)"));
            }
        }
        let subject = claims.subject().clone();
        let mut said = as_map(claims);
        let wanted = [&self.config.groups_claim, &self.config.name_claim];
        if client.user_info_url().is_some() && wanted.iter().any(|name| !said.contains_key(*name)) {
            // Many providers keep the token small, and tell the rest when they are asked.
            let request = client
                .user_info(answer.access_token().clone(), Some(subject.clone()))
                .map_err(|error| OidcError::Unavailable(error.to_string()))?;
            let more: UserInfoClaims<Others, CoreGenderClaim> =
                request.request_async(&self.http).await.map_err(|error| bad(&error))?;
            for (name, value) in as_map(&more) {
                said.entry(name).or_insert(value);
            }
        }
        let id_token = token.to_string();
        Ok(Vouched { id_token, ..self.vouched(subject.as_str(), &said) })
    }

    fn vouched(&self, subject: &str, said: &Map<String, Value>) -> Vouched {
        let OidcConfig { name_claim, groups_claim, roles, .. } = &self.config;
        let names = [name_claim, "preferred_username", "email"];
        let mut names = names.iter().filter_map(|name| said.get(*name)?.as_str());
        let is_name = |name: &&str| !name.trim().is_empty() && !name.chars().any(char::is_control);
        let name = names.find(is_name).unwrap_or(subject).trim();
        Vouched {
            subject: subject.to_owned(),
            name: name.chars().take(MAX_NAME_CHARS).collect(),
            role: map_role(said.get(groups_claim), roles),
            id_token: String::new(),
        }
    }
}

/// Checks tokens of the provider at this time.
fn verifier_of(client: &Client, now: SystemTime) -> CoreIdTokenVerifier<'_> {
    client.id_token_verifier().set_allowed_algs(SIGNATURES).set_time_fn(move || now.into())
}

#[cfg(test)]
mod tests;
