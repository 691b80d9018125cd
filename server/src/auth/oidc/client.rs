//! The provider as its discovery document has it, and ourselves as its client.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, ProviderMetadataWithLogout, RedirectUrl,
    StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{OidcError, OidcProvider};

/// So long a sign-in begins, and ends, by what was read before.
const GOOD_FOR: Duration = Duration::from_secs(600);

/// Every claim that the standard does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Others {
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
pub(super) type Client = openidconnect::Client<
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

/// Signatures with a key pair: a shared secret would let whoever reads our configuration vouch.
pub(super) const SIGNATURES: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

impl OidcProvider {
    /// The provider as its discovery document had it a short time ago.
    pub(super) async fn recent(
        &self,
        now: SystemTime,
    ) -> Result<Arc<ProviderMetadataWithLogout>, OidcError> {
        let known = self.known.read().clone();
        let is_fresh = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age <= GOOD_FOR);
        match known {
            Some((at, metadata)) if is_fresh(at) => Ok(metadata),
            _ => self.discover(now).await,
        }
    }

    /// The provider as its discovery document has it now.
    pub(super) async fn discover(
        &self,
        now: SystemTime,
    ) -> Result<Arc<ProviderMetadataWithLogout>, OidcError> {
        let unavailable = |error: &dyn std::fmt::Display| OidcError::Unavailable(error.to_string());
        let issuer =
            IssuerUrl::new(self.config.issuer.clone()).map_err(|error| unavailable(&error))?;
        let found = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await;
        let found = Arc::new(found.map_err(|error| unavailable(&Chain(&error)))?);
        *self.known.write() = Some((now, Arc::clone(&found)));
        Ok(found)
    }

    /// Ourselves, as this provider knows us.
    pub(super) fn client(
        &self,
        metadata: &ProviderMetadataWithLogout,
    ) -> Result<Client, OidcError> {
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

pub(super) fn as_map(claims: &impl Serialize) -> Map<String, Value> {
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
