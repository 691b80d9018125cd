//! Signing in at an OpenID Connect provider: authorization code with PKCE.
//!
//! What binds the two halves together ([`Flow`]) goes with the browser, sealed by the caller: state,
//! nonce and the verifier of the code are good for one browser and ten minutes. What the provider is
//! (its addresses and keys) is read from its discovery document, for every second half anew, so that
//! a key that was changed or taken out counts at once.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
    UserInfoClaims,
};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::outbound::{Outbound, OutboundError};
use super::role_map::map_role;
use crate::config::OidcConfig;

/// Between the two halves.
pub const FLOW_TTL: Duration = Duration::from_secs(600);
/// So long the first half goes by what was read before.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// A name of ours has no more characters.
const MAX_NAME_CHARS: usize = 100;

/// Every claim that the standard does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Others {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Who it is there, for ever.
    pub subject: String,
    /// What they are called there.
    pub name: String,
    /// What their groups lead to; `None` when to nothing.
    pub role: Option<String>,
}

/// A provider of sign-ins.
#[derive(Debug)]
pub struct OidcProvider {
    config: OidcConfig,
    http: Outbound,
    known: RwLock<Option<(SystemTime, Arc<CoreProviderMetadata>)>>,
}

impl OidcProvider {
    /// The provider that `config` names. It is asked when somebody signs in.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: OidcConfig) -> Result<Self, OutboundError> {
        Ok(Self { config, http: Outbound::new()?, known: RwLock::default() })
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
        let known = self.known.read().clone();
        let is_fresh = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age <= GOOD_FOR);
        let metadata = match known {
            Some((at, metadata)) if is_fresh(at) => metadata,
            _ => self.discover(now).await?,
        };
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
        let metadata = self.discover(now).await?;
        let client = self.client(&metadata)?;
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
        let verifier =
            client.id_token_verifier().set_allowed_algs(SIGNATURES).set_time_fn(move || now.into());
        let nonce = Nonce::new(flow.nonce.clone());
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
        Ok(self.vouched(subject.as_str(), &said))
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
        }
    }

    async fn discover(&self, now: SystemTime) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let unavailable = |error: &dyn std::fmt::Display| OidcError::Unavailable(error.to_string());
        let issuer =
            IssuerUrl::new(self.config.issuer.clone()).map_err(|error| unavailable(&error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http).await;
        let found = Arc::new(found.map_err(|error| unavailable(&Chain(&error)))?);
        *self.known.write() = Some((now, Arc::clone(&found)));
        Ok(found)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Result<Client, OidcError> {
        let secret = self.config.client_secret.as_ref();
        let client = Client::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.text().to_owned())),
        );
        let back = RedirectUrl::new(format!("{}/sign-in/callback", self.config.public_url))
            .map_err(|error| OidcError::Unavailable(error.to_string()))?;
        let takes = metadata.token_endpoint_auth_methods_supported();
        let only_in_body = takes.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let auth = if only_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(back).set_auth_type(auth))
    }
}

/// Signatures with a key pair: a shared secret would let whoever reads our configuration vouch.
const SIGNATURES: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

fn as_map(claims: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// An error with what caused it.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RoleMapping;

    fn vouched(said: &Value) -> Vouched {
        let config = OidcConfig {
            issuer: "https://id.example".into(),
            client_id: "runyard".into(),
            client_secret: None,
            public_url: "https://runyard.example".into(),
            scopes: vec![],
            name_claim: "nick".into(),
            groups_claim: "groups".into(),
            roles: RoleMapping {
                map: vec![("ops".into(), "operator".into()), ("staff".into(), "viewer".into())],
                default: None,
            },
            label: "Example".into(),
        };
        let provider = OidcProvider::new(config).unwrap();
        provider.vouched("7", said.as_object().unwrap())
    }

    #[test]
    fn claims_are_a_name_and_a_role() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (said, name, role) in [
            (
                r#"{"nick":"ada","preferred_username":"x","groups":["staff","ops"]}"#,
                "ada",
                Some("operator"),
            ),
            (r#"{"preferred_username":"ada","groups":"cooks staff"}"#, "ada", Some("viewer")),
            (r#"{"email":"ada@id.example","groups":["cooks"]}"#, "ada@id.example", None),
            (r#"{"nick":" ","email":"a\nb","groups":[7]}"#, "7", None),
        ] {
            let vouched = vouched(&json(said));
            assert_eq!((vouched.name.as_str(), vouched.role.as_deref()), (name, role), "{said}");
            assert_eq!(vouched.subject, "7");
        }
    }
}
